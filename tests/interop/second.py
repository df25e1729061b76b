"""A second implementation of FORMAT.md: it reads what s3-ssec wrote, and writes what s3-ssec reads.

Usage: second.py new master|direct NEW_KEY_FILE        a fresh key
       second.py words KEY_FILE                        its first key as 24 words with the fingerprint
       second.py from-words WORDS_FILE NEW_KEY_FILE    and back
       second.py split KEY_FILE N K                    as N shares, of which K restore it
       second.py from-shares NEW_KEY_FILE SHARE_FILE...
       second.py seal KEY_FILE BUCKET OBJECT_KEY FILE  headers and tag for an upload of this content
       second.py check KEY_FILE BUCKET OBJECT_KEY TAG FILE   is this the content that was described?

Beside it stands `recover.py`, the tool of last resort, whose reading of key files, names and records is used
here. Digests of large contents take long: the BLAKE3 is that of the test vectors, in plain Python.
HKDF and HMAC come from `cryptography`, so that no line of them is shared with recover.py.
"""

import base64
import hashlib
import json
import os
import secrets
import sys
import time
from pathlib import Path

from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "vectors"))
sys.dont_write_bytecode = True
import blake3_reference  # noqa: E402
import recover  # noqa: E402

WORDS = (HERE / "english.txt").read_text(encoding="ascii").split()
KINDS = {"m": "master", "d": "direct"}
SHARE = "s3-ssec-share"


def expand(key, label, context=b""):
    """X(l, c)."""
    info = b"s3-ssec/v1/" + label + b"\0" + context
    return HKDF(hashes.SHA256(), length=32, salt=b"s3-ssec/v1", info=info).derive(key)


def fingerprint(kind, key):
    return hashlib.sha256(b"s3-ssec/v1/fingerprint\0" + kind.encode() + key).hexdigest()[:16]


# --- Bech32m ----------------------------------------------------------------------------------------


def checksum(prefix, values):
    check = 1
    for value in [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix] + values:
        top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ value
        for bit, term in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= term if top >> bit & 1 else 0
    return check


def to_bech32m(prefix, data):
    spare = -8 * len(data) % 5
    number, groups = int.from_bytes(data, "big") << spare, (8 * len(data) + spare) // 5
    values = [number >> 5 * at & 31 for at in reversed(range(groups))]
    check = checksum(prefix, values + [0] * 6) ^ 0x2BC830A3
    values += [check >> 5 * at & 31 for at in reversed(range(6))]
    return prefix + "1" + "".join(recover.LETTERS[value] for value in values)


