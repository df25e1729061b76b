#!/usr/bin/env python3
"""Makes the vectors beside it, from the specification and not from the Rust code.

    python3 tests/vectors/make.py           writes the files
    python3 tests/vectors/make.py --check   compares them, writes nothing, fails on a difference

HKDF, HMAC, SHA-256 and MD5 are Python's own; policies are built as plain dictionaries, CORS
documents as text. BLAKE3 is the short implementation in blake3_reference.py. Where the package
`blake3` is installed it is used for the large contents, after both agreed on small ones; without
it this takes about a minute.
"""

import base64
import hashlib
import hmac
import json
import sys
from pathlib import Path

sys.dont_write_bytecode = True
import blake3_reference  # noqa: E402

HERE = Path(__file__).resolve().parent
MIB = 1 << 20

WORDS = (HERE.parent / "interop/english.txt").read_text().split()

try:
    from blake3 import blake3 as fast_blake3
except ImportError:
    fast_blake3 = None


# --- the format, as crates/s3-ssec-core/FORMAT.md has it ------------------------------------------


def enc(text):
    raw = text.encode()
    return len(raw).to_bytes(2, "big") + raw


def name_digest(bucket, object_key):
    return hashlib.sha256(b"s3-ssec/v1/name\0" + enc(bucket) + enc(object_key)).digest()


def expand(key, label, context=b""):
    """X(label, context): RFC 5869 with one block of output."""
    prk = hmac.new(b"s3-ssec/v1", key, hashlib.sha256).digest()
    info = b"s3-ssec/v1/" + label + b"\0" + context
    return hmac.new(prk, info + b"\x01", hashlib.sha256).digest()


def customer_key(kind, key, n, nonce):
    return key if kind == "direct" else expand(key, b"object-key", n + nonce)


def fingerprint(kind, key):
    text = b"s3-ssec/v1/fingerprint\0" + kind[:1].encode() + key
    return hashlib.sha256(text).digest()[:8].hex()


def content_digest(key, content):
    content_key = expand(key, b"content")
    if fast_blake3 is None or len(content) < 5000:
        digest = blake3_reference.keyed_hash(content_key, content)
        if fast_blake3 is not None:
            assert digest == fast_blake3(content, key=content_key).digest()
        return digest
    return fast_blake3(content, key=content_key).digest()


def record(kind, key, n, nonce, content, accepted=None):
    """`accepted`: seconds since 1970 at which the digest was taken from what a gateway held."""
    fp = fingerprint(kind, key) if kind == "master" else "-"
    if content is None:
        size, sealed = "-", "-"
    else:
        context = b"" if accepted is None else b"a" + accepted.to_bytes(4, "big")
        mask = expand(key, b"mask", n + nonce + context)
        digest = content_digest(key, content)
        size, sealed = len(content), bytes(a ^ b for a, b in zip(digest, mask)).hex()
    body = f"v1.{kind[:1]}.{fp}.{nonce.hex()}.{size}.{sealed}"
    if accepted is not None:
        body += f".a{accepted:08x}"
    return f"{body}.{mac_of(key, n, body)}"


def mac_of(key, n, body):
    text = b"s3-ssec/v1/record\0" + n + body.encode()
    return hmac.new(expand(key, b"record"), text, hashlib.sha256).digest()[:16].hex()


LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def bech32m(prefix, data):
    """BIP 350."""
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 5)
    values = [int(bits[at:at + 5], 2) for at in range(0, len(bits), 5)]
    spread = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    check = 1
    for value in spread + values + [0] * 6:
        top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ value
        for bit, term in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= term if top >> bit & 1 else 0
    check ^= 0x2BC830A3
    values += [check >> 5 * (5 - at) & 31 for at in range(6)]
    return prefix + "1" + "".join(LETTERS[value] for value in values)


def words_of(key):
    """BIP-39 in English."""
    bits = int.from_bytes(key + hashlib.sha256(key).digest()[:1], "big")
    return [WORDS[bits >> 11 * (23 - place) & 2047] for place in range(24)]


