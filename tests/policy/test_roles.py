"""Which scope a role's ARN means, and with which parameters."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests import made
from vendor.policy import roles
from vendor.policy.decision import Asked, Mapping
from vendor.policy.grant import Grant, Scope
from vendor.policy.matcher import Equal
from vendor.policy.mint import AssumeRole
from vendor.policy.parameter import Parameter
from vendor.policy.template import Text
from vendor.refusals import AccessDenied, InvalidRequest, Reason, ScopeRequired

if TYPE_CHECKING:
    from vendor.identity.principal import Principal
    from vendor.policy.granting import Permission

READ, WRITE = "arn:aws:iam::111122223333:role/read", "arn:aws:iam::111122223333:role/write"
ACCOUNT = Parameter(name="account", pattern=None, one_of=("111122223333", "444455556666"), path=False, default=None)
TEAM = Parameter(name="team", pattern=None, one_of=("a", "ab", "b"), path=False, default="b")
FREE = Parameter(name="month", pattern=None, one_of=(), path=False, default="2026-01")
OTHERS = (Grant(issuer="cluster-a", where=(("namespace", Equal("other")),)),)


def scope(name: str, role: str, *parameters: Parameter, **changes: Any) -> Scope:
    mint = AssumeRole(role=Text.parse(role), external_id=None)
    return made.scope(**{"name": name, "mint": mint, "parameters": parameters, **changes})


def mapping(*scopes: Scope) -> Mapping:
    return Mapping(scopes={one.name: one for one in scopes}, generation=1)


@pytest.mark.parametrize(
    ("role", "asked", "bound"),
    [
        (READ, READ, {}),
        (READ, WRITE, None),
        (READ, READ + "er", None),
        (READ, READ[:-1], None),
        ("r/{{ account }}/x", "r/444455556666/x", {"account": "444455556666"}),
        ("r/{{ account }}/x", "r/777788889999/x", None),
        ("r/{{ team }}", "r/a", {"team": "a"}),
        ("r/{{ team }}b", "r/abb", {"team": "ab"}),
        ("r/{{ team }}b", "r/ab", {"team": "a"}),
        ("r/{{ team }}-{{ team }}", "r/ab-ab", {"team": "ab"}),
        ("r/{{ team }}-{{ team }}", "r/ab-a", None),
        ("r/{{ account }}{{ team }}", "r/111122223333ab", {"account": "111122223333", "team": "ab"}),
    ],
)
def test_a_role_is_bound_by_the_listed_values_alone(role: str, asked: str, bound: dict[str, str] | None) -> None:
    assert roles.bind(scope("s", role, ACCOUNT, TEAM, FREE), asked, lambda _: None) == bound


def test_a_role_means_the_one_scope_that_the_principal_may_have_for_it() -> None:
    rules = mapping(scope("read", READ), scope("write", WRITE), scope("others", READ, grants=OTHERS))
    for role, name in ((READ, "read"), (WRITE, "write")):
        permission, settled = rules.settle(made.principal(), Asked(scope=None, role=role))
        assert (permission.scope.name, permission.grant) == (name, 0)
        assert settled == Asked(scope=name)


def test_what_a_role_says_of_parameters_is_asked_for() -> None:
    rules = mapping(scope("read", "arn:aws:iam::{{ account }}:role/read", ACCOUNT))
    asked = Asked(scope=None, role="arn:aws:iam::444455556666:role/read")
    permission, settled = rules.settle(made.principal(), asked)
    assert rules.open(permission, made.principal(), settled).role_arn == asked.role


def test_a_scope_may_be_named_where_an_arn_is_wanted() -> None:
    rules = mapping(scope("reports:read", READ), scope("also", READ))
    permission, settled = rules.settle(made.principal(), Asked(scope=None, role=f"{roles.NAMED}reports:read"))
    assert (permission.scope.name, settled.parameters) == ("reports:read", {})


def test_a_role_that_several_scopes_have_is_refused_with_what_to_do() -> None:
    with pytest.raises(ScopeRequired, match=f"name one of them as {roles.NAMED}SCOPE") as refused:
        mapping(scope("one", READ), scope("two", READ)).settle(made.principal(), Asked(scope=None, role=READ))
    assert refused.value.reason is Reason.NO_SCOPE_NAMED


@pytest.mark.parametrize(
    ("forbidden", "unknown"),
    [(READ, WRITE), (f"{roles.NAMED}others", f"{roles.NAMED}nothing"), (READ, "no ARN at all")],
)
def test_a_role_or_a_scope_of_others_reads_as_one_that_is_not(forbidden: str, unknown: str) -> None:
    rules, told = mapping(scope("others", READ, grants=OTHERS)), []
    for role in (forbidden, unknown):
        with pytest.raises(AccessDenied) as refused:
            rules.settle(made.principal(), Asked(scope=None, role=role))
        told.append(refused.value.public)
    assert told[0] == told[1] == "this identity may not have this scope"


def test_a_scope_in_mode_audit_is_meant_where_no_granted_one_is() -> None:
    relaxed = scope("relaxed", READ, grants=OTHERS, enforced=False)
    asked = Asked(scope=None, role=READ)
    alone, beside = mapping(relaxed), mapping(relaxed, scope("granted", READ))
    assert alone.settle(made.principal(), asked)[0].scope.name == "relaxed"
    assert beside.settle(made.principal(), asked)[0].scope.name == "granted"


@pytest.mark.parametrize(("seconds", "given"), [(900, 900), (14_400, 14_400), (14_401, 14_400), (43_200, 14_400)])
def test_a_duration_beside_a_role_is_lowered_to_what_the_scope_gives(seconds: int, given: int) -> None:
    rules = mapping(scope("read", READ))
    asked = Asked(scope=None, role=READ, duration=timedelta(seconds=seconds))
    assert rules.explain(made.principal(), asked).session == rules.open(*opening(rules, asked))
    assert rules.open(*opening(rules, asked)).duration == timedelta(seconds=given)


@pytest.mark.parametrize("seconds", [0, 899, 43_201])
def test_a_duration_that_sts_would_not_give_is_refused_beside_a_role_too(seconds: int) -> None:
    rules = mapping(scope("read", READ))
    with pytest.raises(InvalidRequest):
        rules.open(*opening(rules, Asked(scope=None, role=READ, duration=timedelta(seconds=seconds))))


def opening(rules: Mapping, asked: Asked) -> tuple[Permission, Principal, Asked]:
    permission, settled = rules.settle(made.principal(), asked)
    return permission, made.principal(), settled
