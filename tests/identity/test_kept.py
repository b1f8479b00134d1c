"""The last good set, kept for a restart during an outage: as old as it is, for whom it was, or not at all (T2, T10)."""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes.clock import START, Clock
from tests.fakes.issuer import DISCOVERY, JWKS, Issuer
from tests.fakes.keys import as_jwks
from tests.identity import made
from tests.identity.asking import Gated, of, refreshed, unavailable, unknown
from vendor.identity import jwks, kept
from vendor.identity.issuer import DiscoveredKeys, KeysAt, Kind
from vendor.identity.keys import FRESH, RETRY_PAUSE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from vendor.identity.keys import IssuerKeys

DAY = timedelta(hours=24)


class Place:
    """A place that keeps bytes in memory, and does what it is told to do instead."""

    def __init__(self, raw: bytes | None = None) -> None:
        self.raw = raw
        self.reads = 0
        self.writes = 0
        self.broken = False
        self.gate = threading.Event()
        self.gate.set()

    def read(self) -> bytes | None:
        self.reads += 1
        if self.broken:
            raise PermissionError(13, "Permission denied")
        return self.raw

    def write(self, raw: bytes) -> None:
        self.gate.wait(5)
        self.writes += 1
        if self.broken:
            raise OSError(28, "No space left on device")
        self.raw = raw


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def report() -> made.Report:
    return made.Report()


@pytest.fixture
def place() -> Place:
    return Place()


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with Issuer() as server:
        yield server


async def fill(place: Place, issuer: Issuer, clock: Clock, **changes: Any) -> None:
    """Let one life of the service keep what it fetches now."""
    life = of(issuer, clock, parts={"kept": place}, **changes)
    await life.load()
    await life.close()
    assert place.raw is not None


def reborn(place: Place, issuer: Issuer, clock: Clock, report: made.Report | None = None, **changes: Any) -> IssuerKeys:
    """Return the keys of a later life, whose clock that never steps starts anew."""
    later = Clock(clock.now(), monotonic=3.0)
    return of(issuer, later, report, parts={"kept": place}, **changes)


async def test_a_restart_during_an_outage_serves_what_was_kept(
    issuer: Issuer, clock: Clock, place: Place, report: made.Report
) -> None:
    await fill(place, issuer, clock)
    issuer.fault = "down"
    clock.advance(3600)
    keys = reborn(place, issuer, clock, report)
    assert (await keys.find("key-1")).public_key == issuer.key.private.public_key()
    assert keys.age() == 3600
    assert keys.generation == 1
    assert keys.serves
    await refreshed(keys)
    assert report.results == ["restored", "failed"]
    assert report.told[0] == ("cluster-a", "restored", f"the set that was fetched at {START.isoformat()}")
    assert place.reads == 2


@pytest.mark.parametrize("restarts", [1, 3])
async def test_it_serves_until_it_is_too_old_however_often_the_service_restarts(
    issuer: Issuer, clock: Clock, place: Place, restarts: int
) -> None:
    await fill(place, issuer, clock)
    issuer.fault = "down"
    for _ in range(restarts):
        clock.advance(DAY.total_seconds() / restarts)
        await reborn(place, issuer, clock).find("key-1")
    clock.advance(1)
    report = made.Report()
    await unavailable(reborn(place, issuer, clock, report))
    assert report.told[0][1:] == ("not_restored", "KeptError: it is too old, or of the future")


async def test_within_a_life_it_grows_too_old_as_well(issuer: Issuer, place: Place) -> None:
    clock = Clock()
    await fill(place, issuer, clock)
    issuer.fault = "down"
    clock.advance(DAY.total_seconds() - 100)
    keys = of(issuer, clock, parts={"kept": place})
    await keys.find("key-1")
    clock.advance(101)
    await unavailable(keys)


async def test_what_was_kept_is_fetched_anew_at_once_however_young_it_is(
    issuer: Issuer, clock: Clock, place: Place
) -> None:
    await fill(place, issuer, clock)
    issuer.rotate(keep_old=False)
    keys = reborn(place, issuer, clock)
    await refreshed(keys)
    assert issuer.requests == {DISCOVERY: 2, JWKS: 2}
    await keys.find("key-2")
    await unknown(keys, "key-1")


