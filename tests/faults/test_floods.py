"""Floods: what strangers send does not slow down who may have credentials, and wakes nobody up."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.fakes import tokens
from tests.fakes.issuer import JWKS
from tests.fakes.keys import make_key
from tests.faults import calls
from tests.faults.rig import Rig
from tests.server import test_series
from tests.server.http import get
from tests.service import World
from vendor.identity.jwk import LONGEST_EXPONENT, LONGEST_RSA
from vendor.identity.jwks import LONGEST, MOST_KEYS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.telling import Tell
    from tests.faults.traffic import Call, Results

pytestmark = pytest.mark.faults

GOOD = 200
"""Good requests a second."""
PAUSE = 30.0
"""Seconds in which unknown keys cause one fetch."""
# What is found without a key: the shape, the issuer, the algorithm, the type, the path, HTTP itself.
WITHOUT_CRYPTOGRAPHY = {
    "malformed_token",
    "unknown_issuer",
    "algorithm",
    "token_type",
    "no_such_path",
    "malformed_request",
}


async def _rounds(rig: Rig, hostile: list[Call], *, count: int, rate: float) -> list[tuple[Results, Results, Results]]:
    """Return rounds of good traffic alone, and then of good traffic in a flood, and the flood."""
    good = calls.of(rig.world, calls.names("known", 50))
    await (await rig.send(good, rate=GOOD, seconds=2)).results()
    rounds = []
    for _ in range(count):
        alone = await (await rig.send(good, rate=GOOD, seconds=3)).results()
        flood = await rig.send(hostile, rate=rate, seconds=4)
        during = await (await rig.send(good, rate=GOOD, seconds=3)).results()
        rounds.append((alone, during, await flood.results()))
    return rounds


async def test_t9_unknown_keys_slow_nobody_down(tmp_path: Path, tell: Tell) -> None:
    """F12: 1,000 unknown `kid`s a second.

    Promised: p99 of good traffic at most doubles; one fetch in 30 s.
    """
    async with Rig(tmp_path) as rig:
        hostile = calls.unknown_kids(rig.world, 4_000)
        before, began = rig.world.issuer.requests[JWKS], time.monotonic()
        rounds = await _rounds(rig, hostile, count=5, rate=1000)
        fetched, took = rig.world.issuer.requests[JWKS] - before, time.monotonic() - began
        ratios = [during.percentile(99) / alone.percentile(99) for alone, during, _ in rounds]
        for alone, during, flood in rounds:
            tell(f"alone: {alone.told()}; in the flood: {during.told()}; the flood: {flood.told()}")
        tell(f"p99 times {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}); {fetched} fetches")
        tell.measured(
            f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) times; {fetched} in {took:.0f} s"
        )
        assert all(set(flood.counts) == {"401 invalid_token"} for _, _, flood in rounds)
        assert all(during.served == 1 for _, during, _ in rounds)
        assert 1 <= fetched <= 1 + took / PAUSE
        assert statistics.median(ratios) <= 2


async def test_garbage_is_refused_before_any_cryptography(tmp_path: Path, tell: Tell) -> None:
    """F13: 5,000 pieces of garbage a second: broken tokens, strangers' tokens, no HTTP.

    Promised: each is refused without a key being looked for; 99.9 % of good traffic is served; memory is within 10 %
    of before.
    """
    async with Rig(tmp_path) as rig:
        good = calls.of(rig.world, calls.names("known", 50))
        hostile = calls.garbage(rig.world, 20_000)
        # What is remembered is bounded, and here it becomes full.
        await (await rig.send(good + hostile, rate=3000, seconds=3, humble=True)).results()
        before, fetched = rig.memory(), rig.world.issuer.requests[JWKS]
        flood = await rig.send(hostile, rate=5000, seconds=12, humble=True)
        served = await (await rig.send(good, rate=GOOD, seconds=10)).results()
        garbage = await flood.results()
        reasons = (await rig.scrape()).by("vendor_refusals_total", "reason")
        grown = rig.memory() / before
        tell(f"good: {served.told()}; garbage: {garbage.told()}; {reasons}; memory times {grown:.2f}")
        tell.measured(
            f"{garbage.rate:,.0f} a second; good served {served.of()}, {served.at(99)}; memory times {grown:.2f}"
        )
        assert served.served >= 0.999
        assert reasons.keys() == WITHOUT_CRYPTOGRAPHY
        assert sum(count for kind, count in garbage.counts.items() if kind[0] == "4") > 0.99 * len(garbage.answers)
        assert rig.world.issuer.requests[JWKS] == fetched
        assert grown < 1.1


async def test_signatures_of_nobody_are_verified_and_slow_nobody_down(tmp_path: Path, tell: Tell) -> None:
    """F13: 1,000 bad signatures of known keys a second.

    Promised: 99.9 % of good traffic is served, p99 under 20 ms.
    """
    async with Rig(tmp_path) as rig:
        rounds = await _rounds(rig, calls.bad_signatures(rig.world, 4_000), count=3, rate=1000)
        reasons = (await rig.scrape()).by("vendor_refusals_total", "reason")
        ratios = [during.percentile(99) / alone.percentile(99) for alone, during, _ in rounds]
        tell(f"p99 times {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
        tell(rounds[-1][1].told())
        tell.measured(f"served {rounds[-1][1].of()}; " + ", ".join(during.at(99) for _, during, _ in rounds))
        assert all(during.served >= 0.999 for _, during, _ in rounds)
        assert statistics.median(during.percentile(99) for _, during, _ in rounds) < 0.02
        assert reasons.keys() == {"signature"}


def _largest_set(rig: Rig) -> list[str]:
    """Publish as many of the largest keys as one set may hold, beside one to sign with; return their ids."""
    issuer = rig.world.issuer
    issuer.key = make_key(bits=4096)
    keys = [issuer.key.jwk()]
    while len(keys) <= MOST_KEYS and len(json.dumps({"keys": keys})) < LONGEST:
        modulus = b"\x80" + os.urandom(LONGEST_RSA // 8 - 2) + b"\x01"
        exponent = (1 << LONGEST_EXPONENT - 1 | 1).to_bytes(LONGEST_EXPONENT // 8, "big")
        said = {"kid": f"large-{len(keys)}", "n": tokens.encode(modulus), "e": tokens.encode(exponent)}
        keys.append({"kty": "RSA", "alg": "RS256", "use": "sig", **said})
    issuer.jwks_body = json.dumps({"keys": keys[:-1]}).encode()
    return [str(key["kid"]) for key in keys[1:-1]]


async def test_the_largest_keys_and_tokens_hold_nobody_up(tmp_path: Path, tell: Tell) -> None:
    """F25: a set of the largest legal keys, fetched twice, tokens of 16 KiB, and 20 a second signed by no such key.

    Promised: all good ones are served, p99 under 100 ms; the loop wakes in time.
    """
    rig = Rig(tmp_path)
    published = _largest_set(rig)
    async with rig:
        good = await rig.send(calls.largest(rig.world, calls.names("large", 50)), rate=100, seconds=15)
        hostile = [
            call for kid in published for call in calls.bad_signatures(rig.world, 1, kid=kid, size=LONGEST_RSA // 8)
        ]
        flood = await rig.send(hostile, rate=20, seconds=15)
        unknown = await rig.send(calls.unknown_kids(rig.world, 1), rate=1, seconds=1)
        served, refused, asked = [await flow.results() for flow in (good, flood, unknown)]
        fetched = rig.world.issuer.requests[JWKS]
        tell(f"{len(published)} keys: good {served.told()}; hostile {refused.told()}; {fetched} fetches")
        tell.measured(f"served {served.of()}, {served.at(99)}; {len(published)} keys of {LONGEST_RSA:,} bits")
        assert set(served.counts) == {"200"}
        assert set(refused.counts) == set(asked.counts) == {"401 invalid_token"}
        assert (await rig.scrape()).by("vendor_refusals_total", "reason").keys() == {"signature", "unknown_key"}
        assert fetched == 2
        assert served.percentile(99) < 0.1


async def test_t25_a_hundred_thousand_hostile_requests_make_no_series(tmp_path: Path, tell: Tell) -> None:
    """T25: 100,000 requests in which each caller's subject, key, path, scope, parameter and agent are its own.

    Promised: the number of series stays what it was.
    """
    async with World(tmp_path) as world:
        await get(world.service.public, test_series.PATH, world.token("batch-1"))
        statuses = await test_series.send(world, range(len(test_series.HOSTILE)))
        before = await test_series.series(world)

        async def some(number: int) -> Counter[int]:
            found: Counter[int] = Counter()
            for begin in range(1_000 + number * 100, 18_000, 400):
                found += await test_series.send(world, range(begin, min(begin + 100, 18_000)))
            return found

        statuses = sum(await asyncio.gather(*(some(number) for number in range(4))), Counter())
        after = await test_series.series(world)
        tell.measured(f"{before} before {statuses.total():,} requests, {after} after")
        assert statuses.total() >= 100_000
        assert statuses.keys() <= {200, 400, 401, 403, 404, 429, 503}
        assert statuses[401] >= 17_000
        assert after <= before + 2, "429 and 503 may come for the first time"
