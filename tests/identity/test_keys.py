"""Keys of one issuer: fetched once, kept on failure, refreshed behind the caller, never mixed (T2, T9, T10)."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes.clock import Clock
from tests.fakes.issuer import DISCOVERY, JWKS, Issuer
from tests.fakes.keys import as_jwks
from tests.identity import made
from vendor.identity.issuer import GivenKeys, KeysAt
from vendor.identity.keys import FRESH, RETRY_PAUSE, STALE, UNKNOWN_PAUSE, IssuerKeys
from vendor.refusals import InvalidToken, IssuerUnavailable, Reason

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import web


class Gated(Issuer):
    """An issuer that answers when the gate is open."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.asked = asyncio.Event()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.set()
        await self.gate.wait()
        return await super().answer(request)


class Saying(Issuer):
    """An issuer whose discovery document is what the test says."""

    discovery: Any = None

    def _discovery(self) -> Any:
        return self.discovery


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def report() -> made.Report:
    return made.Report()


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with Issuer() as server:
        yield server


@pytest.fixture
def keys(issuer: Issuer, clock: Clock, report: made.Report) -> IssuerKeys:
    return of(issuer, clock, report)


def of(issuer: Issuer, clock: Clock, report: made.Report | None = None, **changes: Any) -> IssuerKeys:
    return made.keys(made.issuer(**{"url": issuer.issuer, **changes}), clock, report)


async def unknown(keys: IssuerKeys, key_id: str = "nobody") -> None:
    with pytest.raises(InvalidToken) as caught:
        await keys.find(key_id)
    assert caught.value.reason is Reason.UNKNOWN_KEY


async def unavailable(keys: IssuerKeys, key_id: str = "key-1") -> IssuerUnavailable:
    with pytest.raises(IssuerUnavailable) as caught:
        await keys.find(key_id)
    assert caught.value.reason is Reason.KEYS_UNAVAILABLE
    assert caught.value.retry_after
    return caught.value


async def behind(keys: IssuerKeys) -> None:
    """Wait for the fetch that is under way behind the caller."""
    assert keys._task is not None
    await keys._task


async def test_a_key_is_found_by_discovery_and_then_without_asking(
    issuer: Issuer, keys: IssuerKeys, report: made.Report
) -> None:
    for _ in range(3):
        assert (await keys.find("key-1")).algorithm == "RS256"
    assert issuer.requests == {DISCOVERY: 1, JWKS: 1}
    assert report.told == [("cluster-a", "ok", "")]


@pytest.mark.parametrize("path", ["", "/id/AAA", "/id/"])
async def test_discovery_is_at_the_issuers_own_path(path: str, clock: Clock) -> None:
    async with Issuer(path=path.rstrip("/")) as issuer:
        url = issuer.url + path
        if url != issuer.issuer:
            with pytest.raises(IssuerUnavailable):  # its document says the issuer without the slash
                await of(issuer, clock, url=url).find("key-1")
        else:
            await of(issuer, clock).find("key-1")
        assert issuer.requests[DISCOVERY] == 1


async def test_keys_at_a_url_need_no_discovery(issuer: Issuer, clock: Clock) -> None:
    await of(issuer, clock, keys=KeysAt(issuer.jwks_url)).find("key-1")
    assert issuer.requests == {JWKS: 1}


async def test_given_keys_need_nobody(issuer: Issuer, clock: Clock) -> None:
    given = of(issuer, clock, keys=GivenKeys(as_jwks(issuer.key)))
    await given.find("key-1")
    await unknown(given)
    assert not issuer.requests


async def test_an_unknown_key_is_asked_for_once_in_thirty_seconds(
    issuer: Issuer, keys: IssuerKeys, clock: Clock
) -> None:
    await keys.load()
    for number in range(50):
        await unknown(keys, f"nobody-{number}")
    assert issuer.requests[JWKS] == 2
    clock.advance(UNKNOWN_PAUSE - 0.1)
    await unknown(keys)
    assert issuer.requests[JWKS] == 2
    clock.advance(0.1)
    await unknown(keys)
    assert issuer.requests[JWKS] == 3


