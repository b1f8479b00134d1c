"""Replicas that share a store: STS calls for the principals that ask all of them, and warm requests per second."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.faults import calls, processors, traffic
from tests.faults.load import Plan
from tests.fleet import Fleet

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Load = Callable[[str, str, int], Awaitable[dict[str, float]]]

COUNTS: Final = (1, 2, 4)
PRINCIPALS: Final = 100


async def measure(*, load: Load, requests: int) -> dict[str, dict[str, float]]:
    """Return what each number of replicas comes to; they share the machine's cores with whoever asks."""
    return {str(count): await _measure(count, load, requests) for count in COUNTS}


async def _measure(count: int, load: Load, requests: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        async with Fleet(Path(folder), replicas=count, straight=True, under=processors.first) as fleet:
            flows = []
            for number, replica in enumerate(fleet.replicas):
                plan = Plan(url=replica.public, requests=[], rate=100, seconds=PRINCIPALS / 100)
                sent = calls.of(fleet, calls.names("each", PRINCIPALS))
                flows.append(await traffic.start(plan, sent, Path(folder) / f"plan-{number}"))
            served = [(await flow.results()).served for flow in flows]
            asked = len(fleet.sts.requests)
            header = f"Authorization: {fleet.token()}"
            urls = [replica.public + calls.PATH for replica in fleet.replicas]
            rates = await asyncio.gather(*(load(url, header, requests // count) for url in urls))
            return {
                "sts_calls": asked,
                "principals": PRINCIPALS,
                "served": min(served),
                "rps": sum(one["rps"] for one in rates),
            }
