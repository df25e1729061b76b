"""Opens an object without s3-ssec: from a key file, the object's name and its tag alone.

Usage: recover.py KEY_FILE BUCKET OBJECT_KEY TAG > headers

TAG is the value of the object's tag `s3-ssec` (any S3 tool shows it; it is not secret). What is
printed holds the key of this one object: the three headers of SSE-C as JSON, for a GET by any tool that
signs requests. For boto3, SSECustomerKey is the key header decoded from base64.

Written from FORMAT.md, with the standard library alone. The content is not checked against its digest.
"""

import base64
import hashlib
import hmac
import json
import sys

LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
PREFIXES = {"s3-ssec-master": "m", "s3-ssec-direct": "d"}


def bech32m(text):
    """Kind and 32 bytes of a key (BIP 350)."""
    text = "".join(text.split()).lower()
    prefix, _, data = text.rpartition("1")
    values = [LETTERS.index(letter) for letter in data]
    check = 1
    for value in [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix] + values:
        top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ value
        for bit, term in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= term if top >> bit & 1 else 0
    number = 0
    for value in values[:-6]:
        number = number << 5 | value
    spare = 5 * len(values[:-6]) - 256
    if check != 0x2BC830A3 or prefix not in PREFIXES or not 0 <= spare < 5 or number % (1 << spare):
        raise ValueError
    return PREFIXES[prefix], (number >> spare).to_bytes(32, "big")


def keys(path):
    """The keys of a key file of s3-ssec."""
    with open(path, encoding="utf-8") as file:
        lines = [line.strip() for line in file]
    lines = [(number, line) for number, line in enumerate(lines, 1) if line and line[0] != "#"]
    if not lines or lines[0][1].split() != ["s3-ssec-keys", "1"]:
        raise SystemExit(f"{path} is no key file of version 1")
    for number, line in lines[1:]:
        word, _, value = line.partition(" ")
        if word == "key":
            try:
                yield bech32m(value)
            except ValueError:
                raise SystemExit(f"{path}: the key in line {number} is damaged") from None


def sha256(key, text):
    return hmac.new(key, text, hashlib.sha256).digest()


def expand(key, label, context=b""):
    """X(l, c) of FORMAT.md."""
    return sha256(sha256(b"s3-ssec/v1", key), b"s3-ssec/v1/" + label + b"\0" + context + b"\x01")


def name_digest(bucket, object_key):
    parts = [part.encode() for part in (bucket, object_key)]
    enc = b"".join(len(part).to_bytes(2, "big") + part for part in parts)
    return hashlib.sha256(b"s3-ssec/v1/name\0" + enc).digest()


def customer_key(path, bucket, object_key, tag):
    """The key to send, from the key of the file under which the tag is genuine."""
    body, _, mac = tag.rpartition(".")
    fields, name = body.split("."), name_digest(bucket, object_key)
    if fields[0] != "v1" or len(fields) not in (6, 7):
        raise SystemExit("the tag is no record of version 1")
    for kind, key in keys(path):
        genuine = sha256(expand(key, b"record"), b"s3-ssec/v1/record\0" + name + body.encode())
        if kind == fields[1] and hmac.compare_digest(genuine[:16].hex(), mac):
            nonce = bytes.fromhex(fields[3])
            return expand(key, b"object-key", name + nonce) if kind == "m" else key
    raise SystemExit("no key of the file made this tag for an object of this name")


def main(path, bucket, object_key, tag):
    key = customer_key(path, bucket, object_key, tag)
    md5 = hashlib.md5(key).digest()
    values = {"algorithm": "AES256", "key": base64.b64encode(key).decode(),
              "key-md5": base64.b64encode(md5).decode()}
    headers = {f"x-amz-server-side-encryption-customer-{name}": value for name, value in values.items()}
    print(json.dumps(headers))


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
