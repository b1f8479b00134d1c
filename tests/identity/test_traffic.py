"""Keys under traffic: the issuer down, down from the start, rotating, and asked about keys it never had (F9 to F12)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.fakes.clock import Clock
from tests.fakes.issuer import DISCOVERY, JWKS, Issuer
from tests.identity import made
from tests.identity.asking import Gated, of, refreshed
from vendor.identity.authentication import Authenticator, TrustedIssuer
from vendor.identity.keys import FRESH, RETRY_PAUSE, UNKNOWN_PAUSE
from vendor.refusals import InvalidToken, IssuerUnavailable, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vendor.identity.keys import IssuerKeys

HOUR = 3600


class Traffic:
    """Tokens that come to one issuer's keys while the service does its rounds."""

    def __init__(self, issuer: Issuer, clock: Clock) -> None:
        self.issuer = issuer
        self.clock = clock
        self.keys: IssuerKeys = of(issuer, clock)
        trusted = TrustedIssuer(issuer=made.issuer(url=issuer.issuer), keys=self.keys)
        # It remembers next to nothing, so nearly every token asks for its key.
        self._authenticator = Authenticator(issuers={issuer.issuer: trusted}, clock=clock, capacity=1)

    async def outcomes(self, *tokens: str) -> list[Reason | None]:
        """Return why each of the tokens that come at once was refused, None for those that were taken."""
        return list(await asyncio.gather(*(self._outcome(token) for token in tokens)))

    async def _outcome(self, token: str) -> Reason | None:
        try:
            await self._authenticator.authenticate(token)
        except (InvalidToken, IssuerUnavailable) as refusal:
            return refusal.reason
        return None

    async def round(self, seconds: float) -> None:
        """Let time pass, and do what the service does every few seconds."""
        self.clock.advance(seconds)
        await refreshed(self.keys)


def good(issuer: Issuer, count: int = 5) -> list[str]:
    return [issuer.token({"jti": str(number)}) for number in range(count)]


def unknown(issuer: Issuer, kids: Iterable[int]) -> list[str]:
    return [issuer.token(kid=f"unknown-{number}") for number in kids]


async def test_f9_an_outage_of_the_issuer_is_none_of_those_whose_keys_are_known() -> None:
    """T10: for hours every good token is taken, and no token is called invalid for want of keys."""
    clock = Clock()
    async with Issuer(clock=clock) as issuer:
        traffic = Traffic(issuer, clock)
        await traffic.round(0)
        issuer.fault = "down"
        seen = set()
        for _ in range(240):
            seen.update(await traffic.outcomes(*good(issuer, 2)))
            assert await traffic.outcomes(*unknown(issuer, [1])) == [Reason.KEYS_UNAVAILABLE]
            await traffic.round(60)
        assert seen == {None}
        assert clock.monotonic() - 1000 == 4 * HOUR
        issuer.fault = None
        await traffic.round(RETRY_PAUSE)
        assert traffic.keys.age() == 0
        assert await traffic.outcomes(*unknown(issuer, [2]), *good(issuer)) == [Reason.UNKNOWN_KEY, *[None] * 5]


async def test_f10_a_cold_start_with_the_issuer_down_ends_by_itself_soon_after_it_is_up() -> None:
    """T10: until then everyone is told to come again, and the issuer is not stormed."""
    clock = Clock()
    async with Issuer(clock=clock) as issuer:
        traffic = Traffic(issuer, clock)
        issuer.fault = "down"
        await traffic.round(0)
        for _ in range(20):
            outcomes = await traffic.outcomes(*good(issuer), *unknown(issuer, range(5)))
            assert set(outcomes) == {Reason.KEYS_UNAVAILABLE}
            await traffic.round(1)
        assert issuer.requests[DISCOVERY] <= 1 + 20 / RETRY_PAUSE
        issuer.fault = None
        await traffic.round(RETRY_PAUSE)
        assert set(await traffic.outcomes(*good(issuer))) == {None}


async def test_f11_a_rotation_in_traffic_refuses_nobody_and_costs_one_fetch() -> None:
    clock = Clock()
    async with Issuer(clock=clock) as issuer:
        traffic = Traffic(issuer, clock)
        await traffic.round(0)
        for rotation in range(1, 5):
            before = good(issuer, 50)
            issuer.rotate()
            assert set(await traffic.outcomes(*before, *good(issuer, 50))) == {None}
            assert issuer.requests[JWKS] == 1 + rotation
            clock.advance(UNKNOWN_PAUSE)
        before = good(issuer)
        issuer.rotate(keep_old=False)
        assert set(await traffic.outcomes(*good(issuer))) == {None}
        assert set(await traffic.outcomes(*before)) == {Reason.UNKNOWN_KEY}


async def test_f11_tokens_of_known_keys_do_not_wait_while_a_new_one_is_fetched() -> None:
    clock = Clock()
    async with Gated(clock=clock) as issuer:
        issuer.gate.set()
        traffic = Traffic(issuer, clock)
        await traffic.round(0)
        issuer.gate.clear()
        before = good(issuer, 50)
        issuer.rotate()
        waiting = asyncio.create_task(traffic.outcomes(*good(issuer, 50)))
        async with asyncio.timeout(2):
            assert set(await traffic.outcomes(*before)) == {None}
        assert not waiting.done()
        issuer.gate.set()
        assert set(await waiting) == {None}
        assert issuer.requests[JWKS] == 2


@pytest.mark.parametrize("fault", [None, "down", "html"])
async def test_f12_a_flood_of_unknown_keys_costs_one_fetch_in_thirty_seconds(fault: str | None) -> None:
    """T9: however many there are, and whether the issuer answers or not."""
    clock = Clock()
    async with Issuer(clock=clock) as issuer:
        traffic = Traffic(issuer, clock)
        await traffic.round(0)
        issuer.fault = fault
        for second in range(60):
            outcomes = await traffic.outcomes(*unknown(issuer, range(second * 20, second * 20 + 20)), *good(issuer, 2))
            assert outcomes[20:] == [None, None]
            clock.advance(1)
        assert issuer.requests[DISCOVERY] == 1 + 2


async def test_f12_good_tokens_do_not_wait_behind_a_flood_while_the_issuer_hangs() -> None:
    clock = Clock()
    async with Gated(clock=clock) as issuer:
        issuer.gate.set()
        traffic = Traffic(issuer, clock)
        await traffic.round(0)
        issuer.gate.clear()
        clock.advance(FRESH)
        flood = asyncio.create_task(traffic.outcomes(*unknown(issuer, range(200))))
        async with asyncio.timeout(2):
            assert set(await traffic.outcomes(*good(issuer, 20))) == {None}
        assert not flood.done()
        issuer.gate.set()
        assert set(await flood) == {Reason.UNKNOWN_KEY}
        assert issuer.requests[JWKS] == 2


async def test_t2_a_key_of_one_issuer_says_nothing_for_another_of_the_same_key_id() -> None:
    """Nor does an outage, a flood or a rotation of the one touch the other."""
    clock = Clock()
    async with Issuer(clock=clock) as one, Issuer(clock=clock) as other:
        first, second = Traffic(one, clock), Traffic(other, clock)
        assert one.key.kid == other.key.kid
        crossed = one.token(key=other.key)
        assert await first.outcomes(crossed, *good(one)) == [Reason.SIGNATURE, *[None] * 5]
        other.fault = "down"
        await second.outcomes(*unknown(other, range(20)))
        one.rotate()
        assert set(await first.outcomes(*good(one))) == {None}
        assert one.requests[JWKS] == 2
