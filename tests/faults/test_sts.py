"""F1 to F8: STS refuses, fails, hangs, throttles, vanishes, lies and denies. Whoever has credentials is served on."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.fakes import faults, tokens
from tests.fakes.sts import STS
from tests.faults import calls
from tests.faults.rig import Rig
from tests.faults.traffic import lines_of
from tests.service import CONFIGURATION

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fakes.faults import Fault
    from tests.faults.telling import Tell
    from tests.faults.traffic import Results

pytestmark = pytest.mark.faults

DOWN = faults.error("ServiceUnavailable")
ROLE = "arn:aws:iam::111122223333:role/reports"
DENIED_SCOPE = """\
  reports:denied:
    grants: [{{issuer: cluster-a, where: {{namespace: analytics}}}}]
    target: aws
    mint: {{assume_role: {{role: "arn:aws:iam::111122223333:role/denied"}}}}
    session: {{unrestricted: true, source_identity: "{{{{ namespace }}}}.{{{{ service_account }}}}"}}
"""
TWO_REGIONS = CONFIGURATION.replace(
    '{{endpoint_url: "{sts}", regions: [eu-west-1]}}',
    '{{endpoint_url: "http://127.0.0.1:{{region}}", regions: ["FIRST", "SECOND"]}}',
)


def _rates(moments: list[float], since: float, until: float) -> list[int]:
    """Return how many of these moments fell into each whole second of a stretch."""
    return [sum(begin <= moment < begin + 1 for moment in moments) for begin in _seconds(since, until)]


def _seconds(since: float, until: float) -> list[float]:
    return [since + number for number in range(int(until - since))]


def _refused_well(results: Results, code: str = "503 sts_unavailable") -> None:
    refused = [answer for answer in results.answers if answer.status != 200]
    assert {f"{answer.status} {answer.code}" for answer in refused} <= {code}
    assert all(int(answer.retry_after) >= 1 for answer in refused)
    assert max((answer.seconds for answer in refused), default=0.0) < 1


async def test_an_outage_of_sts_is_survived_by_who_has_credentials_and_costs_sts_little(
    tmp_path: Path, tell: Tell
) -> None:
    """F1: STS refuses everything for a minute: 1,000 principals with credentials of 100 s, 50 new ones.

    Promised: the former are served, the latter get `sts_unavailable` with `Retry-After` in less than 1 s; two
    attempts a second at most; 99 % are renewed within 60 s after.
    """
    async with Rig(tmp_path) as rig:
        sts = rig.world.sts
        sts.lifetime = timedelta(seconds=100)
        warm = calls.of(rig.world, calls.names("warm", 1_000))
        assert (await (await rig.send(warm, rate=500, seconds=2)).results()).served == 1
        minted = len(sts.requests)
        flow = await rig.send(warm, rate=200, seconds=150)
        await asyncio.sleep(5)
        sts.fault(DOWN)
        new = await rig.send(calls.of(rig.world, calls.names("new", 50)), rate=20, seconds=60)
        began = time.monotonic()
        await asyncio.sleep(62)
        opened = (await rig.scrape()).value("vendor_sts_breaker_open", region="eu-west-1")
        healed, before = time.monotonic(), len(sts.requests)
        attempts = _rates(sts.moments[minted:], began + 5, healed)
        sts.heal()
        while len({sent.session_name for sent in sts.requests[before:]}) < 990:
            await asyncio.sleep(0.1)
            assert time.monotonic() - healed < 60
        renewed = time.monotonic() - healed
        results, refused = await flow.stop(), await new.results()
        tell(f"warm {results.told()}; new {refused.told()}")
        tell(
            f"attempts a second {max(attempts)} at most, {sum(attempts)} in {len(attempts)} s; "
            f"99 % renewed {renewed:.0f} s after"
        )
        tell.measured(
            f"served {results.of()}; {refused.slowest:.2f} s at most; {sum(attempts)} attempts in {len(attempts)} s, "
            f"{max(attempts)} in one; after {renewed:.0f} s"
        )
        assert set(results.counts) == {"200"}
        assert set(refused.counts) == {"503 sts_unavailable"}
        _refused_well(refused)
        assert opened == 1
        assert max(attempts) <= 2


async def test_an_sts_that_fails_half_of_all_calls_is_not_sent_a_multiple_of_them(tmp_path: Path, tell: Tell) -> None:
    """F2: STS fails half of all calls: 300 principals with credentials of 60 s, 45 new ones.

    Promised: less than 0.5 % of requests are refused; at most 1.3 requests for each mint that is begun.
    """
    async with Rig(tmp_path) as rig:
        sts = rig.world.sts
        sts.lifetime = timedelta(seconds=60)
        warm = calls.of(rig.world, calls.names("warm", 300))
        assert (await (await rig.send(warm, rate=300, seconds=1)).results()).served == 1
        sts.sometimes(DOWN, 0.5)
        before = len(sts.requests)
        flows = [
            await rig.send(warm, rate=200, seconds=90),
            await rig.send(calls.of(rig.world, calls.names("new", 45)), rate=0.5, seconds=90),
        ]
        known, new = [await flow.results() for flow in flows]
        latest: dict[str, float] = {}
        again = 0
        sent = list(zip(sts.requests, sts.moments, strict=True))[before:]
        for request, moment in sent:
            again += moment - latest.get(request.session_name, 0.0) < 0.45  # the longest pause before a second try
            latest[request.session_name] = moment
        failed = sum(answer.status != 200 for flow in (known, new) for answer in flow.answers)
        share = failed / (len(known.answers) + len(new.answers))
        tell(f"known {known.told()}; new {new.told()}")
        tell(f"{100 * share:.2f} % refused; {len(sent)} requests, {again} of them second or third tries")
        amplified = len(sent) / (len(sent) - again)
        tell.measured(f"{100 * share:.2f} %; {amplified:.2f} ({len(sent):,} requests, {again} of them tries again)")
        assert share < 0.005
        assert amplified <= 1.3
        assert len(sent) > 300


async def test_an_sts_that_hangs_holds_nobody_up_who_has_credentials(tmp_path: Path, tell: Tell) -> None:
    """F3: STS never answers.

    Promised: new ones get `sts_unavailable` in less than 1 s; p99 of the others under 20 ms; no socket is left over.
    """
    async with Rig(tmp_path) as rig:
        warm = calls.of(rig.world, calls.names("warm", 100))
        assert (await (await rig.send(warm, rate=100, seconds=1)).results()).served == 1
        before = rig.descriptors()
        rig.world.sts.fault(faults.HANG)
        flows = [
            await rig.send(warm, rate=200, seconds=20),
            await rig.send(calls.of(rig.world, calls.names("new", 400)), rate=20, seconds=20),
        ]
        known, new = [await flow.results() for flow in flows]
        rig.world.sts.heal()
        await asyncio.sleep(12)
        after = rig.descriptors()
        again = await (await rig.send(calls.of(rig.world, calls.names("new", 400)), rate=100, seconds=4)).results()
        tell(f"warm {known.told()}; new {new.told()}; {after - before} more files open; then {again.counts}")
        tell.measured(
            f"{new.slowest:.2f} s at most; {known.at(99)}; {after - before} more files open; then served {again.of()}"
        )
        assert set(known.counts) == {"200"}
        assert known.percentile(99) < 0.02
        assert set(new.counts) == {"503 sts_unavailable"}
        _refused_well(new)
        assert after - before <= 20
        assert again.served >= 0.99  # who comes while the first one probes is refused


async def test_throttling_slows_mints_down_to_what_sts_takes_and_all_are_served(tmp_path: Path, tell: Tell) -> None:
    """F4: STS throttles above 20 a second, for 50 s: 2,000 new principals come at once.

    Promised: STS is sent 15 to 20 a second; all are served.
    """
    async with Rig(tmp_path) as rig:
        sts = rig.world.sts
        sts.throttle_above(20)
        cold = calls.of(rig.world, calls.names("cold", 2_000))
        flow = await rig.send(cold, rate=400, seconds=120, connections=500)
        began = time.monotonic()
        await asyncio.sleep(50)
        throttled = len(sts.moments)
        sts.throttle_above(None)
        while len(sts.issued) < 2_000:
            await asyncio.sleep(0.2)
            assert time.monotonic() - began < 100
        took = time.monotonic() - began
        await asyncio.sleep(6)  # everybody comes by once more
        results = await flow.stop()
        taken = _rates(sts.moments[:throttled], began + 10, began + 49)
        served = {call.principal for call, answer in lines_of(results) if answer.status == 200}
        low, high = min(taken), max(taken)
        middle = sum(taken) / len(taken)
        tell(f"all served in {took:.0f} s; {middle:.1f} a second, from {low} to {high}; {len(sts.requests)} requests")
        tell(results.told())
        tell.measured(f"{middle:.1f} on average, {low} to {high} in each; {took:.0f} s, {len(sts.requests):,} requests")
        assert len(served) == 2_000
        assert 15 <= middle <= 20
        assert len(sts.requests) <= 1.3 * 2_000
        assert set(results.counts) <= {"200", "503 sts_throttled", "503 sts_unavailable"}


@contextmanager
def _blackhole() -> Iterator[int]:
    """Yield a port at which no connection is ever made: its backlog is full."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        waiting = []
        for _ in range(4):
            one = socket.socket()
            one.settimeout(0)
            one.connect_ex(deaf.getsockname())
            waiting.append(one)
        try:
            yield deaf.getsockname()[1]
        finally:
            for one in waiting:
                one.close()


