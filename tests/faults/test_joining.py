"""T20 under traffic: many share one call; they leave, it fails, and the rules change while it is under way."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.fakes import faults
from tests.fakes.sts import numbered
from tests.faults import calls
from tests.faults.replicas import FleetRig
from tests.faults.test_mixing import reload
from tests.faults.test_reload import CONDITIONED
from tests.faults.traffic import lines_of
from tests.fleet import SHARING, STORE
from tests.server.http import exchange, get, post, request

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.fakes.sts_wire import Request
    from tests.faults.telling import Tell
    from tests.faults.traffic import Call, Results

pytestmark = pytest.mark.faults

ROLE: Final = "arn:aws:iam::111122223333:role/"
REPLICAS: Final = 3
SCOPE: Final = """\
  reports:%(name)s:
    grants: [{{issuer: cluster-a, where: {{namespace: analytics}}}}]
    target: aws
    mint: {{assume_role: {{role: "arn:aws:iam::111122223333:role/%(name)s"}}}}
    session:
      policy:
        Version: "2012-10-17"
        Statement: [{{Effect: Allow, Action: "s3:GetObject", Resource: "arn:aws:s3:::reports/analytics/2026-03/*"}}]
      tags: {{namespace: "{{{{ namespace }}}}"}}
      source_identity: "{{{{ namespace }}}}.{{{{ service_account }}}}"
