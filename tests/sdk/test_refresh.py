"""Clients that outlive their credentials: each asks again by itself, and signs with what it was given then."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.sdk import clients, doors, programs
from tests.sdk.doors import Workload
from tests.sdk.reasons import CANNOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.sdk.clients import Client
    from tests.sdk.place import Place

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.matrix]

LIFETIME = timedelta(seconds=4)
PROGRAMS = {
    "boto3": (clients.BOTO3, programs.BOTO3_TWICE),
    "client-s3": (clients.JAVASCRIPT, programs.JAVASCRIPT_TWICE),
    "icechunk": (clients.ICECHUNK, programs.ICECHUNK_TWICE),
    "obstore": (clients.OBSTORE, programs.OBSTORE_TWICE),
    "pyarrow": (clients.ARROW, programs.ARROW_TWICE),
}


@pytest.mark.parametrize("door", [doors.TOKEN_FILE, doors.STS_HTTP])
@pytest.mark.parametrize(("client", "program"), PROGRAMS.values(), ids=PROGRAMS)
async def test_a_client_signs_with_new_credentials_when_the_old_have_ended(
    client: Client, program: str, door: str, place: Place, tmp_path: Path
) -> None:
    if reason := CANNOT.get((client.name, door)):
        pytest.skip(reason)
    (found,) = (one for one in doors.DOORS if one.name == door)
    *command, _, url = client.command(place.s3.url)
    place.since()
    place.world.sts.lifetime = LIFETIME
    who = Workload(client, tmp_path, place.world.token(f"batch-refresh-{client.name}-{len(door)}"))
    try:
        async with found.show(place, who) as shown:
            environ = clients.workload(tmp_path, **client.environ(), **shown)
            ended = await clients.run([*command, program, url], environ, tmp_path)
    finally:
        place.world.sts.lifetime = None
    assert ended[0] == 0, ended
    tokens = [one.session_token for one in place.since()]
    assert all(tokens)
    assert tokens[0] != tokens[-1]
    assert place.world.audit()[-1]["access_key_id"]
