"""The clients that will look for STS on the port of https alone, or for IMDS where a machine has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.sdk import place as places
from tests.sdk.clients import CLIENTS, Client
from tests.sdk.doors import DOORS, Door
from tests.sdk.test_matrix import come_through, is_fixed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from tests.sdk.place import Place

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.matrix]

CELLS = [(client, door) for client in CLIENTS for door in DOORS if is_fixed(client, door)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def at_443(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    async with places.at_443(tmp_path_factory.mktemp("by-host")) as made:
        yield made


@pytest.mark.parametrize(("client", "door"), CELLS, ids=[f"{client.name}-{door.name}" for client, door in CELLS])
async def test_it_signs_with_what_was_vended(
    client: Client, door: Door, at_443: Place, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    await come_through(client, door, at_443, tmp_path, record_property)
