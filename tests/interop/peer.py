"""What other people use: boto3, for the live tests to read what we write and the other way round.

Usage: peer.py put|put-parts|get BUCKET KEY FILE     the SSE-C headers as JSON on standard input
       peer.py presign put|get BUCKET KEY            the same; prints the URL
       peer.py delete BUCKET KEY

Endpoint, credentials and certificate authorities come from AWS_*. Checksum trailers stay off: old
gateways answer 411 to them.
"""

import base64
import json
import sys

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config

MIB = 1 << 20
PREFIX = "x-amz-server-side-encryption-customer-"

CONFIG = Config(
    signature_version="s3v4",
    s3={"addressing_style": "path"},
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)


def customer_key(headers):
    """The headers as boto3's arguments. It encodes the key, and makes its MD5 itself."""
    return {
        "SSECustomerAlgorithm": headers[PREFIX + "algorithm"],
        "SSECustomerKey": base64.b64decode(headers[PREFIX + "key"]),
    }


def check_echo(answer, headers):
    """Fails unless the gateway confirmed the key."""
    if answer["SSECustomerKeyMD5"] != headers[PREFIX + "key-md5"]:
        raise SystemExit("the gateway did not confirm the key")


def main(verb, *arguments):
    s3 = boto3.client("s3", config=CONFIG)
    headers = {} if verb == "delete" else json.load(sys.stdin)
    if verb == "presign":
        direction, bucket, key = arguments
        name = {"put": "put_object", "get": "get_object"}[direction]
        parameters = {"Bucket": bucket, "Key": key, **customer_key(headers)}
        if direction == "put" and "x-amz-tagging" in headers:
            parameters["Tagging"] = headers["x-amz-tagging"]
        print(s3.generate_presigned_url(name, Params=parameters, ExpiresIn=300))
    elif verb == "delete":
        bucket, key = arguments
        s3.delete_object(Bucket=bucket, Key=key)
    elif verb == "put":
        bucket, key, path = arguments
        with open(path, "rb") as body:
            more = customer_key(headers)
            if "x-amz-tagging" in headers:
                more["Tagging"] = headers["x-amz-tagging"]
            answer = s3.put_object(Bucket=bucket, Key=key, Body=body, **more)
        check_echo(answer, headers)
    elif verb == "put-parts":
        bucket, key, path = arguments
        config = TransferConfig(multipart_threshold=8 * MIB, multipart_chunksize=8 * MIB)
        s3.upload_file(path, bucket, key, ExtraArgs=customer_key(headers), Config=config)
    elif verb == "get":
        bucket, key, path = arguments
        answer = s3.get_object(Bucket=bucket, Key=key, **customer_key(headers))
        check_echo(answer, headers)
        with open(path, "wb") as target:
            for piece in answer["Body"].iter_chunks(MIB):
                target.write(piece)
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:])