"""
OF_MANY: Final = SHARING + SCOPE % {"name": "denied"} + SCOPE % {"name": "flaky"}
NARROWER: Final = CONDITIONED.replace("issuers:\n", STORE + "issuers:\n")
CONDITION: Final = "aws:PrincipalTag/namespace"


def _of_scope(asked: list[Call], name: str) -> list[Call]:
    """Return the same requests for another scope."""
    path = calls.PATH.encode()
    return [call._replace(raw=call.raw.replace(path, f"/v1/credentials/reports:{name}".encode())) for call in asked]


def _counts(results: Iterable[Results]) -> dict[str, int]:
    return dict(sum((Counter(one.counts) for one in results), Counter()))


async def _tasks(rig: FleetRig) -> int:
    return await rig.total("vendor_event_loop_tasks")


def _left_over(locks: int, before: int, tasks: int) -> str:
    return f"{locks} locks left; {before} tasks before, {tasks} after"


async def _locks(rig: FleetRig) -> int:
    """Return how many locks there are, once whoever was late has lost its own."""
    await asyncio.sleep(1.2)
    async with rig.fleet.store.client() as client:
        return len([key async for key in client.scan_iter("*:lock")])


async def test_t20_who_leaves_takes_nobody_with_them_and_what_they_left_is_there(tmp_path: Path, tell: Tell) -> None:
    """T20: half of the callers of 100 principals leave before STS answers, and all callers of 50 others.

    Promised: one call for each principal goes on for who stays, and is what the next one is served from; no lock and no
    task is left over.
    """
    async with FleetRig(tmp_path, straight=True) as rig:
        sts = rig.fleet.sts
        before = await _tasks(rig)
        sts.fault(faults.latency(0.4))
        shared = calls.of(rig.fleet, calls.names("shared", 100))
        alone = calls.of(rig.fleet, calls.names("alone", 50))
        leaving = await rig.send(shared + alone, rate=100, seconds=3, patience=0.1, connections=150, humble=True)
        staying = await rig.send(shared, rate=100, seconds=1, connections=150)
        stayed, left = await rig.all_results(staying), await rig.all_results(leaving)
        await asyncio.sleep(0.5)
        minted = len(sts.requests)
        again = await rig.all_results(await rig.send(alone, rate=50, seconds=1))
        locks, tasks = await _locks(rig), await _tasks(rig)
        gone, all_of_them = _counts(left).get("0 timeout", 0), sum(_counts(left).values())
        tell(f"{'; '.join(one.told() for one in stayed)}; left {_counts(left)}; again {_counts(again)}")
        tell.measured(
            f"{gone} of {all_of_them} left; {minted} STS calls for 150 principals, then {len(sts.requests) - minted}; "
            f"who stayed {_counts(stayed)}, who came later {_counts(again)}; {_left_over(locks, before, tasks)}"
        )
        assert gone > 300
        assert minted == len(sts.requests) == 150
        assert _counts(stayed).keys() == _counts(again).keys() == {"200"}
        assert locks == 0
        assert tasks <= before + 3


async def test_t20_nobody_is_answered_with_what_befell_the_call_of_another(tmp_path: Path, tell: Tell) -> None:
    """T20: AWS denies a role to 30 principals and fails one's call three times; all ask for another role as well.

    Promised: an error is told to those alone who asked for that; whom STS failed is served by the next request, who was
    denied after 30 s, but for the one whose call it was at each replica.
    """
    async with FleetRig(tmp_path, configuration=OF_MANY, straight=True) as rig:
        sts = rig.fleet.sts
        before = await _tasks(rig)
        sts.fault(faults.error("AccessDenied", late=0.3), role=f"{ROLE}denied")
        sts.next(*[faults.error("ServiceUnavailable", late=0.1)] * 3, role=f"{ROLE}flaky")
        same = calls.of(rig.fleet, calls.names("same", 30))
        denying = await rig.send(_of_scope(same, "denied"), rate=60, seconds=4, connections=100)
        serving = await rig.send(same, rate=60, seconds=4, connections=100)
        failing = await rig.send(_of_scope(same[:1], "flaky"), rate=50, seconds=0.2, to=[0])
        failed = await rig.all_results(failing)
        next_one = await rig.all_results(await rig.send(_of_scope(same[:1], "flaky"), rate=10, seconds=1))
        denied, served = await rig.all_results(denying), await rig.all_results(serving)
        sent = sum(one.role_arn == f"{ROLE}denied" for one in sts.requests)
        sts.heal()
        await asyncio.sleep(31)
        after = await rig.all_results(await rig.send(_of_scope(same, "denied"), rate=30, seconds=1))
        locks, tasks = await _locks(rig), await _tasks(rig)
        tell(f"{'; '.join(one.told() for one in denied + served)}")
        tell.measured(
            f"denied {_counts(denied)} by {sent} calls, 30 s later {_counts(after)}; failed {_counts(failed)}, then "
            f"{_counts(next_one)}; others {_counts(served)}; {_left_over(locks, before, tasks)}"
        )
        assert _counts(denied).keys() == {"502 role_refused"}
        assert sent <= REPLICAS
        assert _counts(failed).keys() == {"503 sts_unavailable"}
        assert _counts(served).keys() == _counts(next_one).keys() == {"200"}
        assert _counts(after).get("200", 0) >= 30 * REPLICAS - sent
        assert locks == 0
        assert tasks <= before + 3


async def test_t20_no_result_outlives_the_rules_that_it_was_asked_by(tmp_path: Path, tell: Tell) -> None:
    """T20: STS holds its answers for 100 principals while their policy is narrowed, and for 50 while they are stopped.

    Promised: none of these answers is ever given to anybody, also when the policy is the old one again, and they are
    let on.
    """
    async with FleetRig(tmp_path, straight=True) as rig:
        sts = rig.fleet.sts
        sts.ids = numbered()
        before = await _tasks(rig)
        changed, landed, again = await _while_it_narrows(rig)
        answers, late, resumed = await _while_they_are_stopped(rig)
        locks, tasks = await _locks(rig), await _tasks(rig)
        given = {one.key_id for flow in (*changed, *again, *answers, *resumed) for one in flow.answers}
        kept = len(given & (landed | late))
        tell(f"while it narrows {_counts(changed)}, then {_counts(again)}")
        tell(f"while they are stopped {_counts(answers)}, then {_counts(resumed)}")
        tell.measured(
            f"{len(landed)} answers by an old policy came late, and {len(late)} for who was stopped: {kept} given to "
            f"anybody; answered {_counts(changed)}, and stopped {_counts(answers)}; "
            f"{_left_over(locks, before, tasks)}"
        )
        assert len(landed) >= 50
        assert len(late) >= 25
        assert kept == 0
        assert _counts(changed).keys() <= {"200", "503 sts_unavailable"}
        assert _counts(answers).keys() <= {"403 revoked", "503 sts_unavailable"}
        assert _counts(again).keys() == _counts(resumed).keys() == {"200"}
        assert locks == 0
        assert tasks <= before + 3


async def _while_it_narrows(rig: FleetRig) -> tuple[list[Results], set[str], list[Results]]:
    """Return what is answered over a reload, the ids of the keys that were asked for before, and what after another."""
    sts = rig.fleet.sts
    asked = calls.of(rig.fleet, calls.names("narrowed", 100))
    flows = await _held(rig, asked)
    happened = await reload(rig, NARROWER)
    before = set(sts.issued)
    sts.heal()
    results = await rig.all_results(flows)
    landed = {key for key in set(sts.issued) - before if not _is_narrow(sts.issued[key])}
    for one in results:
        for _, answer in lines_of(one):
            if answer.status == 200:
                assert _is_narrow(sts.issued[answer.key_id]), "given by the old policy"
                assert one.moment(answer) > happened
    await reload(rig, SHARING, 3)
    return results, landed, await rig.all_results(await rig.send(asked, rate=50, seconds=2))


async def _while_they_are_stopped(rig: FleetRig) -> tuple[list[Results], set[str], list[Results]]:
    """Return what who is stopped is answered, the keys that were asked for before, and what they get then."""
    sts = rig.fleet.sts
    names = calls.names("stopped", 50)
    asked = calls.of(rig.fleet, names)
    flows = await _held(rig, asked)
    operations = rig.fleet.replicas[0].operations
    said: dict[str, Any] = {"id": "inc-7", "attributes": {"service_account": {"glob": "batch-stopped-*"}}}
    assert (await post(operations, "/v1/revocations", rig.fleet.operator(), said)).status == 201
    await _until(rig, names[0], 403)
    before = set(sts.issued)
    sts.heal()
    results = await rig.all_results(flows)
    late = set(sts.issued) - before
    lifting = request("/v1/revocations/inc-7", rig.fleet.operator(), method="DELETE")
    assert (await exchange(operations, lifting)).status == 200
    await _until(rig, names[0], 200)
    return results, late, await rig.all_results(await rig.send(asked, rate=50, seconds=2))


async def _until(rig: FleetRig, name: str, status: int) -> None:
    """Wait until every replica answers a service account so."""
    for replica in rig.fleet.replicas:
        token = rig.fleet.token(name)
        while (await get(replica.public, calls.PATH, token)).status != status:  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.02)


async def _held(rig: FleetRig, asked: list[Call]) -> list[Any]:
    """Have STS hold its answers, and return flows of requests once it was asked for most of what they want."""
    sts = rig.fleet.sts
    sts.fault(faults.HOLD)
    already = len(sts.requests)
    first = await rig.send(asked, rate=300, seconds=len(asked) / 300, connections=200)
    flows = await rig.send(asked, rate=50, seconds=6, connections=200)
    await asyncio.wait_for(sts.arrived(already + len(asked)), 5)
    return [*first, *flows]


def _is_narrow(request: Request) -> bool:
    return CONDITION in (request.policy or "")
