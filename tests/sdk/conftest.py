"""One place of each kind for each module, as a service takes a second to start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from tests.sdk import place as places

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest

    from tests.sdk.place import Place


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    async with places.plain(tmp_path_factory.mktemp("place")) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def secured(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    async with places.secured(tmp_path_factory.mktemp("secured")) as made:
        yield made
