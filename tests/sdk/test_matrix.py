"""Every client through every door: each signs an S3 request with the very credentials vended to it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.sdk import clients
from tests.sdk.clients import CLIENTS, Client
from tests.sdk.doors import DOORS, METADATA, Door, Workload
from tests.sdk.reasons import CANNOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.sdk.place import Place

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.matrix]


def is_fixed(client: Client, door: Door) -> bool:
    """Tell whether a client looks at one address alone, which it finds only in a network of its own."""
    return (client.bare_host and door.place == "secured") or (client.fixed_metadata and door.name == METADATA)


CELLS = [
    (client, door) for client in CLIENTS for door in DOORS if door.place != "at_metadata" and not is_fixed(client, door)
]


@pytest.mark.parametrize(("client", "door"), CELLS, ids=[f"{client.name}-{door.name}" for client, door in CELLS])
async def test_it_signs_with_what_was_vended(
    client: Client,
    door: Door,
    place: Place,
    secured: Place,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    at = {"place": place, "secured": secured}[door.place]
    await come_through(client, door, at, tmp_path, record_property)


async def come_through(
    client: Client, door: Door, place: Place, home: Path, note: Callable[[str, object], None]
) -> None:
    """Run a client at a door, noting for the matrix what was run."""
    note("client", client.name)
    note("door", door.name)
    if reason := CANNOT.get((client.name, door.name)):
        pytest.skip(reason)
    command, found = client.command(place.s3.url), client.environ()
    note("version", client.version())
    name = re.sub(r"[^a-z0-9]+", "-", f"batch-{client.name}-{door.name}".lower())
    place.since()
    async with door.show(place, Workload(client, home, place.world.token(name))) as shown:
        ended = await clients.run(command, clients.workload(home, **found, **shown), home)
    assert ended[0] == 0, ended
    place.check_signed_with_what_was_vended()
