"""Any order of requests, answers, failures, cancellations, renewals, revocations, reloads and clock steps.

The mint writes into each key id for which session it is: a wrong credential is seen and not inferred.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.fakes.clock import START, Clock
from tests.leases.conftest import settle
from tests.made import credentials, scope, session
from vendor.leases.expiry import ExpiryLedger
from vendor.leases.lane import Lane
from vendor.leases.lease import Warrant
from vendor.leases.leases import Leases
from vendor.refusals import Reason, Refusal, RoleRefused, StsUnavailable

if TYPE_CHECKING:
    from vendor.audit import Source
    from vendor.credentials import Credentials
    from vendor.leases.lease import Lease
    from vendor.policy.proof import Proof
    from vendor.policy.session import RoleSession

SESSIONS = [
    session(),
    session(subject="other"),
    session(subject="other", policy=None),
    session(not_after=START + timedelta(hours=1)),
]
OUTCOMES = [None, StsUnavailable(Reason.NO_ANSWER), RoleRefused(Reason.ROLE_DENIED), ZeroDivisionError("a defect")]


class Issuer:
    """A mint with the true time: what it issues ends when it ends, whatever our wall clock says."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = clock.monotonic()
        self.under_way: dict[bytes, asyncio.Future[None]] = {}
        self.at_once: Counter[bytes] = Counter()
        self.most_at_once = 0
        self.issued: dict[str, tuple[RoleSession, float]] = {}
        self.issued_at: dict[str, float] = {}
        self.begun: list[tuple[bytes, Lane, float]] = []

    async def mint(self, session: RoleSession, *, lane: Lane, proof: Proof) -> Credentials:
        self.begun.append((session.key, lane, self._clock.monotonic()))
        self.at_once[session.key] += 1
        self.most_at_once = max(self.most_at_once, self.at_once[session.key])
        try:
            answer = self.under_way[session.key] = asyncio.get_running_loop().create_future()
            await answer
            return self._issue(session)
        finally:
            self.at_once[session.key] -= 1
            del self.under_way[session.key]

    def _issue(self, session: RoleSession) -> Credentials:
        true_now = START + timedelta(seconds=self._clock.monotonic() - self._began)
        made = credentials(session, now=true_now)
        if made.expiration <= self._clock.now():  # what the reader of STS's answers refuses
            raise StsUnavailable(Reason.BAD_ANSWER)
        made = replace(made, access_key_id=f"ASIA{len(self.issued)}")
        self.issued_at[made.access_key_id] = self._clock.monotonic()
        self.issued[made.access_key_id] = (session, self._clock.monotonic() + session.duration.total_seconds())
        return made


class LeasesMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock = Clock()
        self.mint = Issuer(self.clock)
        expiry = ExpiryLedger(clock=self.clock)
        self.expiry = expiry
        self.leases = Leases(
            mint=self.mint, clock=self.clock, expiry=expiry, told=self, capacity=3, most_flights=3, most_ahead=2
        )
        self.scope = scope()
        self.leases.keep(lambda _: True, renews=lambda _, granted: granted is self.scope)
        self.revoked: dict[str, float] = {}
        self.forbidden: set[bytes] = set()
        self.asked_last: dict[bytes, float] = {}
        self.waiting: list[tuple[RoleSession, asyncio.Task[tuple[Lease, Source]]]] = []

    @rule(asked=st.sampled_from(SESSIONS), patient=st.booleans())
    def ask(self, asked: RoleSession, *, patient: bool) -> None:
        deadline = self.clock.monotonic() + (600 if patient else 0)
        warrant = Warrant(self.scope, self.clock.now() + timedelta(hours=1))
        self.asked_last[asked.key] = self.clock.monotonic()
        self.forbidden.discard(asked.key)  # whoever is lent it was decided about just now
        task = self.loop.create_task(self.leases.lend(asked, deadline=deadline, warrant=warrant))
        self.waiting.append((asked, task))

    @rule(asked=st.sampled_from(SESSIONS), outcome=st.sampled_from(OUTCOMES))
    def answer(self, asked: RoleSession, outcome: Exception | None) -> None:
        answer = self.mint.under_way.get(asked.key)
        if answer is None or answer.done():
            return
        if outcome is None:
            answer.set_result(None)
        else:
            answer.set_exception(outcome)

    @rule(asked=st.sampled_from(SESSIONS), outcome=st.sampled_from(OUTCOMES))
    def ask_and_answer(self, asked: RoleSession, outcome: Exception | None) -> None:
        self.ask(asked, patient=True)
        self.loop.run_until_complete(settle())
        self.answer(asked, outcome)

    @rule(which=st.integers(0, 20))
    def cancel(self, which: int) -> None:
        if self.waiting:
            self.waiting.pop(which % len(self.waiting))[1].cancel()

    @rule(seconds=st.sampled_from([1, 30, 2401, 3500, 3600]))
    def advance(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @rule(seconds=st.sampled_from([-86_400, -600, -240, 240, 600, 86_400]))
    def step(self, seconds: int) -> None:
        self.clock.step_wall(seconds)

    @rule(minutes=st.integers(1, 40))
    def pass_time(self, minutes: int) -> None:
        for _ in range(minutes):
            self.clock.advance(60)
            self.look()

    @rule()
    def look(self) -> None:
        async def look() -> None:
            self.leases.look()
            await settle()

        self.loop.run_until_complete(look())

    @rule(asked=st.sampled_from(SESSIONS))
    def forget(self, asked: RoleSession) -> None:
        """Revoke a principal: what was minted for it until now is lent to nobody any more."""
        subject = asked.subject
        self.loop.run_until_complete(self.leases.forget(lambda lease: lease.session.subject == subject))
        for one, task in [one for one in self.waiting if one[0].subject == subject]:
            task.cancel()  # the hallway looks at revocations once more when a lease is there
            self.waiting.remove((one, task))
        self.loop.run_until_complete(settle())
        self.revoked[subject] = self.clock.monotonic()

    @rule()
    def grant_anew(self) -> None:
        """Reload with other grants: nothing is renewed before somebody has asked and may."""
        self.scope = replace(self.scope, description=f"{self.scope.description}.")
        self.forbidden = {asked.key for asked in SESSIONS}

    def note_renewed(self, name: str, failure: Exception | None) -> None:
        assert name == "reports:read"

    @invariant()
    def whoever_was_served_got_their_own_and_it_has_not_ended(self) -> None:
        self.loop.run_until_complete(settle())
        for asked, task in [one for one in self.waiting if one[1].done()]:
            self.waiting.remove((asked, task))
            failure = task.exception()
            if failure is not None:
                assert isinstance(failure, Refusal | ZeroDivisionError), failure
                continue
            lease, _ = task.result()
            owner, ends = self.mint.issued[lease.credentials.access_key_id]
            assert owner == asked == lease.session
            assert self.mint.issued_at[lease.credentials.access_key_id] >= self.revoked.get(asked.subject, 0.0)
            assert self.clock.monotonic() < ends
            assert lease.credentials.expiration > self.clock.now()

    @invariant()
    def no_session_is_minted_twice_at_once(self) -> None:
        assert self.mint.most_at_once <= 1
        assert len(self.mint.under_way) <= 3

    @invariant()
    def nothing_is_begun_unasked_that_is_not_granted_as_it_was_or_that_nobody_asked_for_long(self) -> None:
        for key, lane, began in self.mint.begun:
            if lane is Lane.AHEAD:
                assert key not in self.forbidden
                assert began - self.asked_last[key] < 3 * 3600
        self.mint.begun.clear()

    @invariant()
    def no_more_is_held_than_may_be_and_each_has_its_turn(self) -> None:
        held = list(self.leases._held)
        assert len(held) <= 3
        assert len(self.leases._renewals._agenda) <= len(held)
        assert sum(self.leases.stale().values()) == sum(lease.stale for lease in held)
        assert sum(self.leases._held._bytes.values()) == sum(lease.size for lease in held)

    @invariant()
    def every_session_is_counted_until_it_ends(self) -> None:
        assert sum(self.expiry.active().values()) + sum(self.expiry.expired().values()) == len(self.mint.issued)

    def teardown(self) -> None:
        with contextlib.closing(self.loop):
            self.loop.run_until_complete(self.leases.close())
            left = [task for _, task in self.waiting]
            results = self.loop.run_until_complete(_gathered(left))
        # Who waits for something newer than what is held is lent that at last.
        assert all(isinstance(result, Refusal | tuple) for result in results), results
        assert self.mint.under_way == {}


async def _gathered(tasks: list[asyncio.Task[tuple[Lease, Source]]]) -> list[object]:
    return await asyncio.gather(*tasks, return_exceptions=True)


LeasesMachine.TestCase.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
pytestmark = [pytest.mark.thorough, pytest.mark.untraced]
test_any_order_of_events = LeasesMachine.TestCase