async def test_nobody_waits_for_an_issuer_that_hangs_while_something_was_kept(clock: Clock, place: Place) -> None:
    async with Gated() as issuer:
        issuer.gate.set()
        await fill(place, issuer, clock)
        issuer.gate.clear()
        keys = reborn(place, issuer, clock)
        async with asyncio.timeout(0.5):
            await keys.load()
            await keys.find("key-1")
        await keys.close()


async def test_a_key_that_was_not_kept_is_asked_for_and_never_called_unknown_before_an_answer(
    issuer: Issuer, clock: Clock, place: Place
) -> None:
    await fill(place, issuer, clock)
    issuer.fault = "down"
    keys = reborn(place, issuer, clock)
    await unavailable(keys, "key-2")
    issuer.fault = None
    issuer.rotate()
    keys = reborn(place, issuer, clock)
    await keys.find("key-2")


async def test_nothing_is_kept_where_no_place_is_named(issuer: Issuer, clock: Clock, report: made.Report) -> None:
    keys = of(issuer, clock, report)
    await keys.load()
    await keys.close()
    assert report.results == ["ok"]


async def test_an_empty_place_is_no_failure(issuer: Issuer, clock: Clock, place: Place, report: made.Report) -> None:
    keys = reborn(place, issuer, clock, report)
    await keys.load()
    await keys.close()
    assert report.results == ["ok"]
    assert place.reads == place.writes == 1


async def test_every_good_fetch_is_kept_and_a_bad_one_is_not(issuer: Issuer, clock: Clock, place: Place) -> None:
    keys = of(issuer, clock, parts={"kept": place})
    await keys.load()
    await written(keys)
    first = place.raw
    clock.advance(FRESH)
    await refreshed(keys)
    await written(keys)
    second = place.raw
    assert first != second
    issuer.fault = "down"
    clock.advance(FRESH)
    await refreshed(keys)
    await keys.close()
    assert place.raw == second
    assert place.writes == 2


async def written(keys: IssuerKeys) -> None:
    assert keys._kept._task is not None
    await keys._kept._task


async def test_a_place_that_cannot_be_used_is_reported_and_keys_serve(
    issuer: Issuer, clock: Clock, place: Place, report: made.Report
) -> None:
    place.broken = True
    keys = of(issuer, clock, report, parts={"kept": place})
    await keys.find("key-1")
    await keys.close()
    assert report.told == [
        ("cluster-a", "not_restored", "PermissionError: [Errno 13] Permission denied"),
        ("cluster-a", "ok", ""),
        ("cluster-a", "not_kept", "OSError: [Errno 28] No space left on device"),
    ]


async def test_a_slow_place_holds_nobody_up_and_is_not_written_to_twice_at_once(
    issuer: Issuer, clock: Clock, place: Place
) -> None:
    place.gate.clear()
    keys = of(issuer, clock, parts={"kept": place})
    async with asyncio.timeout(2):
        await keys.find("key-1")
        clock.advance(FRESH)
        await refreshed(keys)
        await keys.find("key-1")
    place.gate.set()
    await keys.close()
    assert place.writes == 1


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"url": "https://other.example"}, "another issuer"),
        ({"algorithms": ("ES256",)}, "another algorithms"),
        ({"algorithms": ("RS256", "ES256")}, "another algorithms"),
        ({"kind": Kind.SPIFFE}, "another kind"),
        ({"keys": KeysAt("https://keys.example/jwks")}, "another source"),
    ],
)
async def test_what_was_kept_for_another_issuer_is_refused(
    issuer: Issuer, clock: Clock, place: Place, report: made.Report, changes: dict[str, Any], told: str
) -> None:
    """T2: a file that was copied, or kept before the configuration changed, gives no keys to anyone else."""
    await fill(place, issuer, clock)
    issuer.fault = "down"
    keys = reborn(
        place, issuer, clock, report, **{"keys": DiscoveredKeys(), "allow_private_addresses": False, **changes}
    )
    await unavailable(keys)
    assert report.told[0] == ("cluster-a", "not_restored", f"KeptError: it was kept with {told}")