async def test_the_first_token_with_an_unknown_key_costs_one_fetch(issuer: Issuer, keys: IssuerKeys) -> None:
    await unknown(keys)
    assert issuer.requests == {DISCOVERY: 1, JWKS: 1}


async def test_a_key_rotated_in_right_after_the_start_is_found_at_once(issuer: Issuer, keys: IssuerKeys) -> None:
    await keys.find("key-1")
    issuer.rotate()
    await keys.find("key-2")
    await keys.find("key-1")


async def test_a_rotation_changes_the_generation_and_an_equal_set_does_not(
    issuer: Issuer, keys: IssuerKeys, clock: Clock
) -> None:
    assert keys.generation == 0
    await keys.find("key-1")
    assert keys.generation == 1
    clock.advance(UNKNOWN_PAUSE)
    await unknown(keys)
    assert keys.generation == 1
    issuer.rotate(keep_old=False)
    clock.advance(UNKNOWN_PAUSE)
    await keys.find("key-2")
    assert keys.generation == 2
    await unknown(keys, "key-1")


async def test_an_old_set_serves_while_it_is_fetched_again_behind_the_caller(clock: Clock) -> None:
    async with Gated() as issuer:
        keys = of(issuer, clock)
        issuer.gate.set()
        await keys.find("key-1")
        issuer.gate.clear()
        clock.advance(FRESH + 1)
        await keys.find("key-1")
        issuer.gate.set()
        await behind(keys)
        assert issuer.requests[JWKS] == 2
        assert keys.age() == 0


async def test_a_key_that_the_issuer_withdrew_is_gone_after_the_next_fetch(
    issuer: Issuer, keys: IssuerKeys, clock: Clock
) -> None:
    await keys.find("key-1")
    issuer.rotate(keep_old=False)
    clock.advance(FRESH + 1)
    await keys.find("key-1")
    await behind(keys)
    await unknown(keys, "key-1")


async def test_a_hundred_at_once_cause_one_fetch(clock: Clock) -> None:
    async with Gated() as issuer:
        keys = of(issuer, clock)
        waiting = [asyncio.create_task(keys.find("key-1")) for _ in range(100)]
        await issuer.asked.wait()
        issuer.gate.set()
        assert len({id(key) for key in await asyncio.gather(*waiting)}) == 1
        assert issuer.requests == {DISCOVERY: 1, JWKS: 1}


async def test_a_hundred_unknown_keys_at_once_cause_one_fetch(issuer: Issuer, keys: IssuerKeys) -> None:
    await keys.load()
    found = await asyncio.gather(*(keys.find(f"nobody-{number}") for number in range(100)), return_exceptions=True)
    assert all(isinstance(one, InvalidToken) for one in found)
    assert issuer.requests[JWKS] == 2


async def test_an_unknown_key_waits_for_the_fetch_under_way_and_starts_no_second(clock: Clock) -> None:
    async with Gated() as issuer:
        keys = of(issuer, clock)
        issuer.gate.set()
        await keys.find("key-1")
        issuer.gate.clear()
        issuer.asked.clear()
        clock.advance(FRESH + 1)
        await keys.find("key-1")
        waiting = asyncio.create_task(keys.find("key-2"))
        await issuer.asked.wait()
        issuer.rotate()
        issuer.gate.set()
        await waiting
        assert issuer.requests == {DISCOVERY: 2, JWKS: 2}


async def test_a_caller_who_leaves_does_not_end_the_fetch_of_the_others(clock: Clock) -> None:
    async with Gated() as issuer:
        keys = of(issuer, clock)
        first, second = (asyncio.create_task(keys.find("key-1")) for _ in range(2))
        await issuer.asked.wait()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        issuer.gate.set()
        await second
        assert issuer.requests == {DISCOVERY: 1, JWKS: 1}


