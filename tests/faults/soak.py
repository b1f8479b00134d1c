"""`make soak MINUTES=60`: everything that happens, again and again, and what the service holds each minute.

New principals, reloads, new keys, strangers, clients that leave. It fails when from the end of the first sixth of the
time on memory has grown by more than a tenth beyond what each session that is out may take, or by more descriptors than
connections are kept open, threads or series than come and go.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.faults import calls, traffic
from tests.faults.load import Plan
from tests.faults.scrape import Scrape
from tests.server.http import get
from tests.service import World

if TYPE_CHECKING:
    from tests.faults.traffic import Call

BOUT: Final = 10.0
"""Seconds for which one mix of requests is sent."""
NEW: Final = 100
"""Principals that nobody has seen before, in each of these."""
TURN: Final = 6
"""Bouts between two new keys."""
EACH: Final = 10_000
"""Bytes for each session that is out: a lease, and its token, filled session and audit line in memories with an end."""
COMES_AND_GOES: Final = (100, 2, 10)
"""Descriptors, threads and series: connections to STS are kept."""


class Held(NamedTuple):
    """What the service holds once nobody is connected; `out` are the sessions that have not ended."""

    memory: int
    descriptors: int
    threads: int
    series: int
    out: int

    def __str__(self) -> str:
        counts = (
            f"{self.descriptors} descriptors, {self.threads} threads, {self.series} series, {self.out} sessions out"
        )
        return f"{self.memory / 1e6:.1f} MB, {counts}"

    def exceeds(self, before: Held) -> bool:
        """Tell whether this is more than it was, beyond what comes and goes."""
        grown = [now - then for now, then in zip(self[1:4], before[1:4], strict=True)]
        room = before.memory * 1.1 + EACH * max(0, self.out - before.out)
        return self.memory > room or any(more > most for more, most in zip(grown, COMES_AND_GOES, strict=True))


class Soak:
    """A world under everything that happens."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._bouts = 0
        self._key = self._next = world.issuer.key
        self._known = calls.of(world, calls.names("soak", 300))
        self._strangers = calls.unknown_kids(world, 300)
        self.asked = 0
        self.served = 0

    async def bout(self) -> None:
        """Send one mix of requests, while the service reloads and now and then its issuer has a new key."""
        self._bouts += 1
        new = calls.of(self._world, calls.names(f"bout{self._bouts}", NEW), key=self._key)
        flows = [
            await self._send(self._known, 150),
            await self._send(new, NEW / BOUT),
            await self._send(self._known, 50, patience=0.005),
            await self._send(self._strangers, 50),
        ]
        self._world.service.process.send_signal(signal.SIGHUP)
        if self._bouts % TURN == 0:
            self._turn()
        results = [await flow.results() for flow in flows]
        for one in results[:2]:
            self.asked += len(one.answers)
            self.served += sum(answer.status == 200 for answer in one.answers)

    def _turn(self) -> None:
        """Sign with the key that was published a turn ago, and publish the next: so issuers do it that take care."""
        self._key, self._next = self._next, self._world.issuer.rotate()
        self._known = calls.of(self._world, calls.names("soak", 300), key=self._key)

    async def _send(self, sent: list[Call], rate: float, *, patience: float = 2.0) -> traffic.Flow:
        plan = Plan(url=self._world.service.public, requests=[], rate=rate, seconds=BOUT, patience=patience)
        return await traffic.start(plan, sent, self._world.folder / "plan")

    async def held(self) -> Held:
        """Return what the service holds."""
        await asyncio.sleep(1)
        process = Path(f"/proc/{self._world.service.process.pid}")
        pages = int((process / "statm").read_text().split()[1])
        scrape = Scrape((await get(self._world.service.operations, "/metrics")).body.decode())
        descriptors, threads = (len(list((process / name).iterdir())) for name in ("fd", "task"))
        out = int(scrape.value("vendor_credentials_active"))
        return Held(pages * os.sysconf("SC_PAGE_SIZE"), descriptors, threads, scrape.series, out)


async def run(minutes: float) -> bool:
    """Run for so long, tell what is held each minute, and return whether it stayed as it was."""
    began = time.monotonic()
    settled: Held | None = None
    with tempfile.TemporaryDirectory() as folder:
        async with World(Path(folder)) as world:
            soak = Soak(world)
            now, told = await soak.held(), 0.0
            _tell(0.0, now, soak)
            while (gone := (time.monotonic() - began) / 60) < minutes:
                await soak.bout()
                if gone - told >= 1 or settled is None:
                    now, told = await soak.held(), gone
                    _tell(gone, now, soak)
                if settled is None and gone >= minutes / 6:
                    settled = now
            now = await soak.held()
            _tell(gone, now, soak)
    return settled is not None and not now.exceeds(settled)


def _tell(minutes: float, held: Held, soak: Soak) -> None:
    print(f"{minutes:6.1f} min: {held}; {soak.served} of {soak.asked} good requests served", flush=True)  # noqa: T201


def main() -> int:
    """Run it, and fail where something grows."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    stayed = asyncio.run(run(parser.parse_args().minutes))
    print("nothing grows" if stayed else "something grows")  # noqa: T201 - its output
    return 0 if stayed else 1


if __name__ == "__main__":
    sys.exit(main())
