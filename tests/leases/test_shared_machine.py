"""Any order of requests, mints, attacks on the store, its absence, restarts, reloads and clock steps, over replicas."""

from __future__ import annotations

import asyncio
import contextlib
import os
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.fakes.clock import START, Clock
from tests.made import credentials, session
from vendor.leases import place
from vendor.leases.expiry import ExpiryLedger
from vendor.leases.leases import Leases
from vendor.leases.sealed import Ring
from vendor.leases.shared import Shared
from vendor.leases.store import Slot, StoreError
from vendor.refusals import Reason, Refusal, StsUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vendor.audit import Source
    from vendor.credentials import Credentials
    from vendor.leases.lane import Lane
    from vendor.leases.lease import Lease
    from vendor.policy.proof import Proof
    from vendor.policy.session import RoleSession

SESSIONS = [session(subject=subject, terms=terms) for subject in ("one", "other") for terms in ("1", "2")]
RING = Ring({"k1": bytes(range(32))})


class Kept(NamedTuple):
    raw: bytes
    ends: float


class Store:
    """A store in memory that means well, as far as it is let; it has the true time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.kept: dict[str, Kept] = {}
        self.locks: dict[str, Kept] = {}
        self.history: list[Kept] = []
        self.away = False

    def _alive(self, where: dict[str, Kept], name: str) -> Kept | None:
        if self.away:
            raise StoreError("away")
        found = where.get(name)
        return found if found is not None and found.ends > self._clock.monotonic() else None

    def _left(self, name: str) -> float:
        found = self._alive(self.kept, name)
        return found.ends - self._clock.monotonic() if found else 0.0

    async def claim(self, name: str, *, token: str, wanted: float, lock: float) -> Slot:
        await asyncio.sleep(0)
        found, left = self._alive(self.kept, name), self._left(name)
        raw = found.raw if found else b""
        if left >= wanted:
            return Slot(raw, left, ours=False)
        holder = self._alive(self.locks, name)
        if holder is None:
            holder = self.locks[name] = Kept(token.encode(), self._clock.monotonic() + lock)
        return Slot(raw, left, ours=holder.raw == token.encode())

    async def peek(self, name: str) -> Slot:
        found = self._alive(self.kept, name)
        return Slot(found.raw if found else b"", self._left(name), ours=False)

    async def hold_on(self, name: str, *, token: str, lock: float) -> None:
        holder = self._alive(self.locks, name)
        if holder is not None and holder.raw == token.encode():
            self.locks[name] = Kept(holder.raw, self._clock.monotonic() + lock)

    async def put(self, name: str, raw: bytes, *, token: str, seconds: float) -> None:
        holder = self._alive(self.locks, name)
        if holder is not None and holder.raw == token.encode():
            del self.locks[name]
        elif self._left(name) >= seconds:
            return
        self.kept[name] = Kept(raw, self._clock.monotonic() + seconds)
        self.history.append(self.kept[name])

    async def let_go(self, name: str, *, token: str) -> None:
        holder = self._alive(self.locks, name)
        if holder is not None and holder.raw == token.encode():
            del self.locks[name]

    async def discard(self, name: str, raw: bytes) -> None:
        found = self._alive(self.kept, name)
        if found is not None and found.raw == raw:
            del self.kept[name]

    async def forget(self, names: Iterable[str]) -> None:
        for name in names:
            self._alive(self.kept, name)
            self.kept.pop(name, None)


class Sts:
    """Answers when it is told to; what it issues ends when it ends, whatever anybody's wall clock says."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.waiting: list[asyncio.Future[None]] = []
        self.issued: dict[str, tuple[RoleSession, float]] = {}

    async def issue(self, session: RoleSession, clock: Clock) -> Credentials:
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.append(answer)
        await answer
        made = credentials(session, now=self.clock.now(), number=len(self.issued))
        if not clock.now() < made.expiration <= clock.now() + session.duration + timedelta(minutes=5):
            raise StsUnavailable(Reason.BAD_ANSWER)  # as the reader of answers has it
        self.issued[made.access_key_id] = (session, self.clock.monotonic() + session.duration.total_seconds())
        return made


class Mint:
    """One replica's way to STS."""

    def __init__(self, sts: Sts, clock: Clock) -> None:
        self._sts = sts
        self._clock = clock

    async def mint(self, session: RoleSession, *, lane: Lane, proof: Proof) -> Credentials:
        return await self._sts.issue(session, self._clock)


class Replica:
    """One replica with a wall clock of its own."""

    def __init__(self, sts: Sts, store: Store, *, skew: float) -> None:
        self.clock = Clock(sts.clock.now() + timedelta(seconds=skew), monotonic=sts.clock.monotonic())
        self.skew = skew
        self.terms = {"1", "2"}
        shared = Shared(clock=self.clock, broken=lambda _: None)
        shared.share(store, RING)
        expiry = ExpiryLedger(clock=self.clock)
        self.leases = Leases(mint=Mint(sts, self.clock), clock=self.clock, expiry=expiry, shared=shared, capacity=3)
        self.leases.keep(lambda one: one.terms in self.terms)


class SharedMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock = Clock(START)
        self.store = Store(self.clock)
        self.sts = Sts(self.clock)
        self.replicas = [Replica(self.sts, self.store, skew=0.0) for _ in range(3)]
        self.asked: list[tuple[RoleSession, Replica, asyncio.Task[tuple[Lease, Source]]]] = []

    @rule(which=st.integers(0, 2), asked=st.sampled_from(SESSIONS), patient=st.booleans())
    def ask(self, which: int, asked: RoleSession, *, patient: bool) -> None:
        replica = self.replicas[which]
        deadline = replica.clock.monotonic() + (600 if patient else 0)
        self.asked.append((asked, replica, self.loop.create_task(replica.leases.lend(asked, deadline=deadline))))

    @rule(which=st.integers(0, 10), fails=st.booleans())
    def answer(self, which: int, *, fails: bool) -> None:
        self.loop.run_until_complete(settle())
        waiting = [one for one in self.sts.waiting if not one.done()]
        if waiting:
            answer = waiting[which % len(waiting)]
            if fails:
                answer.set_exception(StsUnavailable(Reason.NO_ANSWER))
            else:
                answer.set_result(None)

    @rule(which=st.integers(0, 2), asked=st.sampled_from(SESSIONS))
    def serve(self, which: int, asked: RoleSession) -> None:
        """Ask, and let STS answer whatever it is asked, as it mostly does."""
        self.ask(which, asked, patient=True)
        self.loop.run_until_complete(settle())
        for answer in self.sts.waiting:
            if not answer.done():
                answer.set_result(None)
        self.loop.run_until_complete(settle())

    @rule(which=st.integers(0, 2), asked=st.sampled_from(SESSIONS), skew=st.sampled_from([0, -240, 240]))
    def serve_begun(self, which: int, asked: RoleSession, skew: int) -> None:
        """Serve somebody by a replica that has nothing of its own."""
        self.restart(which, skew)
        self.serve(which, asked)

    @rule(seconds=st.sampled_from([1, 30, 1_500, 2_401, 3_500]))
    def advance(self, seconds: int) -> None:
        for clock in (self.clock, *(replica.clock for replica in self.replicas)):
            clock.advance(seconds)

    @rule(which=st.integers(0, 2), seconds=st.sampled_from([-600, -60, 60, 600]))
    def step(self, which: int, seconds: int) -> None:
        self.replicas[which].clock.step_wall(seconds)

    @rule(which=st.integers(0, 2), skew=st.sampled_from([0, -240, 240]))
    def restart(self, which: int, skew: int) -> None:
        self.loop.run_until_complete(self.replicas[which].leases.close())
        self.replicas[which] = Replica(self.sts, self.store, skew=skew)

    @rule(which=st.integers(0, 2), terms=st.sampled_from([{"1"}, {"2"}, {"1", "2"}]))
    def reload(self, which: int, terms: set[str]) -> None:
        self.replicas[which].terms = terms
        self.loop.run_until_complete(self.replicas[which].leases.drop())

    @rule(away=st.booleans())
    def leave(self, *, away: bool) -> None:
        self.store.away = away

    @rule(source=st.integers(0, 20), victim=st.sampled_from(SESSIONS), how=st.sampled_from(["put", "cut", "forge"]))
    def attack(self, source: int, victim: RoleSession, how: str) -> None:
        """Put what was anywhere at any time under another name, or something that never was."""
        name = RING.names(victim.key)[0]
        if how == "forge" or not self.store.history:
            self.store.kept[name] = Kept(os.urandom(100), self.clock.monotonic() + 10**6)
            return
        old = self.store.history[source % len(self.store.history)]
        self.store.kept[name] = Kept(old.raw[:-1] if how == "cut" else old.raw, old.ends)

    @rule(source=st.integers(0, 20), victim=st.sampled_from(SESSIONS), skew=st.sampled_from([0, -240, 240]))
    def attack_and_serve(self, source: int, victim: RoleSession, skew: int) -> None:
        """Have whoever was attacked served by a replica that has nothing of its own."""
        self.attack(source, victim, "put")
        self.serve_begun(source % 3, victim, skew)

    @rule(victim=st.sampled_from(SESSIONS))
    def wipe_or_lock(self, victim: RoleSession) -> None:
        name = RING.names(victim.key)[0]
        if self.store.kept.pop(name, None) is None:
            self.store.locks[name] = Kept(b"attacker", self.clock.monotonic() + 5)

    @invariant()
    def whoever_was_served_got_their_own_and_it_has_not_ended(self) -> None:
        self.loop.run_until_complete(settle())
        for asked, replica, task in [one for one in self.asked if one[2].done()]:
            self.asked.remove((asked, replica, task))
            failure = task.exception()
            if failure is not None:
                assert isinstance(failure, Refusal), failure
                continue
            lease, _ = task.result()
            owner, ends = self.sts.issued[lease.credentials.access_key_id]
            assert owner == asked == lease.session
            assert self.clock.monotonic() < ends
            assert lease.remaining(replica.clock) <= ends - self.clock.monotonic()

    def teardown(self) -> None:
        with contextlib.closing(self.loop):
            for replica in self.replicas:
                self.loop.run_until_complete(replica.leases.close())
            left = [task for *_, task in self.asked]
            results = self.loop.run_until_complete(_gathered(left))
        assert all(isinstance(result, Refusal | tuple) for result in results), results


async def settle() -> None:
    """Let every task go as far as it can."""
    for _ in range(30):
        await asyncio.sleep(0)


async def _gathered(tasks: list[asyncio.Task[tuple[Lease, Source]]]) -> list[object]:
    return await asyncio.gather(*tasks, return_exceptions=True)


pytestmark = [pytest.mark.thorough, pytest.mark.untraced]


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "FIRST_PAUSE", 0.0)


SharedMachine.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)


def test_any_order_of_events_over_replicas() -> None:
    SharedMachine.TestCase().runTest()
