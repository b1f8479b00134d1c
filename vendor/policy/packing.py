"""Packing: how large STS finds a session, learned from its answers, and which tags are left out so that one fits.

STS packs policy, policy ARNs and tags together, by a rule that AWS does not publish. All that is known is a percentage
for each session that it took, and that another one was too large.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from vendor.policy.session import RoleSession

FULL: Final = 75
"""Percent of what STS takes, packed, above which a longer value may be one too many."""
WHOLE: Final = 100
"""Percent of what STS takes, packed: all of it."""


@dataclass(slots=True)
class _Learned:
    """The largest session that was taken, with its percentage, and the weight from which on others were too large."""

    weight: int = 0
    percent: int = 0
    too_large: float = float("inf")


class Packing:
    """What STS said of the sessions of each scope, of at most `capacity` scopes as they are configured.

    It never makes a session larger or another's: what it gives is the session itself, or that with fewer tags, which is
    another request with another key (T17).
    """

    def __init__(self, *, capacity: int = 10_000) -> None:
        self._learned: OrderedDict[tuple[str, str], _Learned] = OrderedDict()
        self._capacity = capacity

    def took(self, session: RoleSession, percent: int) -> bool:
        """Note how full a session was that STS took; tell whether its scope exceeds `FULL` for the first time."""
        learned, weight = self._of(session), _weight(session)
        crosses = learned.percent <= FULL < percent
        if percent >= learned.percent:
            learned.weight, learned.percent = weight, percent
        if weight >= learned.too_large:  # its rule is not ours: what was too large may have been packed less well
            learned.too_large = float("inf")
        return crosses

    def refused(self, session: RoleSession) -> None:
        """Note that STS found a session too large: others of its scope that are no smaller will be as well."""
        learned = self._of(session)
        learned.too_large = min(learned.too_large, _weight(session))

    def expected(self, session: RoleSession) -> int | None:
        """Return how full a session will be in percent, None while its scope is far from full: that says too little."""
        learned = self._learned.get((session.scope, session.terms))
        if learned is None:
            return None
        weight = _weight(session)
        percent = learned.percent * weight // max(learned.weight, 1) if learned.percent > FULL else None
        return max(percent or 0, WHOLE + 1) if weight >= learned.too_large else percent

    def fitted(self, session: RoleSession, optional: tuple[str, ...]) -> RoleSession:
        """Return a session without as many of its optional tags, from the first on, as are expected not to fit."""
        for _ in optional:
            if (self.expected(session) or 0) <= WHOLE:
                break
            session = lighter(session, optional) or session
        return session

    def _of(self, session: RoleSession) -> _Learned:
        key = session.scope, session.terms
        learned = self._learned.setdefault(key, _Learned())
        self._learned.move_to_end(key)
        if len(self._learned) > self._capacity:
            self._learned.popitem(last=False)
        return learned


def lighter(session: RoleSession, optional: tuple[str, ...]) -> RoleSession | None:
    """Return a session without the first of its optional tags, None if it has none any more."""
    tags = dict(session.tags)
    first = next((key for key in optional if key in tags), None)
    if first is None:
        return None
    return replace(session, tags=tuple((key, value) for key, value in session.tags if key != first))


def dropped(session: RoleSession, optional: tuple[str, ...]) -> tuple[str, ...]:
    """Return the optional tags that a session does not have: every tag is filled, or else the session is refused."""
    tags = dict(session.tags)
    return tuple(key for key in optional if key not in tags)


def _weight(session: RoleSession) -> int:
    """Return the characters of all that STS packs."""
    tags = sum(len(key) + len(value) for key, value in session.tags)
    return len(session.policy or "") + sum(map(len, session.policy_arns)) + tags
