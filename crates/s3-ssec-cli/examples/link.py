"""Uses a presigned link: one upload or download by somebody without credentials and without the key.

    s3-ssec presign get s3://bucket/report.pdf --format json > link.json    # the owner
    python3 link.py link.json get report.pdf                                # somebody else

    s3-ssec presign put s3://bucket/inbox/a.csv --format json > link.json
    python3 link.py link.json put a.csv

The link opens one object. It holds the customer key of that object in its headers, so it travels by a
private way. Standard library only; http.client follows no redirect, so no key follows one.
"""

import http.client
import json
import os
import shutil
import ssl
import sys
from urllib.parse import urlsplit

ECHO = "x-amz-server-side-encryption-customer-key-md5"


def main(link, direction, path):
    with open(link, encoding="utf-8") as file:
        link = json.load(file)
    if link["method"] != {"get": "GET", "put": "PUT"}[direction]:
        sys.exit(f"this link is for {link['method']}")
    url = urlsplit(link["url"])
    if url.scheme != "https":
        sys.exit("not https: a customer key must not travel in the clear")
    trust = ssl.create_default_context(cafile=os.environ.get("AWS_CA_BUNDLE"))
    gateway = http.client.HTTPSConnection(url.hostname, url.port or 443, timeout=60, context=trust)
    address = f"{url.path}?{url.query}"
    headers = dict(link["headers"])
    if direction == "put":
        with open(path, "rb") as content:
            headers["content-length"] = str(os.fstat(content.fileno()).st_size)
            gateway.request("PUT", address, body=content, headers=headers)
    else:
        gateway.request("GET", address, headers=headers)
    answer = gateway.getresponse()
    if answer.status != 200:
        sys.exit(f"refused: {answer.status} {answer.reason}")
    # 200 is not enough: the gateway has to say that it used this very key.
    sent = {name.lower(): value for name, value in link["headers"].items()}
    if answer.headers.get(ECHO) != sent[ECHO]:
        sys.exit("not proved: the gateway did not confirm the key, the object may be in the clear")
    if direction == "get":
        with open(path, "xb") as target:
            shutil.copyfileobj(answer, target)
    print(f"{path}: encryption confirmed")


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[2] not in ("get", "put"):
        sys.exit("usage: link.py LINK.json get|put FILE")
    main(*sys.argv[1:])
