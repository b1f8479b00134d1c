"""Requests of which a part is still to come: whose they are is known first, and they keep few places from others."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from tests.fakes import faults
from tests.server.http import Connection, get, request
from tests.server.test_refusals import check_refusal
from tests.service import CONFIGURATION, World
from vendor.replay.recorded import Unreplayable, read_recorded
from vendor.server.body import BODY_IN_TIME

if TYPE_CHECKING:
    from pathlib import Path

    from tests.server.http import Answer

UNSENT = {"Content-Type": "application/json", "Content-Length": "100"}
FEW = CONFIGURATION + "limits: {{concurrent_requests: 8}}\n"
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("door", ["credentials", "console"])
@pytest.mark.parametrize("token", [None, "no-token", "e30.e30.AA", "forged"])
async def test_the_body_of_who_proves_nothing_is_not_waited_for(world: World, door: str, token: str | None) -> None:
    if token == "forged":
        token = f"{world.token().rpartition('.')[0]}.AAAA"
    async with await Connection.open(world.service.public) as connection:
        async with asyncio.timeout(BODY_IN_TIME / 2):
            await connection.send(request(f"/v1/{door}/reports:read", token, method="POST", headers=UNSENT))
            answer = await connection.read()
        assert (answer.status, answer.code) == (401, "missing_token" if token is None else "invalid_token")
        check_refusal(answer)
        assert await connection.ended()
    line = world.audit()[-1]
    assert (line["code"], line["scope"], line["parameters"]) == (answer.code, "reports:read", {})


@pytest.mark.parametrize(
    "body", [b'{"nonsense":1}', b'{"duration_seconds":"x"}', b'{"parameters":[]}', b"{", b'{"a":1,"a":2}']
)
async def test_what_is_wrong_with_a_body_is_told_to_who_proved_itself_and_written_down(
    world: World, body: bytes
) -> None:
    raw = request("/v1/credentials/reports:read", world.token(), method="POST", body=body)
    async with await Connection.open(world.service.public) as connection:
        await connection.send(raw)
        answer = await connection.read()
    assert (answer.status, answer.code) == (400, "invalid_request")
    line = world.audit()[-1]
    assert (line["code"], line["reason"], line["issuer"]) == ("invalid_request", "malformed_request", "cluster-a")
    assert read_recorded(line) is Unreplayable.UNDECIDED, "or a replay would find that it is now allowed"


async def _slowly(world: World, raw: bytes) -> Answer:
    async with await Connection.open(world.service.public) as connection:
        await connection.send(raw[:-1])
        await asyncio.sleep(1.2)
        await connection.send(raw[-1:])
        return await connection.read()


async def test_an_exchange_whose_body_took_longer_than_it_may_is_written_down_and_no_failure_of_the_audit_trail(
    world: World,
) -> None:
    path, token = "/v1/credentials/reports:read", world.token()
    assert (await get(world.service.public, path, token)).status == 200
    answer = await _slowly(world, request(path, token, method="POST", body=b"{ }"))
    assert (answer.status, world.audit()[-1]["access_key_id"]) == (200, answer.key_id)
    told = {"RoleArn": "arn:aws:iam::000000000000:role/reports:read", "RoleSessionName": "me", "WebIdentityToken": "x"}
    form = urlencode({"Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15", **told}).encode()
    assert (await _slowly(world, request("/sts", method="POST", body=form))).status == 400
    assert world.audit()[-1]["code"] == "invalid_token"
    metrics = (await get(world.service.operations, "/metrics")).body.decode()
    assert "vendor_audit_failures_total 0.0" in metrics


async def test_a_request_whose_body_comes_a_moment_after_its_head_keeps_no_place_from_others(tmp_path: Path) -> None:
    async with World(tmp_path, configuration=FEW) as few:
        assert (await get(few.service.public, "/v1/credentials/reports:read", few.token())).status == 200
        few.sts.fault(faults.latency(0.4))

        async def ask(number: int) -> int:
            raw = request("/v1/credentials/reports:read", few.token(f"batch-{number}"), method="POST", body=b"{}")
            async with await Connection.open(few.service.public) as connection:
                await asyncio.sleep(number / 20)
                await connection.send(raw[:-2])
                await asyncio.sleep(0.02)
                await connection.send(raw[-2:])
                return (await connection.read()).status

        assert await asyncio.gather(*map(ask, range(6))) == [200] * 6


async def test_requests_that_are_still_to_come_keep_a_quarter_of_the_places(tmp_path: Path) -> None:
    form = urlencode({"Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15", "WebIdentityToken": "x"}).encode()
    begun = request("/sts", method="POST", body=form)[:-1]
    async with World(tmp_path, configuration=FEW) as few, AsyncExitStack() as stack:
        url = few.service.public
        for _ in range(2):
            await (await stack.enter_async_context(await Connection.open(url))).send(begun)
        await asyncio.sleep(0.1)
        third = await stack.enter_async_context(await Connection.open(url))
        await third.send(begun)
        answer = await third.read()
        assert answer.status == 503
        assert b"<Code>ServiceUnavailable</Code>" in answer.body
        assert (await get(url, "/v1/credentials/reports:read", few.token())).status == 200
        whole = request("/v1/credentials/reports:read", few.token(), method="POST", body=b"{}")
        async with await Connection.open(url) as connection:
            await connection.send(whole)
            assert (await connection.read()).status == 200
        await asyncio.sleep(BODY_IN_TIME)
        async with await Connection.open(url) as connection:
            await connection.send(begun)
            await connection.send(b"x")
            assert (await connection.read()).status == 400
