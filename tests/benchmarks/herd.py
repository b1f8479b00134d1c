"""A herd: 5,000 requests of 200 principals that nobody knows, while STS takes 50 ms."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Final

from tests.fakes import faults
from tests.faults import calls
from tests.faults.rig import Rig

PRINCIPALS: Final = 200
EACH: Final = 25
RATE: Final = 1_000


async def measure() -> dict[str, Any]:
    """Return what STS was asked and how long the requests took, counted from when each was due."""
    with tempfile.TemporaryDirectory() as folder:
        async with Rig(Path(folder), starved=True) as rig:
            rig.world.sts.fault(faults.latency(0.05))
            sent = [call for _ in range(EACH) for call in calls.of(rig.world, calls.names("herd", PRINCIPALS))]
            results = await (await rig.send(sent, rate=RATE, seconds=len(sent) / RATE, connections=500)).results()
            return {
                "requests": len(results.answers),
                "principals": PRINCIPALS,
                "sts_calls": len(rig.world.sts.requests),
                "served": results.served,
                "p50_ms": results.percentile(50) * 1000,
                "p99_ms": results.percentile(99) * 1000,
                "to_last_s": max(one.due + one.seconds for one in results.answers),
            }
