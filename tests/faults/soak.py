"""`make soak MINUTES=60`: everything that happens, again and again, and what the service holds meanwhile.

New principals, reloads that change something, new keys, strangers, clients that leave. As many sessions end as begin:
each lives for two minutes, renewals included for four at most. So from the middle on whatever the service holds has to
stay as it is, however many principals it has seen by then: it fails where something grows along the straight line
through the second half (`tests.faults.flat`), or where what always holds does not (`tests.faults.always`).

Two things would grow for longer than an hour in a service that is well, and do not here. Whose key an id is stays known
for an hour beyond the session's end: this STS gives an id again after twice the life of a session. And an issuer
publishes no more than its latest three keys.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from datetime import timedelta
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests import audit_lines, canaries
from tests.benchmarks.scopes import ANOTHER
from tests.faults import always, calls, flat, traffic
from tests.faults.flat import Held
from tests.faults.load import Plan
from tests.faults.rig import descriptors
from tests.faults.scrape import Scrape
from tests.server.http import get
from tests.service import ROOT, World

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.faults.traffic import Call, Results

KEPT: Final = ROOT / ".cache" / "soak.json"
BOUT: Final = 10.0
"""Seconds for which one mix of requests is sent."""
NEW: Final = 100
"""Principals that nobody has seen before, in each of these."""
TURN: Final = 6
"""Bouts between two new keys."""
LIFE: Final = timedelta(minutes=2)
"""How long a session lives: STS gives less than it was asked for, so that many live and end in an hour."""
IDS: Final = 6_000
"""Key ids of this STS: it makes about 25 sessions a second, so each is free again after four minutes."""


class Soak:
    """A world under everything that happens."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._bouts = 0
        self._key = self._next = world.issuer.key
        self._known = calls.of(world, calls.names("soak", 300))
        self._strangers = calls.unknown_kids(world, 300)
        self._configuration = (world.folder / "vendor.yaml").read_text()
        world.sts.lifetime = LIFE
        world.sts.ids = cycle([f"ASIASOAK{number:012}" for number in range(IDS)])
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
        self._reload()
        if self._bouts % TURN == 0:
            self._turn()
        results = [await flow.results() for flow in flows]
        for one in results[:2]:
            self.asked += len(one.answers)
            self.served += sum(answer.status == 200 for answer in one.answers)
        self._check(results)

    def _reload(self) -> None:
        """Have one scope more in every second configuration."""
        more = ANOTHER.replace("NUMBER", "soak") if self._bouts % 2 else ""
        (self._world.folder / "next.yaml").write_text(self._configuration + more)
        (self._world.folder / "next.yaml").rename(self._world.folder / "vendor.yaml")
        self._world.service.process.send_signal(signal.SIGHUP)

    def _turn(self) -> None:
        """Sign with the key that was published a turn ago, and publish the next: so issuers do it that take care."""
        self._key, self._next = self._next, self._world.issuer.rotate()
        self._world.issuer.published = self._world.issuer.published[-3:]
        self._known = calls.of(self._world, calls.names("soak", 300), key=self._key)

    async def _send(self, sent: list[Call], rate: float, *, patience: float = 2.0) -> traffic.Flow:
        plan = Plan(
            url=self._world.service.public,
            requests=[],
            rate=rate,
            seconds=BOUT,
            patience=patience,
            forbidden=list(always.CANARIES),
        )
        return await traffic.start(plan, sent, self._world.folder / "plan")

    def _check(self, results: list[Results]) -> None:
        """See that what always holds did, and forget what it was seen by."""
        lines = self._world.audit_path.read_text().splitlines()
        os.truncate(self._world.audit_path, 0)
        audit_lines.check(lines)
        canaries.check(*lines, *self._world.service.log)
        always.check_audit(results, map(json.loads, lines))
        always.check_answers(results)
        always.check_credentials(results, self._world.sts.issued)
        always.check_log(self._world.service.log)
        for forgotten in (self._world.sts.requests, self._world.sts.moments, self._world.service.log):
            forgotten.clear()

    async def held(self, minute: float) -> Held:
        """Return what the service holds."""
        await asyncio.sleep(1)
        process = Path(f"/proc/{self._world.service.process.pid}")
        pages = int((process / "statm").read_text().split()[1])
        scrape = Scrape((await get(self._world.service.operations, "/metrics")).body.decode())
        threads = len(list((process / "task").iterdir()))
        return Held(
            minute=minute,
            memory=pages * os.sysconf("SC_PAGE_SIZE"),
            descriptors=descriptors(self._world.service.process.pid),
            threads=threads,
            tasks=scrape.value("vendor_event_loop_tasks"),
            series=scrape.series,
            sessions=scrape.value("vendor_credentials_active"),
        )


async def run(minutes: float) -> dict[str, Any]:
    """Run for so long, show what is held each minute, and return all that was measured."""
    began = time.monotonic()
    rows: list[Held] = []
    with tempfile.TemporaryDirectory() as folder:
        async with World(Path(folder)) as world:
            soak = Soak(world)
            _show([flat.HEAD])
            while (gone := (time.monotonic() - began) / 60) < minutes:
                await soak.bout()
                rows.append(await soak.held(gone))
                if len(rows) == 1 or int(gone) > int(rows[-2].minute):
                    _show([f"{rows[-1].row()}   {soak.served:,} of {soak.asked:,} good requests served"])
    return {
        "minutes": minutes,
        "served": soak.served,
        "asked": soak.asked,
        "grown": flat.grown(rows),
        "allowed": flat.allowed(rows),
        "growing": flat.growing(rows),
        "rows": [row._asdict() for row in rows],
    }


def _show(lines: Iterable[str]) -> None:
    print("\n".join(lines), flush=True)  # noqa: T201 - its output


def _verdict(found: dict[str, Any]) -> Iterable[str]:
    yield f"in the last half of {found['minutes']:g} minutes:"
    for name, more in found["grown"].items():
        scale, unit = (1e6, " MB") if name == "memory" else (1, "")
        yield f"{name:12} {more / scale:+8.2f}{unit}, allowed {found['allowed'][name] / scale:.2f}{unit}"
    yield f"not steady: {', '.join(found['growing'])}" if found["growing"] else "nothing grows"


def main() -> int:
    """Run it, keep what was measured in .cache/soak.json, and fail where something grows."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, help=f"at least {flat.SHORTEST:g}")
    minutes = parser.parse_args().minutes
    if minutes < flat.SHORTEST:
        parser.error(f"what it holds takes half of {flat.SHORTEST:g} minutes to come to its usual amount")
    found = asyncio.run(run(minutes))
    KEPT.parent.mkdir(exist_ok=True)
    KEPT.write_text(json.dumps(found, indent=1))
    _show(_verdict(found))
    return 1 if found["growing"] else 0


if __name__ == "__main__":
    sys.exit(main())
