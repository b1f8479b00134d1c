"""Fingerprints: equal for what is equal, another for what differs in anything that counts."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from tests import made
from vendor.identity.issuer import Kind
from vendor.policy.decision import Mapping
from vendor.policy.fingerprint import fingerprint
from vendor.policy.mint import AssumeRole
from vendor.policy.parameter import Parameter
from vendor.policy.template import PolicyTemplate, Text

DISTINCT: list[Any] = [
    None,
    "",
    "None",
    "1",
    1,
    1.0,
    True,
    False,
    0,
    b"",
    b"1",
    (),
    ("",),
    ("", ""),
    ("ab", "c"),
    ("a", "bc"),
    (("a",), "b"),
    (("a", "b"),),
    frozenset({"a"}),
    frozenset({"a", "b"}),
    {"a": "b"},
    {"a": "b", "c": "d"},
    {"c": "d", "a": "b"},
    timedelta(0),
    timedelta(hours=1),
    re.compile("a"),
    re.compile("a", re.ASCII),
    Text(("a",)),
    Kind.GITHUB,
]


@dataclass(frozen=True)
class Noted:
    name: str
    note: str = field(default="", compare=False)


def test_what_differs_in_anything_has_another() -> None:
    assert len({fingerprint(value) for value in DISTINCT}) == len(DISTINCT)


def test_what_is_equal_has_the_same_and_what_does_not_compare_does_not_count() -> None:
    assert fingerprint(made.scope()) == fingerprint(made.scope())
    assert fingerprint(frozenset("abcdef")) == fingerprint(frozenset("fedcba"))
    assert fingerprint(Noted("a", "b")) == fingerprint(Noted("a", "c")) != fingerprint(Noted("b", "b"))


@pytest.mark.parametrize("unknown", [object(), Noted, {1, 2}, [print]])
def test_what_is_not_known_has_none(unknown: object) -> None:
    with pytest.raises(TypeError):
        fingerprint(unknown)


SCOPE = made.scope()
SESSION = SCOPE.session
CHANGED = {
    "role": replace(SCOPE, mint=AssumeRole(role=Text.parse("arn:aws:iam::1:role/x"), external_id=None)),
    "policy": replace(SCOPE, session=replace(SESSION, policy=PolicyTemplate.parse({"Statement": []}))),
    "most": replace(SCOPE, session=replace(SESSION, max_duration=timedelta(hours=9))),
    "capped": replace(SCOPE, session=replace(SESSION, cap_to_token=not SESSION.cap_to_token)),
    "parameters": replace(
        SCOPE, parameters=(Parameter(name="p", pattern=re.compile("x"), one_of=(), path=False, default="x"),)
    ),
    "mode": replace(SCOPE, enforced=not SCOPE.enforced),
    "target": replace(SCOPE, target="minio"),
}


def _terms(scope: Any = SCOPE, target: object = "t", issuer: object = "i") -> str:
    mapping = Mapping(
        scopes={scope.name: scope}, generation=1, targets={"aws": target, "minio": "m"}, issuers={"https://a": issuer}
    )
    return mapping.terms(scope, "https://a")


@pytest.mark.parametrize("changed", CHANGED.values(), ids=CHANGED)
def test_a_scope_that_changes_has_other_terms_t20(changed: Any) -> None:
    assert _terms(changed) != _terms()


def test_a_target_or_an_issuer_that_changes_makes_other_terms_t20() -> None:
    assert len({_terms(), _terms(target="other"), _terms(issuer="other")}) == 3


def test_to_whom_a_scope_is_granted_and_how_it_is_described_is_none_of_its_terms() -> None:
    assert _terms(replace(SCOPE, grants=(), description="other")) == _terms()


def test_a_session_is_kept_by_the_mapping_that_would_open_it_on_the_same_terms() -> None:
    session = made.session(scope=SCOPE.name, issuer="https://a", terms=_terms())
    issuers, targets = {"https://a": "i"}, {"aws": "t"}
    same = Mapping(scopes={SCOPE.name: SCOPE}, generation=2, targets=targets, issuers=issuers)
    narrowed = Mapping(scopes={SCOPE.name: CHANGED["policy"]}, generation=2, targets=targets, issuers=issuers)
    gone = Mapping(scopes={}, generation=2, targets=targets, issuers=issuers)
    assert [mapping.keeps(session) for mapping in (same, narrowed, gone)] == [True, False, False]


def test_a_session_is_renewed_unasked_only_while_its_scope_is_granted_as_it_was_t19() -> None:
    session = made.session(scope=SCOPE.name, issuer="https://a", terms=_terms())
    issuers, targets = {"https://a": "i"}, {"aws": "t"}
    others = {
        "the same": (SCOPE, True),
        "described anew": (replace(SCOPE, description="another"), True),
        "granted to others": (replace(SCOPE, grants=(*SCOPE.grants, *SCOPE.grants)), False),
        "enforced no longer": (CHANGED["mode"], False),
        "other terms": (CHANGED["policy"], False),
    }
    for told, (scope, renewed) in others.items():
        mapping = Mapping(scopes={SCOPE.name: scope}, generation=2, targets=targets, issuers=issuers)
        assert mapping.renews(session, SCOPE) is renewed, told
    assert Mapping(scopes={}, generation=2).renews(session, SCOPE) is False


def test_a_session_on_the_way_to_others_is_kept_as_long_as_its_target_is_the_same() -> None:
    mapping = Mapping(scopes={}, generation=2, targets={"aws": "t"})
    assert mapping.keeps(made.session(scope="", target="aws", terms=fingerprint("t")))
    assert not mapping.keeps(made.session(scope="", target="aws", terms=fingerprint("other")))
    assert not mapping.keeps(made.session(scope="", target="gone", terms=fingerprint("t")))
