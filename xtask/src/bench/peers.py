"""The peers of `cargo xtask bench` that are Python, and what the others need made for them.

Endpoint, credentials and CA come from AWS_* variables, the 32 bytes of the customer key from the
file `bench.key` in the current directory: a key stands in no argument.
"""

import base64
import hashlib
import os
import runpy
import sys

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config

MIB = 1 << 20
CHUNK = 64 * MIB
STREAMS = 4
HOUR = 3600


def customer_key():
    with open("bench.key", "rb") as file:
        return file.read()


def sse():
    return {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": customer_key()}


def client():
    config = Config(
        signature_version="s3v4",
        s3={"addressing_style": "path"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL_S3"], config=config)


def transfer_config():
    return TransferConfig(
        multipart_threshold=CHUNK, multipart_chunksize=CHUNK, max_concurrency=STREAMS
    )


def put(bucket, name, path):
    client().upload_file(path, bucket, name, ExtraArgs=sse(), Config=transfer_config())


def get(bucket, name, path):
    client().download_file(bucket, name, path, ExtraArgs=sse(), Config=transfer_config())


def make_bucket(bucket):
    client().create_bucket(Bucket=bucket)


def remove_objects(bucket, prefix):
    s3 = client()
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        names = [{"Key": entry["Key"]} for entry in page.get("Contents", [])]
        if names:
            s3.delete_objects(Bucket=bucket, Delete={"Objects": names, "Quiet": True})


def remove_bucket(bucket):
    s3 = client()
    for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
        for upload in page.get("Uploads", []):
            s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
    remove_objects(bucket, "")
    s3.delete_bucket(Bucket=bucket)


def header_lines():
    key = customer_key()
    prefix = "x-amz-server-side-encryption-customer-"
    return [
        prefix + "algorithm: AES256",
        prefix + "key: " + base64.b64encode(key).decode(),
        prefix + "key-MD5: " + base64.b64encode(hashlib.md5(key).digest()).decode(),
    ]


def write_private(path, text):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)


def curl_config(path, method, parameters, lines):
    """Writes a curl configuration: a presigned address, and headers where there is a key."""
    keyed = "SSECustomerKey" in parameters
    url = client().generate_presigned_url(method, Params=parameters, ExpiresIn=HOUR * 12)
    wanted = ["silent", "show-error", "fail", f'url = "{url}"']
    wanted.append('cacert = "' + os.environ["AWS_CA_BUNDLE"] + '"')
    if keyed:
        wanted += [f'header = "{line}"' for line in header_lines()]
    write_private(path, "\n".join(wanted + lines) + "\n")


def curl(bucket, path):
    """One stream, with and without a customer key; and four ranges with it."""
    for name, extra in (("curl", sse()), ("curl-plain", {})):
        target = {"Bucket": bucket, "Key": name, **extra}
        curl_config(name + "-up", "put_object", target, [f'upload-file = "{path}"'])
        curl_config(name + "-down", "get_object", target, [])
    quarter = os.path.getsize(path) // STREAMS
    for index in range(STREAMS):
        first = quarter * index
        lines = [f'range = "{first}-{first + quarter - 1}"']
        target = {"Bucket": bucket, "Key": "curl4", **sse()}
        curl_config(f"curl4-down-{index}", "get_object", target, lines)


def begin_parts(bucket, path):
    """Begins a multipart upload whose parts `path`.0 to `path`.3 are sent by curl."""
    target = {"Bucket": bucket, "Key": "curl4", **sse()}
    upload = client().create_multipart_upload(**target)["UploadId"]
    write_private("curl4-upload", upload)
    for index in range(STREAMS):
        part = {**target, "UploadId": upload, "PartNumber": index + 1}
        lines = [f'upload-file = "{path}.{index}"']
        curl_config(f"curl4-up-{index}", "upload_part", part, lines)


def finish_parts(bucket):
    with open("curl4-upload") as file:
        target = {"Bucket": bucket, "Key": "curl4", "UploadId": file.read()}
    parts = client().list_parts(**target)["Parts"]
    done = [{"PartNumber": part["PartNumber"], "ETag": part["ETag"]} for part in parts]
    client().complete_multipart_upload(**target, MultipartUpload={"Parts": done}, **sse())


def s3cmd(program, *arguments):
    """Runs s3cmd with the key's headers, which it takes as arguments only: not as the process's."""
    headers = [word for line in header_lines() for word in ("--add-header", line)]
    sys.argv = [program, *headers, *arguments]
    runpy.run_path(program, run_name="__main__")


def s3cmd_config():
    host = os.environ["AWS_ENDPOINT_URL_S3"].removeprefix("https://")
    settings = {
        "access_key": os.environ["AWS_ACCESS_KEY_ID"],
        "secret_key": os.environ["AWS_SECRET_ACCESS_KEY"],
        "host_base": host,
        "host_bucket": host,
        "ca_certs_file": os.environ["AWS_CA_BUNDLE"],
        "use_https": "True",
    }
    lines = [f"{name} = {value}" for name, value in settings.items()]
    write_private("s3cmd.ini", "\n".join(["[default]", *lines]) + "\n")


COMMANDS = {
    "put": put,
    "get": get,
    "make-bucket": make_bucket,
    "remove-objects": remove_objects,
    "remove-bucket": remove_bucket,
    "curl": curl,
    "begin-parts": begin_parts,
    "finish-parts": finish_parts,
    "s3cmd": s3cmd,
    "s3cmd-config": s3cmd_config,
}

if __name__ == "__main__":
    COMMANDS[sys.argv[1]](*sys.argv[2:])
