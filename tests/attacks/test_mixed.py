"""T2, T17, T18, T19, T20, T22: many who ask at once, some of whom leave, are each lent their own and nobody else's."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest

from tests.attacks.ground import ALGORITHMS, container, keys_of, sts, twin, with_token
from tests.server.http import Answer, Connection

if TYPE_CHECKING:
    from tests.attacks.ground import Ground

pytestmark = [pytest.mark.attacks, pytest.mark.asyncio(loop_scope="module")]


def _asks(ground: Ground, count: int) -> list[tuple[str, str, bytes]]:
    """Return who asks, of which issuer, and what: the same names at each issuer, at every door."""
    asks = []
    for number in range(count):
        algorithm, name = ALGORITHMS[number % len(ALGORITHMS)], f"batch-{number % 20}"
        token = ground.reporter(name, algorithm=algorithm)
        door = (container(token), twin(token, {}), sts(with_token(token)), container(f"Bearer {token}"))[number % 4]
        asks.append((algorithm, name, door))
    random.Random(count).shuffle(asks)  # noqa: S311 - the same order in every run
    return asks


async def _lent(ground: Ground, asks: list[tuple[str, str, bytes]]) -> dict[tuple[str, str], set[str]]:
    """Ask all at once, and return which keys each was lent; whoever was lent another's is found by the key itself."""
    gate = asyncio.Semaphore(40)

    async def one(raw: bytes) -> Answer:
        async with gate:
            return await ground.ask(raw)

    answers = await asyncio.gather(*(one(raw) for _, _, raw in asks))
    held: dict[tuple[str, str], set[str]] = {}
    for (algorithm, name, _), answer in zip(asks, answers, strict=True):
        (key,) = keys_of(answer)
        assert ground.behind(key).source_identity == f"analytics.{name}"
        held.setdefault((algorithm, name), set()).add(key)
    return held


async def test_t2_t17_t22_nobody_is_lent_what_is_anothers(ground: Ground) -> None:
    held = await _lent(ground, _asks(ground, 240))
    assert all(len(keys) == 1 for keys in held.values())
    assert len({key for keys in held.values() for key in keys}) == len(held)


async def test_t20_those_who_leave_take_nobody_with_them(ground: Ground) -> None:
    asks = [(a, n.replace("batch", "batch-left"), r) for a, n, r in _asks(ground, 0)]
    fresh = [f"batch-left-{number}" for number in range(30)]
    for name in fresh:
        async with await Connection.open(ground.service.public, tls=ground.tls) as connection:
            await connection.send(container(ground.reporter(name)))
            connection.cut()
    asks += [("RS256", name, container(ground.reporter(name))) for name in fresh]
    held = await _lent(ground, asks)
    assert all(len(keys) == 1 for keys in held.values())


async def test_t18_whoever_writes_into_the_store_changes_nothing(ground: Ground) -> None:
    if ground.store is None:
        pytest.skip("there is no store on this ground")
    await _lent(ground, _asks(ground, 240))
    async with ground.store.client() as attacker:
        names = [name async for name in attacker.scan_iter(match="vendor:*")]
        values = {name: await attacker.get(name) for name in names if await attacker.type(name) == b"string"}
        assert len(values) > 100
        shifted = list(values.values())[1:] + list(values.values())[:1]
        for name, value in zip(values, shifted, strict=True):
            await attacker.set(name, value or b"", px=3_600_000)
        written = b"".join(bytes(value) for value in values.values() if isinstance(value, bytes))
        assert b"CANARY" not in written
        assert b"analytics" not in b"".join(map(bytes, names)) + written
    held = await _lent(ground, _asks(ground, 240))
    assert len({key for keys in held.values() for key in keys}) == len(held)
