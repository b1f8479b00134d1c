"""Plays the pod: stock boto3 that reads objects, and knows of credentials what its environment says.

Run as `python -I pod.py BUCKET KEY…`; prints one JSON object: the access key id it came to use, and for each key what
was read or how it was refused.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError


def main() -> None:
    """Read each object and print what happened."""
    bucket, *keys = sys.argv[1:]
    session = boto3.Session()
    s3 = session.client("s3")
    readings = [_read(s3, bucket, key) for key in keys]
    json.dump({"access_key_id": _access_key_id(session), "readings": readings}, sys.stdout)


def _read(s3: Any, bucket: str, key: str) -> dict[str, Any]:
    try:
        body: str = s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    except ClientError as exc:
        told = exc.response["Error"]
        status = exc.response["ResponseMetadata"]["HTTPStatusCode"]
        return {"key": key, "status": status, "code": told["Code"], "message": told["Message"]}
    except BotoCoreError as exc:
        return {"key": key, "status": 0, "code": type(exc).__name__, "message": str(exc)}
    return {"key": key, "status": 200, "body": body}


def _access_key_id(session: Any) -> str:
    try:
        credentials = session.get_credentials()
    except BotoCoreError:
        return ""
    return str(credentials.access_key) if credentials else ""


if __name__ == "__main__":
    main()