def times(a, b):
    """The product in GF(256) with the polynomial of AES."""
    product = 0
    while b:
        product ^= a if b & 1 else 0
        a, b = a << 1 ^ (0x11B if a & 0x80 else 0), b >> 1
    return product


def shares_of(kind, key, number, threshold, randomness):
    """Three bytes name the set, then come the coefficients of each byte, from a1 on."""
    secret = key + bytes.fromhex(fingerprint(kind, key))[:6]
    name, degree = randomness[:3], threshold - 1
    for index in range(1, number + 1):
        points = []
        for place, byte in enumerate(secret):
            value, power = byte, 1
            for coefficient in randomness[3 + place * degree:3 + (place + 1) * degree]:
                power = times(power, index)
                value ^= times(coefficient, power)
            points.append(value)
        yield bech32m("s3-ssec-share", name + bytes([threshold, index]) + bytes(points))


def pattern(size):
    """Byte i is i mod 251."""
    return (bytes(range(251)) * (size // 251 + 1))[:size]


# --- inputs ---------------------------------------------------------------------------------------

COUNTING = bytes(range(32))
CEPH_1 = base64.b64decode("pO3upElrwuEXSoFwCfnZPdSsmt/xWeFa0N9KgDijwVs=")
CEPH_2 = base64.b64decode("6b+WOZ1T3cqZMxgThRcXAQBrS5mXKdDUphvpxptl9/4=")
BUCKET = "research-data"
OBJECT = "Größe/a b+c%.bin"
NONCE = bytes.fromhex("6b043d805a")
DAWN = b"attack at dawn\n"
ACCEPTED = 0x6B043DFF


def backed_up():
    """Kinds and keys."""
    return [(kind, key) for key in (COUNTING, CEPH_1, bytes(32), b"\xff" * 32)
            for kind in ("master", "direct")]


def words():
    for kind, key in backed_up():
        yield {"kind": kind, "key": key.hex(), "fingerprint": fingerprint(kind, key),
               "line": bech32m(f"s3-ssec-{kind}", key), "words": " ".join(words_of(key))}


def shares():
    for at, (kind, key) in enumerate(backed_up()):
        for number, threshold in [(2, 2), (3, 2), (5, 3), (7, 7)]:
            length = 3 + 38 * (threshold - 1)
            randomness = hashlib.shake_128(bytes([at, number, threshold])).digest(length)
            yield {"kind": kind, "key": key.hex(), "threshold": threshold,
                   "random": randomness.hex(),
                   "shares": list(shares_of(kind, key, number, threshold, randomness))}


def derivation():
    names = [
        (BUCKET, OBJECT, NONCE),
        (BUCKET, OBJECT, bytes.fromhex("6b043d805b")),
        ("abc", "def", NONCE),
        ("abcd", "ef", NONCE),
        ("a" * 255, "x" * 1024, bytes(5)),
        ("bucket", "a//b/../\u00e9", b"\xff" * 5),
        ("bucket", "a//b/../e\u0301", b"\xff" * 5),
    ]
    for kind, key in [("master", COUNTING), ("direct", COUNTING), ("master", b"\xff" * 32)]:
        for bucket, object_key, nonce in names:
            n = name_digest(bucket, object_key)
            yield {
                "kind": kind,
                "key": key.hex(),
                "bucket": bucket,
                "object_key": object_key,
                "nonce": nonce.hex(),
                "fingerprint": fingerprint(kind, key),
                "name_digest": n.hex(),
                "customer_key": customer_key(kind, key, n, nonce).hex(),
            }


def genuine_records():
    n = name_digest(BUCKET, OBJECT)
    for kind, key in [("master", COUNTING), ("direct", COUNTING), ("direct", CEPH_1)]:
        for content in [None, b"", b"a", DAWN, pattern(5 * 1024)]:
            yield {
                "kind": kind,
                "key": key.hex(),
                "bucket": BUCKET,
                "object_key": OBJECT,
                "nonce": NONCE.hex(),
                "content": None if content is None else content_of(content),
                "tag": record(kind, key, n, NONCE, content),
            }
        for content, time in [(b"", 0), (DAWN, ACCEPTED), (pattern(5 * 1024), (1 << 32) - 1)]:
            yield {
                "kind": kind,
                "key": key.hex(),
                "bucket": BUCKET,
                "object_key": OBJECT,
                "nonce": NONCE.hex(),
                "content": content_of(content),
                "accepted": time,
                "tag": record(kind, key, n, NONCE, content, time),
            }


def content_of(content):
    """Short contents as text, longer ones by the size of their pattern."""
    if len(content) < 100:
        return {"text": content.decode()}
    assert content == pattern(len(content))
    return {"pattern": len(content)}


def refused_records():
    n = name_digest(BUCKET, OBJECT)
    whole = record("master", COUNTING, n, NONCE, DAWN)
    pending = record("master", COUNTING, n, NONCE, None)
    direct = record("direct", COUNTING, n, NONCE, DAWN)
    head, mac = whole.rsplit(".", 1)
    _, kind, fp, nonce, size, sealed, _ = whole.split(".")

    def with_fields(version="v1", kind=kind, fp=fp, nonce=nonce, size=size, sealed=sealed):
        return f"{version}.{kind}.{fp}.{nonce}.{size}.{sealed}.{mac}"

    assert with_fields() == whole
    flipped = head + "." + ("0" if mac[0] != "0" else "1") + mac[1:]
    accepted = record("master", COUNTING, n, NONCE, DAWN, ACCEPTED)
    since, accepted_mac = accepted.split(".")[6:]
    other = name_digest(BUCKET, "other")

    def accepted_with(since=since, body=head, mac=accepted_mac):
        return f"{body}.{since}.{mac}"

    def genuine(body):
        return f"{body}.{mac_of(COUNTING, n, body)}"

    assert accepted_with(body=accepted.rsplit(".", 2)[0]) == accepted
    for why, tag, answer in [
        ("empty", "", "malformed"),
        ("version alone", "v1", "malformed"),
        ("text", "hello", "malformed"),
        ("upper-case MAC", f"{head}.{mac.upper()}", "malformed"),
        ("upper-case fingerprint", with_fields(fp=fp.upper()), "malformed"),
        ("upper-case digest", with_fields(sealed=sealed.upper()), "malformed"),
        ("upper-case version", "V" + whole[1:], "malformed"),
        ("one field more", whole + ".0", "malformed"),
        ("trailing space", whole + " ", "malformed"),
        ("trailing newline", whole + "\n", "malformed"),
        ("leading space", " " + whole, "malformed"),
        ("size with a leading zero", with_fields(size="015"), "malformed"),
        ("size with a sign", with_fields(size="+15"), "malformed"),
        ("empty size", with_fields(size=""), "malformed"),
        ("size in other digits", with_fields(size="\u0661\u0665"), "malformed"),
        ("size of 65 bits", with_fields(size=str(1 << 64)), "malformed"),
        ("digest without size", with_fields(size="-"), "malformed"),
        ("size without digest", with_fields(sealed="-"), "malformed"),
        ("short digest", with_fields(sealed=sealed[2:]), "malformed"),
        ("short nonce", with_fields(nonce=nonce[2:]), "malformed"),
        ("short MAC", whole[:-2], "malformed"),
        ("master record without fingerprint", with_fields(fp="-"), "malformed"),
        ("direct record with fingerprint", with_fields(kind="d"), "malformed"),
        ("unknown kind", with_fields(kind="x"), "malformed"),
        ("version that is no number", with_fields(version="v1a"), "malformed"),
        ("version 2", with_fields(version="v2"), "newer"),
        ("version 10, otherwise unknown", "v10.anything at all", "newer"),
        ("altered MAC", flipped, "foreign"),
        ("altered size", with_fields(size="16"), "foreign"),
        ("altered nonce", with_fields(nonce="6b043d805b"), "foreign"),
        ("altered digest", with_fields(sealed=sealed[:-1] + "0"), "foreign"),
        ("digest removed, MAC kept", with_fields(size="-", sealed="-"), "foreign"),
        ("digest added, MAC kept", pending.replace("-.-", f"{size}.{sealed}"), "foreign"),
        ("made with the same bytes as a direct key", direct, "foreign"),
        ("made with another key", record("master", CEPH_1, n, NONCE, DAWN), "foreign"),
        ("made for another name",
         record("master", COUNTING, name_digest(BUCKET, "other"), NONCE, DAWN), "foreign"),
        ("made for another bucket",
         record("master", COUNTING, name_digest("research-date", OBJECT), NONCE, DAWN), "foreign"),
        ("made for the bucket with its tenant",
         record("master", COUNTING, name_digest("tenant:" + BUCKET, OBJECT), NONCE, DAWN), "foreign"),
        ("pending, of another name", record("master", COUNTING, other, NONCE, None), "foreign"),
        ("pending, MAC of the complete record", f"{pending.rsplit('.', 1)[0]}.{mac}", "foreign"),
        ("MAC of 8 bytes", whole[:-16], "malformed"),
        ("MAC of 15 bytes and a zero", whole[:-2] + "00", "foreign"),
        ("MAC of 32 bytes", whole + mac, "malformed"),
        ("empty MAC", head + ".", "malformed"),
        ("MAC of zeros", head + "." + "0" * 32, "foreign"),
        ("letter of a direct key, MAC of the master's", with_fields(kind="d", fp="-"), "foreign"),
        ("version 0", with_fields(version="v0"), "newer"),
        ("version 01", with_fields(version="v01"), "newer"),
        ("no version letter", with_fields(version="1"), "malformed"),
        ("of a source, MAC of the accepted one", with_fields()[:-32] + accepted_mac, "foreign"),
        ("accepted, MAC of the source's", f"{head}.{since}.{mac}", "foreign"),
        ("accepted at another time", accepted.replace(since, "a6b043dfe"), "foreign"),
        ("accepted, its field removed", accepted.replace("." + since, ""), "foreign"),
        ("accepted, with the digest of the source's record", accepted_with(), "foreign"),
        ("accepted, for another name", record("master", COUNTING, other, NONCE, DAWN, ACCEPTED),
         "foreign"),
        ("accepted, under a direct key", record("direct", COUNTING, n, NONCE, DAWN, ACCEPTED),
         "foreign"),
        ("pending with the field", genuine(pending.rsplit(".", 1)[0] + "." + since), "malformed"),
        ("another letter", genuine(head + ".b" + since[1:]), "malformed"),
        ("upper-case letter", genuine(head + ".A" + since[1:]), "malformed"),
        ("time in upper case", genuine(head + "." + since[:-1].upper() + "F"), "malformed"),
        ("time of 3 bytes", genuine(head + "." + since[:-2]), "malformed"),
        ("time of 5 bytes", genuine(head + "." + since + "00"), "malformed"),
        ("no time", genuine(head + ".a"), "malformed"),
        ("the field twice", genuine(head + "." + since + "." + since), "malformed"),
        ("the field first", genuine(head.replace("v1.", f"v1.{since}.")), "malformed"),
    ]:
        yield {"why": why, "tag": tag, "answer": answer}


def digests():
    sizes = [0, 1, 63, 64, 65, 1023, 1024, 1025, 4 * MIB - 1, 4 * MIB, 4 * MIB + 1, 9 * MIB]
    for kind, key, wanted in [
        ("master", COUNTING, sizes),
        ("direct", COUNTING, [0, 1]),
        ("direct", CEPH_2, [0, 1, 4 * MIB + 1]),
    ]:
        for size in wanted:
            digest = content_digest(key, pattern(size))
            yield {"kind": kind, "key": key.hex(), "size": size, "digest": digest.hex()}


def headers():
    names = ["algorithm", "key", "key-md5"]
    target = "x-amz-server-side-encryption-customer-"
    source = "x-amz-copy-source-server-side-encryption-customer-"
    for key in [CEPH_1, CEPH_2, COUNTING, bytes(32), b"\xff" * 32]:
        md5 = base64.b64encode(hashlib.md5(key).digest()).decode()
        values = ["AES256", base64.b64encode(key).decode(), md5]
        yield {
            "key": key.hex(),
            "target": {target + name: value for name, value in zip(names, values)},
            "source": {source + name: value for name, value in zip(names, values)},
        }


def nonces():
    for seconds, random, last, nonce in [
        (0x6B043D80, 0x5A, None, "6b043d805a"),
        (0, 0, None, "0000000000"),
        (0x6B043D80, 0x10, "6b043d805a", "6b043d805b"),
        (0x6B043D80, 0xFF, "6b043d805a", "6b043d80ff"),
        (0x6B043D81, 0x00, "6b043d805a", "6b043d8100"),
        (5, 5, "6b043d80ff", "6b043d8100"),
        ((1 << 32) - 1, 0xFF, None, "ffffffffff"),
        (1 << 32, 0, None, "ffffffff00"),
        ((1 << 64) - 1, 7, None, "ffffffff07"),
    ]:
        yield {"unix_seconds": str(seconds), "random": random, "last": last, "nonce": nonce}


def names():
    for text in ["abc", "research-data", "a.b-c", "Old_Bucket1", "a" * 255]:
        yield {"what": "bucket", "text": text, "good": True}
    for text in ["", "ab", "-abc", "abc-", "a/b", "a b", "a..b", "größe", "tenant:b", "a" * 256]:
        yield {"what": "bucket", "text": text, "good": False}
    for text in ["a", "/a", "a//b", "../x", "Größe/a b+c%.bin", "\u0000", " ", "x" * 1024]:
        yield {"what": "object_key", "text": text, "good": True}
    for text in ["", "x" * 1025, "ü" * 513]:
        yield {"what": "object_key", "text": text, "good": False}
    for text in ["s3://bucket/a//b c", "s3://bucket//", "s3://bucket/ä?#%"]:
        yield {"what": "address", "text": text, "good": True}
    for text in ["bucket/key", "s3:/bucket/key", "S3://bucket/k", "s3:///key", "s3://b/k", "s3://bucket"]:
        yield {"what": "address", "text": text, "good": False}


# --- policies -------------------------------------------------------------------------------------

CONDITION = "s3:x-amz-server-side-encryption-customer-algorithm"


def statement(rule, bucket, prefix=""):
    objects = f"arn:aws:s3:::{bucket}/{prefix}*"
    sid, action, condition = {
        "require-ssec": ("S3SsecRequireCustomerKey", "s3:PutObject",
                         {"StringNotEqualsIfExists": {CONDITION: "AES256"}}),
        "block-ssec": ("S3SsecBlockCustomerKey", "s3:PutObject", {"StringLike": {CONDITION: "*"}}),
        "require-tls": ("S3SsecRequireTls", "s3:*",
                        {"BoolIfExists": {"aws:SecureTransport": "false"}}),
    }[rule]
    whole = rule == "require-tls" and not prefix
    return {
        "Sid": sid,
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Resource": [f"arn:aws:s3:::{bucket}", objects] if whole else objects,
        "Condition": condition,
    }


def policies():
    def case(why, existing, steps, after):
        lines = json.dumps(after, indent=2, ensure_ascii=False).split("\n")
        steps = [dict(zip(["do", "rule", "prefix"], step)) for step in steps]
        return {"why": why, "bucket": BUCKET, "existing": existing, "steps": steps, "after": lines}

    def document(*statements, version="2012-10-17"):
        return {"Version": version, "Statement": list(statements)}

    for rule in ["require-ssec", "block-ssec", "require-tls"]:
        ours = statement(rule, BUCKET)
        yield case(f"{rule} in an empty bucket", None, [("apply", rule, "")], document(ours))
        trial = statement(rule, BUCKET, ".s3-ssec/")
        yield case(f"{rule} narrowed", None, [("apply", rule, ".s3-ssec/")], document(trial))
        steps = [("apply", rule, ".s3-ssec/"), ("apply", rule, "")]
        yield case(f"{rule} narrowed, then widened", None, steps, document(ours))
    foreign = {"Sid": "öffentlich", "NewField": [1, None, {"b": True, "a": 0.5}], "Effect": "Allow",
               "Principal": {"AWS": ["arn:aws:iam:::user/lab"]}, "Action": "s3:GetObject",
               "Resource": f"arn:aws:s3:::{BUCKET}/*"}
    require, tls = statement("require-ssec", BUCKET), statement("require-tls", BUCKET)
    existing = {"Id": "site", "Version": "2008-10-17", "Statement": [foreign], "Later": {}}
    after = existing | {"Statement": [foreign, require, tls]}
    both = [("apply", "require-ssec", ""), ("apply", "require-tls", "")]
    yield case("two rules beside a foreign statement", existing, both, after)
    removed = both + [("remove", "require-ssec", ""), ("remove", "require-tls", "")]
    yield case("and out again", existing, removed, existing)
    existing = document(require | {"Action": "s3:*"}, foreign, require)
    yield case("an altered statement of ours is repaired where it stands", existing,
               [("apply", "require-ssec", "")], document(require, foreign))
    existing = {"Statement": foreign}
    yield case("a single statement without a version", existing, [("apply", "require-ssec", "")],
               {"Statement": [foreign, require]})
    yield case("a version that is refused", document(foreign, version="2018-05-24"),
               [("apply", "require-ssec", "")], document(foreign, require))
    yield case("an empty document", {}, [("apply", "require-ssec", "")], document(require))


# --- CORS -----------------------------------------------------------------------------------------


def rule(origins, methods, headers=(), max_age=None, exposed=(), rule_id=None):
    """One CORSRule, in the order of the elements in S3's own answers."""
    lines = [] if rule_id is None else [f"    <ID>{rule_id}</ID>"]
    for element, values in [
        ("AllowedOrigin", origins),
        ("AllowedMethod", methods),
        ("AllowedHeader", headers),
        ("MaxAgeSeconds", [] if max_age is None else [max_age]),
        ("ExposeHeader", exposed),
    ]:
        lines += [f"    <{element}>{value}</{element}>" for value in values]
    return ["  <CORSRule>", *lines, "  </CORSRule>"]


OUR_METHODS = ["GET", "PUT", "POST", "HEAD", "DELETE"]
RGW_METHODS = ["GET", "PUT", "DELETE", "HEAD", "POST"]


def ours(origin, methods=OUR_METHODS):
    exposed = [
        "ETag",
        "x-amz-server-side-encryption-customer-algorithm",
        "x-amz-server-side-encryption-customer-key-md5",
        "x-amz-version-id",
        "x-amz-request-id",
        "x-amz-tagging-count",
        "x-amz-delete-marker",
        "Content-Length",
        "Content-Range",
        "Accept-Ranges",
        "Last-Modified",
    ]
    return rule([origin], methods, ["*"], 3000, exposed)


def cors_document(*rules):
    namespace = "http://s3.amazonaws.com/doc/2006-03-01/"
    return [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<CORSConfiguration xmlns="{namespace}">',
        *(line for one in rules for line in one),
        "</CORSConfiguration>",
    ]


def cors():
    app = "https://app.example.org"

    def case(why, origin, before, after, displaced=0):
        return {
            "why": why,
            "origin": origin,
            "existing": cors_document(*before) if before else None,
            "displaced": displaced,
            "after": cors_document(*after),
        }

    yield case("the first rule", app, [], [ours(app)])
    wide = rule(["https://*.example.org"], ["GET"])
    yield case("before a wildcard", app, [wide], [ours(app), wide])
    named = rule(["https://b.org", app], ["GET", "HEAD"], ["x-*"], 5, ["ETag"], "a &amp; b")
    rest = rule(["https://b.org"], ["GET", "HEAD"], ["x-*"], 5, ["ETag"], "a &amp; b")
    yield case("out of a foreign rule", app, [named], [ours(app), rest], 1)
    only = rule([app], ["GET"])
    yield case("in place of a foreign rule", app, [only, wide], [ours(app), wide], 1)
    yield case("twice", app, [ours(app)], [ours(app)])
    yield case("again, in the order of RGW", app, [ours(app, RGW_METHODS)], [ours(app)])
    yield case("an origin as people type it", "HTTPS://App.Example.org:443/", [], [ours(app)])


# --- files ----------------------------------------------------------------------------------------


def pinned():
    """Values that two other programs found when the format was written down."""
    n = name_digest(BUCKET, OBJECT)
    assert n.hex() == "7c7d3c4955f8d7742469fa3d926eb2b1f5cd3db15b39781ab191c441aa98bb69"
    wire = "be2f195f9e4c44aef07c4124b3ce63a17f188455345df946b7fea7589db60af8"
    assert customer_key("master", COUNTING, n, NONCE).hex() == wire
    digest = "ecbfe773e6f23f77b2a68f635cbe66723da8903621d4d30321b7be63666b5d08"
    assert content_digest(COUNTING, DAWN).hex() == digest
    assert record("master", COUNTING, n, NONCE, None) == (
        "v1.m.4816dfc85c4eac7b.6b043d805a.-.-.87e54ee63b80ec54735b1558fac32405")
    assert record("master", COUNTING, n, NONCE, DAWN) == (
        "v1.m.4816dfc85c4eac7b.6b043d805a.15."
        "7deb2bb5014c4de969ffe6657cc07c5984f4e0f5fc20042c7d51cbca04f44825."
        "a83e3904495c85cc5bd5206763342fcf")
    line = "s3-ssec-master1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnzs23v9ccrydpk8qarc0sqdm95e"
    assert bech32m("s3-ssec-master", COUNTING) == line
    # The list and two of the test vectors of BIP-39.
    assert hashlib.sha256("".join(f"{word}\n" for word in WORDS).encode()).hexdigest() == (
        "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda")
    assert words_of(bytes(32)) == ["abandon"] * 23 + ["art"]
    assert words_of(b"\xff" * 32) == ["zoo"] * 23 + ["vote"]
    for key, md5 in [(CEPH_1, "DWygnHRtgiJ77HCm+1rvHw=="), (CEPH_2, "arxBvwY2V4SiOne6yppVPQ==")]:
        assert base64.b64encode(hashlib.md5(key).digest()).decode() == md5


def files():
    keys = "Keys are hex. "
    content = "A pattern of N bytes has the byte i mod 251 at every place i. "
    yield "derivation.json", keys + "From key, name and nonce to the key on the wire.", {
        "cases": list(derivation())}
    yield "record.json", keys + content + "`refused` is read for the first genuine case's key and " \
        "name: malformed and newer by the parser, foreign by the MAC.", {
            "genuine": list(genuine_records()), "refused": list(refused_records())}
    yield "digest.json", keys + content + "The keyed digest of a pattern of `size` bytes.", {
        "cases": list(digests())}
    yield "headers.json", keys + "The first two pairs of key and MD5 are those of Ceph's own " \
        "tests.", {"cases": list(headers())}
    yield "nonce.json", "Time (decimal, up to 64 bits), random byte and greatest known nonce to " \
        "the next nonce.", {"cases": list(nonces())}
    yield "names.json", "Which texts are bucket names, object keys and addresses of objects.", {
        "cases": list(names())}
    yield "policy.json", "Rules applied to and removed from bucket policies; `after` is the text " \
        "line by line.", {"cases": list(policies())}
    yield "backup.json", keys + "Keys as a line of a key file, as words and as shares; `random` is " \
        "the name of the set and the coefficients of each byte of what is split.", {
            "words": list(words()), "shares": list(shares())}
    yield "cors.json", "An origin let into a CORS configuration; documents line by line.", {
        "cases": list(cors())}


def main():
    pinned()
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        sys.exit(__doc__)
    differing = []
    for name, about, body in files():
        text = json.dumps({"about": about} | body, indent=1, ensure_ascii=False) + "\n"
        path = HERE / name
        if not check:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            differing.append(name)
    if differing:
        sys.exit(f"not as made: {', '.join(differing)}\nrun python3 tests/vectors/make.py")


if __name__ == "__main__":
    main()
