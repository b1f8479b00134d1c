"""What the user of each client sees of a refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sdk import clients, doors
from tests.sdk.clients import CLIENTS, Client
from tests.sdk.doors import Workload
from tests.sdk.reasons import SHOWS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.sdk.place import Place

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.matrix]

MESSAGE = "this identity may not have this scope"


@pytest.mark.parametrize("client", CLIENTS, ids=[client.name for client in CLIENTS])
async def test_a_refused_workload_signs_nothing_and_reads_why_where_its_sdk_shows_it(
    client: Client, place: Place, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    record_property("client", client.name)
    who = Workload(client, tmp_path, place.world.token("batch-refused", namespace="other"))
    name = doors.TOKEN_VARIABLE if client is clients.S5CMD else doors.TOKEN_FILE
    (door,) = (door for door in doors.DOORS if door.name == name)
    command, found = client.command(place.s3.url), client.environ()
    place.since()
    async with door.show(place, who) as shown:
        code, out, err = await clients.run(command, clients.workload(tmp_path, **found, **shown), tmp_path)
    assert place.world.audit()[-1]["code"] in {"access_denied", "missing_token"}
    assert all(one.access_key_id is None for one in place.since())
    assert code != 0 or client is clients.ARROW, out  # it asks S3 as nobody, and ours does not mind
    assert shown_of(out + err) == SHOWS[client.name], out + err


def shown_of(text: str) -> str:
    """Return what of a refusal stands in a text."""
    return "message" if MESSAGE in text else "status" if "403" in text else "nothing"
