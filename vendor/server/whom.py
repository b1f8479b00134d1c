"""Whom: who is meant to be stopped, of which every name must be one that is known here, or else nobody would be."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from vendor.identity import attributes
from vendor.leases import written
from vendor.policy.matcher import AnyOf
from vendor.refusals import InvalidRequest, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vendor.exchange import Exchange
    from vendor.identity.issuer import Issuer
    from vendor.policy.matcher import Matcher

MOST_NAMED: Final = 2_000
"""Characters of the names of attributes that are told."""

_TYPES: Final[Mapping[type, str]] = MappingProxyType(
    {str: "a text", int: "a number", bool: "true or false", tuple: "a list"}
)


class Whom(NamedTuple):
    """Whom a revocation stops, and the roles of sessions that are known to be theirs."""

    scope: str | None
    issuer: str | None
    issuer_url: str | None
    subject: str | None
    where: tuple[tuple[str, Matcher], ...] = ()
    roles: tuple[str, ...] = ()


def named(members: dict[str, Any], exchange: Exchange) -> Whom:
    """Return who is named by scope, issuer, principal and attributes.

    Raises InvalidRequest, or UnreadableError.
    """
    scope, (issuer, subject) = written.text_of(members, "scope"), _principal(members)
    where = written.read_where(members.get("attributes", {}))
    if scope is None and issuer is None and subject is None and not where:
        public = "name whom to stop: a scope, an issuer, a principal, attributes or an access_key_id"
        raise InvalidRequest(Reason.MALFORMED_REQUEST, public)
    if scope is not None and scope not in exchange.mapping.scopes:
        raise InvalidRequest(Reason.UNKNOWN_SCOPE, "there is no such scope here, so nobody would be stopped")
    named_too = [demand for name, demand in where if name == "issuer"]
    issuers = [one for one in exchange.issuers(issuer) if all(demand.matches(one.name) for demand in named_too)]
    if not issuers:
        raise InvalidRequest(Reason.UNKNOWN_ISSUER, "there is no such issuer here, so nobody would be stopped")
    for name, demand in where:
        possible = frozenset[type]().union(*(attributes.types(one, name) for one in issuers))
        if not possible:
            raise _unknown(name, issuers, whose="any token has" if issuer is None else "tokens of this issuer have")
        _refuse_other_types(name, demand, possible)
    if not any(all(demand.types & attributes.types(one, name) for name, demand in where) for one in issuers):
        public = "no token has all of these attributes, so nobody would be stopped"
        raise InvalidRequest(Reason.MALFORMED_REQUEST, public)
    return Whom(scope, issuer, issuers[0].url if issuer is not None else None, subject, where)


def _unknown(name: str, issuers: list[Issuer], *, whose: str) -> InvalidRequest:
    known = ", ".join(sorted({other for one in issuers for other in attributes.names(one)}))
    public = f"no attribute that {whose} is called {name:.63}, so nobody would be stopped; there are "
    return InvalidRequest(Reason.UNDECLARED_PARAMETER, f"{public}{known:.{MOST_NAMED}}")


def _refuse_other_types(name: str, demand: Matcher, possible: frozenset[type]) -> None:
    """Raise InvalidRequest for a value of a type that the attribute never has: types must be equal."""
    for option in demand.options if isinstance(demand, AnyOf) else (demand,):
        if option.types.isdisjoint(possible):
            never, is_one = (" or ".join(sorted(_TYPES[one] for one in types)) for types in (option.types, possible))
            public = f"the attribute {name:.63} is never {never}: it is {is_one}, so nobody would be stopped"
            raise InvalidRequest(Reason.MALFORMED_REQUEST, public)


def _principal(members: dict[str, Any]) -> tuple[str | None, str | None]:
    """Return issuer and subject: `issuer` and `principal`, or a `principal` that is an object of both."""
    said = members.get("principal")
    if not isinstance(said, dict):
        return written.text_of(members, "issuer"), written.text_of(members, "principal")
    issuer, subject = written.text_of(said, "issuer"), written.text_of(said, "subject")
    if said.keys() != {"issuer", "subject"} or issuer is None or subject is None or "issuer" in members:
        raise InvalidRequest(Reason.MALFORMED_REQUEST, "a principal is a subject, or an object of issuer and subject")
    return issuer, subject
