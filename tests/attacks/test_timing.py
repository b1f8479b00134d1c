"""T28: neither what is answered nor when tells who may not have a scope whether there is one."""

from __future__ import annotations

import random
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Final

import pytest

from tests.attacks.ground import ROLE, container, sts, twin, with_token
from tests.server.http import Connection, request

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.attacks.ground import Ground

pytestmark = [pytest.mark.attacks, pytest.mark.asyncio(loop_scope="module")]

APART: Final = 0.001
"""Seconds by which the medians of two kinds of refusal may differ."""
PAIRS: Final = 150
ROUNDS: Final = 6
# A scope of others and one that is not, at every door that knows scopes; `name` is a role's at STS.
DOORS: Final[dict[str, Callable[[str, str, str], bytes]]] = {
    "container": lambda token, scope, _: container(token, scope),
    "container, with parameters": lambda token, scope, _: container(token, scope, name="x", folder="a/b"),
    "json": lambda token, scope, _: twin(token, {"parameters": {"name": "x"}, "duration_seconds": 900}, scope),
    "explain": lambda token, scope, _: request(
        "/v1/explain", token, method="POST", body=b'{"scope":"%s"}' % scope.encode()
    ),
    "console": lambda token, scope, _: request(f"/v1/console/{scope}", token, method="POST", body=b"{}"),
    "sts, by the role": lambda token, _, name: sts(with_token(token, f"{ROLE}{name}")),
    "sts, by the scope": lambda token, scope, _: sts(
        with_token(token, f"arn:aws:iam::000000000000:role/{scope}"),
    ),
}
FORBIDDEN: Final = ("builds:write", "builds-dev")
UNKNOWN: Final = ("builds:nopes", "builds-nay")


@pytest.mark.parametrize("door", DOORS, ids=[f"T28 {door}" for door in DOORS])
async def test_t28_an_unknown_scope_takes_as_long_as_a_forbidden_one(ground: Ground, door: str) -> None:
    """T28: medians within a millisecond; the two are asked in turn, in an order that is drawn, on one connection.

    A busy machine tells one time from the other too, but not the same way in each round.
    """
    token = ground.reporter("batch-timing")
    asked = [DOORS[door](token, *FORBIDDEN), DOORS[door](token, *UNKNOWN)]
    apart: list[float] = []
    async with await Connection.open(ground.service.public, tls=ground.tls) as connection:
        while len(apart) < ROUNDS and (not apart or min(map(abs, apart)) >= APART):
            apart.append(await _apart(connection, asked))
    assert min(map(abs, apart)) < APART, apart


async def _apart(connection: Connection, asked: list[bytes]) -> float:
    """Return by how much the median of the first takes longer than that of the second; they are answered alike."""
    times: tuple[list[float], list[float]] = ([], [])
    lengths: set[tuple[int, int]] = set()
    for _ in range(PAIRS):
        for which in random.sample((0, 1), 2):
            began = perf_counter()
            await connection.send(asked[which])
            answer = await connection.read()
            times[which].append(perf_counter() - began)
            lengths.add((answer.status, len(answer.body)))
    assert len(lengths) == 1
    return median(times[0]) - median(times[1])