async def test_a_failed_fetch_keeps_the_keys(
    issuer: Issuer, keys: IssuerKeys, clock: Clock, report: made.Report
) -> None:
    await keys.find("key-1")
    issuer.fault = "down"
    clock.advance(FRESH + 1)
    await keys.find("key-1")
    await behind(keys)
    await keys.find("key-1")
    assert keys.generation == 1
    assert keys.age() == FRESH + 1
    assert report.results == ["ok", "failed"]


async def test_keys_serve_stale_to_a_bound_and_not_beyond(issuer: Issuer, keys: IssuerKeys, clock: Clock) -> None:
    await keys.find("key-1")
    issuer.fault = "down"
    clock.advance(STALE)
    await keys.find("key-1")
    await behind(keys)
    clock.advance(RETRY_PAUSE)
    asked = issuer.requests[DISCOVERY]
    await unavailable(keys)
    assert issuer.requests[DISCOVERY] == asked + 1
    issuer.fault = None
    clock.advance(RETRY_PAUSE)
    await keys.find("key-1")


async def test_without_a_good_answer_no_key_is_called_unknown(issuer: Issuer, keys: IssuerKeys) -> None:
    await keys.find("key-1")
    issuer.fault = "down"
    await unavailable(keys, "key-2")
    await keys.find("key-1")


async def test_a_cold_set_with_the_issuer_down_is_unavailable_and_recovers_after_five_seconds(
    issuer: Issuer, keys: IssuerKeys, clock: Clock
) -> None:
    issuer.fault = "down"
    for _ in range(20):
        assert "status 500" in (await unavailable(keys)).detail
    assert issuer.requests == {DISCOVERY: 1}
    issuer.fault = None
    clock.advance(RETRY_PAUSE - 0.1)
    await unavailable(keys)
    clock.advance(0.1)
    await keys.find("key-1")
    assert keys.age() == 0


@pytest.mark.parametrize(
    ("fault", "paths", "told"),
    [
        ("down", (JWKS,), "status 500"),
        ("redirect", (DISCOVERY,), "status 302"),
        ("redirect", (JWKS,), "status 302"),
        ("oversize", (DISCOVERY,), "more than 65536 bytes"),
        ("oversize", (JWKS,), "more than 262144 bytes"),
        ("html", (DISCOVERY,), "the answer is not JSON"),
        ("html", (JWKS,), "the document is not JSON"),
        ("cut", (DISCOVERY,), "the answer is not JSON"),
        ("cut", (JWKS,), "the document is not JSON"),
        ("wrong_issuer", (DISCOVERY,), "another issuer's"),
    ],
)
async def test_an_issuer_that_misbehaves_is_unavailable_and_the_operator_sees_why(
    issuer: Issuer, keys: IssuerKeys, report: made.Report, fault: str, paths: tuple[str, ...], told: str
) -> None:
    issuer.fault, issuer.fault_paths = fault, paths
    refused = await unavailable(keys)
    assert told in refused.detail
    assert told not in refused.public
    ((name, result, detail),) = report.told
    assert (name, result, detail) == ("cluster-a", "failed", refused.detail)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"issuer": None}, "another issuer's"),
        ({"issuer": ["x"]}, "another issuer's"),
        ({"jwks_uri": None}, "no jwks_uri"),
        ({"jwks_uri": 1}, "no jwks_uri"),
        ({"jwks_uri": "http://169.254.169.254/"}, "may not be connected to"),
        ({"jwks_uri": "http://10.0.0.1/"}, "may not be connected to"),
        ({"jwks_uri": "file:///etc/passwd"}, "may not be fetched"),
        ({"jwks_uri": "https://xn--a/"}, "no URL"),
        ({"jwks_uri": "https://2852039166/"}, "odd form"),
    ],
)
async def test_a_discovery_document_is_read_with_distrust(changes: dict[str, Any], told: str, clock: Clock) -> None:
    async with Saying() as issuer:
        issuer.discovery = {"issuer": issuer.issuer, "jwks_uri": issuer.jwks_url, **changes}
        assert told in (await unavailable(of(issuer, clock))).detail
        assert not issuer.requests[JWKS]


