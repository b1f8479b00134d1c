"""One served world for each module, as a process of its own takes a second to start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from tests.service import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with World(tmp_path_factory.mktemp("world")) as running:
        yield running
