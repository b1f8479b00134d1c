"""Any order of requests, answers, failures, cancellations and clock steps."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.fakes.clock import START, Clock
from tests.leases.conftest import settle
from tests.made import credentials, session
from vendor.leases.expiry import ExpiryLedger
from vendor.leases.leases import Leases
from vendor.refusals import Reason, Refusal, RoleRefused, StsUnavailable

if TYPE_CHECKING:
    from vendor.audit import Source
    from vendor.credentials import Credentials
    from vendor.leases.lane import Lane
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

    async def mint(self, session: RoleSession, *, lane: Lane, proof: Proof) -> Credentials:
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
        self.issued[made.access_key_id] = (session, self._clock.monotonic() + session.duration.total_seconds())
        return made


class LeasesMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock = Clock()
        self.mint = Issuer(self.clock)
        expiry = ExpiryLedger(clock=self.clock)
        self.leases = Leases(mint=self.mint, clock=self.clock, expiry=expiry, capacity=3, most_flights=3)
        self.waiting: list[tuple[RoleSession, asyncio.Task[tuple[Lease, Source]]]] = []

    @rule(asked=st.sampled_from(SESSIONS), patient=st.booleans())
    def ask(self, asked: RoleSession, *, patient: bool) -> None:
        deadline = self.clock.monotonic() + (600 if patient else 0)
        self.waiting.append((asked, self.loop.create_task(self.leases.lend(asked, deadline=deadline))))

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
            assert self.clock.monotonic() < ends
            assert lease.credentials.expiration > self.clock.now()

    @invariant()
    def no_session_is_minted_twice_at_once(self) -> None:
        assert self.mint.most_at_once <= 1
        assert len(self.mint.under_way) <= 3

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


LeasesMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
test_any_order_of_events = LeasesMachine.TestCase
