"""Keys of one issuer: fetched once, kept on failure, refreshed behind the caller, never mixed (T2, T9, T10)."""

from __future__ import annotations

import asyncio
import json
import ssl
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from aiohttp import web

from tests.fakes import tokens
from tests.fakes.clock import Clock
from tests.fakes.issuer import DISCOVERY, JWKS, Issuer
from tests.fakes.keys import as_jwks
from tests.identity import made
from tests.identity.asking import Gated, behind, of, refreshed, unavailable, unknown
from vendor.identity.issuer import ApiServerKeys, GivenKeys, KeysAt, Kind
from vendor.identity.keys import FRESH, RETRY_PAUSE, UNKNOWN_PAUSE, IssuerKeys
from vendor.refusals import InvalidToken, IssuerUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping


class Saying(Issuer):
    """An issuer whose discovery document is what the test says."""

    discovery: Any = None

    def _discovery(self) -> Any:
        return self.discovery


class Twice(Issuer):
    """An issuer whose discovery document says one thing twice, the good one last."""

    name = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if not request.path.endswith(DISCOVERY):
            return await super().answer(request)
        return web.Response(body=tokens.twice(self._discovery(), self.name, "https://evil.example"))


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


@pytest.mark.parametrize("oldest", [timedelta(hours=24), timedelta(minutes=10), timedelta(minutes=1)])
async def test_keys_serve_stale_to_the_issuers_bound_and_not_beyond(
    issuer: Issuer, clock: Clock, oldest: timedelta
) -> None:
    """T10: an outage of the issuer is none of ours until its keys are too old to be believed."""
    keys = of(issuer, clock, max_keys_age=oldest)
    assert not keys.serves
    await keys.find("key-1")
    issuer.fault = "down"
    clock.advance(oldest.total_seconds())
    await keys.find("key-1")
    assert keys.serves
    await behind(keys)
    clock.advance(RETRY_PAUSE)
    asked = issuer.requests[DISCOVERY]
    assert "status 500" in (await unavailable(keys)).detail
    assert not keys.serves
    assert issuer.requests[DISCOVERY] == asked + 1
    issuer.fault = None
    clock.advance(RETRY_PAUSE)
    await keys.find("key-1")


async def test_keys_that_grew_too_old_between_two_steps_are_unavailable_and_not_unknown(
    issuer: Issuer, keys: IssuerKeys, clock: Clock
) -> None:
    await keys.find("key-1")
    clock.advance(timedelta(days=2).total_seconds())
    with pytest.raises(IssuerUnavailable) as caught:
        keys._refuse("key-1")
    assert caught.value.detail == "the keys are too old"


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
        ("html", (DISCOVERY,), "no discovery document"),
        ("html", (JWKS,), "the document is no key set"),
        ("cut", (DISCOVERY,), "no discovery document"),
        ("cut", (JWKS,), "the document is no key set"),
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
async def test_a_discovery_document_that_is_no_object_is_none(document: Any, clock: Clock) -> None:
    async with Saying() as issuer:
        issuer.discovery = document
        assert "no discovery document: not an object" in (await unavailable(of(issuer, clock))).detail


@pytest.mark.parametrize("name", ["issuer", "jwks_uri"])
async def test_a_discovery_document_that_says_a_thing_twice_is_none(name: str, clock: Clock) -> None:
    """T4, T7: whoever reads the first and whoever reads the last would go to different places."""
    async with Twice() as issuer:
        issuer.name = name
        assert "a member stands twice" in (await unavailable(of(issuer, clock))).detail
        assert not issuer.requests[JWKS]


async def test_a_key_set_that_says_a_thing_twice_is_none(issuer: Issuer, keys: IssuerKeys) -> None:
    issuer.jwks_body = as_jwks(issuer.key).replace(b'"kid"', b'"kid":"other","kid"')
    assert "a member stands twice" in (await unavailable(keys)).detail


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


async def test_what_is_dropped_again_and_again_is_told_once(
    issuer: Issuer, keys: IssuerKeys, clock: Clock, report: made.Report
) -> None:
    enc, weak = issuer.key.jwk(kid="e", use="enc"), issuer.key.jwk(kid="w", n="AQAB")
    for members in (
        [issuer.key.jwk(), enc],
        [issuer.key.jwk(), enc],
        [issuer.key.jwk(), enc, weak],
        [issuer.key.jwk()],
    ):
        issuer.jwks_body = json.dumps({"keys": members}).encode()
        clock.advance(FRESH)
        await refreshed(keys)
    assert [detail for _, _, detail in report.told if detail] == [
        "its use is not sig",
        "its use is not sig; it cannot be read (InvalidKeyError)",
    ]


class Counts:
    """What keys told of those that they do not use."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, int]]] = []

    def __call__(self, issuer: str, counts: Mapping[str, int]) -> None:
        self.told.append((issuer, {reason: count for reason, count in counts.items() if count}))


async def test_dropped_keys_are_counted_at_each_fetch_also_when_nothing_else_came(issuer: Issuer, clock: Clock) -> None:
    counts = Counts()
    keys = of(issuer, clock, parts={"dropped": counts})
    for members in ([issuer.key.jwk(use="enc")], [issuer.key.jwk(), issuer.key.jwk(use="enc")], [issuer.key.jwk()]):
        issuer.jwks_body = json.dumps({"keys": members}).encode()
        clock.advance(FRESH)
        await refreshed(keys)
    issuer.jwks_body = b"no key set"
    clock.advance(FRESH)
    await refreshed(keys)
    assert counts.told == [("cluster-a", {"use": 1}), ("cluster-a", {"use": 1}), ("cluster-a", {}), ("cluster-a", {})]


@pytest.mark.parametrize(("kind", "taken"), [(Kind.SPIFFE, ["b", "t"]), (Kind.GENERIC, ["b"])])
async def test_keys_of_spiffe_tokens_are_taken_from_spiffe_issuers_alone(
    issuer: Issuer, clock: Clock, kind: Kind, taken: list[str]
) -> None:
    members = [issuer.key.jwk(kid=use[0], use=use) for use in ("jwt-svid", "x509-svid", "enc")]
    members += [issuer.key.jwk(kid="t", use="jwt-svid"), issuer.key.jwk(kid="b", use=None)]
    issuer.jwks_body = json.dumps({"keys": members[1:]}).encode()
    keys = of(issuer, clock, kind=kind)
    await keys.load()
    assert keys._set is not None
    assert sorted(keys._set.keys) == taken


async def test_the_api_server_is_asked_where_that_is_said(issuer: Issuer, clock: Clock) -> None:
    async def ask() -> bytes:
        return as_jwks(issuer.key)

    await of(issuer, clock, keys=ApiServerKeys(), parts={"ask": ask}).find("key-1")
    assert "nobody asks the API server" in (await unavailable(of(issuer, clock, keys=ApiServerKeys()))).detail
    assert not issuer.requests


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


async def test_keys_are_fetched_by_tls_that_the_issuers_own_authority_vouches_for(clock: Clock) -> None:
    authority = trustme.CA()
    trusting, serving = ssl.create_default_context(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.configure_trust(trusting)
    authority.issue_cert("127.0.0.1").configure_cert(serving)
    async with Issuer(tls=serving) as issuer:
        keys = of(issuer, clock, parts={"tls": trusting})
        await keys.find("key-1")
        assert "Certificate" in (await unavailable(of(issuer, clock))).detail


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
