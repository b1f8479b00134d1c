"""Lookup: which scopes a principal could have at all, without going through all of them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from vendor.policy.matcher import AnyOf, Contains, Equal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from vendor.identity.principal import AttributeValue, Principal
    from vendor.policy.grant import Grant, Scope
    from vendor.policy.matcher import Matcher

Key = tuple[str, str, type, object]
"""Issuer, attribute, and a value of exactly this type: what a principal must have for some grant to match."""


class Lookup:
    """An index over the grants of all scopes, in the order of the configuration.

    A grant stands under that of its conditions on a fixed value which the fewest grants share; one without such a
    condition stands under its issuer, as do all of a scope in mode audit. It only narrows: the grant decides.
    """

    def __init__(self, scopes: Iterable[Scope]) -> None:
        self._by_key: dict[Key, list[int]] = {}
        self._by_issuer: dict[str, list[int]] = {}
        self._attributes: dict[str, set[str]] = {}
        self._scopes = tuple(scopes)
        shared = Counter(key for scope in self._scopes for grant in scope.grants for key in _all_keys(grant))
        for number, scope in enumerate(self._scopes):
            for grant in scope.grants:
                self._add(number, grant, shared if scope.enforced else None)

    def candidates(self, principal: Principal) -> list[Scope]:
        """Return every scope that the principal may have, and few that it may not, in the configuration's order."""
        issuer = principal.issuer
        found = set(self._by_issuer.get(issuer, ()))
        for name in self._attributes.get(issuer, ()):
            for key in keys_had(issuer, name, principal.attributes.get(name)):
                found.update(self._by_key.get(key, ()))
        return [self._scopes[number] for number in sorted(found)]

    def covering(self, grant: Grant) -> list[Scope]:
        """Return every scope with a grant that may let in whoever this one does, in the configuration's order."""
        found = set(self._by_issuer.get(grant.issuer, ()))
        for key in _all_keys(grant):
            found.update(self._by_key.get(key, ()))
        return [self._scopes[number] for number in sorted(found)]

    def _add(self, number: int, grant: Grant, shared: Mapping[Key, int] | None) -> None:
        choices = [keys for name, matcher in grant.where if (keys := keys_wanted(grant.issuer, name, matcher))]
        if shared is None or not choices:
            self._by_issuer.setdefault(grant.issuer, []).append(number)
            return
        for key in min(choices, key=lambda keys: sum(shared[key] for key in keys)):
            self._by_key.setdefault(key, []).append(number)
            self._attributes.setdefault(grant.issuer, set()).add(key[1])


def _all_keys(grant: Grant) -> Iterable[Key]:
    return (key for name, matcher in grant.where for key in keys_wanted(grant.issuer, name, matcher))


def keys_wanted(issuer: str, name: str, matcher: Matcher) -> list[Key]:
    """Return the keys one of which somebody has if the condition holds; none if no fixed value is asked for."""
    if isinstance(matcher, AnyOf):
        parts = [keys_wanted(issuer, name, option) for option in matcher.options]
        return [key for part in parts for key in part] if all(parts) else []
    if isinstance(matcher, Equal):
        return [(issuer, name, type(matcher.value), matcher.value)]
    if isinstance(matcher, Contains):
        return [(issuer, name, tuple, matcher.member)]
    return []


def keys_had(issuer: str, name: str, value: AttributeValue | None) -> list[Key]:
    """Return the keys that an attribute's value answers to."""
    if isinstance(value, tuple):
        return [(issuer, name, tuple, member) for member in value]
    return [] if value is None else [(issuer, name, type(value), value)]
