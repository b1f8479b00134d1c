"""Unmodified SDKs with environment variables alone: each signs an S3 request with the very credentials vended to it.

The whole of clients and doors is the matrix; this is the part of it that every run of the suite can afford.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sdk import clients, doors
from tests.sdk.test_matrix import come_through

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.sdk.clients import Client
    from tests.sdk.place import Place

pytestmark = pytest.mark.asyncio(loop_scope="module")

CELLS = [
    (clients.BOTO3, doors.TOKEN_FILE),
    (clients.BOTO3, doors.TOKEN_VARIABLE),
    (clients.BOTO3, doors.STS_HTTP),
    (clients.AWSCLI, doors.TOKEN_FILE),
    (clients.RCLONE, doors.TOKEN_FILE),
    (clients.JAVASCRIPT, doors.STS_HTTP),
    (clients.OBSTORE, doors.STS_HTTPS),
]


@pytest.mark.thorough  # installs clients the first time
@pytest.mark.parametrize(("client", "door"), CELLS, ids=[f"{client.name}-{door}" for client, door in CELLS])
async def test_it_signs_with_what_was_vended(
    client: Client,
    door: str,
    place: Place,
    secured: Place,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    (found,) = (one for one in doors.DOORS if one.name == door)
    at = {"place": place, "secured": secured}[found.place]
    await come_through(client, found, at, tmp_path, record_property)


async def refused(client: Client, place: Place, home: Path) -> str:
    """Return what a refused workload reads."""
    (door,) = (one for one in doors.DOORS if one.name == doors.TOKEN_FILE)
    who = doors.Workload(client, home, place.world.token(namespace="other"))
    place.since()
    async with door.show(place, who) as shown:
        environ = clients.workload(home, **client.environ(), **shown)
        code, out, err = await clients.run(client.command(place.s3.url), environ, home)
    assert code != 0
    assert not place.since()
    return out + err


async def test_boto3_shows_the_refusal_to_its_user(place: Place, tmp_path: Path) -> None:
    assert "this identity may not have this scope" in await refused(clients.BOTO3, place, tmp_path)


@pytest.mark.thorough  # installs rclone the first time
async def test_the_go_sdk_reads_the_code_of_a_refusal(place: Place, tmp_path: Path) -> None:
    assert "access_denied" in await refused(clients.RCLONE, place, tmp_path)
