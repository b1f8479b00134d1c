"""The policy that makes AWS deny sessions: as narrow as can be said, and never silently wider."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

import pytest

from tests.made import principal
from vendor.cli.denying import Denying
from vendor.policy.naming import ending, session_name
from vendor.trust import denial
from vendor.trust.denial import DenialError, Session

BEFORE = datetime(2026, 12, 1, 9, 30, 1, 999, tzinfo=UTC)
ROLE, OTHER = "arn:aws:iam::111122223333:role/reports", "arn:aws:iam::111122223333:role/other"


def test_it_denies_everything_to_these_sessions_of_before_and_to_no_others() -> None:
    assert denial.policy("inc-7", ["analytics.reporter-abc"], before=BEFORE) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "VendorRevocationinc7",
                "Effect": "Deny",
                "Action": "*",
                "Resource": "*",
                "Condition": {
                    "DateLessThan": {"aws:TokenIssueTime": "2026-12-01T09:30:01Z"},
                    "StringLike": {"aws:userid": ["*:analytics.reporter-abc"]},
                },
            }
        ],
    }
    (statement,) = denial.policy("inc-7", None, before=BEFORE)["Statement"]
    assert list(statement["Condition"]) == ["DateLessThan"]


def test_it_is_found_again_by_its_name() -> None:
    assert denial.policy_name("inc-7") == "vendor-revocation-inc-7"


def test_a_principal_is_named_whatever_its_sessions_are_called() -> None:
    one, other = principal(), principal(subject="another")
    (pattern,) = denial.names_of_principal(one.issuer_url, one.subject)
    for head in (None, "head", "x" * 80):
        assert fnmatchcase(f"AROAEXAMPLE:{session_name(one, head)}", f"*:{pattern}")
        assert not fnmatchcase(f"AROAEXAMPLE:{session_name(other, head)}", f"*:{pattern}")


def test_sessions_are_named_by_role_once_each_and_those_of_users_left_out() -> None:
    sessions = [Session(ROLE, "b"), Session(ROLE, "a-1"), Session(OTHER, "c-1"), Session(ROLE, "a-1"), Session("", "")]
    with pytest.raises(DenialError, match=r"a name that is not known, .* --whole-role"):
        denial.names_by_role(sessions)
    assert denial.names_by_role(sessions[1:]) == {ROLE: ["a-1"], OTHER: ["c-1"]}


@pytest.mark.parametrize("name", ["", "a", "a*", "a?b", "a/b", "a" * 65, "a\n", "${aws:userid}"])
def test_a_name_that_is_none_or_would_match_others_is_not_put_into_a_policy(name: str) -> None:
    with pytest.raises(DenialError):
        denial.names_by_role([Session(ROLE, name)])


def test_too_many_to_name_are_refused_and_as_many_as_are_taken_fit() -> None:
    most = [Session(ROLE, f"{number:03}-{'x' * 60}") for number in range(denial.MOST_NAMES)]
    names = denial.names_by_role(most)[ROLE]
    assert len(json.dumps(denial.policy("x" * 32, names, before=BEFORE), separators=(",", ":"))) < 10_240
    with pytest.raises(DenialError, match=r"101 sessions of .* are too many to name"):
        denial.names_by_role([*most, Session(ROLE, "one-more")])


class Known:
    """A service that knows these sessions to be out."""

    def __init__(self, *sessions: Session) -> None:
        self._sessions = sessions

    def pages(self, path: str, name: str, **query: str | None) -> list[dict[str, str]]:
        assert (path, name, query) == ("/v1/leases", "leases", {"revocation": "inc-7"})
        return [{"role": one.role, "session_name": one.name} for one in self._sessions]


def test_a_session_of_a_principal_that_somebody_else_named_is_named_beside_the_others(
    capsys: pytest.CaptureFixture[str],
) -> None:
    who = principal()
    hers, users = Session(ROLE, "ada@example.com"), Session("", "batch-abc")
    service: Any = Known(Session(ROLE, session_name(who)), hers, hers._replace(role=OTHER), users)
    options = argparse.Namespace(role=[], whole_role=False, apply=False)
    made = {"id": "inc-7", "issuer_url": who.issuer_url, "principal": who.subject, "roles": [ROLE], "sessions": 3}
    assert Denying(options).deny(service, made) == 0
    out, err = capsys.readouterr()
    assert err == "vendor: 1 sessions of theirs are of no role, and denied by a policy of their IAM user alone\n"
    printed = json.loads(out)["roles"]
    named = {role: one["Statement"][0]["Condition"]["StringLike"]["aws:userid"] for role, one in printed.items()}
    all_of = f"*:*{ending(who.issuer_url, who.subject)}"
    assert named == {ROLE: [all_of, "*:ada@example.com"], OTHER: [all_of, "*:ada@example.com"]}
