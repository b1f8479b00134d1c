"""STS refusing, failing, lying and staying away: each a refusal, each within three requests, nothing kept."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from tests.fakes import faults
from tests.fakes.loopback import Loopback
from tests.fakes.sts import SECRET, STS, TOKEN
from tests.made import session
from tests.mint.conftest import Rig
from vendor.leases.lane import Lane
from vendor.mint.asking import PATIENCE
from vendor.mint.regions import REST
from vendor.mint.retries import RESERVE, SHARE
from vendor.refusals import PolicyTooLarge, Reason, Refusal, RoleRefused, StsThrottled, StsUnavailable

if TYPE_CHECKING:
    from tests.fakes.clock import Clock
    from tests.fakes.faults import Fault

pytestmark = pytest.mark.slow

EAST, WEST = "us-east-1", "us-west-2"
CODES: dict[str, tuple[type[Refusal], Reason, int]] = {
    "AccessDenied": (RoleRefused, Reason.ROLE_DENIED, 1),
    "ExpiredToken": (StsUnavailable, Reason.BASE_IDENTITY, 1),
    "ExpiredTokenException": (StsUnavailable, Reason.BASE_IDENTITY, 1),
    "InternalFailure": (StsUnavailable, Reason.NO_ANSWER, 3),
    "InvalidClientTokenId": (StsUnavailable, Reason.BASE_IDENTITY, 1),
    "MalformedPolicyDocument": (RoleRefused, Reason.POLICY_REJECTED, 1),
    "PackedPolicyTooLarge": (PolicyTooLarge, Reason.PACKED_SIZE, 1),
    "RegionDisabledException": (StsUnavailable, Reason.REGION_DISABLED, 2),
    "ServiceUnavailable": (StsUnavailable, Reason.NO_ANSWER, 3),
    "SignatureDoesNotMatch": (StsUnavailable, Reason.BASE_IDENTITY, 1),
    "Throttling": (StsThrottled, Reason.THROTTLED, 3),
    "ValidationError": (RoleRefused, Reason.POLICY_REJECTED, 1),
}
LIES = {
    "no token": faults.NO_SESSION_TOKEN,
    "no expiry": faults.NO_EXPIRATION,
    "past expiry": faults.PAST_EXPIRATION,
    "too late": faults.LATE_EXPIRATION,
    "garbage expiry": faults.GARBAGE_EXPIRATION,
    "another role": faults.OTHER_ROLE,
    "cut": faults.CUT_XML,
    "oversize": faults.OVERSIZE,
}
SIZE = (
    b"<AssumeRoleResponse><AssumeRoleResult><PackedPolicySize>x</PackedPolicySize></AssumeRoleResult>"
    b"</AssumeRoleResponse>"
)
PAGES = {
    "nothing": (200, b""),
    "html": (200, b"<html><body>Welcome</body></html>"),
    "broken html": (200, b"<html><p>Welcome"),
    "json": (200, b"{}"),
    "not utf-8": (200, b"\xff\xfe\x00"),
    "size is no number": (200, SIZE),
    "empty error": (400, b"<ErrorResponse><Error/></ErrorResponse>"),
    "a proxy's page": (403, b"<html><body>Forbidden by proxy</body></html>"),
}


def test_every_code_of_the_fake_is_in_the_table() -> None:
    assert set(CODES) == set(faults.STATUS)


@pytest.mark.parametrize("code", CODES)
async def test_a_code_of_aws_becomes_its_refusal_in_as_many_requests_as_can_help(
    timed: Rig, fake: STS, code: str
) -> None:
    kind, reason, requests = CODES[code]
    fake.fault(faults.error(code))
    refusal = await _refusal(timed)
    assert (type(refusal), refusal.reason) == (kind, reason)
    assert refusal.detail.startswith(f"{code}: ")
    assert code not in refusal.public
    assert len(fake.requests) == requests
    assert {result for _, result in timed.results} == {reason}


@pytest.mark.parametrize("lie", LIES)
async def test_t21_an_answer_that_is_not_what_was_asked_for_is_refused(rig: Rig, fake: STS, lie: str) -> None:
    fake.fault(LIES[lie])
    refusal = await _refusal(rig)
    assert (type(refusal), refusal.reason) == (StsUnavailable, Reason.BAD_ANSWER)
    assert SECRET not in repr((refusal.public, refusal.detail))
    assert TOKEN not in repr((refusal.public, refusal.detail))
    assert {result for _, result in rig.results} == {Reason.BAD_ANSWER}


@pytest.mark.parametrize("page", PAGES)
async def test_what_is_no_answer_of_sts_is_refused_and_not_held_against_the_role(clock: Clock, page: str) -> None:
    async with Page(*PAGES[page]) as server:
        refusal = await _refusal(_rig(clock, server.url))
    assert (type(refusal), refusal.reason) == (StsUnavailable, Reason.BAD_ANSWER)


async def test_connections_are_kept_for_the_next_mint(clock: Clock) -> None:
    async with Counting(clock=clock) as server:
        rig = _rig(clock, server.url)
        for _ in range(5):
            await rig.sts.mint(session())
        await rig.sts.close()
    assert len(server.callers) == 1


async def test_an_endless_answer_is_not_read_to_its_end(clock: Clock) -> None:
    async with Endless() as server:
        refusal = await _refusal(_rig(clock, server.url))
    assert refusal.reason is Reason.BAD_ANSWER


async def test_t21_an_answer_that_breaks_off_is_no_answer(clock: Clock) -> None:
    async with BreakingOff() as server:
        refusal = await _refusal(_rig(clock, server.url))
    assert refusal.reason is Reason.NO_ANSWER


async def test_a_cut_connection_is_no_answer(rig: Rig, fake: STS) -> None:
    fake.fault(faults.RESET)
    refusal = await _refusal(rig)
    assert (type(refusal), refusal.reason) == (StsUnavailable, Reason.NO_ANSWER)
    assert len(fake.requests) == 3


async def test_a_closed_port_is_no_answer(clock: Clock) -> None:
    async with Page(200, b"") as server:
        url = server.url
    assert (await _refusal(_rig(clock, url))).reason is Reason.NO_ANSWER


@pytest.mark.parametrize(
    "fault", [faults.error("ServiceUnavailable"), faults.RESET, faults.CUT_XML, faults.PAST_EXPIRATION]
)
async def test_after_a_failure_the_next_region_is_asked(rig: Rig, fake: STS, fault: Fault) -> None:
    fake.next(fault)
    assert (await rig.sts.mint(session())).region == WEST
    assert [sent.region for sent in fake.requests] == [EAST, WEST]


async def test_a_region_that_failed_rests_and_is_then_asked_first_again(rig: Rig, fake: STS, clock: Clock) -> None:
    fake.next(faults.error("ServiceUnavailable"))
    await rig.sts.mint(session())
    clock.advance(REST - 0.1)
    assert (await rig.sts.mint(session())).region == WEST
    clock.advance(0.1)
    assert (await rig.sts.mint(session())).region == EAST


async def test_while_all_regions_rest_the_one_that_has_rested_longest_is_asked(rig: Rig, fake: STS) -> None:
    rig.each_takes = 1.0
    fake.next(faults.error("ServiceUnavailable"), faults.error("ServiceUnavailable"))
    assert (await rig.sts.mint(session())).region == EAST
    assert [sent.region for sent in fake.requests] == [EAST, WEST, EAST]


async def test_throttling_is_retried_in_the_same_region(timed: Rig, fake: STS) -> None:
    fake.next(faults.error("Throttling"), faults.error("Throttling"))
    await timed.sts.mint(session())
    assert [sent.region for sent in fake.requests] == [EAST] * 3


async def test_what_nobody_waits_for_is_not_tried_again(rig: Rig, fake: STS) -> None:
    fake.fault(faults.error("ServiceUnavailable"))
    with pytest.raises(StsUnavailable):
        await rig.sts.mint(session(), lane=Lane.AHEAD)
    assert len(fake.requests) == 1


async def test_of_many_that_fail_only_a_fifth_is_tried_again(rig: Rig, fake: STS) -> None:
    fake.fault(faults.CUT_XML)
    mints = 25
    for _ in range(mints):
        for region in rig.asking.regions:
            region.breaker.succeed()  # or they would be left alone soon
        await _refusal(rig, close=False)
    elsewhere = 1  # to ask a region that is well instead costs nothing
    assert len(fake.requests) <= mints + elsewhere + RESERVE + SHARE * mints
    await rig.sts.close()


async def test_while_no_region_answers_nothing_is_sent(rig: Rig, fake: STS) -> None:
    fake.fault(faults.error("ServiceUnavailable"))
    for _ in range(20):
        await _refusal(rig, close=False)
    sent = len(fake.requests)
    assert sent < 20 * 3
    assert (await _refusal(rig)).detail == "no region answers"
    assert len(fake.requests) == sent


async def test_a_mint_is_given_up_when_patience_ends_however_many_requests_are_left(rig: Rig, fake: STS) -> None:
    rig.each_takes = PATIENCE
    fake.fault(faults.error("ServiceUnavailable"))
    await _refusal(rig)
    assert len(fake.requests) == 1


async def test_a_role_that_is_refused_does_not_rest_its_region(rig: Rig, fake: STS) -> None:
    fake.next(faults.error("AccessDenied"))
    await _refusal(rig, close=False)
    assert (await rig.sts.mint(session())).region == EAST


async def test_a_mint_that_is_cancelled_is_reported_so(rig: Rig, fake: STS) -> None:
    fake.fault(faults.HANG)
    minting = asyncio.create_task(rig.sts.mint(session()))
    await fake.arrived(1)
    minting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await minting
    assert rig.results == {(EAST, "cancelled"): 1}


async def test_without_an_identity_of_its_own_nothing_is_sent_and_it_recovers_once_there_is_one(
    fake: STS, clock: Clock
) -> None:
    rig = Rig(fake, clock)
    await rig.sts.open()
    refusal = await _refusal(rig, close=False)
    assert (type(refusal), refusal.reason) == (StsUnavailable, Reason.BASE_IDENTITY)
    rig.aws.set_credentials("AKIAVENDOR", "the service's own")
    assert (await _refusal(rig, close=False)).reason is Reason.BASE_IDENTITY
    assert fake.requests == []
    clock.advance(REST + 0.1)
    assert (await rig.sts.mint(session())).region == EAST
    await rig.sts.close()


async def test_a_mint_that_never_asked_for_anything_closes(clock: Clock) -> None:
    await Rig(None, clock).sts.close()


class Page(Loopback):
    """Answers everything alike."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__()
        self._status, self._body = status, body

    async def answer(self, request: web.Request) -> web.StreamResponse:
        return web.Response(status=self._status, body=self._body, content_type="text/xml")


class Counting(STS):
    """Notes the address of every caller."""

    def __init__(self, *, clock: Clock) -> None:
        super().__init__(clock=clock)
        self.callers: set[object] = set()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        self.callers.add(request.transport.get_extra_info("peername"))
        return await super().answer(request)


class Endless(Loopback):
    """Sends XML for as long as somebody reads."""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"<a>" * 100_000)


class BreakingOff(Loopback):
    """Promises more than it sends."""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"<AssumeRoleResponse>")
        assert request.transport is not None
        request.transport.close()
        return response


def _rig(clock: Clock, url: str) -> Rig:
    rig = Rig(None, clock, url=url)
    rig.aws.set_credentials("AKIAVENDOR", "the service's own")
    return rig


async def _refusal(rig: Rig, *, close: bool = True, **changes: Any) -> Refusal:
    with pytest.raises(Refusal) as refused:
        await rig.sts.mint(session(**changes))
    if close:
        await rig.sts.close()
    return refused.value
