"""The table from what AWS says to refusals."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ReadTimeoutError,
    SSLError,
)
from botocore.parsers import ResponseParserError

from tests.fakes import faults
from vendor.leases.leases import REMEMBERED
from vendor.mint.errors import MEANING, refusal_of
from vendor.refusals import PolicyTooLarge, Reason, Refusal, RoleRefused, StsThrottled, StsUnavailable

URL = "https://sts.eu-west-1.amazonaws.com"
BASE = Reason.BASE_IDENTITY


def _said(code: str, *, status: int = 400, message: str = "said", operation: str = "AssumeRole") -> ClientError:
    told: dict[str, Any] = {"Error": {"Code": code, "Message": message}}
    return ClientError({**told, "ResponseMetadata": {"HTTPStatusCode": status}}, operation)


@pytest.mark.parametrize("code", MEANING)
def test_a_code_means_the_same_whatever_status_it_comes_with(code: str) -> None:
    kind, reason = MEANING[code]
    for status in (400, 403, 429, 503):
        refusal = refusal_of(_said(code, status=status))
        assert (type(refusal), refusal.reason, refusal.detail) == (kind, reason, f"{code}: said")


def test_the_table_knows_every_code_but_the_ones_that_are_about_the_role() -> None:
    assert set(faults.STATUS) - set(MEANING) == {"AccessDenied"}


@pytest.mark.parametrize("code", ["AccessDenied", "AccessDeniedException", "InvalidAction", "Never.Seen", "429"])
def test_any_other_code_is_aws_refusing_the_role(code: str) -> None:
    refusal = refusal_of(_said(code, status=403))
    assert (type(refusal), refusal.reason) == (RoleRefused, Reason.ROLE_DENIED)


@pytest.mark.parametrize("code", ["Never.Seen", "503", ""])
def test_any_other_code_of_a_failing_server_is_no_answer(code: str) -> None:
    refusal = refusal_of(_said(code, status=500))
    assert (type(refusal), refusal.reason) == (StsUnavailable, Reason.NO_ANSWER)


def test_an_error_that_aws_did_not_write_is_no_refusal_of_the_role() -> None:
    refusal = refusal_of(ClientError({}, "AssumeRole"))
    assert (type(refusal), refusal.reason) == (StsUnavailable, Reason.BAD_ANSWER)


def test_what_mending_alone_can_help_is_remembered_and_what_passes_is_not() -> None:
    kinds = {kind: kind.code in REMEMBERED for kind, _ in MEANING.values()}
    assert kinds == {PolicyTooLarge: True, RoleRefused: True, StsThrottled: False, StsUnavailable: False}


@pytest.mark.parametrize("code", ["AccessDenied", "InvalidIdentityToken", "ExpiredTokenException", "ValidationError"])
def test_an_error_in_renewing_the_services_own_identity_is_not_held_against_the_role(code: str) -> None:
    refusal = refusal_of(_said(code, operation="AssumeRoleWithWebIdentity"))
    assert (type(refusal), refusal.reason) == (StsUnavailable, BASE)
    assert refusal.detail == f"AssumeRoleWithWebIdentity: {code}: said"


@pytest.mark.parametrize(
    ("exc", "reason"),
    [
        (NoCredentialsError(), BASE),
        (PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"), BASE),
        (CredentialRetrievalError(provider="web-identity", error_msg="no"), BASE),
        (FileNotFoundError(2, "No such file", "/var/run/secrets/token"), BASE),
        (PermissionError(13, "Permission denied", "/var/run/secrets/token"), BASE),
        (EndpointConnectionError(endpoint_url=URL), Reason.NO_ANSWER),
        (ConnectTimeoutError(endpoint_url=URL), Reason.NO_ANSWER),
        (ReadTimeoutError(endpoint_url=URL), Reason.NO_ANSWER),
        (SSLError(endpoint_url=URL, error="no"), Reason.NO_ANSWER),
        (HTTPClientError(error="no"), Reason.NO_ANSWER),
        (TimeoutError(), Reason.NO_ANSWER),
        (ConnectionResetError(), Reason.NO_ANSWER),
        (ParamValidationError(report="no"), Reason.BAD_ANSWER),
        (ResponseParserError("no"), Reason.BAD_ANSWER),
        (KeyError("AssumeRoleResult"), Reason.BAD_ANSWER),
        (ValueError("no"), Reason.BAD_ANSWER),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_exception_of_the_sdk_is_sts_being_unavailable(exc: Exception, reason: Reason) -> None:
    refusal = refusal_of(exc)
    assert (type(refusal), refusal.reason) == (StsUnavailable, reason)
    assert type(exc).__name__ in refusal.detail


@pytest.mark.parametrize(
    "exc",
    [
        ResponseParserError("invalid XML received:\nb'<SecretAccessKey>CANARY</SecretAccessKey>'"),
        _said("SignatureDoesNotMatch", message="does not match.\n\nThe Canonical String\nx-amz-security-token:CANARY"),
        _said("ValidationError", message="x" * 300 + "CANARY"),
        _said("AccessDenied", message="no\nCANARY", operation="AssumeRoleWithWebIdentity"),
        HTTPClientError(error="x" * 300 + "CANARY"),
    ],
    ids=["parser", "signature", "long", "renewal", "http"],
)
def test_no_body_of_an_answer_and_no_signed_header_gets_into_a_refusal(exc: Exception) -> None:
    refusal: Refusal = refusal_of(exc)
    assert "CANARY" not in repr((refusal.public, refusal.detail, str(refusal)))
