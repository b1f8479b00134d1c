"""T21: STS says of good credentials when they end, and that is wrong, in every way in which it can be."""

from __future__ import annotations

import asyncio
import itertools
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import pytest

from tests.fakes import faults
from tests.faults import calls
from tests.faults.rig import Rig
from tests.faults.traffic import lines_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.fakes.faults import Fault
    from tests.fakes.sts import STS
    from tests.faults.scrape import Scrape
    from tests.faults.telling import Tell
    from tests.faults.traffic import Results

pytestmark = pytest.mark.faults

LIFE: Final = 60
"""Seconds that good credentials live: those of the warm are renewed while STS is wrong."""
WORD: Final = "WRONG"
"""What stands in the key ids of which STS said a wrong end."""
FORM: Final = "%Y-%m-%dT%H:%M:%SZ"


def _in(form: str = FORM, **more: float) -> Callable[[], Fault]:
    """Return what tells an end that lies so far in the future, in a form."""
    return lambda: faults.expiration((datetime.now(tz=UTC) + timedelta(**more)).strftime(form))


def _text(said: str) -> Callable[[], Fault]:
    return lambda: faults.expiration(said)


WRONG: Final[dict[str, Callable[[], Fault]]] = {
    "missing": lambda: faults.NO_EXPIRATION,
    "empty": _text(""),
    "a space": _text(" "),
    "a word": _text("tomorrow, perhaps"),
    "a span": _text("PT1H"),
    "its seconds": _text("3600"),
    "seconds of the epoch": _in("%s", minutes=50),
    "milliseconds of it": _in("%s000", minutes=50),
    "no zone": _in("%Y-%m-%dT%H:%M:%S", minutes=50),
    "a zone by name": _in("%Y-%m-%dT%H:%M:%S EST", minutes=50),
    "a day": _in("%Y-%m-%d", days=1),
    "a time of day": _in("%H:%M:%SZ", minutes=50),
    "as mail has it": _in("%a, %d %b %Y %H:%M:%S GMT", minutes=50),
    "no such day": _text("2027-02-30T00:00:00Z"),
    "no such number": _text("1e400"),
    "year 0": _text("0000-01-01T00:00:00Z"),
    "year 10000": _text("10000-01-01T00:00:00Z"),
    "past": _in(hours=-1),
    "this moment": _in(),
    "just longer than asked": _in(minutes=66),
    "in half a day": lambda: faults.LATE_EXPIRATION,
    "in ten days": _in(days=10),
    "in year 9999": _text("9999-12-31T23:59:59Z"),
}


class _Ids:
    """Key ids of an STS that tell what it said of their end: nobody may be given those of which it was wrong."""

    def __init__(self, sts: STS) -> None:
        self.kind = "GOOD"
        sts.ids = self._made()

    def _made(self) -> Iterator[str]:
        for number in itertools.count():
            yield f"ASIA{self.kind}{number:012}"


async def test_t21_no_end_is_taken_that_cannot_be(tmp_path: Path, tell: Tell) -> None:
    """T21: STS gives good credentials with wrong ends, of 23 kinds, to new principals and to renewals of 25 warm ones.

    Promised: each is refused, counted and told in the audit; nothing of it is kept or handed out; the warm are served
    what they have, to its real end; once STS is right, the next request is served at once.
    """
    async with Rig(tmp_path) as rig:
        sts = rig.world.sts
        sts.lifetime = timedelta(seconds=LIFE)
        ids = _Ids(sts)
        known = calls.of(rig.world, calls.names("warm", 25))
        assert (await (await rig.send(known, rate=25, seconds=1)).results()).served == 1
        flow = await rig.send(known, rate=100, seconds=100)
        await asyncio.sleep(4)  # the first of them are renewed soon
        before = await rig.scrape()
        rounds = [await _round(rig, ids, number, wrong()) for number, wrong in enumerate(WRONG.values())]
        warm = await flow.stop()
        counted = _Counted(before, await rig.scrape())
        for kind, (refused, served) in zip(WRONG, rounds, strict=True):
            tell(f"{kind}: {refused.counts}, then {served.counts}")
        asked = 2 * len(WRONG)
        lied = sum(WORD in key for key in sts.issued)
        given = [answer.key_id for flow in (warm, *map(_second, rounds)) for answer in flow.answers]
        out = sum(WORD in key for key in given)
        told = sum(line.get("reason") == "bad_answer" for line in rig.world.audit())
        again = sum(served.counts.get("200", 0) for _, served in rounds)
        tell(f"warm {warm.told()}")
        renewed, failed = (counted("vendor_renewals_total", result=result) for result in ("ok", "failed"))
        tell.measured(
            f"{lied} wrong ends of {len(WRONG)} kinds, {out} handed out; refused and told {told} of {asked}, "
            f"then served at once {again} of {asked}; warm served {warm.of()}, {renewed} renewed, {failed} not"
        )
        assert [refused.counts for refused, _ in rounds] == [{"503 sts_unavailable": 2}] * len(WRONG)
        assert [served.counts for _, served in rounds] == [{"200": 2}] * len(WRONG)
        assert set(warm.counts) == {"200"}
        assert out == 0
        assert told == counted("vendor_refusals_total", reason="bad_answer") == asked
        assert lied == counted("vendor_sts_requests_total", result="bad_answer") >= asked
        assert failed > 0
        assert _beyond(warm, sts) == 0


async def _round(rig: Rig, ids: _Ids, number: int, wrong: Fault) -> tuple[Results, Results]:
    """Return what two new principals are answered while STS is wrong, and what as soon as it is right."""
    asked = calls.of(rig.world, calls.names(f"wrong-{number}", 2))
    ids.kind = WORD
    rig.world.sts.fault(wrong)
    refused = await (await rig.send(asked, rate=50, seconds=0.04)).results()
    rig.world.sts.heal()
    ids.kind = "GOOD"
    served = await (await rig.send(asked, rate=50, seconds=0.04)).results()
    await asyncio.sleep(0.4)
    return refused, served


def _second(pair: tuple[Results, Results]) -> Results:
    return pair[1]


class _Counted:
    """What the metrics counted between two scrapes."""

    def __init__(self, before: Scrape, after: Scrape) -> None:
        self._before = before
        self._after = after

    def __call__(self, name: str, **labels: str) -> int:
        return int(self._after.value(name, **labels) - self._before.value(name, **labels))


def _beyond(results: Results, sts: STS) -> int:
    """Return how many were given credentials whose life was over."""
    made = {id(request): moment for request, moment in zip(sts.requests, sts.moments, strict=True)}
    ends = {key: made[id(request)] + LIFE for key, request in sts.issued.items()}
    return sum(results.moment(answer) > ends[answer.key_id] for _, answer in lines_of(results))
