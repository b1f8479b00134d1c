"""Attributes: what an issuer's tokens say of its workloads, read out of verified claims by the rules of its kind."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from vendor.identity.issuer import Kind
from vendor.identity.kinds import aws, cognito, generic, github, gitlab, kubernetes, spiffe
from vendor.identity.kinds.rules import value
from vendor.identity.principal import ANY_TYPE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vendor.identity.issuer import Issuer
    from vendor.identity.kinds.rules import Rules
    from vendor.identity.principal import AttributeValue

ALWAYS: Final = ("issuer", "subject")
RULES: Final[Mapping[Kind, Rules]] = MappingProxyType(
    {
        Kind.KUBERNETES: kubernetes.RULES,
        Kind.GITHUB: github.RULES,
        Kind.GITLAB: gitlab.RULES,
        Kind.SPIFFE: spiffe.RULES,
        Kind.COGNITO: cognito.RULES,
        Kind.AWS: aws.RULES,
        Kind.GENERIC: generic.RULES,
    }
)


def names(issuer: Issuer) -> tuple[str, ...]:
    """Return the names of all attributes that tokens of this issuer are known to yield."""
    return (*ALWAYS, *RULES[issuer.kind].names, *(name for name, _ in issuer.extra_attributes))


def types(issuer: Issuer, name: str) -> frozenset[type]:
    """Return the types that an attribute of this name can be of; none if no token of this issuer has one."""
    rules = RULES[issuer.kind]
    if any(name == extra for extra, _ in issuer.extra_attributes):
        return ANY_TYPE
    if rules.open or name in (*ALWAYS, *rules.names):
        return frozenset({tuple if name in rules.lists else str})
    return frozenset()


def read(issuer: Issuer, subject: str, claims: Mapping[str, Any]) -> Mapping[str, AttributeValue]:
    """Return the attributes of verified claims.

    An extra attribute whose claim is missing, or is neither a string, an integer, a boolean nor a list of strings, is
    absent: a grant that asks for it then does not match. Raises InvalidToken where the claims contradict themselves.
    """
    found = RULES[issuer.kind].read(issuer, subject, claims)
    for name, path in issuer.extra_attributes:
        found.pop(name, None)  # a tag of the same name, where a kind reads what the sender chose
        extra = value(claims, path)
        if extra is not None:
            found[name] = extra
    # Last, so that nothing a token says can take their place.
    return MappingProxyType({**found, "issuer": issuer.name, "subject": subject})