@pytest.mark.parametrize("document", [[], "x", None, 1])
async def test_a_discovery_document_that_is_no_object_is_another_issuers(document: Any, clock: Clock) -> None:
    async with Saying() as issuer:
        issuer.discovery = document
        assert "another issuer's" in (await unavailable(of(issuer, clock))).detail


async def test_an_issuer_that_differs_by_a_slash_is_another(clock: Clock) -> None:
    async with Saying() as issuer:
        issuer.discovery = {"issuer": issuer.issuer + "/", "jwks_uri": issuer.jwks_url}
        assert "another issuer's" in (await unavailable(of(issuer, clock))).detail


async def test_keys_on_loopback_need_the_opt_in(issuer: Issuer, clock: Clock) -> None:
    await unavailable(of(issuer, clock, allow_private_addresses=False))
    assert not issuer.requests


async def test_keys_that_were_dropped_are_reported_beside_the_good_ones(
    issuer: Issuer, keys: IssuerKeys, report: made.Report
) -> None:
    issuer.jwks_body = json.dumps({"keys": [issuer.key.jwk(), issuer.key.jwk(kid="e", use="enc")]}).encode()
    await keys.find("key-1")
    assert report.told == [("cluster-a", "ok", "its use is not sig")]


async def test_a_set_with_no_usable_key_is_a_failure_that_keeps_the_last(
    issuer: Issuer, keys: IssuerKeys, clock: Clock
) -> None:
    await keys.find("key-1")
    issuer.jwks_body = b'{"keys":[]}'
    clock.advance(FRESH + 1)
    await keys.find("key-1")
    await behind(keys)
    await keys.find("key-1")


async def test_whatever_else_goes_wrong_in_a_fetch_is_no_defect_of_the_request(clock: Clock) -> None:
    keys = made.keys(made.issuer(keys=GivenKeys(None)), clock)  # type: ignore[arg-type]  # what no document makes
    assert (await unavailable(keys)).detail.startswith("TypeError: ")


async def test_keys_of_two_issuers_with_one_key_id_are_never_mixed(clock: Clock) -> None:
    async with Issuer() as one, Issuer() as other:
        first, second = of(one, clock), of(other, clock)
        assert (await first.find("key-1")).public_key != (await second.find("key-1")).public_key
        other.fault = "down"
        one.rotate()
        await first.find("key-2")
        await unavailable(second, "key-2")


async def test_loading_fetches_what_is_missing_and_nothing_else(issuer: Issuer, keys: IssuerKeys) -> None:
    assert keys.age() == float("inf")
    await keys.load()
    await keys.load()
    assert issuer.requests == {DISCOVERY: 1, JWKS: 1}
    assert keys.age() == 0


async def test_loading_from_an_issuer_that_is_down_raises_nothing(issuer: Issuer, keys: IssuerKeys) -> None:
    issuer.fault = "down"
    await keys.load()
    assert keys.age() == float("inf")


async def test_closing_ends_the_fetch_under_way_and_leaves_no_task(clock: Clock) -> None:
    async with Gated() as issuer:
        keys = of(issuer, clock)
        waiting = asyncio.create_task(keys.find("key-1"))
        await issuer.asked.wait()
        await keys.close()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert [task for task in asyncio.all_tasks() if task.get_name().startswith("keys of")] == []


async def test_closing_what_was_never_fetched_does_nothing(keys: IssuerKeys) -> None:
    await keys.close()


async def test_a_set_that_was_never_fetched_is_unavailable_and_not_without_the_key(clock: Clock) -> None:
    async with Gated() as issuer:
        keys = of(issuer, clock)
        waiting = asyncio.create_task(keys.find("key-1"))
        await issuer.asked.wait()
        await keys.close()
        await asyncio.gather(waiting, return_exceptions=True)
        assert "not fetched yet" in (await unavailable(keys)).detail
