"""A small S3 that lists one object and remembers whose signature each request carried."""

from __future__ import annotations

import re
from dataclasses import dataclass

from aiohttp import web

from tests.fakes.loopback import Loopback, run

_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/")
_LISTING = """<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bkt</Name><Prefix></Prefix>\
<KeyCount>1</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated><Contents><Key>hello.txt</Key>\
<LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>&quot;5d41402abc4b2a76b9719d911017c592&quot;</ETag>\
<Size>5</Size><StorageClass>STANDARD</StorageClass></Contents></ListBucketResult>"""


@dataclass(frozen=True, slots=True)
class Signed:
    """One request as it came: the key id and session token its signature named, None where it was unsigned."""

    method: str
    path: str
    access_key_id: str | None
    session_token: str | None


def signer(request: web.Request) -> str | None:
    """Return the access key id that signed `request`, from the header or a presigned query (SigV4)."""
    header = request.headers.get("Authorization", "")
    if found := _CREDENTIAL.search(header):
        return found[1]
    credential = request.query.get("X-Amz-Credential")
    return credential.split("/")[0] if credential else None


class S3(Loopback):
    """Bucket `bkt` with the object `hello.txt`; `requests` holds what came, in order."""

    def __init__(self, *, port: int = 0) -> None:
        super().__init__(port=port)
        self.requests: list[Signed] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer a listing for a bucket's root and `hello` for anything else."""
        token = request.headers.get("X-Amz-Security-Token") or request.query.get("X-Amz-Security-Token")
        self.requests.append(Signed(request.method, request.path, signer(request), token))
        if "list-type" in request.query or request.path.strip("/").count("/") == 0:
            return web.Response(text=_LISTING, content_type="application/xml")
        headers = {"ETag": '"5d41402abc4b2a76b9719d911017c592"', "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT"}
        return web.Response(body=b"hello", content_type="text/plain", headers=headers)


if __name__ == "__main__":
    run(lambda port: S3(port=port), description=__doc__)