@pytest.mark.parametrize("how", ["blackhole", "hang"])
async def test_a_region_that_cannot_be_reached_is_left_for_the_next_one(tmp_path: Path, tell: Tell, how: str) -> None:
    """F5: the first region takes no connections, or never answers.

    Promised: over to the second within 5 s, and back by probes alone.
    """
    with _blackhole() as deaf, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        second = free.getsockname()[1]
        free.close()
        async with STS() as silent:
            silent.fault(faults.HANG)
            first = deaf if how == "blackhole" else silent.url.rpartition(":")[2]
            rig = Rig(tmp_path, configuration=TWO_REGIONS.replace("FIRST", str(first)).replace("SECOND", str(second)))
            rig.world.sts = STS(port=second)
            async with rig:
                cold = await rig.send(calls.of(rig.world, calls.names("cold", 400)), rate=20, seconds=20)
                results = await cold.results()
                regions = {line["region"] for line in rig.world.audit() if line["outcome"] == "issued"}
                opened = (await rig.scrape()).by("vendor_sts_breaker_open", "region")
            served = [results.moment(answer) for answer in results.answers if answer.status == 200]
            left = min(served) - results.began
            tell(f"{how}: served after {left:.1f} s; {results.told()}; first region {len(silent.requests)} requests")
            tell.measured(f"after {left:.1f} s")
            assert left <= 5
            assert results.between(results.began + 5).served > 0.95
            assert regions == {str(second)}
            assert opened == {str(first): 1, str(second): 0}


