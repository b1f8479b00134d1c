"""What an explanation says of a session, whichever action makes it, and what people are shown of that."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests import made
from tests.fakes.clock import START
from vendor.cli.explained import as_text
from vendor.policy.decision import Asked, Decision
from vendor.policy.granting import Permission
from vendor.policy.session import Action, Hop, Mfa, Pool, Provider, Signing
from vendor.server.explanation import of_decision

MIDDLE = "arn:aws:iam::111122223333:role/hub"
SECRET_FILE = "/etc/vendor/CANARY"


def told(*, packed: int | None = None, optional: tuple[str, ...] = (), **session: Any) -> dict[str, Any]:
    """Return the explanation of a session."""
    scope = made.scope()
    scope = replace(scope, session=replace(scope.session, optional_tags=optional))
    decision = Decision(
        grants=(),
        permission=Permission(scope=scope, grant=0),
        session=made.session(**session),
        refusal=None,
        packed=packed,
    )
    return of_decision(decision, made.principal(), Asked(scope=scope.name), now=START, whole=True)


def lines(explanation: dict[str, Any]) -> dict[str, str]:
    """Return what people are shown of a session, by the names of its lines."""
    text = as_text(explanation, colour=False).partition("session\n")[2].partition("\npolicy")[0]
    return {line[2:18].strip(): line[18:].strip() for line in text.splitlines()}


def test_roles_on_the_way_are_told_in_their_order() -> None:
    explanation = told(via=(Hop(MIDDLE, "CANARYEXTERNAL"),))
    assert explanation["session"]["chain"] == [MIDDLE, made.ROLE]
    assert lines(explanation)["chain"] == f"{MIDDLE} then {made.ROLE}"
    assert "CANARY" not in str(explanation)
    assert told()["session"]["chain"] == [made.ROLE]
    assert "chain" not in lines(told())


@pytest.mark.parametrize(
    ("action", "given", "members", "shown"),
    [
        (
            Action.ASSUME_ROLE,
            {"mfa": Mfa("arn:mfa", SECRET_FILE)},
            {"mfa_serial": "arn:mfa"},
            {"MFA device": "arn:mfa"},
        ),
        (Action.WEB_IDENTITY, {}, {}, {"action": "AssumeRoleWithWebIdentity"}),
        (Action.SAML, {"provider": Provider("arn:idp", SECRET_FILE)}, {"provider": "arn:idp"}, {"provider": "arn:idp"}),
        (
            Action.IDENTITY_TOKEN,
            {"signing": Signing(("a", "b"), "ES384"), "role_arn": "", "session_name": ""},
            {"audience": ["a", "b"], "signing_algorithm": "ES384", "role": None, "chain": [], "session_name": None},
            {"audience": "a, b", "signed by": "ES384", "action": "GetWebIdentityToken"},
        ),
        (Action.COGNITO_IDENTITY, {"pool": Pool("eu:1", ())}, {"identity_pool": "eu:1"}, {"identity pool": "eu:1"}),
        (Action.ROOT, {"task_policy": "arn:task"}, {"task_policy": "arn:task"}, {"task policy": "arn:task"}),
    ],
)
def test_what_an_action_is_sent_is_told_and_no_file_of_the_services_own(
    action: Action, given: dict[str, Any], members: dict[str, Any], shown: dict[str, str]
) -> None:
    explanation = told(action=action, **given)
    session = explanation["session"]
    assert session["action"] == action
    assert {name: session[name] for name in members} == members
    assert lines(explanation).items() >= shown.items()
    assert "CANARY" not in str(explanation)
    assert "CANARY" not in as_text(explanation, colour=False)


def test_the_usual_action_is_not_worth_a_line() -> None:
    assert "action" not in lines(told())


def test_tags_that_are_left_out_are_told_with_the_reason() -> None:
    explanation = told(optional=("job",))
    assert explanation["session"]["dropped_tags"] == ["job"]
    assert lines(explanation)["left out"] == "job"
    assert explanation["warnings"] == ["left out, as STS could not pack all of it: the tags job"]


@pytest.mark.parametrize(
    ("percent", "warning"),
    [
        (None, []),
        (75, []),
        (76, ["policy, policy ARNs and tags fill about 76 % of what STS takes packed"]),
        (100, ["policy, policy ARNs and tags fill about 100 % of what STS takes packed"]),
        (101, ["STS is expected to find policy, policy ARNs and tags too large when they are packed"]),
    ],
)
def test_a_session_that_is_nearly_full_is_warned_of(percent: int | None, warning: list[str]) -> None:
    assert told(packed=percent)["warnings"] == warning
    assert told(packed=percent)["session"]["packed_policy_percent"] == percent
