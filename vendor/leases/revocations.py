"""Revocations: the ones that are in force, found by what a caller is and not by going through all of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vendor.leases.revocation import issuer_key, scope_key, subject_key
from vendor.policy.lookup import keys_had
from vendor.refusals import Conflict, Reason, Revoked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vendor.identity.principal import AttributeValue, Principal
    from vendor.leases.lease import Clock
    from vendor.leases.revocation import Key, Revocation
    from vendor.policy.session import RoleSession

MOST: Final = 10_000
"""Revocations that can be in force at once."""
MOST_OPEN: Final = 100
"""Those among them that hold no fixed value, which are looked at for every caller."""


@dataclass(slots=True)
class _Standing:
    """A revocation in force, and when it ends on the clock that never steps."""

    revocation: Revocation
    ends: float


class Revocations:
    """The revocations that are in force.

    One ends when both clocks say so: whoever moves the wall clock on lets nobody in.
    """

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self.made = 0
        """How often one was put into force: as long as that stays the same, nobody is stopped who was not."""
        self._standing: dict[str, _Standing] = {}
        self._by_key: dict[Key, dict[str, _Standing]] = {}
        self._open: dict[str, _Standing] = {}
        self._attributes: Counter[str] = Counter()

    def add(self, revocation: Revocation) -> bool:
        """Put a revocation into force at once; return False if it is in force already.

        Raises Conflict for another one of this id, or when there are too many.
        """
        known = self.get(revocation.id)
        if known is not None:
            if known == revocation:
                return False
            raise Conflict(Reason.TAKEN, "there is another revocation with this id")
        keys = revocation.keys()
        self.lift(revocation.id)  # one of this id that has ended
        if not self._has_room(keys):
            raise Conflict(
                Reason.CAPACITY, "too many revocations are in force: lift some, or stop a scope or an issuer"
            )
        left = (revocation.until - self._clock.now()).total_seconds()
        standing = _Standing(revocation, self._clock.monotonic() + left)
        self._standing[revocation.id] = standing
        self.made += 1
        for place in self._places(keys):
            place[revocation.id] = standing
        self._attributes.update(name for _, name, _, _ in keys if name)
        return True

    def lift(self, revocation_id: str) -> Revocation | None:
        """End a revocation at once and return it, None if there is none of this id."""
        standing = self._standing.pop(revocation_id, None)
        if standing is None:
            return None
        keys = standing.revocation.keys()
        for place in self._places(keys):
            place.pop(revocation_id, None)
        for key in keys:
            if not self._by_key.get(key, standing):
                del self._by_key[key]
        self._attributes.subtract(name for _, name, _, _ in keys if name)
        self._attributes += Counter()  # drops what is counted no more
        return standing.revocation

    def note(self, revocation: Revocation) -> None:
        """Put what more is known of a revocation in the place of what was; whom it covers is the same."""
        standing = self._standing.get(revocation.id)
        if standing is not None:
            standing.revocation = revocation

    def get(self, revocation_id: str) -> Revocation | None:
        """Return the revocation of this id if it is in force."""
        standing = self._standing.get(revocation_id)
        return None if standing is None or self._is_over(standing) else standing.revocation

    def active(self) -> list[Revocation]:
        """Return all that are in force, the oldest first; those that have ended are let go of."""
        for standing in [one for one in self._standing.values() if self._is_over(one)]:
            self.lift(standing.revocation.id)
        return [standing.revocation for standing in self._standing.values()]

    def count(self) -> int:
        """Return how many are in force."""
        return len(self.active())

    def of(self, principal: Principal, scope: str) -> Revocation | None:
        """Return a revocation that stops this principal in this scope, None if none does."""
        return self.stopping(principal.issuer_url, principal.subject, scope, principal.attributes)

    def stopping(
        self, issuer_url: str, subject: str, scope: str, attributes: Mapping[str, AttributeValue]
    ) -> Revocation | None:
        """Return a revocation that stops whoever is this, None if none does."""
        for one in self._candidates(issuer_url, subject, scope, attributes):
            if one.revocation.covers(issuer_url, subject, scope, attributes) and not self._is_over(one):
                return one.revocation
        return None

    def refuse(self, principal: Principal, scope: str) -> None:
        """Raise Revoked if this principal is stopped in this scope."""
        if self._standing and (found := self.of(principal, scope)) is not None:
            raise refusal_of(found)

    def stops(self, session: RoleSession) -> bool:
        """Tell whether everybody is stopped who could be lent this session, so that it need not be held."""
        if not self._standing:
            return False
        found = self._candidates(session.issuer, session.subject, session.scope, {})
        return any(one.revocation.covers_all_of(session) and not self._is_over(one) for one in found)

    def _has_room(self, keys: list[Key]) -> bool:
        """Tell whether there may be one more; those that have ended are let go of only where there is no room."""
        for _ in range(2):
            if len(self._standing) < MOST and (keys or len(self._open) < MOST_OPEN):
                return True
            self.active()
        return False

    def _candidates(
        self, issuer_url: str, subject: str, scope: str, attributes: Mapping[str, AttributeValue]
    ) -> Iterator[_Standing]:
        """Yield every revocation that could cover somebody, and few that do not."""
        for key in (subject_key(subject), scope_key(scope), issuer_key(issuer_url)):
            yield from self._by_key.get(key, {}).values()
        for name in self._attributes:
            for key in keys_had("", name, attributes.get(name)):
                yield from self._by_key.get(key, {}).values()
        yield from self._open.values()

    def _places(self, keys: list[Key]) -> list[dict[str, _Standing]]:
        return [self._by_key.setdefault(key, {}) for key in keys] or [self._open]

    def _is_over(self, standing: _Standing) -> bool:
        return self._clock.now() >= standing.revocation.until and self._clock.monotonic() >= standing.ends


def refusal_of(revocation: Revocation) -> Revoked:
    """Return the refusal of whom a revocation covers; why it was made is the operators' own."""
    issuer, subject = revocation.by
    until = revocation.until.isoformat(timespec="seconds").replace("+00:00", "Z")
    detail = f"revocation {revocation.id} of {issuer} {subject}, until {until}: {revocation.reason}"
    return Revoked(Reason.REVOKED, detail=detail)
