"""Reading an AssumeRole answer with distrust."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from tests.fakes.clock import START
from tests.made import ROLE, session
from vendor.mint.answer import LONGEST_SECRET, TOLERANCE, read_role_session, read_time
from vendor.refusals import Reason, StsUnavailable

HOUR = timedelta(hours=1)
NAME = session().session_name
USER = f"arn:aws:sts::111122223333:assumed-role/reports/{NAME}"


def _answer(**changes: Any) -> dict[str, Any]:
    credentials = {
        "AccessKeyId": "ASIAEXAMPLE",
        "SecretAccessKey": "secret",
        "SessionToken": "token",
        "Expiration": START + HOUR,
        **{name: value for name, value in changes.items() if name[0].isupper()},
    }
    return {
        "Credentials": {name: value for name, value in credentials.items() if value is not None},
        "AssumedRoleUser": {"Arn": changes.get("arn", USER)},
        "PackedPolicySize": changes.get("size", 6),
    }


def _read(answer: dict[str, Any], *, role: str = ROLE) -> Any:
    return read_role_session(answer, session=session(role_arn=role), asked=HOUR, now=START, region="eu-west-1")


def test_a_sound_answer_is_read_member_by_member() -> None:
    read = _read(_answer())
    assert (read.access_key_id, read.secret_access_key.reveal(), read.session_token.reveal()) == (
        "ASIAEXAMPLE",
        "secret",
        "token",
    )
    assert (read.expiration, read.account_id, read.role_arn) == (START + HOUR, "111122223333", ROLE)
    assert (read.packed_policy_size, read.region) == (6, "eu-west-1")


@pytest.mark.parametrize(
    "answer",
    [{}, {"Credentials": None}, {"Credentials": []}, {**_answer(), "Credentials": {}}],
    ids=["empty", "null", "a list", "no members"],
)
def test_an_answer_without_credentials_is_refused(answer: dict[str, Any]) -> None:
    _refused(answer)


@pytest.mark.parametrize("name", ["AccessKeyId", "SecretAccessKey", "SessionToken"])
@pytest.mark.parametrize(
    "value", [None, "", 1, b"bytes", "line\nbreak", "nul\0", "x" * (LONGEST_SECRET + 1), "\ud800"], ids=range(8)
)
def test_a_member_that_is_no_text_of_a_sane_size_is_refused_and_not_told(name: str, value: Any) -> None:
    refusal = _refused(_answer(**{name: value}))
    assert name in refusal.detail
    assert len(refusal.detail) < 100


@pytest.mark.parametrize(
    "expiration",
    [
        None,
        "2026-03-01T13:00:00Z",
        1772370000,
        datetime(2026, 3, 1, 13, 0),  # noqa: DTZ001 - what is refused
        START,
        START - timedelta(seconds=1),
        START + timedelta(microseconds=999_999),
        START + HOUR + TOLERANCE + timedelta(seconds=1),
    ],
    ids=["missing", "text", "number", "naive", "now", "past", "past in whole seconds", "too late"],
)
def test_an_expiry_that_cannot_be_is_refused(expiration: Any) -> None:
    _refused(_answer(Expiration=expiration))


def test_an_expiry_is_kept_in_whole_seconds_of_utc_and_never_later_than_sts_said() -> None:
    said = (START + HOUR + timedelta(seconds=0.9)).astimezone(timezone(timedelta(hours=5)))
    read = _read(_answer(Expiration=said)).expiration
    assert (read, read.tzinfo) == (START + HOUR, UTC)
    assert _read(_answer(Expiration=START + HOUR + TOLERANCE)).expiration == START + HOUR + TOLERANCE


@pytest.mark.parametrize(
    "arn",
    [
        None,
        7,
        "",
        "arn:aws:sts::999999999999:assumed-role/reports/" + NAME,
        "arn:aws-cn:sts::111122223333:assumed-role/reports/" + NAME,
        "arn:aws:sts::111122223333:assumed-role/other/" + NAME,
        "arn:aws:sts::111122223333:assumed-role/reports/somebody-else",
        "arn:aws:sts::111122223333:assumed-role/team/reports/" + NAME,
        "arn:aws:sts::111122223333:federated-user/reports",
        "arn:aws:iam::111122223333:role/team/reports",
        USER + "\n",
        " " + USER,
    ],
    ids=range(12),
)
def test_an_answer_for_another_role_or_session_is_refused(arn: Any) -> None:
    _refused(_answer(arn=arn))


def test_an_answer_without_an_assumed_role_is_refused() -> None:
    _refused({**_answer(), "AssumedRoleUser": "reports"})
    _refused({"Credentials": _answer()["Credentials"]})


@pytest.mark.parametrize("user", [None, {}, {"Arn": ""}, {"Arn": None}])
def test_what_to_write_for_a_cloud_that_never_says_whose_a_session_is_is_told(user: Any) -> None:
    assert "the target's features" in _refused({**_answer(), "AssumedRoleUser": user}).detail


@pytest.mark.parametrize("role", ["arn:aws:iam::111122223333:role/reports", "arn:aws:iam:::role/reports"])
def test_a_role_without_a_path_or_an_account_is_read_too(role: str) -> None:
    assert _read(_answer(), role=role).account_id == "111122223333"


def test_a_role_that_is_no_role_is_refused() -> None:
    with pytest.raises(StsUnavailable):
        _read(_answer(), role="arn:aws:iam::111122223333:user/reports")


@pytest.mark.parametrize("size", [None, "6", True, 6.0])
def test_a_size_that_is_no_whole_number_is_none(size: Any) -> None:
    assert _read(_answer(size=size)).packed_policy_size is None


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01T12:00:00Z",
        "2026-03-01T12:00:00.000Z",
        "2026-03-01T17:00:00+05:00",
        "2026-03-01T12:00:00.123456789Z",
        START.timestamp(),
        int(START.timestamp()),
    ],
)
def test_a_time_of_an_answer_is_read_in_every_form_that_aws_writes(text: str | float) -> None:
    assert read_time(text).replace(microsecond=0) == START


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tomorrow",
        "13:00:00Z",
        "1772370000",
        "1772370000.0",
        "Sun, 01 Mar 2026 13:00:00 GMT",
        "2026-02-30T13:00:00Z",
        None,
        {},
        float("nan"),
    ],
)
def test_t21_what_is_no_time_is_no_answer(text: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_time(text)


@pytest.mark.parametrize("seconds", [1e17, -1e17, 1e300, 10**30, float("inf")])
def test_t21_seconds_that_are_no_time_are_no_answer_and_no_failure_of_the_network(seconds: float) -> None:
    with pytest.raises(OverflowError):
        read_time(seconds)


def _refused(answer: dict[str, Any]) -> StsUnavailable:
    with pytest.raises(StsUnavailable) as refused:
        _read(answer)
    assert refused.value.reason is Reason.BAD_ANSWER
    return refused.value


@pytest.mark.parametrize(
    ("given", "read"),
    [("AROAEXAMPLE:name", "AROAEXAMPLE:name"), (None, None), (7, None), ("A" * 194, None), ("A\n", None)],
)
def test_the_id_of_the_session_is_kept_where_it_is_one(given: object, read: str | None) -> None:
    answer = _answer()
    answer["AssumedRoleUser"]["AssumedRoleId"] = given
    assert _read(answer).user_id == read


@pytest.mark.parametrize("given", [None, "text", []])
def test_an_answer_without_credentials_is_no_answer(given: Any) -> None:
    with pytest.raises(StsUnavailable) as refused:
        _read({**_answer(), "Credentials": given})
    assert refused.value.detail == "no credentials"
