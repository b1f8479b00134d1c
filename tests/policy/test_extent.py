"""Extent: which scope of two is the wider one, a row for each pair, and never both."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests import made
from vendor.policy.extent import allows_all
from vendor.policy.mint import AssumeRole, SessionToken
from vendor.policy.parameter import Parameter
from vendor.policy.template import PolicyTemplate, Text

if TYPE_CHECKING:
    from vendor.policy.grant import Scope

READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"


def parameter(name: str = "month", **changes: Any) -> Parameter:
    given: dict[str, Any] = {"pattern": None, "one_of": (), "path": False, "default": None}
    return Parameter(name=name, **{**given, **changes})


def allow(action: Any, resource: Any = "arn:aws:s3:::b/*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any) -> dict[str, Any]:
    return {**allow(action), "Effect": "Deny"}


def scope(*statements: dict[str, Any], parameters: tuple[Parameter, ...] = (), **session: Any) -> Scope:
    """Return a scope of these statements, an unrestricted one of none."""
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    policy = PolicyTemplate.parse(document) if statements else None
    template = replace(made.scope().session, policy=policy, **session)
    return made.scope(session=template, parameters=parameters)


GET, ANY = allow("s3:GetObject"), allow("s3:*")
MONTH = allow("s3:GetObject", "arn:aws:s3:::b/{{ namespace }}/{{ month }}/*")
TEAM = allow("s3:GetObject", "arn:aws:s3:::b/{{ namespace }}/*")
TLS = {"Bool": {"aws:SecureTransport": "true"}}
PER_MONTH = {"StringEquals": {"s3:prefix": "{{ month }}"}}
FREE, OTHER = parameter(), parameter(pattern=re.compile("[0-9]+"))
LISTED = parameter(one_of=("a", "b"))

TABLE: dict[str, tuple[Scope, Scope, bool]] = {
    "more actions": (scope(ANY), scope(GET), True),
    "more actions by a list": (scope(allow(["s3:PutObject", "s3:GetObject"])), scope(GET), True),
    "more actions by another statement": (scope(GET, allow("s3:PutObject")), scope(GET), True),
    "actions in another case": (scope(allow("S3:get*")), scope(GET), True),
    "the same": (scope(GET), scope(GET), False),
    "the same in two writings": (scope(allow(["s3:GetObject"])), scope(GET), False),
    "fewer actions": (scope(GET), scope(ANY), False),
    "others": (scope(allow("s3:PutObject")), scope(GET), False),
    "two statements for one": (
        scope(allow("s3:Get*"), allow("s3:Put*")),
        scope(allow(["s3:GetObject", "s3:PutX"])),
        False,
    ),
    "more resources": (scope(allow("s3:GetObject", "arn:aws:s3:::*")), scope(GET), True),
    "any resource": (scope(allow("s3:GetObject", "*")), scope(GET), True),
    "other resources": (scope(allow("s3:GetObject", "arn:aws:s3:::a/*")), scope(GET), False),
    "a place less": (scope(TEAM), scope(MONTH, parameters=(FREE,)), True),
    "a place more": (scope(MONTH, parameters=(FREE,)), scope(TEAM), False),
    "no place at all": (scope(GET), scope(MONTH, parameters=(FREE,)), True),
    "another place": (scope(allow("s3:GetObject", "arn:aws:s3:::b/{{ pod }}/*")), scope(TEAM), False),
    "what the caller says to both alike": (
        scope({**MONTH, "Action": "s3:*"}, parameters=(FREE,)),
        scope(MONTH, parameters=(parameter(default="x"),)),
        True,
    ),
    "what the caller may say to one alone": (
        scope({**MONTH, "Action": "s3:*"}, parameters=(OTHER,)),
        scope(MONTH, parameters=(FREE,)),
        False,
    ),
    "a choice of the wide one's own": (
        scope(MONTH, parameters=(LISTED,)),
        scope(allow("s3:GetObject", "arn:aws:s3:::b/{{ namespace }}/a/*")),
        True,
    ),
    "a choice that the wide one lacks": (
        scope(MONTH, parameters=(LISTED,)),
        scope(allow("s3:GetObject", "arn:aws:s3:::b/{{ namespace }}/c/*")),
        False,
    ),
    "a choice of the narrow one's own": (
        scope(MONTH, parameters=(parameter(one_of=("a", "b", "c")),)),
        scope(MONTH, parameters=(LISTED,)),
        True,
    ),
    "anything of the wide one's own": (
        scope(MONTH, parameters=(FREE,)),
        scope(allow("s3:GetObject", "arn:aws:s3:::b/{{ namespace }}/c/*")),
        True,
    ),
    "a pattern of the wide one's own": (
        scope(MONTH, parameters=(OTHER,)),
        scope(allow("s3:GetObject", "arn:aws:s3:::b/{{ namespace }}/1/*")),
        False,
    ),
    "as many choices as are looked at": (
        scope(MONTH, parameters=(parameter(one_of=tuple(map(str, range(64)))),)),
        scope(allow("s3:GetObject", "arn:aws:s3:::b/{{ namespace }}/1/*")),
        True,
    ),
    "too many choices": (
        scope(MONTH, parameters=(parameter(one_of=tuple(map(str, range(65)))),)),
        scope(allow("s3:GetObject", "arn:aws:s3:::b/{{ namespace }}/1/*")),
        False,
    ),
    "one of two resources": (
        scope(ANY),
        scope(allow("s3:GetObject", ["arn:aws:s3:::b/*", "arn:aws:s3:::c/*"])),
        False,
    ),
    "a condition on a parameter that is an attribute elsewhere": (
        scope({**ANY, "Condition": PER_MONTH}, parameters=(FREE,)),
        scope({**GET, "Condition": PER_MONTH}),
        False,
    ),
    "a condition less": (scope(GET), scope({**GET, "Condition": TLS}), True),
    "a condition more": (scope({**GET, "Condition": TLS}), scope(GET), False),
    "the same condition": (scope({**ANY, "Condition": TLS}), scope({**GET, "Condition": TLS}), True),
    "another condition": (
        scope({**ANY, "Condition": TLS}),
        scope({**GET, "Condition": PER_MONTH}, parameters=(FREE,)),
        False,
    ),
    "a condition that is filled alike": (
        scope({**ANY, "Condition": PER_MONTH}, parameters=(FREE,)),
        scope({**GET, "Condition": PER_MONTH}, parameters=(FREE,)),
        True,
    ),
    "a condition that is filled otherwise": (
        scope({**ANY, "Condition": PER_MONTH}, parameters=(OTHER,)),
        scope({**GET, "Condition": PER_MONTH}, parameters=(FREE,)),
        False,
    ),
    "a denial less": (scope(GET), scope(GET, deny("s3:*")), True),
    "a denial more": (scope(ANY, deny("s3:Put*")), scope(GET), False),
    "the same denial": (scope(ANY, deny("s3:Put*")), scope(GET, deny("s3:Put*")), True),
    "all but some actions": (
        scope({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}),
        scope({"Effect": "Allow", "NotAction": "iam:*", "Resource": "arn:aws:s3:::b/*"}),
        True,
    ),
    "all but other actions": (scope({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}), scope(GET), False),
    "all but some resources": (
        scope({"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::b/*"}),
        scope({"Effect": "Allow", "Action": "s3:GetObject", "NotResource": "arn:aws:s3:::b/*"}),
        True,
    ),
    "all but other resources": (
        scope({"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::c/*"}),
        scope(GET),
        False,
    ),
    "some resources for all but them": (
        scope(ANY),
        scope({"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::c/*"}),
        False,
    ),
    "no policy": (scope(), scope(GET), True),
    "no policy beside managed ones": (scope(), scope(policy_arns=(READ_ONLY,)), True),
    "no policy for none": (scope(), scope(), False),
    "a policy for none": (scope(GET), scope(), False),
    "a managed policy more": (scope(GET, policy_arns=(READ_ONLY,)), scope(GET), True),
    "a managed policy less": (scope(ANY), scope(GET, policy_arns=(READ_ONLY,)), False),
    "managed policies alone": (scope(policy_arns=(READ_ONLY, READ_ONLY + "2")), scope(policy_arns=(READ_ONLY,)), True),
    "a policy beside managed ones alone": (
        scope(policy_arns=(READ_ONLY,)),
        scope(GET, policy_arns=(READ_ONLY,)),
        False,
    ),
    "for longer": (scope(GET, max_duration=timedelta(hours=5)), scope(GET), True),
    "more, for less long": (scope(ANY, max_duration=timedelta(hours=3)), scope(GET), False),
    "longer than the token": (scope(GET), scope(GET, cap_to_token=True), True),
    "more, and no longer than the token": (scope(ANY, cap_to_token=True), scope(GET), False),
    "more, and both no longer than the token": (scope(ANY, cap_to_token=True), scope(GET, cap_to_token=True), True),
    "a tag that is filled alike": (
        scope(ANY, tags=(("a", Text.parse("{{ namespace }}")),)),
        scope(GET, tags=(("a", Text.parse("{{ namespace }}")),)),
        True,
    ),
    "a tag that each caller fills": (
        scope(ANY, tags=(("a", Text.parse("{{ month }}")),), parameters=(FREE,)),
        scope(GET, tags=(("a", Text.parse("{{ month }}")),), parameters=(LISTED,)),
        False,
    ),
    "other tags": (scope(ANY), scope(GET, tags=(("a", Text.parse("b")),)), False),
    "another target": (scope(ANY), replace(scope(GET), target="own"), False),
    "another role": (scope(ANY), replace(scope(GET), mint=AssumeRole(role=Text.parse("arn:x"))), False),
    "another external id": (
        scope(ANY),
        replace(scope(GET), mint=AssumeRole(role=made.scope().mint.role or Text(()), external_id=None)),
        True,
    ),
    "no role": (
        replace(scope(ANY), mint=SessionToken(mfa=None)),
        replace(scope(GET), mint=SessionToken(mfa=None)),
        False,
    ),
}


def is_wider(wide: Scope, narrow: Scope) -> bool:
    return allows_all(wide, narrow) and not allows_all(narrow, wide)


@pytest.mark.parametrize(("wide", "narrow", "is_so"), TABLE.values(), ids=TABLE)
def test_one_scope_is_wider_than_another(wide: Scope, narrow: Scope, *, is_so: bool) -> None:
    assert is_wider(wide, narrow) is is_so
    assert not (is_so and is_wider(narrow, wide))


def test_roles_out_of_lists_are_the_same_only_if_the_lists_are() -> None:
    role = AssumeRole(role=Text.parse("arn:aws:iam::{{ account }}:role/reports"))
    mine, theirs = (parameter("account", one_of=accounts) for accounts in (("1", "2"), ("1",)))
    wide = replace(scope(ANY, parameters=(mine,)), mint=role)
    assert is_wider(wide, replace(scope(GET, parameters=(mine,)), mint=role))
    assert not is_wider(wide, replace(scope(GET, parameters=(theirs,)), mint=role))
