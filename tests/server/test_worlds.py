"""Worlds in which something is wrong from the start, each with a service of its own."""

from __future__ import annotations

import asyncio
import resource
import signal
from typing import TYPE_CHECKING

import pytest

from tests.fakes.sts import SECRET, TOKEN
from tests.server.http import get, post
from tests.server.test_operators import operator
from tests.server.test_refusals import check_refusal
from tests.service import CONFIGURATION, World
from tests.service import ready as becomes_ready

if TYPE_CHECKING:
    from pathlib import Path

PATH = "/v1/credentials/reports:read"
SECOND = """\
  reports:write:
    grants: [{{issuer: cluster-a, where: {{namespace: analytics}}}}]
    target: aws
    mint: {{assume_role: {{role: "arn:aws:iam::111122223333:role/writer"}}}}
    session: {{unrestricted: true}}
"""
FULL = CONFIGURATION.replace('"{audit}"', '"/dev/full"')


async def test_without_a_scope_several_or_none_are_refused(tmp_path: Path) -> None:
    async with World(tmp_path, configuration=CONFIGURATION + SECOND) as world:
        for token in (world.token(), world.token(namespace="other")):
            answer = await get(world.service.public, "/v1/credentials", token)
            assert (answer.status, answer.code) == (400, "scope_required")
            check_refusal(answer)
        one = await get(world.service.public, "/v1/credentials", world.token("other"))
        assert (one.status, one.json["RoleArn"]) == (200, "arn:aws:iam::111122223333:role/writer")
        named = await get(world.service.public, PATH, world.token())
        assert named.json["RoleArn"] == "arn:aws:iam::111122223333:role/reports"


@pytest.mark.slow  # keys that did not come are asked for again after five seconds
async def test_an_issuer_that_is_down_at_the_start_is_unavailable_until_it_is_up(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.issuer.fault = "down"
    async with world:
        answer = await get(world.service.public, PATH, world.token())
        assert (answer.status, answer.code) == (503, "issuer_unavailable")
        check_refusal(answer)
        assert not world.sts.requests
        ready = await get(world.service.operations, "/readyz")
        assert (ready.status, ready.json["detail"]) == (503, "no issuer's keys can be had")
        assert (await get(world.service.operations, "/healthz")).status == 200
        world.issuer.fault = None
        async with asyncio.timeout(20):
            while (await get(world.service.operations, "/readyz")).status != 200:  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(0.1)
        assert (await get(world.service.public, PATH, world.token())).status == 200


@pytest.mark.thorough  # it starts as late as it gives up the keys
async def test_an_issuer_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.issuer.fault = "hang"
    async with world:
        ready = await get(world.service.operations, "/readyz")
        assert (ready.status, ready.json["detail"]) == (503, "starting")
        answer = await get(world.service.public, PATH, world.token())
        assert (answer.status, answer.code) == (503, "issuer_unavailable")
        check_refusal(answer)
        assert world.audit()[-1]["seconds"] < 1


async def test_t26_no_secret_leaves_when_the_audit_line_cannot_be_written(tmp_path: Path) -> None:
    async with World(tmp_path, configuration=FULL) as world:
        answer = await get(world.service.public, PATH, world.token())
        assert (answer.status, answer.code) == (503, "audit_unavailable")
        check_refusal(answer)
        assert SECRET.encode() not in answer.body
        assert TOKEN.encode() not in answer.body
        refused = await get(world.service.public, PATH)
        assert (refused.status, refused.code) == (401, "missing_token")
        counted = (await get(world.service.operations, "/metrics")).body.decode()
        assert 'vendor_refusals_total{code="audit_unavailable",reason="sink"} 1.0' in counted
        assert "vendor_credentials_issued_total{" not in counted


async def test_it_is_not_ready_while_no_audit_line_can_be_written_and_then_by_itself(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        assert (await get(world.service.public, PATH, world.token())).status == 200
        pid, room = world.service.process.pid, world.audit_path.stat().st_size + 300
        before = resource.prlimit(pid, resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
        assert (await get(world.service.public, PATH, world.token())).code == "audit_unavailable"
        for _ in range(4):
            ready = await get(world.service.operations, "/readyz")
            told = "no audit line can be written: OSError: [Errno 27] File too large"
            assert (ready.status, ready.json) == (503, {"status": "not ready", "detail": told})
            await asyncio.sleep(0.4)  # it tries every second, and something shorter would have room
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
        await becomes_ready(world.service)
        assert (await get(world.service.public, PATH, world.token())).status == 200
        events = [(line["event"], line.get("lines")) for line in world.audit()]
        assert events == [("exchange", None), ("gap", 1), ("exchange", None)]


async def test_without_an_audit_line_one_may_choose_to_go_on(tmp_path: Path) -> None:
    configuration = FULL.replace('path: "/dev/full"', 'path: "/dev/full", on_failure: continue')
    async with World(tmp_path, configuration=configuration) as world:
        assert (await get(world.service.public, PATH, world.token())).status == 200


async def test_the_audit_line_goes_to_stdout_for_a_dash(tmp_path: Path) -> None:
    async with World(tmp_path, configuration=CONFIGURATION.replace('"{audit}"', '"-"')) as world:
        answer = await get(world.service.public, PATH, world.token())
        assert answer.headers["x-request-id"] in (tmp_path / "stdout").read_text()


async def test_who_was_stopped_is_so_after_a_restart_where_a_file_keeps_it(tmp_path: Path) -> None:
    kept = tmp_path / "revocations.json"
    configuration = CONFIGURATION.replace("operations:\n", 'operations:\n  revocations: "revocations.json"\n')
    async with World(tmp_path, configuration=configuration) as world:
        world.service.process.send_signal(signal.SIGHUP)
        async with asyncio.timeout(20):
            while not any("configuration reloaded" in line for line in world.service.log):  # noqa: ASYNC110 - its log
                await asyncio.sleep(0.05)
        key = (await get(world.service.public, PATH, world.token())).key_id
        said = [{"scope": "reports:read", "reason": "in a paste"}, {"access_key_id": key, "id": "inc-7"}]
        for one in said:
            made = await post(world.service.operations, "/v1/revocations", operator(world), one)
            assert (made.status, made.json["kept"]) == (201, True)
    async with World(tmp_path, configuration=configuration) as world:
        assert (await get(world.service.public, PATH, world.token())).code == "revoked"
        listed = (await get(world.service.operations, "/v1/revocations", operator(world))).json["revocations"]
        assert [one["reason"] for one in listed] == ["in a paste", ""]
        more = {**said[1], "deny_policy": True}
        again = await post(world.service.operations, "/v1/revocations", operator(world), more)
        assert (again.status, again.json["deny_policy"]) == (200, True), "whose key it was is known from the revocation"
    assert kept.stat().st_mode & 0o777 == 0o600
    kept.write_text("{")
    with pytest.raises(RuntimeError, match="it holds no revocations"):
        await World(tmp_path, configuration=configuration).__aenter__()