async def test_a_set_from_the_future_is_refused(
    issuer: Issuer, clock: Clock, place: Place, report: made.Report
) -> None:
    """A clock that was stepped back must not stretch what was kept; nor may a forged moment."""
    await fill(place, issuer, clock)
    issuer.fault = "down"
    clock.step_wall(-1)
    await unavailable(reborn(place, issuer, clock, report))
    assert report.told[0][1:] == ("not_restored", "KeptError: it is too old, or of the future")


def packed(raw: bytes, **changes: Any) -> bytes:
    """Return a kept set whose head says something else; a change of None leaves it out."""
    head, _, _ = kept.pack(raw, made.issuer(), START).partition(b"\n")
    said = {**json.loads(head), **changes}
    return json.dumps({name: value for name, value in said.items() if value is not None}).encode() + b"\n" + raw


GOOD = b'{"keys":[]}'
DAMAGED = {
    "nothing": b"",
    "no line": b"x" * 100,
    "a line alone": b"{}",
    "an empty head": b"\n" + GOOD,
    "a head that is no JSON": b"x\n" + GOOD,
    "a head that is a list": b"[]\n" + GOOD,
    "a head of nothing": b"{}\n" + GOOD,
    "a head that says a thing twice": packed(GOOD).replace(b'"issuer"', b'"issuer":"x","issuer"'),
    "a head that is long": packed(GOOD, padding="x" * kept.LONGEST_HEAD),
    "a set that is long": packed(b" " * (jwks.LONGEST + 1)),
    "no moment": packed(GOOD, fetched=None),
    "a moment that is a number": packed(GOOD, fetched=1772366400),
    "a moment that is a list": packed(GOOD, fetched=[]),
    "a moment of no zone": packed(GOOD, fetched="2026-03-01T12:00:00"),
    "a moment of no calendar": packed(GOOD, fetched="2026-02-30T12:00:00+00:00"),
    "no digest": packed(GOOD, sha256=None),
    "another digest": packed(GOOD, sha256=hashlib.sha256(b"").hexdigest()),
    "a set that was cut": packed(GOOD)[:-1],
    "a set that was changed": packed(GOOD)[:-1] + b"]",
    "another format": packed(GOOD, format=2),
    "a format that is a text": packed(GOOD, format="1"),
    "bytes": b"\xff\x00" * 1000,
}


@pytest.mark.parametrize("raw", DAMAGED.values(), ids=DAMAGED)
def test_what_is_damaged_is_refused(raw: bytes) -> None:
    with pytest.raises(kept.KeptError):
        kept.unpack(raw, made.issuer())


def test_what_was_packed_is_unpacked_to_the_byte() -> None:
    for raw in (GOOD, b"", b"\n\n", b"\xff", b" " * jwks.LONGEST):
        assert kept.unpack(kept.pack(raw, made.issuer(), START), made.issuer()) == (raw, START)


@pytest.mark.parametrize(
    "raw", [b"not JSON", GOOD, b'{"keys":[{"kty":"oct","kid":"key-1","k":"c2VjcmV0"}]}', b'{"keys":[],"keys":[]}']
)
async def test_a_file_in_the_right_shape_is_still_read_with_distrust(
    issuer: Issuer, clock: Clock, report: made.Report, raw: bytes
) -> None:
    issuer.fault = "down"
    place = Place(kept.pack(raw, made.issuer(url=issuer.issuer), clock.now()))
    await unavailable(reborn(place, issuer, clock, report))
    assert report.told[0][1] == "not_restored"
    assert report.told[0][2].startswith("KeySetError")


async def test_a_damaged_file_is_reported_once_and_replaced_by_the_next_good_fetch(
    issuer: Issuer, clock: Clock, report: made.Report
) -> None:
    place = Place(b"\x00" * 100)
    issuer.fault = "down"
    keys = of(issuer, clock, report, parts={"kept": place})
    for _ in range(3):
        await unavailable(keys)
    issuer.fault = None
    clock.advance(RETRY_PAUSE)
    await keys.find("key-1")
    await keys.close()
    assert report.results == ["not_restored", "failed", "ok"]
    assert place.reads == 1
    assert kept.unpack(place.raw or b"", made.issuer(url=issuer.issuer))[0] == as_jwks(issuer.key)
