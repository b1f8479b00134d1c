"""The clients at the address of AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, in a network of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.sdk import place as places
from tests.sdk.clients import CLIENTS, Client
from tests.sdk.doors import DOORS
from tests.sdk.test_matrix import come_through

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from tests.sdk.place import Place

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.matrix]

(DOOR,) = (door for door in DOORS if door.place == "at_metadata")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def at_metadata(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    async with places.at_metadata(tmp_path_factory.mktemp("metadata")) as made:
        yield made


@pytest.mark.parametrize("client", CLIENTS, ids=[client.name for client in CLIENTS])
async def test_it_signs_with_what_was_vended(
    client: Client, at_metadata: Place, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    await come_through(client, DOOR, at_metadata, tmp_path, record_property)
