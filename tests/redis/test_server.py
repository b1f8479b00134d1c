"""A store that does not answer costs next to nothing, and is used again once it answers."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.redis.conftest import Asked
from vendor.leases.store import StoreError
from vendor.redis import board, division, leases
from vendor.redis.server import CARRIERS, FAILURES, LONGER, QUICK_TICKS, TICK, TICKS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from redis.asyncio import Redis

    from tests.fakes.between import Between
    from tests.fakes.valkey import Valkey

ECHO = ("ECHO", "told")


PATIENT = 0.1
"""Seconds of a tick of who waits for late answers, which a busy machine must not make later than late."""


@asynccontextmanager
async def asked_at(port: int, *, tick: float) -> AsyncIterator[Asked]:
    ready = Asked(port, tick=tick)
    async with asyncio.timeout(10):
        await ready.server.open()
        while ready.server.rests:
            await asyncio.sleep(0.1)
            await ready.server.open()
    ready.results.clear()
    ready.told.clear()
    yield ready
    await ready.server.close()


@pytest.fixture
async def asked(between: Between) -> AsyncIterator[Asked]:
    """As patient as it is."""
    async with asked_at(between.port, tick=TICK) as ready:
        yield ready


@pytest.fixture
async def patient(between: Between) -> AsyncIterator[Asked]:
    async with asked_at(between.port, tick=PATIENT) as ready:
        yield ready


async def fails(asked: Asked, *, times: int = 1) -> int:
    """Ask, which must fail each time, and return how often a clock ticked meanwhile: a busy machine delays both."""
    ticks = 0

    async def count() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(TICK)
            ticks += 1

    counting = asyncio.create_task(count())
    await asyncio.sleep(0)
    for _ in range(times):
        with pytest.raises(StoreError):
            await asked.server.ask("echo", *ECHO)
    counting.cancel()
    return ticks


async def answers_again(asked: Asked) -> None:
    async with asyncio.timeout(10):
        while True:
            try:
                assert await asked.server.ask("echo", *ECHO) == b"told"
            except StoreError:
                await asyncio.sleep(0.05)
            else:
                return


async def test_a_question_is_answered_and_counted(asked: Asked) -> None:
    assert await asked.server.ask("echo", *ECHO) == b"told"
    assert asked.results == {("echo", "ok"): 1}


@pytest.mark.parametrize("how", ["hangs", "slow", "down"])
async def test_after_three_failures_it_is_let_alone_and_used_again_when_it_answers_f21(
    asked: Asked, between: Between, how: str
) -> None:
    if how == "hangs":
        between.hangs = True
    elif how == "slow":
        between.delay = 0.5
    else:
        await between.down()
    took = [await fails(asked) for _ in range(FAILURES)]
    assert max(took) <= LONGER * TICKS + 1
    assert await fails(asked, times=100) <= TICKS
    await asyncio.sleep(0.2)
    await fails(asked)
    result = "error" if how == "down" else "timeout"
    assert asked.results["echo", result] == FAILURES
    assert asked.results["echo", "skipped"] == 101
    between.hangs, between.delay = False, 0.0
    if how == "down":
        await between.up()
    await answers_again(asked)
    assert asked.results["probe", "ok"] == 1
    assert asked.told == ["ConnectionError" if how == "down" else "no answer in time", None]


async def test_a_server_whose_answers_come_late_is_let_alone_until_they_do_not_f23(
    patient: Asked, between: Between
) -> None:
    between.delay = (QUICK_TICKS + 1) * PATIENT
    for _ in range(FAILURES):
        assert await patient.server.ask("echo", *ECHO) == b"told"
    assert await fails(patient) <= 1
    async with asyncio.timeout(10):
        while not patient.results["probe", "error"]:
            assert await fails(patient) <= 1
            await asyncio.sleep(0.05)
    between.delay = 0.0
    await answers_again(patient)
    assert patient.told == ["late answers", None]


async def test_one_failure_or_two_change_nothing(patient: Asked, between: Between) -> None:
    for _ in range(3):
        between.hangs = True
        for _ in range(FAILURES - 1):
            await fails(patient)
        between.hangs = False
        assert await patient.server.ask("echo", *ECHO) == b"told"


async def test_a_server_that_is_not_there_when_we_begin_is_let_alone_from_the_first_question_on(
    between: Between,
) -> None:
    await between.down()
    asked = Asked(between.port, tick=TICK)
    await asked.server.open()
    assert await fails(asked) <= 1
    assert asked.results == {("probe", "error"): 1, ("echo", "skipped"): 1}
    await between.up()
    await answers_again(asked)
    await asked.server.close()


async def test_a_replica_that_only_reads_is_no_store_until_it_is_the_primary_f22(
    asked: Asked, valkey: Valkey, attacker: Redis
) -> None:
    await attacker.execute_command(  # type: ignore[no-untyped-call]
        "REPLICAOF", "127.0.0.1", "1"
    )
    for _ in range(FAILURES):
        with pytest.raises(StoreError, match="ReadOnlyError"):
            await asked.server.ask("set", "SET", "a", "b")
    await fails(asked)
    await attacker.execute_command(  # type: ignore[no-untyped-call]
        "REPLICAOF", "NO", "ONE"
    )
    await answers_again(asked)


async def test_a_connection_to_a_replica_that_cannot_be_closed_keeps_nobody_waiting(
    asked: Asked, attacker: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(**_: object) -> None:
        raise TimeoutError

    await attacker.execute_command(  # type: ignore[no-untyped-call]
        "REPLICAOF", "127.0.0.1", "1"
    )
    client: Any = asked.server._client
    monkeypatch.setattr(client.connection_pool, "disconnect", fail)
    async with asyncio.timeout(5):
        with pytest.raises(StoreError, match="ReadOnlyError"):
            await asked.server.ask("set", "SET", "a", "b")


async def test_a_thousand_questions_at_once_go_together(asked: Asked, between: Between) -> None:
    told = await asyncio.gather(*(asked.server.ask("echo", *ECHO) for _ in range(1000)))
    assert told == [b"told"] * 1000
    assert between.connections <= CARRIERS + 1


async def test_a_busy_loop_gives_nothing_up_that_has_been_answered(asked: Asked) -> None:
    asking = asyncio.create_task(asked.server.ask("echo", *ECHO))
    for _ in range(3):
        await asyncio.sleep(0.001)
        time.sleep(0.1)  # noqa: ASYNC251 - this is the load
    assert await asking == b"told"


async def test_who_leaves_leaves_no_answer_behind_for_the_next_f23(asked: Asked, between: Between) -> None:
    """A third of the questions are cancelled under way; each of the others is answered with its own answer."""
    between.delay = 0.002

    async def ask(number: int) -> None:
        asking = asyncio.create_task(asked.server.ask("echo", "ECHO", f"{number}"))
        if number % 3 == 0:
            await asyncio.sleep(0.0005 * (number % 11))
            asking.cancel()
        told = await asyncio.gather(asking, return_exceptions=True)
        assert told[0] == str(number).encode() or isinstance(told[0], asyncio.CancelledError)

    for begin in range(0, 600, 30):
        await asyncio.gather(*(ask(number) for number in range(begin, begin + 30)))
    assert asked.results["echo", "ok"] >= 400
    assert asked.results["echo", "timeout"] == asked.results["echo", "error"] == 0


async def test_an_error_shows_nothing_of_what_was_asked(asked: Asked) -> None:
    with pytest.raises(StoreError) as failed:
        await asked.server.ask("eval", "EVAL", "return redis.call('CANARY')", 0)
    assert str(failed.value) == "ResponseError"
    assert failed.value.__cause__ is None


async def test_closing_ends_what_is_asked(asked: Asked, between: Between) -> None:
    between.hangs = True
    asking = asyncio.create_task(asked.server.ask("echo", *ECHO))
    await asyncio.sleep(0.01)
    await asked.server.close()
    with pytest.raises(StoreError):
        await asking


async def test_closing_ends_a_probe_under_way(asked: Asked, between: Between) -> None:
    between.hangs = True
    for _ in range(FAILURES):
        await fails(asked)
    await asyncio.sleep(0.15)
    await fails(asked)
    await asked.server.close()
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "store probe"]


@pytest.mark.parametrize(
    ("read", "answer"),
    [
        *(
            (leases._slot, answer)
            for answer in (None, 1, b"x", [], [b"x", 1], ["x", 1, 1], [b"x", b"1", 1], [b"x", 1, None])
        ),
        *((board._page, answer) for answer in (None, 1, b"x", [], [1], [b"0", b"name"], [b"0", b"name", 1], ["0"])),
        *((division._shared, answer) for answer in (None, 1, b"x", [], [1], [1, None], [b"1", 1], [1, 1, 1])),
    ],
)
async def test_an_answer_of_another_shape_is_a_failure(asked: Asked, read: Callable[[Any], Any], answer: Any) -> None:
    with pytest.raises(StoreError, match="ValueError"):
        await asked.server.ask("look", "PING", read=lambda _: read(answer))
    assert asked.results["look", "error"] == 1