LIES = (
    faults.NO_SESSION_TOKEN,
    faults.NO_EXPIRATION,
    faults.PAST_EXPIRATION,
    faults.LATE_EXPIRATION,
    faults.OTHER_ROLE,
    faults.CUT_XML,
    faults.OVERSIZE,
)


async def test_no_answer_is_taken_that_is_not_what_was_asked_for(tmp_path: Path, tell: Tell) -> None:
    """F6: STS gives seven kinds of wrong answers.

    Promised: each is refused, nothing is kept.
    """
    async with Rig(tmp_path) as rig:
        told = [await _lie(rig, number, lie) for number, lie in enumerate(LIES)]
        tell("; ".join(told))
        tell.measured(f"refused 20 of 20 of each of {len(told)} kinds, and then served")


async def _lie(rig: Rig, number: int, lie: Fault) -> str:
    rig.world.sts.fault(lie)
    asked = calls.of(rig.world, calls.names(f"lied-{number}", 20))
    lied = await (await rig.send(asked, rate=20, seconds=1)).results()
    rig.world.sts.heal()
    await asyncio.sleep(11)  # the breaker's longest rest
    healed = await (await rig.send(asked, rate=20, seconds=1)).results()
    assert set(lied.counts) == {"503 sts_unavailable"}
    assert healed.served == 1
    return f"{lie.kind.name.lower()}: {lied.counts}"


async def test_a_role_that_is_denied_for_good_costs_next_to_nothing(tmp_path: Path, tell: Tell) -> None:
    """F7: a role is denied for good, at 200 requests a second of 50 principals.

    Promised: one call in 30 s; others are served.
    """
    async with Rig(tmp_path, configuration=CONFIGURATION + DENIED_SCOPE) as rig:
        denied = ROLE.replace("reports", "denied")
        rig.world.sts.fault(faults.error("AccessDenied"), role=denied)
        other = [
            call._replace(raw=call.raw.replace(b"reports:read?month=2026-03", b"reports:denied"), principal=None)
            for call in calls.of(rig.world, calls.names("denied", 50))
        ]
        flows = [
            await rig.send(other, rate=200, seconds=59),
            await rig.send(calls.of(rig.world, calls.names("fine", 200)), rate=100, seconds=59),
        ]
        refused, fine = [await flow.results() for flow in flows]
        sent = sum(request.role_arn == denied for request in rig.world.sts.requests)
        tell(f"{sent} calls in 59 s; denied {refused.told()}; others {fine.told()}")
        tell.measured(f"{sent} calls in 59 s; others {fine.of()}")
        assert set(refused.counts) == {"502 role_refused"}
        assert set(fine.counts) == {"200"}
        assert sent <= 2


