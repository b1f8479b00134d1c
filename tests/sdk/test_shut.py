"""The doors through which a client cannot come: each is tried, so that a reason which is none any more is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sdk import clients
from tests.sdk.clients import CLIENTS, Client
from tests.sdk.doors import DOORS, Door, Workload
from tests.sdk.reasons import CANNOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.sdk.place import Place

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.matrix]

SHUT = [
    (client, door)
    for client in CLIENTS
    for door in DOORS
    if (client.name, door.name) in CANNOT and door.place != "at_metadata"
]


@pytest.mark.parametrize(("client", "door"), SHUT, ids=[f"{client.name}-{door.name}" for client, door in SHUT])
async def test_it_is_not_vended_anything(
    client: Client, door: Door, place: Place, secured: Place, tmp_path: Path
) -> None:
    at = {"place": place, "secured": secured}[door.place]
    at.since()
    who = Workload(client, tmp_path, at.world.token("batch-shut"))
    async with door.show(at, who) as shown:
        environ = clients.workload(tmp_path, **client.environ(), **shown)
        await clients.run(client.command(at.s3.url), environ, tmp_path, within=20)
    assert not [one for one in at.since() if one.access_key_id]
    assert not at.world.audit_path.exists() or all(line["outcome"] == "refused" for line in at.world.audit())
