"""First requests, many at once, and an STS that does not do its duty."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from time import monotonic
from typing import TYPE_CHECKING

import pytest

from tests.fakes import faults
from tests.server.http import Answer, Connection, get, request
from tests.server.test_refusals import check_refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.service import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATH = "/v1/credentials/reports:read"
MANY = 200


@pytest.fixture(autouse=True)
def healthy(world: World) -> Iterator[None]:
    yield
    world.sts.heal()


async def _open(stack: AsyncExitStack, world: World, count: int) -> list[Connection]:
    opened = await asyncio.gather(*(Connection.open(world.service.public) for _ in range(count)))
    return [await stack.enter_async_context(connection) for connection in opened]


async def _lent(world: World, token: str) -> Answer:
    """Ask until the mint that goes on has ended."""
    async with asyncio.timeout(10):
        while (answer := await get(world.service.public, PATH, token)).status == 503:
            check_refusal(answer)
    return answer


def _mints(world: World, service_account: str) -> int:
    """Count the STS requests for one caller: those of another test may still be tried again."""
    return sum(one.source_identity == f"analytics.{service_account}" for one in world.sts.requests)


async def test_two_hundred_first_requests_make_one_sts_call(world: World) -> None:
    token = world.token("batch-many")
    await get(world.service.public, f"{PATH}?month=2026-02", token)  # a busy machine may need long to verify so many
    world.sts.fault(faults.HOLD)
    asked, told = len(world.sts.requests), len(world.audit())
    async with AsyncExitStack() as stack:
        connections = await _open(stack, world, MANY)
        await asyncio.gather(*(connection.send(request(PATH, token)) for connection in connections))
        await world.sts.arrived(asked + 1)
        await get(world.service.public, "/fence")  # what was sent before has been read by now
        world.sts.release()
        answers = await asyncio.gather(*(connection.read() for connection in connections))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body for answer in answers}) == 1
    assert _mints(world, "batch-many") == 2
    sources = [line["source"] for line in world.audit()[told:]]
    assert (sources.count("sts"), sources.count("memory")) == (1, MANY - 1)


async def test_the_first_one_leaving_changes_nothing_for_the_others(world: World) -> None:
    world.sts.fault(faults.HOLD)
    token, asked = world.token("batch-leaving"), len(world.sts.requests)
    async with AsyncExitStack() as stack:
        first, *others = await _open(stack, world, 20)
        await first.send(request(PATH, token))
        await world.sts.arrived(asked + 1)
        await asyncio.gather(*(connection.send(request(PATH, token)) for connection in others))
        first.cut()
        await get(world.service.public, "/fence")
        world.sts.release()
        answers = await asyncio.gather(*(connection.read() for connection in others))
    assert {answer.status for answer in answers} == {200}
    assert _mints(world, "batch-leaving") == 1


async def test_everyone_leaving_does_not_end_the_mint(world: World) -> None:
    world.sts.fault(faults.HOLD)
    token, asked = world.token("batch-everyone"), len(world.sts.requests)
    async with await Connection.open(world.service.public) as connection:
        await connection.send(request(PATH, token))
        await world.sts.arrived(asked + 1)
        connection.cut()
    world.sts.heal()
    assert (await _lent(world, token)).status == 200
    assert _mints(world, "batch-everyone") == 1


async def test_an_sts_that_hangs_is_not_waited_for_and_its_result_serves_the_next_try(world: World) -> None:
    world.sts.fault(faults.HOLD)
    token = world.token("batch-hangs")
    began = monotonic()
    answer = await get(world.service.public, PATH, token)
    assert monotonic() - began < 10  # for ever, as far as that STS goes
    assert (answer.status, answer.code) == (503, "sts_unavailable")
    assert int(answer.headers["retry-after"]) >= 1
    check_refusal(answer)
    line = world.audit()[-1]
    assert (line["request_id"], line["reason"]) == (answer.headers["x-request-id"], "deadline")
    assert line["seconds"] < 1
    world.sts.heal()
    assert (await _lent(world, token)).status == 200
    assert world.audit()[-1]["source"] == "memory"
    assert _mints(world, "batch-hangs") == 1


async def test_a_warm_lease_is_served_while_sts_is_down(world: World) -> None:
    token = world.token("batch-warm")
    warm = await get(world.service.public, PATH, token)
    world.sts.fault(faults.RESET)
    assert (await get(world.service.public, PATH, token)).body == warm.body
    other = world.token("batch-cold")
    cold = await get(world.service.public, PATH, other)
    assert (cold.status, cold.code) == (503, "sts_unavailable")
    world.sts.heal()
    assert (await _lent(world, other)).status == 200


@pytest.mark.parametrize("fault", [faults.NO_SESSION_TOKEN, faults.PAST_EXPIRATION, faults.OTHER_ROLE, faults.CUT_XML])
async def test_an_answer_that_cannot_be_used_is_refused_and_not_kept(world: World, fault: faults.Fault) -> None:
    token = world.token(f"batch-{fault.kind.name}")
    world.sts.fault(fault)
    answer = await get(world.service.public, PATH, token)
    assert (answer.status, answer.code) == (503, "sts_unavailable")
    check_refusal(answer)
    world.sts.heal()
    assert (await _lent(world, token)).status == 200


async def test_a_role_that_is_refused_for_good_is_not_asked_for_again_and_again(world: World) -> None:
    token = world.token("batch-denied")
    assert (await _lent(world, world.token("batch-known"))).status == 200  # so the denial is the denied one's own
    world.sts.fault(faults.error("AccessDenied"))
    codes = [(await get(world.service.public, PATH, token)).code for _ in range(5)]
    assert codes == ["role_refused"] * 5
    assert _mints(world, "batch-denied") == 1
