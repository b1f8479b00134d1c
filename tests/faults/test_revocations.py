"""T19 under traffic: who is stopped is given nothing from that moment on, and nobody else notices."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults import calls
from tests.faults.rig import Rig
from tests.faults.traffic import lines_of
from tests.server.http import Answer, exchange, post, request
from tests.server.test_operators import operator

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.telling import Tell
    from tests.faults.traffic import Results

pytestmark = pytest.mark.faults

STANDING = 500


async def _revoke(rig: Rig, said: dict[str, Any]) -> Answer:
    return await post(rig.world.service.operations, "/v1/revocations", operator(rig.world), said)


def _statuses(results: Results, prefix: str) -> dict[int, int]:
    found: dict[int, int] = {}
    for call, answer in lines_of(results):
        if (call.principal or "").startswith(f"analytics.batch-{prefix}"):
            found[answer.status] = found.get(answer.status, 0) + 1
    return found


async def test_t19_who_is_stopped_is_given_nothing_from_then_on_and_nobody_else_notices(
    tmp_path: Path, tell: Tell
) -> None:
    """T19: half of 100 principals are stopped at 500 requests a second, and let on; 500 other revocations are in force.

    Promised: from the answer on none of them is given anything, and everybody else is served all the while.
    """
    async with Rig(tmp_path) as rig:
        for number in range(STANDING):
            said = {"principal": f"system:serviceaccount:elsewhere:nobody-{number}"}
            assert (await _revoke(rig, said)).status == 201
        names = [*calls.names("stopped", 50), *calls.names("other", 50)]
        flow = await rig.send(calls.of(rig.world, names), rate=500, seconds=60)
        await asyncio.sleep(4)
        stop: dict[str, Any] = {"id": "inc-7", "attributes": {"service_account": {"glob": "batch-stopped-*"}}}
        asked = time.monotonic()
        made = await _revoke(rig, stop)
        stopped = time.monotonic()
        assert (made.status, made.json["sessions"]) == (201, 50)
        await asyncio.sleep(4)
        lifting = request("/v1/revocations/inc-7", operator(rig.world), method="DELETE")
        let_on_after = time.monotonic()
        assert (await exchange(rig.world.service.operations, lifting)).status == 200
        let_on = time.monotonic()
        await asyncio.sleep(2)
        results = await flow.stop()
        before, between, after = (
            results.between(0, asked),
            results.between(stopped, let_on_after),
            results.between(let_on),
        )
        tell(f"stopped within {(stopped - asked) * 1000:.1f} ms; meanwhile {between.told()}; before {before.told()}")
        refused, others = _statuses(between, "stopped"), _statuses(results, "other")
        tell.measured(f"stopped in {(stopped - asked) * 1000:.0f} ms: answered {refused}, the others {others}")
        assert set(others) == {200}
        assert (set(_statuses(before, "stopped")), set(_statuses(after, "stopped"))) == ({200}, {200})
        assert set(refused) == {403}
        assert refused[403] > 500
