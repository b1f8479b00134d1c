"""Signature Version 4, judged against botocore's own signer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from vendor.credentials import Secret
from vendor.server.signature import SignatureError, Signed, read_signed

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY, SECRET, TOKEN = "ASIAEXAMPLE000000000", "a secret", "a token"
WHO = Credentials(KEY, SECRET, TOKEN)
TEXT = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x17F, exclude_characters="\x7f"), max_size=8)
QUERIES = st.dictionaries(TEXT.filter(bool), TEXT, max_size=4)


def read(request: AWSRequest, **changes: str) -> Signed | None:
    """Return what our reader makes of a request of botocore's, as it comes over the wire."""
    prepared = request.prepare()
    path, _, query = prepared.url.removeprefix("https://sts.test").partition("?")
    headers = CIMultiDict({"Host": "sts.test", **dict(request.headers.items()), **changes})
    body = prepared.body or b""
    return read_signed(
        method=request.method,
        path=path,
        query=dict(parse_qsl(query, keep_blank_values=True)),
        headers=CIMultiDictProxy(headers),
        body=body if isinstance(body, bytes) else body.encode(),
    )


def request(query: Mapping[str, str] | None = None, *, said: str | None = None) -> AWSRequest:
    headers = {} if said is None else {"X-Said": said}
    return AWSRequest(method="POST", url="https://sts.test/sts", params=dict(query or {}), data=b"a=b", headers=headers)


@given(query=QUERIES, said=TEXT)
def test_what_botocore_signs_in_the_header_is_signed(query: dict[str, str], said: str) -> None:
    made = request(query, said=said.encode("ascii", "replace").decode())
    SigV4Auth(WHO, "sts", "eu-west-1").add_auth(made)
    signed = read(made)
    assert signed is not None
    assert (signed.access_key_id, signed.session_token, signed.region) == (KEY, Secret(TOKEN), "eu-west-1")
    assert signed.is_by(Secret(SECRET))
    assert not signed.is_by(Secret(SECRET + "x"))
    assert signed.is_of(datetime.now(UTC))


@given(query=QUERIES)
def test_what_botocore_signs_in_the_query_is_signed(query: dict[str, str]) -> None:
    made = AWSRequest(method="GET", url="https://sts.test/", params=query)
    SigV4QueryAuth(WHO, "sts", "eu-west-1", expires=60).add_auth(made)
    signed = read(made)
    assert signed is not None
    assert signed.is_by(Secret(SECRET))
    assert signed.session_token == Secret(TOKEN)


@pytest.mark.parametrize(("sent", "signed"), [("  a   b ", "a b"), ("a\tb", "a b"), ("", "")])
def test_white_space_in_a_header_counts_once(sent: str, signed: str) -> None:
    made = request(said=signed)
    SigV4Auth(WHO, "sts", "eu-west-1").add_auth(made)
    found = read(made, **{"X-Said": sent})
    assert found is not None
    assert found.is_by(Secret(SECRET))


def test_a_request_that_is_not_signed_is_none() -> None:
    assert read(request()) is None


@pytest.mark.parametrize(
    ("part", "instead"),
    [
        ("/sts/", "/s3/"),
        ("aws4_request", "aws3_request"),
        ("SignedHeaders=host", "SignedHeaders=Host"),
        ("host;", ""),
        ("Signature=", "Signature=x"),
        ("Credential=", "Credentials="),
        ("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA512"),
        (f"{KEY}/", f"{KEY}/1"),
    ],
)
def test_a_signature_that_is_not_written_as_one_is_refused(part: str, instead: str) -> None:
    made = request()
    SigV4Auth(WHO, "sts", "eu-west-1").add_auth(made)
    authorization = made.headers["Authorization"]
    assert part in authorization
    with pytest.raises(SignatureError):
        read(made, Authorization=authorization.replace(part, instead, 1))


@pytest.mark.parametrize(
    "moment", ["", "20260101", "20260101T000000Z", "99999999T999999Z", "20261341T000000Z", "today"]
)
def test_the_time_must_be_one_and_of_the_day_that_was_signed_for(moment: str) -> None:
    made = request()
    SigV4Auth(WHO, "sts", "eu-west-1").add_auth(made)
    with pytest.raises(SignatureError, match="X-Amz-Date"):
        read(made, **{"X-Amz-Date": moment})


def test_a_day_that_is_none_is_refused_also_where_it_was_signed_for() -> None:
    made = request()
    SigV4Auth(WHO, "sts", "eu-west-1").add_auth(made)
    day = made.headers["X-Amz-Date"][:8]
    authorization = made.headers["Authorization"].replace(day, "20261341")
    with pytest.raises(SignatureError, match="X-Amz-Date"):
        read(made, Authorization=authorization, **{"X-Amz-Date": "20261341T000000Z"})


@pytest.mark.parametrize("expires", ["", "0", "-1", "604801", "9999999", "1h"])
def test_a_request_signed_in_advance_says_for_how_long(expires: str) -> None:
    made = AWSRequest(method="GET", url="https://sts.test/")
    SigV4QueryAuth(WHO, "sts", "eu-west-1", expires=60).add_auth(made)
    made.url = made.url.replace("X-Amz-Expires=60", f"X-Amz-Expires={expires}")
    with pytest.raises(SignatureError, match="X-Amz-Expires"):
        read(made)


def test_a_request_is_signed_once() -> None:
    made = AWSRequest(method="GET", url="https://sts.test/")
    SigV4QueryAuth(WHO, "sts", "eu-west-1", expires=60).add_auth(made)
    with pytest.raises(SignatureError, match="once"):
        read(made, Authorization="AWS4-HMAC-SHA256 Credential=x")


def test_a_request_with_two_signatures_is_not_signed_once() -> None:
    made = request()
    SigV4Auth(WHO, "sts", "eu-west-1").add_auth(made)
    headers = CIMultiDict(
        [("Host", "sts.test"), *made.headers.items(), ("Authorization", made.headers["Authorization"])]
    )
    with pytest.raises(SignatureError, match="once"):
        read_signed(method="POST", path="/sts", query={}, headers=CIMultiDictProxy(headers), body=b"a=b")
