"""Revocations in writing: what is written is read as it was, and whatever else is written is refused."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given

from tests.fakes.clock import START
from tests.leases.test_revocations import SAID, revocation
from vendor.leases import written
from vendor.policy.matcher import AnyOf, Contains, Equal, Glob, Present

if TYPE_CHECKING:
    from vendor.leases.revocation import Revocation

FULL = revocation(
    scope="reports:read",
    issuer="cluster-a",
    issuer_url="https://oidc.example.com",
    subject="s",
    where=(("a", Equal(1)), ("b", AnyOf((Glob("x-*"), Contains("y"), Present())))),
    access_key_id="ASIAEXAMPLE000000000",
    roles=("arn:aws:iam::111122223333:role/reports",),
    denied=True,
)


def test_it_says_everything_and_reads_well() -> None:
    assert written.write(FULL) == {
        "id": "r-1",
        "scope": "reports:read",
        "issuer": "cluster-a",
        "issuer_url": "https://oidc.example.com",
        "principal": "s",
        "attributes": {"a": 1, "b": [{"glob": "x-*"}, {"contains": "y"}, {"present": True}]},
        "access_key_id": "ASIAEXAMPLE000000000",
        "reason": "a key was found in a paste",
        "by": {"issuer": "cluster-a", "subject": "system:serviceaccount:platform:vendor-operator"},
        "made": "2026-03-01T12:00:00Z",
        "until": "2026-03-01T13:00:00Z",
        "roles": ["arn:aws:iam::111122223333:role/reports"],
        "deny_policy": True,
    }


def _all(one: Revocation) -> tuple[Any, ...]:
    return (one, one.made, one.until, one.roles, one.denied)


@given(said=SAID)
def test_what_is_written_is_read_as_it_was(said: Revocation) -> None:
    for one in (said, FULL, revocation(reason="")):
        assert _all(written.read(json.loads(json.dumps(written.write(one))))) == _all(one)


@pytest.mark.parametrize(
    "change",
    [
        {"id": None},
        {"id": ""},
        {"id": 1},
        {"scope": ""},
        {"scope": []},
        {"principal": "x" * 2_049},
        {"attributes": []},
        {"attributes": None},
        {"by": None},
        {"by": {"issuer": "a"}},
        {"roles": "arn"},
        {"deny_policy": 1},
        {"made": "2026-03-01"},
        {"until": "2026-3-1T12:00:00Z"},
        {"until": "2026-03-01T12:00:00+00:00"},
        {"until": "2026-02-30T12:00:00Z"},
        {"until": None},
    ],
)
def test_what_is_no_revocation_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(written.UnreadableError):
        written.read({**written.write(FULL), **change})


@pytest.mark.parametrize(
    "said",
    [
        None,
        1.5,
        [],
        [[]],
        ["x"] * 101,
        {},
        {"glob": "x"},
        {"glob": "*"},
        {"glob": "x**"},
        {"glob": 1},
        {"glob": "x*", "contains": "y"},
        {"contains": 1},
        {"present": False},
        {"present": 1},
        {"present": True, "glob": "x*"},
        {"regex": "x"},
    ],
)
def test_what_is_no_matcher_is_refused_by_the_attributes_name(said: object) -> None:
    with pytest.raises(written.UnreadableError, match="attribute namespace"):
        written.read_where({"namespace": said})


def test_a_moment_is_written_in_one_way() -> None:
    assert written.read_moment("2026-03-01T12:00:00Z") == START
    assert written.timestamp(START + timedelta(microseconds=5)) == "2026-03-01T12:00:00Z"
