"""Statements: a role's trust policy for each way in which it is asked for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from vendor.identity.issuer import Kind
from vendor.policy import chain
from vendor.policy.mint import Saml
from vendor.policy.session import Action
from vendor.policy.template import Text
from vendor.trust.fillings import ANYTHING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from vendor.identity.issuer import Issuer
    from vendor.policy.grant import Scope
    from vendor.trust.ways import Step, Use

LONGEST_TRUST: Final = 2_048
"""Characters that IAM takes of a role's trust policy, but for white space, unless its quota was raised."""
VERSION: Final = "2012-10-17"
SIGNED_FOR: Final = {
    "aws": "https://signin.aws.amazon.com/saml",
    "aws-us-gov": "https://signin.amazonaws-us-gov.com/saml",
    "aws-cn": "https://signin.amazonaws.cn/saml",
}
"""The audience of assertions in each partition."""
_OF_A_POD: Final = Text.parse("system:serviceaccount:{{ namespace }}:{{ service_account }}")
_OF_OTHERS: Final = Text.parse("{{ subject }}")


def trust_policy(uses: Iterable[Use], principal: str) -> dict[str, Any]:
    """Return the trust policy of a role for exactly the sessions that these scopes open with it.

    Each action has the condition keys that AWS documents for it. What must be there at all stands with AssumeRole: the
    other two are asked about only when there are tags, or a source identity.
    Source: actions of AWS STS in the service authorization reference.
    """
    found: list[dict[str, Any]] = []
    for use in uses:
        found += [one for one in _statements(use, principal) if one not in found]
    return {"Version": VERSION, "Statement": found}


def size(document: object) -> int:
    """Return the characters of a policy as IAM counts them."""
    return len(json.dumps(document, separators=(",", ":"), ensure_ascii=False))


def actions(scope: Scope, step: Step) -> tuple[str, ...]:
    """Return what whoever asks for a step must be allowed to do.

    Transitive tags and the source identity go down the whole way; other tags are for its last session alone.
    """
    tagged = scope.session.tags if step.after is None else scope.session.transitive_tags
    return (
        "sts:AssumeRole",
        *(("sts:TagSession",) if tagged else ()),
        *(("sts:SetSourceIdentity",) if scope.session.source_identity else ()),
    )


def _statements(use: Use, principal: str) -> Iterator[dict[str, Any]]:
    match use.fillings.scope.mint.action:
        case Action.WEB_IDENTITY:
            yield from _of_tokens(use)
        case Action.SAML:
            yield from _of_assertions(use)
        case _:
            trusted = {"Effect": "Allow", "Principal": {"AWS": use.step.before or principal}}
            yield from ({**trusted, **one} for one in _of_roles(use))


def _of_roles(use: Use) -> Iterator[dict[str, Any]]:
    fillings, step = use
    scope, session = fillings.scope, fillings.scope.session
    tags = _tags(use)
    identity = {"sts:SourceIdentity": fillings.of(session.source_identity)} if session.source_identity else {}
    said = {"sts:ExternalId": fillings.of(step.external_id)} if step.external_id else {}
    nobodys = step.after is not None and not (session.transitive_tags or session.source_identity)
    name = (chain.NAME,) if nobodys else fillings.of_session_name()
    optional = frozenset(f"aws:RequestTag/{key}" for key in session.optional_tags)
    named = {**said, "sts:RoleSessionName": name, **identity, **tags}
    needed = actions(scope, step)
    yield {"Action": "sts:AssumeRole", "Condition": _matching(named, optional)}
    if "sts:TagSession" in needed:
        keys = _keys(scope, list(tags)) if step.before is None else {}  # what is carried counts among a request's tags
        condition = {**_matching(tags, optional), **keys}
        yield {"Action": "sts:TagSession", **({"Condition": condition} if condition else {})}
    if identity:
        yield {"Action": "sts:SetSourceIdentity", "Condition": _matching(identity)}


def _tags(use: Use) -> dict[str, tuple[str, ...]]:
    """Return the tags that the request for a step brings itself: what is carried at its begin, the rest at its end."""
    session, step = use.fillings.scope.session, use.step
    down = frozenset(session.transitive_tags)
    brought = [(key, text) for key, text in session.tags if (step.before if key in down else step.after) is None]
    return {f"aws:RequestTag/{key}": use.fillings.of(text) for key, text in brought}


def _keys(scope: Scope, tags: list[str]) -> dict[str, Any]:
    """Return that there is no other tag, and no other one that goes on to the next role."""
    session = scope.session
    only = {"aws:TagKeys": [key.removeprefix("aws:RequestTag/") for key in tags]}
    if session.transitive_tags:
        return {"ForAllValues:StringEquals": {**only, "sts:TransitiveTagKeys": list(session.transitive_tags)}}
    return {"ForAllValues:StringEquals": only, "Null": {"sts:TransitiveTagKeys": "true"}}


def unpinned(use: Use) -> Iterator[tuple[str, str]]:
    """Yield each issuer of which every subject can open the role, and the condition key that could pin some."""
    if use.fillings.scope.mint.action is Action.WEB_IDENTITY:
        for issuer in _issuers(use):
            if _subjects(use, issuer) == (ANYTHING,):
                yield issuer.name, f"{_host(issuer)}:sub"


def _of_tokens(use: Use) -> Iterator[dict[str, Any]]:
    """Yield a statement for each issuer whose tokens open the role by themselves."""
    partition, account = use.step.role.split(":")[1], use.step.role.split(":")[4]
    for issuer in _issuers(use):
        host, subjects = _host(issuer), _subjects(use, issuer)
        wanted = {
            f"{host}:aud": (issuer.audience,),
            **({} if subjects == (ANYTHING,) else {f"{host}:sub": subjects}),
            "sts:RoleSessionName": use.fillings.of_session_name(),
        }
        yield {
            "Effect": "Allow",
            "Principal": {"Federated": f"arn:{partition}:iam::{account}:oidc-provider/{host}"},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": _matching(wanted),
        }


def _issuers(use: Use) -> list[Issuer]:
    return [use.fillings.issuers[name] for name in dict.fromkeys(one.issuer for one in use.fillings.scope.grants)]


def _subjects(use: Use, issuer: Issuer) -> tuple[str, ...]:
    return use.fillings.of_issuer(issuer.name, _OF_A_POD if issuer.kind is Kind.KUBERNETES else _OF_OTHERS)


def _host(issuer: Issuer) -> str:
    """Return an issuer as IAM calls its provider."""
    parts = urlsplit(issuer.url)
    return f"{parts.netloc}{parts.path}".rstrip("/")


def _of_assertions(use: Use) -> Iterator[dict[str, Any]]:
    mint = use.fillings.scope.mint
    for arn in use.fillings.of(mint.provider) if isinstance(mint, Saml) else ():
        audience = SIGNED_FOR[arn.split(":")[1]]
        yield {
            "Effect": "Allow",
            "Principal": {"Federated": arn},
            "Action": "sts:AssumeRoleWithSAML",
            "Condition": {"StringEquals": {"SAML:aud": audience}},
        }


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
