"""The worlds in which hostile tokens are made, once for a module: making their keys takes longer than the tests do."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.fakes.clock import Clock
from tests.fakes.issuer import Issuer
from tests.identity.corpus.signatures import ALGORITHMS
from tests.identity.corpus.world import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.identity.corpus.world import Case


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def worlds() -> AsyncIterator[dict[str, World]]:
    """A running issuer of each algorithm, beside one that nobody trusts."""
    clock = Clock()
    async with AsyncExitStack() as stack:
        evil = await stack.enter_async_context(Issuer(clock=clock))
        issuers = {name: await stack.enter_async_context(Issuer(algorithm=name, clock=clock)) for name in ALGORITHMS}
        yield {name: World(issuer=issuer, evil=evil) for name, issuer in issuers.items()}


@pytest.fixture
def world_of(worlds: dict[str, World]) -> Callable[[Case], World]:
    """The world of a case, as if nobody had been there before."""

    def find(case: Case) -> World:
        world = worlds[case.algorithm]
        world.issuer.jwks_body = None
        world.issuer.requests.clear()
        world.evil.requests.clear()
        return world

    return find
