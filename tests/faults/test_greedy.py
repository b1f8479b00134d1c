"""T33 under traffic: one principal and one issuer want all there is, beside a few who come back for what they have."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import pytest

from tests.fakes.issuer import Issuer
from tests.fakes.sts import numbered
from tests.faults import asked, calls
from tests.faults.asked import Asked
from tests.faults.rig import Rig
from tests.faults.traffic import Call
from tests.server.http import request
from tests.service import CONFIGURATION, with_room

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fakes.sts import STS
    from tests.faults.telling import Tell
    from tests.faults.traffic import Results

pytestmark = pytest.mark.faults

QUOTA: Final = 40
"""Requests a second that STS takes of us."""
ROOM: Final = 400
"""Leases that are held; the greedy want thousands."""
ALLOWED, BURST = 5, 20
"""Requests a second, and at once, that each principal may send for what is not at hand."""
LIFE: Final = 40
"""Seconds that a session lives, so that all are renewed meanwhile: by half of it newer ones are wanted."""
SECONDS: Final = 40
QUIET: Final = 50
CROWD: Final = 400
LIMITS: Final = f"limits: {{{{per_principal: {{{{requests_per_second: {ALLOWED}, burst: {BURST}}}}}}}}}\n"


def _configuration(other: Issuer) -> str:
    cluster = f'  cluster-b: {{{{issuer: "{other.issuer}", audience: vendor, kind: kubernetes, '
    grant = "      - {{issuer: cluster-b, where: {{namespace: analytics}}}}\n"
    return LIMITS + CONFIGURATION.replace(
        "regions: [eu-west-1]", f"regions: [eu-west-1], requests_per_second: {QUOTA}"
    ).replace("targets:\n", cluster + "allow_private_addresses: true}}\ntargets:\n").replace(
        "    parameters:\n", grant + "    parameters:\n"
    )


async def test_t33_the_greedy_cost_nobody_else_what_they_want(tmp_path: Path, tell: Tell) -> None:
    """T33: one principal wants 1,000 new sessions a second, another issuer 200, STS gives 40; 50 others want their own.

    Promised: the quiet are all served from memory, renewed in time, and new ones within a second; the greedy principal
    is refused as `rate_limited` and has no more of STS than its allowance; what has to leave memory is not the quiet's.
    """
    async with (
        Issuer() as other,
        Rig(tmp_path, configuration=_configuration(other), environ=with_room(tmp_path, ROOM)) as rig,
    ):
        sts = rig.world.sts
        sts.ids, sts.lifetime = numbered(), timedelta(seconds=LIFE)
        quiet = calls.of(rig.world, calls.names("quiet", QUIET))
        assert (await (await rig.send(quiet, rate=QUIET / 2, seconds=2)).results()).served == 1
        began = len(sts.requests)
        greedy = list(_months([("batch-greedy", rig.world.token("batch-greedy"))], 20_000))
        crowd = list(_months([(name, _of(other, name)) for name in calls.names("crowd", CROWD)], 20))
        flows = [
            await rig.send(greedy, rate=1_000, seconds=SECONDS, connections=32, humble=True),
            await rig.send(crowd, rate=200, seconds=SECONDS, connections=300),
            await rig.send(quiet, rate=QUIET, seconds=SECONDS),
            await rig.send(calls.of(rig.world, calls.names("new", SECONDS)), rate=1, seconds=SECONDS),
        ]
        greedy_had, crowd_had, known, new = [await flow.results() for flow in flows]
        share = Counter(_kind(one.source_identity) for one in sts.requests[began:])
        sources = _sources(rig, known)
        left = _least(known, sts)
        gone = await _gone(rig, crowd)
        tell(f"greedy {greedy_had.told()}; crowd {crowd_had.told()}")
        tell(f"quiet {known.told()}; new {new.told()}; from {dict(sources)}")
        had = ", ".join(f"{name} {share[name]}" for name in ("greedy", "crowd", "quiet", "new"))
        tell.measured(
            f"quiet served {known.of()} with {left:.0f} s at least, {sources['memory']:,} from memory; new {new.of()}, "
            f"{new.at(99)}; greedy refused {greedy_had.of('429 rate_limited')}; {share.total():,} STS calls, {had}; "
            f"of what came last for the crowd {gone[0]} of {gone[1]} had left memory"
        )
        assert set(known.counts) == set(new.counts) == {"200"}
        assert sources.keys() == {"memory"}
        assert left >= LIFE / 2 - 4
        assert new.percentile(99) < 0.9
        assert greedy_had.counts["429 rate_limited"] > 0.9 * len(greedy_had.answers)
        assert share["greedy"] <= 2 * (BURST + ALLOWED * SECONDS)  # what it has is renewed once
        assert share["crowd"] > 500
        assert gone[0] > 0


def _of(issuer: Issuer, name: str) -> str:
    """Return a token of a service account of another cluster."""
    bound = {"namespace": "analytics", "serviceaccount": {"name": name, "uid": "u-1"}}
    return issuer.token({"sub": f"system:serviceaccount:analytics:{name}", "kubernetes.io": bound})


def _months(tokens: list[tuple[str, str]], count: int) -> Iterator[Call]:
    """Return requests of these in turn, each of them for so many months: every one is a session of its own."""
    for number in range(count):
        month = f"{1000 + number // 12}-{1 + number % 12:02}"
        for name, token in tokens:
            path = calls.PATH.replace("2026-03", month)
            yield Call(request(path, token), f"analytics.{name}", (_made(f"analytics.{name}", month),))


def _made(who: str, month: str) -> Asked:
    resource = f"arn:aws:s3:::reports/analytics/{month}/*"
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": resource}
    return Asked(
        source_identity=who,
        region="eu-west-1",
        role_arn="arn:aws:iam::111122223333:role/reports",
        external_id="CANARY-external-id",
        policy=asked.canonical({"Version": "2012-10-17", "Statement": [statement]}),
        policy_arns=(),
        tags=(("namespace", "analytics"),),
        transitive_tags=("namespace",),
        duration=3600,
    )


def _kind(source_identity: str | None) -> str:
    """Return which of them it is: `batch-crowd-7` is one of the crowd."""
    return (source_identity or "").split("-")[1]


def _sources(rig: Rig, results: Results) -> Counter[str]:
    """Return from where what was handed out came, as the audit has it."""
    told = {line["request_id"]: line.get("source") for line in rig.world.audit()}
    return Counter(str(told[answer.request_id]) for answer in results.answers if answer.status == 200)


def _least(results: Results, sts: STS) -> float:
    """Return the fewest seconds that anything still had when it was handed out."""
    made = {id(one): moment for one, moment in zip(sts.requests, sts.moments, strict=True)}
    ends = {key: made[id(one)] + LIFE for key, one in sts.issued.items()}
    return min(ends[one.key_id] - results.moment(one) for one in results.answers if one.status == 200)


async def _gone(rig: Rig, crowd: list[Call]) -> tuple[int, int]:
    """Ask for a hundred of what STS gave for the crowd of late: return how many have left memory, and of how many."""
    sts, of = rig.world.sts, {call.asked[0]: call for call in crowd}
    since = sts.moments[-1] - LIFE / 2
    late = [asked.of(one) for one, moment in zip(sts.requests, sts.moments, strict=True) if moment > since]
    again = [of[one] for one in late if one in of][::-1][:400:4]
    results = await (await rig.send(again, rate=25, seconds=len(again) / 25, patience=5)).results()
    return len(results.answers) - _sources(rig, results)["memory"], len(results.answers)
