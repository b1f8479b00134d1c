"""The table from what AWS says to refusals."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import ClientPayloadError, ServerDisconnectedError, ServerTimeoutError
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from tests.fakes import faults
from vendor.leases.remembered import SECONDS
from vendor.mint.endpoint import AnswerTooLongError
from vendor.mint.errors import MEANING, refusal_of
from vendor.refusals import PolicyTooLarge, Reason, Refusal, RoleRefused, StsThrottled, StsUnavailable


def _said(code: str, *, status: int = 400, message: str = "said") -> ClientError:
    told: dict[str, Any] = {"Error": {"Code": code, "Message": message}}
    return ClientError({**told, "ResponseMetadata": {"HTTPStatusCode": status}}, "AssumeRole")


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
    kinds = {kind: kind.code in SECONDS for kind, _ in MEANING.values()}
    assert kinds == {PolicyTooLarge: True, RoleRefused: True, StsThrottled: False, StsUnavailable: False}


@pytest.mark.parametrize(
    ("exc", "reason"),
    [
        (ServerDisconnectedError(), Reason.NO_ANSWER),
        (ServerTimeoutError(), Reason.NO_ANSWER),
        (ClientPayloadError(), Reason.NO_ANSWER),
        (AnswerTooLongError(), Reason.BAD_ANSWER),
        (TimeoutError(), Reason.NO_ANSWER),
        (ConnectionResetError(), Reason.NO_ANSWER),
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
        ClientPayloadError("x" * 300 + "CANARY"),
    ],
    ids=["parser", "signature", "long", "http"],
)
def test_no_body_of_an_answer_and_no_signed_header_gets_into_a_refusal(exc: Exception) -> None:
    refusal: Refusal = refusal_of(exc)
    assert "CANARY" not in repr((refusal.public, refusal.detail, str(refusal)))
