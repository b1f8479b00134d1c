"""Turns: who is next among many who wait, so that nobody who asks for much keeps others from their little."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from vendor.leases.lane import Lane

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")

WEIGHTS: Final[Mapping[Lane, int]] = {Lane.RENEWAL: 8, Lane.FIRST: 3, Lane.AHEAD: 1}
"""Of twelve turns, how many each lane has while all have somebody waiting."""


class Ring(Generic[T]):
    """Issuers in turn, of each its subjects in turn, of each whoever came first."""

    def __init__(self) -> None:
        self._issuers: OrderedDict[str, OrderedDict[str, deque[T]]] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, whom: tuple[str, str], waiter: T) -> None:
        """Let one more wait, for an issuer's subject."""
        issuer, subject = whom
        self._issuers.setdefault(issuer, OrderedDict()).setdefault(subject, deque()).append(waiter)
        self._count += 1

    def next(self) -> T:
        """Return whose turn it is, who then waits no longer."""
        issuer, subjects = self._issuers.popitem(last=False)
        subject, waiters = subjects.popitem(last=False)
        waiter = waiters.popleft()
        if waiters:
            subjects[subject] = waiters
        if subjects:
            self._issuers[issuer] = subjects
        self._count -= 1
        return waiter

    def before(self, whom: tuple[str, str]) -> int:
        """Return how many turns, at most, come before one more of this issuer's subject."""
        issuer, subject = whom
        subjects = self._issuers.get(issuer, OrderedDict[str, deque[T]]())
        mine = len(subjects.get(subject, ()))
        issuers = len(self._issuers) + (issuer not in self._issuers)
        own = len(subjects) + (subject not in subjects)
        return min(self._count, issuers * own * (mine + 1) - 1)


class Turns(Generic[T]):
    """A ring for each lane; the lanes have their turns by weight, and none of them waits for ever."""

    def __init__(self) -> None:
        self._rings: dict[Lane, Ring[T]] = {lane: Ring() for lane in Lane}
        self._credit = dict.fromkeys(Lane, 0)

    def __len__(self) -> int:
        return sum(map(len, self._rings.values()))

    def add(self, lane: Lane, whom: tuple[str, str], waiter: T) -> None:
        """Let one more wait."""
        self._rings[lane].add(whom, waiter)

    def next(self) -> T:
        """Return whose turn it is: smooth weighted round robin over the lanes in which somebody waits."""
        waiting = [lane for lane in Lane if self._rings[lane]]
        for lane in waiting:
            self._credit[lane] += WEIGHTS[lane]
        chosen = max(waiting, key=self._credit.__getitem__)
        self._credit[chosen] -= sum(WEIGHTS[lane] for lane in waiting)
        return self._rings[chosen].next()

    def before(self, lane: Lane, whom: tuple[str, str]) -> float:
        """Return how many turns, about, come before one more who waits in this lane."""
        ring = self._rings[lane]
        others = [other for other in Lane if other is not lane and self._rings[other]]
        share = WEIGHTS[lane] / (WEIGHTS[lane] + sum(WEIGHTS[other] for other in others))
        own = ring.before(whom)
        return min(own + sum(len(self._rings[other]) for other in others), (own + 1) / share - 1)
