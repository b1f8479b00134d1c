"""What is signed is what botocore would have signed, as anybody checks who knows the secret."""

from __future__ import annotations

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from hypothesis import given
from hypothesis import strategies as st

from vendor.mint.signing import Signing

FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
JSON = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AWSCognitoIdentityService.GetId"}
URLS = (
    "https://sts.eu-west-1.amazonaws.com",
    "https://sts.eu-west-1.amazonaws.com:443/",
    "http://127.0.0.1:9000",
    "http://[::1]:9000/",
    "http://MINIO.internal:80",
    "https://gateway.example.com:8443/a//b/../sts door/~é",
)


def _theirs(url: str, headers: dict[str, str], body: bytes, keys: ReadOnlyCredentials) -> str:
    """Return the authorization that botocore gives these headers at the moment that they name."""
    given = {name: value for name, value in headers.items() if name not in {"Authorization", "Host"}}
    request = AWSRequest("POST", url, headers=given, data=body)
    request.context["timestamp"] = headers["X-Amz-Date"]
    auth = SigV4Auth(keys, "sts", "eu-west-1")
    signature = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    auth._inject_signature_to_request(request, signature)
    return str(request.headers["Authorization"])


@pytest.mark.parametrize("url", URLS)
@given(
    body=st.binary(max_size=200),
    secret=st.text(min_size=1, max_size=40),
    token=st.none() | st.from_regex(r"[A-Za-z0-9+/=]{1,60}", fullmatch=True),
    own=st.sampled_from([FORM, JSON]),
)
def test_it_is_the_signature_that_botocore_gives(
    url: str, body: bytes, secret: str, token: str | None, own: dict[str, str]
) -> None:
    keys = ReadOnlyCredentials("AKIAVENDOR", secret, token)
    signing = Signing(url=url, service="sts", region="eu-west-1")
    headers = signing.signed(own, body, keys)
    assert headers["Authorization"] == _theirs(url, headers, body, keys)
    assert headers.get("X-Amz-Security-Token") == token
