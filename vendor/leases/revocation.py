"""Revocation: whom an operator stopped, until when, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vendor.policy.lookup import keys_wanted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from vendor.identity.principal import AttributeValue
    from vendor.leases.holding import Holding
    from vendor.policy.matcher import Matcher
    from vendor.policy.session import RoleSession

Key = tuple[str, str, type, object]
"""Under what a revocation is found: as `vendor.policy.lookup.Key`; scope, subject and issuer have keys of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """Until `until`, nobody whom this covers is given credentials.

    What is None, or empty, restricts nothing; of the rest all must hold. `issuer` is the issuer's name when it was
    made, `issuer_url` what it is known by. `access_key_id` only tells by which session subject and scope were found.
    `by` is the operator: the issuer's name and the subject. `roles` are those of the sessions that it found, `denied`
    tells that the operator has AWS deny them by a policy of each of these roles. Two are the same that stop the same
    for the same reason.
    """

    id: str
    scope: str | None
    issuer: str | None
    issuer_url: str | None
    subject: str | None
    where: tuple[tuple[str, Matcher], ...]
    access_key_id: str | None
    reason: str
    by: tuple[str, str]
    made: datetime = field(compare=False)
    until: datetime = field(compare=False)
    roles: tuple[str, ...] = field(default=(), compare=False)
    denied: bool = field(default=False, compare=False)

    def covers(self, issuer_url: str, subject: str, scope: str, attributes: Mapping[str, AttributeValue]) -> bool:
        """Tell whether it stops this principal in this scope."""
        return self._names(issuer_url, subject, scope) and self._wants(attributes)

    def stops_a_holder(self, holding: Holding) -> bool:
        """Tell whether somebody whom it stops has had this session, or may have, where very many have."""
        return self._names(holding.issuer_url, holding.subject, holding.scope) and (
            not self.where or holding.crowded or any(map(self._wants, holding.holders))
        )

    def covers_all_of(self, session: RoleSession) -> bool:
        """Tell whether it stops everybody who could be lent this session, whatever else they prove."""
        return not self.where and self.may_cover(session)

    def may_cover(self, session: RoleSession) -> bool:
        """Tell whether it could stop somebody who could be lent this session: who that is, the session does not say."""
        return self._names(session.issuer, session.subject, session.scope)

    def keys(self) -> list[Key]:
        """Return the keys one of which everybody has whom it covers; none if there is no fixed value in it."""
        if self.subject is not None:
            return [subject_key(self.subject)]
        for name, matcher in self.where:
            if keys := keys_wanted("", name, matcher):
                return keys
        if self.scope is not None:
            return [scope_key(self.scope)]
        return [] if self.issuer_url is None else [issuer_key(self.issuer_url)]

    def _names(self, issuer_url: str, subject: str, scope: str) -> bool:
        return (
            (self.scope is None or scope == self.scope)
            and (self.issuer_url is None or issuer_url == self.issuer_url)
            and (self.subject is None or subject == self.subject)
        )

    def _wants(self, attributes: Mapping[str, AttributeValue]) -> bool:
        return all(matcher.matches(attributes.get(name)) for name, matcher in self.where)


def subject_key(subject: str) -> Key:
    """Return the key of a subject; no attribute has it."""
    return ("subject", "", str, subject)


def scope_key(scope: str) -> Key:
    """Return the key of a scope."""
    return ("scope", "", str, scope)


def issuer_key(url: str) -> Key:
    """Return the key of an issuer."""
    return ("issuer", "", str, url)
