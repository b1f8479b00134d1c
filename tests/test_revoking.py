"""Revoking over replicas: who is stopped at one is stopped at all, also at one that begins later."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes.clock import START, Clock
from tests.leases.conftest import Mint
from tests.leases.test_revocations import WHO, revocation
from tests.made import SUBJECT, issued, principal, session
from tests.test_audit import Sink
from vendor.audit import Ledger, SinkError
from vendor.leases.expiry import ExpiryLedger
from vendor.leases.holders import Holders
from vendor.leases.holding import MOST
from vendor.leases.leases import Leases
from vendor.leases.notices import Notices
from vendor.leases.revocations import Revocations
from vendor.leases.sealed import Ring
from vendor.leases.store import StoreError
from vendor.policy.matcher import Equal
from vendor.refusals import AuditUnavailable, Conflict, NotFound, Revoked
from vendor.revoking import Operator, Revoking

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from vendor.policy.session import RoleSession

SCOPE = "reports:read"
RING = Ring({"k1": bytes(32)})
OPERATOR = Operator("cluster-a", "operator", "request-1", "a" * 64)


class Board:
    """A board in memory, which can be out of reach."""

    def __init__(self) -> None:
        self.notices: dict[str, bytes] = {}
        self.down = False

    async def pin(self, name: str, raw: bytes, *, seconds: float) -> None:
        assert seconds > 0
        if self.down:
            raise StoreError
        self.notices[name] = raw

    async def pinned(self) -> Mapping[str, bytes]:
        if self.down:
            raise StoreError
        return dict(self.notices)

    async def change(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Replica:
    """Everything of one replica that a revocation touches."""

    def __init__(self, board: Board, clock: Clock) -> None:
        self.clock, self.sink, self.broken = clock, Sink(), list[str]()
        self.revocations = Revocations(clock=clock)
        self.holders = Holders(clock=clock)
        self.leases = Leases(mint=Mint(clock), clock=clock, expiry=ExpiryLedger(clock=clock))
        self.notices = Notices("revocations", clock=clock, changed=self._learn, broken=self.broken.append)
        self.notices.share(board, RING)
        self.revoking = Revoking(
            revocations=self.revocations,
            holders=self.holders,
            leases=self.leases,
            ledger=Ledger(sink=self.sink, observe=lambda _: None, clock=clock),
            notices=self.notices,
            broken=self.broken.append,
        )

    def _learn(self) -> None:
        self.revoking.learn()

    async def look(self) -> None:
        """Look at the board, and wait until what is learnt there is done."""
        await self.notices.look()
        await self.revoking.close()

    async def lend(self, one: RoleSession, **attributes: str) -> str:
        """Lend a session and note who has it."""
        lease, _ = await self.leases.lend(one, deadline=self.clock.monotonic() + 30)
        told = attributes or {"namespace": one.subject}
        who = principal(subject=one.subject, attributes=told, token_sha256=f"{told}")
        self.holders.observe(issued(principal=who, session=one, credentials=lease.credentials, minted=lease.minted))
        return lease.credentials.access_key_id

    def holds(self, one: RoleSession, key: str) -> bool:
        return self.leases.holds(one.key, key)

    def stopped(self) -> bool:
        return self.revocations.of(WHO, SCOPE) is not None

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.sink.lines]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def pair(clock: Clock) -> AsyncIterator[tuple[Board, Replica, Replica]]:
    board = Board()
    one, two = Replica(board, clock), Replica(board, clock)
    yield board, one, two
    for replica in (one, two):
        await replica.leases.close()


Pair = tuple[Board, Replica, Replica]


@pytest.mark.parametrize("node", ["a", "b", "c"])
async def test_a_session_is_let_go_of_whichever_of_those_who_share_it_is_stopped(pair: Pair, node: str) -> None:
    _, one, _ = pair
    (key,) = {await one.lend(session(), node=shares) for shares in "abcabc"}
    other = await one.lend(session(subject="other"), node="d")
    made = await one.revoking.revoke(revocation(where=(("node", Equal(node)),)), OPERATOR)
    assert [holding.access_key_id for holding in made.sessions] == [key]
    assert made.revocation.roles == (session().role_arn,)
    assert not one.holds(session(), key)
    assert one.holds(session(subject="other"), other)


async def test_of_very_many_who_share_a_session_each_may_be_the_one_who_is_stopped(pair: Pair) -> None:
    _, one, _ = pair
    for number in range(MOST + 1):
        await one.lend(session(), node=f"{number}")
    assert await one.revoking.sessions(revocation(where=(("node", Equal("x")),))) == []
    await one.lend(session(), node="one more")
    assert len(await one.revoking.sessions(revocation(where=(("node", Equal("x")),)))) == 1
    assert await one.revoking.sessions(revocation(subject="x", where=(("node", Equal("x")),))) == []


async def test_who_is_stopped_at_one_is_stopped_at_all_and_their_leases_are_gone(pair: Pair) -> None:
    _, one, two = pair
    keys = [await replica.lend(session()) for replica in (one, two)]
    other = await two.lend(session(subject="other"))
    made = await one.revoking.revoke(revocation(subject=SUBJECT), OPERATOR)
    assert (made.new, made.kept, [holding.access_key_id for holding in made.sessions]) == (True, True, keys[:1])
    assert made.revocation.roles == (session().role_arn,)
    assert not one.holds(session(), keys[0])
    await two.look()
    with pytest.raises(Revoked):
        two.revocations.refuse(WHO, SCOPE)
    assert not two.holds(session(), keys[1])
    assert two.holds(session(subject="other"), other)
    assert two.revocations.active() == [made.revocation]
    assert [len(replica.lines()) for replica in (one, two)] == [1, 0], "who was asked writes it down"
    await two.revoking.lift("r-1", OPERATOR)
    await one.look()
    assert not one.stopped()
    assert not two.stopped()
    assert (one.broken, two.broken) == ([], [])


async def test_by_an_attribute_the_sessions_of_who_had_it_are_let_go_of_everywhere(pair: Pair) -> None:
    _, one, two = pair
    keys = {name: await two.lend(session(subject=name)) for name in ("a", "b")}
    await one.revoking.revoke(revocation(where=(("namespace", Equal("a")),)), OPERATOR)
    await two.look()
    assert not two.holds(session(subject="a"), keys["a"])
    assert two.holds(session(subject="b"), keys["b"])


async def test_one_that_begins_later_stops_them_too(pair: Pair, clock: Clock) -> None:
    board, one, _ = pair
    await one.revoking.revoke(revocation(subject=SUBJECT), OPERATOR)
    late = Replica(board, clock)
    await late.look()
    assert late.stopped()


async def test_without_the_board_they_are_stopped_here_and_the_others_learn_of_it_later(pair: Pair) -> None:
    board, one, two = pair
    board.down = True
    made = await one.revoking.revoke(revocation(subject=SUBJECT), OPERATOR)
    assert (made.kept, one.stopped()) == (False, True)
    await two.look()
    assert not two.stopped()
    board.down = False
    await one.look()
    await two.look()
    assert two.stopped()
    board.down = True
    await two.revoking.lift("r-1", OPERATOR)
    assert (one.stopped(), two.stopped()) == (True, False)
    board.down = False
    for replica in (two, one):
        await replica.look()
    assert not one.stopped()


async def test_a_wiped_board_lets_nobody_on(pair: Pair) -> None:
    board, one, two = pair
    await one.revoking.revoke(revocation(subject=SUBJECT), OPERATOR)
    await two.look()
    board.notices.clear()
    for replica in (one, two):
        await replica.look()
        assert replica.stopped()
    assert list(board.notices) == ["r-1"]


async def test_what_has_ended_is_not_what_was_lifted(pair: Pair, clock: Clock) -> None:
    _, one, two = pair
    await one.revoking.revoke(revocation(subject=SUBJECT), OPERATOR)
    await two.look()
    clock.step_wall(86_400)
    for replica in (one, two):
        await replica.look()
        assert replica.stopped(), "whoever moves the wall clock on lets nobody in"


async def test_the_same_again_tells_the_others_again_and_writes_no_second_line(pair: Pair) -> None:
    board, one, two = pair
    board.down = True
    await one.revoking.revoke(revocation(subject=SUBJECT), OPERATOR)
    board.down = False
    again = await one.revoking.revoke(revocation(subject=SUBJECT, until=START + timedelta(hours=9)), OPERATOR)
    assert (again.new, again.kept, again.revocation.until) == (False, True, START + timedelta(hours=1))
    await two.look()
    assert two.stopped()
    assert len(one.lines()) == 1


async def test_what_is_said_of_it_later_is_known_to_all_and_withdrawn_with_it(pair: Pair, clock: Clock) -> None:
    board, one, two = pair
    await one.revoking.revoke(revocation(subject=SUBJECT), OPERATOR)
    denied = revocation(subject=SUBJECT, roles=("arn:other",), denied=True)
    for _ in range(2):
        made = await one.revoking.revoke(denied, OPERATOR)
        assert (made.new, made.revocation.denied, made.revocation.roles) == (False, True, ("arn:other",))
    for replica in (two, Replica(board, clock)):
        await replica.look()
        (known,) = replica.revocations.active()
        assert (known.denied, known.roles) == (True, ("arn:other",))
    assert [line["action"] for line in one.lines()] == ["made", "denied"]
    assert len(board.notices) == 2
    await two.revoking.lift("r-1", OPERATOR)
    late = Replica(board, clock)
    for replica in (one, late):
        await replica.look()
        assert not replica.stopped()
        assert replica.broken == []


async def test_what_is_said_of_it_while_it_is_lifted_elsewhere_does_not_bring_it_back(pair: Pair) -> None:
    board, one, two = pair
    await one.revoking.revoke(revocation(subject=SUBJECT), OPERATOR)
    await two.look()
    board.down = True
    await one.revoking.lift("r-1", OPERATOR)
    await two.revoking.revoke(revocation(subject=SUBJECT, denied=True), OPERATOR)
    board.down = False
    for replica in (one, two, one):
        await replica.look()
    assert (one.stopped(), two.stopped()) == (False, False)


async def test_an_id_is_not_used_again_for_the_others_may_yet_learn_that_it_was_lifted(pair: Pair) -> None:
    _, one, _ = pair
    await one.revoking.revoke(revocation(subject=SUBJECT), OPERATOR)
    await one.revoking.lift("r-1", OPERATOR)
    with pytest.raises(Conflict):
        await one.revoking.revoke(revocation(subject=SUBJECT), OPERATOR)
    assert not one.stopped()


async def test_nobody_is_let_on_without_a_line_and_nobody_served_on_for_the_want_of_one(pair: Pair) -> None:
    _, one, two = pair
    one.sink.failure = SinkError("disk full")
    await one.revoking.revoke(revocation(subject=SUBJECT), OPERATOR)
    assert one.stopped()
    with pytest.raises(AuditUnavailable):
        await one.revoking.lift("r-1", OPERATOR)
    assert one.stopped()
    await two.look()
    assert two.stopped()
    with pytest.raises(NotFound):
        await one.revoking.lift("r-2", OPERATOR)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"by": 1}', "null"])
async def test_a_notice_that_cannot_be_read_is_told(pair: Pair, text: str) -> None:
    _, one, two = pair
    await one.notices.post("r-9", text, until=START + timedelta(hours=1))
    assert one.broken
    await two.look()
    assert two.broken
    assert not two.stopped()


async def test_what_is_one_too_many_is_told(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    _, one, two = pair
    await one.revoking.revoke(revocation(subject=SUBJECT), OPERATOR)
    monkeypatch.setattr("vendor.leases.revocations.MOST", 0)
    await two.look()
    assert len(two.broken) == 1
