"""Both grounds, one of each for a module; what always holds is looked at when it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from tests.attacks.ground import Ground

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["in memory over http", "in a store over https"])
async def ground(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ground]:
    async with Ground(tmp_path_factory.mktemp("ground"), fortified="store" in request.param) as laid:
        yield laid
        laid.check()
