"""Refusals: stable codes, two texts, and a fresh exception for each request."""

from __future__ import annotations

import pytest

from vendor.refusals import KINDS, Code, InvalidToken, IssuerUnavailable, Reason, Refusal

RETRIED = {"rate_limited", "issuer_unavailable", "sts_throttled", "sts_unavailable", "audit_unavailable", "overloaded"}


def test_every_code_has_one_kind_and_every_kind_one_code() -> None:
    assert sorted(kind.code for kind in KINDS) == sorted(Code)


def test_the_codes_are_the_ones_that_clients_may_program_against() -> None:
    assert set(Code) == {
        "invalid_request",
        "scope_required",
        "missing_token",
        "invalid_token",
        "expired_token",
        "access_denied",
        "value_not_allowed",
        "revoked",
        "not_found",
        "method_not_allowed",
        "conflict",
        "request_too_large",
        "unsupported_media_type",
        "header_too_large",
        "rate_limited",
        "policy_too_large",
        "role_refused",
        "issuer_unavailable",
        "sts_throttled",
        "sts_unavailable",
        "audit_unavailable",
        "overloaded",
    }


@pytest.mark.parametrize("kind", KINDS)
def test_a_refusal_has_a_text_for_the_caller_without_being_given_one(kind: type[Refusal]) -> None:
    refusal = kind(Reason.DEFECT)
    assert refusal.public == refusal.detail == kind.told
    assert refusal.public
    assert refusal.recorded is False


@pytest.mark.parametrize("kind", KINDS)
def test_trying_again_is_advised_where_it_can_help_and_only_there(kind: type[Refusal]) -> None:
    assert (kind(Reason.DEFECT).retry_after is not None) is (kind.code in RETRIED)


def test_the_detail_is_not_what_the_caller_is_told() -> None:
    refusal = InvalidToken(Reason.AUDIENCE, detail="for another")
    assert (refusal.public, refusal.detail) == ("the token is not accepted", "for another")
    assert "for another" not in str(refusal)
    assert InvalidToken(Reason.AUDIENCE, "said").detail == "said"


def test_the_time_to_wait_can_be_given_even_as_none_at_all() -> None:
    assert IssuerUnavailable(Reason.DEADLINE, retry_after=30).retry_after == 30
    assert IssuerUnavailable(Reason.DEADLINE, retry_after=0).retry_after == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_refusal_said_again_is_another_object_that_says_the_same(kind: type[Refusal]) -> None:
    first = kind(Reason.CAPACITY, "public", detail="detail", retry_after=9)
    first.recorded = True
    again = first.again()
    assert again is not first
    assert type(again) is kind
    assert (again.reason, again.public, again.detail, again.retry_after) == (Reason.CAPACITY, "public", "detail", 9)
    assert again.recorded is False
    assert again.__traceback__ is None
