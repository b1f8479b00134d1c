"""Services over one real server: who is stopped at one is stopped at the other, and by one that begins later (T19)."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING

from tests.server.http import exchange, get, post, request
from tests.server.test_operators import metrics, operator
from tests.service import CONFIGURATION, Served, World, ready, served

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.valkey import Valkey

PATH = "/v1/credentials/reports:read"


class Replica:
    """Another service of a world, with a folder of its own."""

    def __init__(self, world: World, service: Served) -> None:
        self.world, self.service, self.issuer = world, service, world.issuer
        self.token = world.token

    async def code(self, account: str) -> str:
        """Return how asking ends for an account: `200`, or the code of the refusal."""
        answer = await get(self.service.public, PATH, self.token(account))
        return "200" if answer.status == 200 else answer.code

    async def becomes(self, account: str, code: str) -> None:
        """Wait until asking ends so."""
        async with asyncio.timeout(10):
            while await self.code(account) != code:  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(0.05)


def _configuration(folder: Path, valkey: Valkey) -> str:
    (folder / "k1").write_bytes(secrets.token_bytes(32))
    store = (
        f'store: {{{{redis: {{{{url: "{valkey.url}", encryption_keys: [{{{{id: k1, file: "{folder}/k1"}}}}]}}}}}}}}\n'
    )
    return CONFIGURATION + store


async def test_who_is_stopped_at_one_is_stopped_at_all_and_by_one_that_begins_later(
    tmp_path: Path, valkey: Valkey
) -> None:
    configuration = _configuration(tmp_path, valkey)
    async with World(tmp_path, configuration=configuration) as world:
        text = (tmp_path / "vendor.yaml").read_text()
        folders = [tmp_path / name for name in ("second", "third")]
        for folder in folders:
            folder.mkdir()
        one = Replica(world, world.service)
        async with served(text, folders[0]) as second:
            await ready(second)
            two = Replica(world, second)
            lent = await get(one.service.public, PATH, world.token("batch-1"))
            assert (await get(two.service.public, PATH, world.token("batch-1"))).key_id == lent.key_id
            assert await two.code("batch-2") == "200"

            # The one that has not handed it out is asked whose key it is, and to stop them.
            key = (await get(one.service.public, PATH, world.token("batch-3"))).key_id
            async with asyncio.timeout(10):
                while (whose := await get(second.operations, f"/v1/leases/{key}", operator(world))).status != 200:  # noqa: ASYNC110 - it is another process
                    await asyncio.sleep(0.05)
            assert whose.json["subject"].endswith(":batch-3")
            for said in (
                {"access_key_id": key},
                {"principal": "system:serviceaccount:analytics:batch-1", "id": "inc-1"},
            ):
                made = await post(second.operations, "/v1/revocations", operator(world), said)
                assert (made.status, made.json["kept"]) == (201, True)
            assert [await two.code(f"batch-{number}") for number in (1, 2, 3)] == ["revoked", "200", "revoked"]
            for account in ("batch-1", "batch-3"):
                await one.becomes(account, "revoked")
            assert await one.code("batch-2") == "200"
            assert (await metrics(world))["vendor_revocations_active{}"] == 2
        async with served(text, folders[1]) as third:
            await ready(third)
            late = Replica(world, third)
            assert [await late.code(f"batch-{number}") for number in (1, 2, 3)] == ["revoked", "200", "revoked"]
            lifting = request("/v1/revocations/inc-1", operator(world), method="DELETE")
            assert (await exchange(third.operations, lifting)).status == 200
            assert await late.code("batch-1") == "200"
            await one.becomes("batch-1", "200")
            assert await one.code("batch-3") == "revoked"
