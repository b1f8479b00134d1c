"""Signing: Signature Version 4 of requests that all go to one URL.

What is signed of the URL is found by botocore, once; for each request it gives string to sign, scope and signature. It
would also read the URL and sort through headers that it does not know, which takes longer than all of that.
Source: "Create a signed AWS API request" in the IAM user guide.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from botocore.auth import SIGV4_TIMESTAMP, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import get_current_datetime

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.credentials import ReadOnlyCredentials


class _Moment(NamedTuple):
    """What botocore needs to know of a request beside what is signed."""

    context: dict[str, str]


class Signing:
    """Signs what is posted to a URL."""

    def __init__(self, *, url: str, service: str, region: str) -> None:
        lines = SigV4Auth(None, service, region).canonical_request(AWSRequest("POST", url, data=b"")).split("\n")
        self._path = lines[1]
        self._host = lines[3].removeprefix("host:")
        self._service = service
        self._region = region

    def signed(self, headers: Mapping[str, str], body: bytes, keys: ReadOnlyCredentials) -> dict[str, str]:
        """Return these headers, each one line without blanks at its ends, with those that sign them and the body."""
        stamp = get_current_datetime().strftime(SIGV4_TIMESTAMP)
        found = {**headers, "Host": self._host, "X-Amz-Date": stamp}
        if keys.token:
            found["X-Amz-Security-Token"] = keys.token
        lines = sorted((name.lower(), value) for name, value in found.items())
        names = ";".join([name for name, _ in lines])
        told = [f"{name}:{value}" for name, value in lines]
        canonical = "\n".join(("POST", self._path, "", *told, "", names, sha256(body).hexdigest()))
        auth, moment = SigV4Auth(keys, self._service, self._region), _Moment({"timestamp": stamp})
        signature = auth.signature(auth.string_to_sign(moment, canonical), moment)
        found["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={auth.scope(moment)}, SignedHeaders={names}, Signature={signature}"
        )
        return found
