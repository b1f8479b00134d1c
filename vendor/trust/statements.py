"""Statements: a role's trust policy, and the base policy of the service itself."""

from __future__ import annotations

import json
from itertools import product
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from vendor.policy.grant import Scope
    from vendor.trust.fillings import Fillings

LONGEST_TRUST: Final = 2_048
"""Characters that IAM takes of a role's trust policy, but for white space, unless its quota was raised."""
LONGEST_BASE: Final = 6_144
"""Characters that IAM takes of a managed policy, but for white space."""
MOST_ROLES: Final = 200
"""Roles that one scope may have."""
VERSION: Final = "2012-10-17"


class TrustError(Exception):
    """Nothing can be said of a scope; the text says why."""


def roles(scope: Scope) -> list[tuple[str, Mapping[str, str]]]:
    """Return each role that a scope can assume, with the parameters that lead to it.

    Raises TrustError if they are too many to list.
    """
    text = scope.mint.role
    if text is None:
        raise TrustError(f"the scope {scope.name} assumes no role")
    names = tuple(dict.fromkeys(text.names()))
    listed = {parameter.name: parameter.one_of for parameter in scope.parameters}
    number = 1
    for name in names:
        number *= len(listed[name])
    if number > MOST_ROLES:
        raise TrustError(f"the scope {scope.name} has {number} roles, more than {MOST_ROLES}")
    chosen = (dict(zip(names, values, strict=True)) for values in product(*(listed[name] for name in names)))
    return [(text.fill(values), values) for values in chosen]


def trust_policy(uses: Iterable[Fillings], principal: str) -> dict[str, Any]:
    """Return the trust policy of a role for exactly the sessions that these scopes open with it.

    Each action has the condition keys that AWS documents for it. What must be there at all stands with AssumeRole: the
    other two are asked about only when there are tags, or a source identity.
    Source: actions of AWS STS in the service authorization reference.
    """
    found: list[dict[str, Any]] = []
    for use in uses:
        found += [one for one in _statements(use) if one not in found]
    trusted = {"Effect": "Allow", "Principal": {"AWS": principal}}
    return {"Version": VERSION, "Statement": [{**trusted, **one} for one in found]}


def base_policy(scopes: Iterable[Scope]) -> dict[str, Any]:
    """Return what the service's own identity needs to mint these scopes, and nothing else."""
    by_action: dict[str, set[str]] = {}
    for scope in scopes:
        for action in _actions(scope):
            by_action.setdefault(action, set()).update(role for role, _ in roles(scope))
    by_roles: dict[tuple[str, ...], list[str]] = {}
    for action, named in by_action.items():
        by_roles.setdefault(tuple(sorted(named)), []).append(action)
    statements = [
        {"Effect": "Allow", "Action": actions, "Resource": list(named)} for named, actions in by_roles.items()
    ]
    return {"Version": VERSION, "Statement": statements}


def size(document: object) -> int:
    """Return the characters of a policy as IAM counts them."""
    return len(json.dumps(document, separators=(",", ":"), ensure_ascii=False))


def _actions(scope: Scope) -> Iterator[str]:
    yield "sts:AssumeRole"
    if scope.session.tags:
        yield "sts:TagSession"
    if scope.session.source_identity:
        yield "sts:SetSourceIdentity"


def _statements(use: Fillings) -> Iterator[dict[str, Any]]:
    session, tags = use.scope.session, _tags(use)
    identity = {"sts:SourceIdentity": use.of(session.source_identity)} if session.source_identity else {}
    external_id = use.scope.mint.external_id
    said = {"sts:ExternalId": use.of(external_id)} if external_id else {}
    named = {**said, "sts:RoleSessionName": use.of_session_name(), **identity, **tags}
    optional = frozenset(f"aws:RequestTag/{key}" for key in session.optional_tags)
    yield {"Action": "sts:AssumeRole", "Condition": _matching(named, optional)}
    if session.tags:
        yield {"Action": "sts:TagSession", "Condition": {**_matching(tags, optional), **_keys(use.scope)}}
    if identity:
        yield {"Action": "sts:SetSourceIdentity", "Condition": _matching(identity)}


def _tags(use: Fillings) -> dict[str, tuple[str, ...]]:
    return {f"aws:RequestTag/{key}": use.of(text) for key, text in use.scope.session.tags}


def _keys(scope: Scope) -> dict[str, Any]:
    """Return that there is no other tag, and no other one that goes on to the next role."""
    session = scope.session
    only = {"aws:TagKeys": [key for key, _ in session.tags]}
    if session.transitive_tags:
        return {"ForAllValues:StringEquals": {**only, "sts:TransitiveTagKeys": list(session.transitive_tags)}}
    return {"ForAllValues:StringEquals": only, "Null": {"sts:TransitiveTagKeys": "true"}}


def _matching(wanted: Mapping[str, tuple[str, ...]], optional: AbstractSet[str] = frozenset()) -> dict[str, Any]:
    """Return the conditions that hold each key to its patterns: equality where none has a wildcard.

    An optional key may be missing.
    """
    made: dict[str, dict[str, Any]] = {}
    for key, patterns in wanted.items():
        wild = any("*" in one or "?" in one for one in patterns)
        listed = list(patterns) if len(patterns) > 1 else patterns[0]
        operator = "StringLike" if wild else "StringEquals"
        made.setdefault(f"{operator}IfExists" if key in optional else operator, {})[key] = listed
    return made
