"""Limits through the sockets: who asks too often is told so at each door as its clients know it, and no other is."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from tests.server.http import Answer, exchange, get, post, request
from tests.server.test_refusals import check_refusal
from tests.service import CONFIGURATION, World

if TYPE_CHECKING:
    from pathlib import Path

PATH = "/v1/credentials/reports:read"
LIMITED = CONFIGURATION + "limits: {{per_principal: {{requests_per_second: 0.1, burst: 5}}}}\n"


async def test_who_asks_too_often_is_refused_at_every_door_and_nobody_else_t33(tmp_path: Path) -> None:
    async with World(tmp_path, configuration=LIMITED) as world:
        url, token = world.service.public, world.token()

        async def denied() -> Answer:
            return await get(url, "/v1/credentials/no-such", token)

        assert [(await denied()).status for _ in range(6)] == [403] * 5 + [429]
        refused = await get(url, PATH, token)
        assert (refused.status, refused.code) == (429, "rate_limited")
        assert 1 <= int(refused.headers["retry-after"]) <= 10
        check_refusal(refused)
        assert (await post(url, PATH, token)).code == "rate_limited"
        assert (await get(url, "/v1/scopes", token)).code == "rate_limited"
        asked = {
            "Action": "AssumeRoleWithWebIdentity",
            "Version": "2011-06-15",
            "RoleArn": "arn:aws:iam::000000000000:role/reports:read",
            "RoleSessionName": "any",
            "WebIdentityToken": token,
        }
        told = await exchange(url, request("/", method="POST", body=urlencode(asked).encode()))
        assert told.status == 429
        assert b"<Code>Throttling</Code>" in told.body
        assert (await get(url, PATH, world.token("batch-other"))).status == 200
        line = world.audit()[-2]
        assert (line["code"], line["reason"], line["subject"]) == (
            "rate_limited",
            "rate",
            "system:serviceaccount:analytics:reporter",
        )


async def test_who_asks_too_often_is_still_given_what_is_held_at_every_door(tmp_path: Path) -> None:
    async with World(tmp_path, configuration=LIMITED) as world:
        url, token = world.service.public, world.token()
        lent = await get(url, PATH, token)
        while (await get(url, "/v1/credentials/no-such", token)).status != 429:
            pass
        answers = [await get(url, PATH, token), await post(url, PATH, token, {"parameters": {"month": "2026-01"}})]
        assert [(answer.status, answer.key_id) for answer in answers] == [(200, lent.key_id)] * 2
        assert (await post(url, PATH, token, {"parameters": {"month": "2026-02"}})).code == "rate_limited"


async def test_what_is_held_is_not_counted_and_other_limits_hold_after_a_reload(tmp_path: Path) -> None:
    async with World(tmp_path, configuration=LIMITED) as world:
        url, token = world.service.public, world.token()
        answers = [(await get(url, PATH, token)).status for _ in range(30)]
        assert answers == [200] * 30
        file = tmp_path / "vendor.yaml"
        file.write_text(file.read_text().replace("burst: 5", "burst: 50"))
        world.service.process.send_signal(signal.SIGHUP)
        async with asyncio.timeout(20):
            while b"vendor_config_generation 2.0" not in await _metrics(world):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)
        denied = [(await get(url, "/v1/credentials/no-such", token)).status for _ in range(20)]
        assert denied == [403] * 20


async def _metrics(world: World) -> bytes:
    return (await get(world.service.operations, "/metrics")).body