def from_bech32m(prefix, text):
    text = "".join(text.split()).lower()
    if not text.startswith(prefix + "1"):
        raise SystemExit(f"this is no {prefix}")
    values = [recover.LETTERS.find(letter) for letter in text[len(prefix) + 1:]]
    if -1 in values or checksum(prefix, values) != 0x2BC830A3:
        raise SystemExit(f"a {prefix} has a typing error")
    number, bits = 0, 5 * (len(values) - 6)
    for value in values[:-6]:
        number = number << 5 | value
    return (number >> bits % 8).to_bytes(bits // 8, "big")


# --- keys -------------------------------------------------------------------------------------------


def write_key_file(path, kind, key):
    line = to_bech32m(f"s3-ssec-{KINDS[kind]}", key)
    text = f"# of another program\ns3-ssec-keys 1\nkey {line}\nlabel another program\ncreated {today()}\n"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def today():
    return time.strftime("%Y-%m-%d", time.gmtime())


def writer(path):
    """Kind and bytes of the first key."""
    return next(iter(recover.keys(path)))


def kind_of(key, wanted):
    """The kind whose fingerprint begins with these bytes."""
    for kind in KINDS:
        if bytes.fromhex(fingerprint(kind, key)).startswith(wanted):
            return kind
    raise SystemExit("this is another key than the one that was backed up")


def words(path):
    kind, key = writer(path)
    bits = int.from_bytes(key + hashlib.sha256(key).digest()[:1], "big")
    print(" ".join(WORDS[bits >> 11 * place & 2047] for place in reversed(range(24))))
    print(f"fingerprint {fingerprint(kind, key)}")


def from_words(path, new):
    tokens = Path(path).read_text(encoding="ascii").lower().replace(",", " ").split()
    *_, wanted = [token for token in tokens if len(token) == 16]
    found = [WORDS.index(token) for token in tokens if token in WORDS]
    if len(found) != 24:
        raise SystemExit(f"these are {len(found)} words of the list, and a key has 24")
    number = 0
    for place in found:
        number = number << 11 | place
    raw = number.to_bytes(33, "big")
    key, check = raw[:32], raw[32:]
    if hashlib.sha256(key).digest()[:1] != check:
        raise SystemExit("the words do not belong together")
    write_key_file(new, kind_of(key, bytes.fromhex(wanted)), key)


# --- shares -----------------------------------------------------------------------------------------


def times(a, b):
    """GF(256), x^8 + x^4 + x^3 + x + 1."""
    product = 0
    for bit in range(8):
        if b >> bit & 1:
            product ^= a << bit
    for bit in reversed(range(8, 15)):
        if product >> bit & 1:
            product ^= 0x11B << bit - 8
    return product


def inverse(a):
    return next(b for b in range(1, 256) if times(a, b) == 1)


def split(path, number, threshold):
    kind, key = writer(path)
    secret = key + bytes.fromhex(fingerprint(kind, key))[:6]
    name = secrets.token_bytes(3)
    coefficients = [secret, *(secrets.token_bytes(len(secret)) for _ in range(int(threshold) - 1))]
    for index in range(1, int(number) + 1):
        value = bytes(len(secret))
        # Horner's rule, from the highest coefficient down.
        for coefficient in reversed(coefficients):
            value = bytes(times(v, index) ^ c for v, c in zip(value, coefficient))
        print(to_bech32m(SHARE, name + bytes([int(threshold), index]) + value))


def from_shares(new, *paths):
    lines = [line for path in paths for line in Path(path).read_text().splitlines()]
    raw = [from_bech32m(SHARE, line) for line in lines if line.strip() and line[0] != "#"]
    points = {share[4]: share[5:] for share in raw}
    if len({share[:4] for share in raw}) != 1 or len(points) < raw[0][3]:
        raise SystemExit("these shares are not enough, or not of one set")
    secret = bytes(38)
    for index, value in points.items():
        weight = 1
        for other in points:
            if other != index:
                weight = times(weight, times(other, inverse(other ^ index)))
        secret = bytes(s ^ times(weight, v) for s, v in zip(secret, value))
    write_key_file(new, kind_of(secret[:32], secret[32:]), secret[:32])


# --- objects ----------------------------------------------------------------------------------------


def mac(key, name, body):
    tag = hmac.HMAC(expand(key, b"record"), hashes.SHA256())
    tag.update(b"s3-ssec/v1/record\0" + name + body.encode())
    return tag


def masked(key, name, nonce, content, accepted=b""):
    """`accepted`: the letter a and four bytes of time, where the digest is of what a gateway held."""
    digest = blake3_reference.keyed_hash(expand(key, b"content"), content)
    return bytes(a ^ b for a, b in zip(digest, expand(key, b"mask", name + nonce + accepted)))


def seal(path, bucket, object_key, source):
    kind, key = writer(path)
    name, content = recover.name_digest(bucket, object_key), Path(source).read_bytes()
    nonce = int(time.time()).to_bytes(4, "big") + secrets.token_bytes(1)
    shown = fingerprint(kind, key) if kind == "m" else "-"
    body = f"v1.{kind}.{shown}.{nonce.hex()}.{len(content)}.{masked(key, name, nonce, content).hex()}"
    tag = f"{body}.{mac(key, name, body).finalize()[:16].hex()}"
    wire = expand(key, b"object-key", name + nonce) if kind == "m" else key
    values = {"algorithm": "AES256", "key": base64.b64encode(wire).decode(),
              "key-md5": base64.b64encode(hashlib.md5(wire).digest()).decode()}
    headers = {f"x-amz-server-side-encryption-customer-{name}": value for name, value in values.items()}
    print(json.dumps(headers | {"x-amz-tagging": f"s3-ssec={tag}"}))


def check(path, bucket, object_key, tag, source):
    name, content = recover.name_digest(bucket, object_key), Path(source).read_bytes()
    # Finds the key, and refuses a tag that no key of the file made for this name.
    recover.customer_key(path, bucket, object_key, tag)
    body, _, _ = tag.rpartition(".")
    _, kind, _, nonce, size, described, *since = body.split(".")
    nonce, accepted = bytes.fromhex(nonce), b""
    if since:
        accepted = b"a" + bytes.fromhex(since[0].removeprefix("a"))
    for own, key in recover.keys(path):
        if own == kind and mac(key, name, body).finalize()[:16].hex() == tag[-32:]:
            if size != str(len(content)) or masked(key, name, nonce, content, accepted).hex() != described:
                raise SystemExit("this is not the content that was described")
            if since:
                return print(f"verified since it was accepted at {int(since[0][1:], 16)}")
            return print("verified")
    raise SystemExit("the tag is not genuine")


def main(verb, *arguments):
    verbs = {"words": words, "from-words": from_words, "split": split, "from-shares": from_shares,
             "seal": seal, "check": check}
    if verb == "new":
        kind, new = arguments
        return write_key_file(new, kind[0], secrets.token_bytes(32))
    if verb not in verbs:
        raise SystemExit(__doc__)
    return verbs[verb](*arguments)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