HEALTHY = "vendor_base_identity_healthy"
BY_TOKEN = CONFIGURATION.replace(
    '"{sts}",',
    '"{sts}", identity: {{web_identity: {{role: "arn:aws:iam::111122223333:role/vendor", token_file: own}}}},',
)


async def _until(rig: Rig, healthy: float, *, within: float) -> float:
    """Wait until the metric says so, and return the seconds that it took."""
    began = time.monotonic()
    while (await rig.scrape()).value(HEALTHY) != healthy:
        await asyncio.sleep(0.1)
        assert time.monotonic() - began < within
    return time.monotonic() - began


async def _served_again(rig: Rig, prefix: str) -> float:
    """Return the seconds until somebody new is served."""
    began = time.monotonic()
    for number in range(100):
        call = calls.of(rig.world, calls.names(f"{prefix}-{number}", 1))
        if (await (await rig.send(call, rate=10, seconds=0.1)).results()).served == 1:
            return time.monotonic() - began
    raise AssertionError("nobody was served")


async def test_while_aws_does_not_know_the_service_the_warm_are_served_and_its_return_is_seen(
    tmp_path: Path, tell: Tell
) -> None:
    """F8: AWS does not know the service's own keys any longer.

    Promised: who has credentials is served; a metric says so; served within 10 s of their being good.
    """
    async with Rig(tmp_path) as rig:
        warm = calls.of(rig.world, calls.names("warm", 100))
        assert (await (await rig.send(warm, rate=100, seconds=1)).results()).served == 1
        assert (await rig.scrape()).value(HEALTHY) == 1
        before = len(rig.world.sts.requests)
        rig.world.sts.fault(faults.error("ExpiredToken"))
        flows = [
            await rig.send(warm, rate=200, seconds=20),
            await rig.send(calls.of(rig.world, calls.names("new", 200)), rate=10, seconds=20),
        ]
        told = await _until(rig, 0, within=5)
        known, new = [await flow.results() for flow in flows]
        cost = len(rig.world.sts.requests) - before
        rig.world.sts.heal()
        healed, served = await asyncio.gather(_until(rig, 1, within=10), _served_again(rig, "again"))
        tell(f"warm {known.told()}; new {new.told()}; told after {told:.1f} s; {cost} calls in 20 s")
        tell(f"good again after {healed:.1f} s, served after {served:.1f} s")
        tell.measured(f"served {known.of()}, {known.at(99)}; {cost} calls in 20 s; after {served:.1f} s")
        assert set(known.counts) == {"200"}
        assert set(new.counts) == {"503 sts_unavailable"}
        _refused_well(new)
        assert cost <= 20
        assert served <= 10


async def test_while_the_services_own_token_is_cut_the_warm_are_served_and_its_return_is_seen(
    tmp_path: Path, tell: Tell
) -> None:
    """F8: the file of the service's own token is emptied, and its session ends.

    Promised: the same.
    """
    own = tmp_path / "own"
    token = f"e30.{tokens.encode(tokens.write({'iss': 'https://oidc.example.com', 'sub': 'vendor'}))}.sig"
    own.write_text(token)
    rig = Rig(tmp_path, configuration=BY_TOKEN)
    rig.world.sts.lifetime = timedelta(seconds=20)
    async with rig:
        await _until(rig, 1, within=10)
        rig.world.sts.lifetime = None
        own.write_text("")
        warm = calls.of(rig.world, calls.names("warm", 100))
        assert (await (await rig.send(warm, rate=100, seconds=1)).results()).served == 1
        flow = await rig.send(warm, rate=200, seconds=60)
        told = await _until(rig, 0, within=40)
        new = await (await rig.send(calls.of(rig.world, calls.names("new", 50)), rate=10, seconds=5)).results()
        own.write_text(token)
        healed, served = await asyncio.gather(_until(rig, 1, within=10), _served_again(rig, "again"))
        known = await flow.stop()
        tell(f"warm {known.told()}; new {new.told()}; told after {told:.1f} s")
        tell(f"good again after {healed:.1f} s, served after {served:.1f} s")
        tell.measured(f"served {known.of()}; after {served:.1f} s")
        assert set(known.counts) == {"200"}
        assert set(new.counts) == {"503 sts_unavailable"}
        assert served <= 10
