"""Growth: what more scopes, principals and issuers cost, and the exponent of each cost over its range.

An exponent of 0 is flat, of 1 in proportion. The time to read a configuration, and to look through all leases after it,
has to grow in proportion; the CPU of a warm request, the memory of each lease and how late the event loop is have to
stay as they are.
"""

from __future__ import annotations

import asyncio
import json
import math
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.benchmarks import scopes
from tests.faults import calls, traffic
from tests.faults.load import Plan
from tests.server.http import get
from tests.service import CONFIGURATION, ROOT, World

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Load = Callable[[str, str, int], Awaitable[dict[str, float]]]
    Cpu = Callable[[int], float]

SCOPES: Final = (10, 100, 1_000, 10_000)
PRINCIPALS: Final = (100, 1_000, 10_000, 100_000)
ISSUERS: Final = (1, 10, 50)
TRIES: Final = 3
REFUSED: Final = "refused"
"""Of those requests, the ones that a service on a busy machine did not serve."""
RATE: Final = 200
"""Warm requests a second by which is seen how late the loop is."""
REST: Final = 5.0
SCRAPES: Final = 5
LONGEST: Final = 120.0
"""Seconds that a reload may take."""
ANOTHER: Final = '  other-NUMBER: {{issuer: "https://localhost:1/NUMBER", audience: vendor, kind: kubernetes}}\n'


async def measure(*, load: Load, cpu: Cpu, requests: int) -> dict[str, Any]:
    """Return the costs at each size."""
    return {
        "scopes": _grown({n: await _scopes(n, load, cpu, requests) for n in SCOPES}),
        "principals": _grown({n: await _principals(n) for n in PRINCIPALS}),
        "issuers": _grown({n: await _issuers(n, load, cpu, requests) for n in ISSUERS}),
    }


def _grown(found: dict[int, dict[str, float]]) -> dict[str, Any]:
    names = next(iter(found.values())).keys()
    costs = [name for name in names if not name.endswith(REFUSED)]
    exponents = {name: exponent({size: each[name] for size, each in found.items()}) for name in costs}
    return {"sizes": {str(size): each for size, each in found.items()}, "exponents": exponents}


def exponent(costs: dict[int, float]) -> float:
    """Return the slope of the line through the costs on logarithmic scales (least squares)."""
    points = [(math.log(size), math.log(cost)) for size, cost in costs.items()]
    return statistics.linear_regression([x for x, _ in points], [y for _, y in points]).slope


async def _scopes(count: int, load: Load, cpu: Cpu, requests: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        text = scopes.configuration(count, Path(folder))
        return await _served(Path(folder), text, load, cpu, requests)


async def _issuers(count: int, load: Load, cpu: Cpu, requests: int) -> dict[str, float]:
    more = "".join(ANOTHER.replace("NUMBER", str(number)) for number in range(1, count))
    text = CONFIGURATION.replace("targets:\n", f"{more}targets:\n")
    with tempfile.TemporaryDirectory() as folder:
        return await _served(Path(folder), text, load, cpu, requests)


async def _served(folder: Path, text: str, load: Load, cpu: Cpu, requests: int) -> dict[str, float]:
    """Return CPU for each warm request, the time of a reload, and how late answers are at three times."""
    async with World(folder, configuration=text) as world:
        url, header, pid = world.service.public + scopes.PATHS["named"], world.token(), world.service.process.pid
        spent = []
        for _ in range(TRIES + 1):
            before = cpu(pid)
            await load(url, f"Authorization: {header}", requests)
            spent.append((cpu(pid) - before) / requests * 1e6)
        rest = await _late(world, asyncio.sleep(REST))
        scrape = await _late(world, _scrape(world))
        began = time.monotonic()
        reload = await _late(world, _reload(world))
        return {
            "warm_us": statistics.median(spent[1:]),
            "reload_s": time.monotonic() - began,
            **{f"rest_{name}": late for name, late in rest.items()},
            **{f"scrape_{name}": late for name, late in scrape.items()},
            **{f"reload_{name}": late for name, late in reload.items()},
        }


async def _late(world: World, meanwhile: Awaitable[None]) -> dict[str, float]:
    """Return how late warm answers came, in ms, counted from when each was due: nobody waits for the one before."""
    sent = calls.of(world, calls.names("late", 20))
    plan = Plan(url=world.service.public, requests=[], rate=RATE, seconds=LONGEST)
    for warming in range(2):
        flow = await traffic.start(plan._replace(seconds=0.5), sent, world.folder / f"plan-{warming}")
        await flow.results()
    flow = await traffic.start(plan, sent, world.folder / "plan")
    await meanwhile
    results = await flow.stop()
    refused = len(results.answers) * (1 - results.served)
    return {"p999_ms": results.percentile(99.9) * 1000, "most_ms": results.percentile(100) * 1000, REFUSED: refused}


async def _scrape(world: World) -> None:
    for _ in range(SCRAPES):
        await get(world.service.operations, "/metrics")
        await asyncio.sleep(1.0)


async def _reload(world: World) -> None:
    """Wait until the log tells of the reload: looking for it by scrapes would be measuring those."""
    world.service.process.send_signal(signal.SIGHUP)
    async with asyncio.timeout(LONGEST):
        while not any('"generation": 2' in line for line in world.service.log):  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.05)


async def _principals(count: int) -> dict[str, float]:
    command = ["-m", "tests.benchmarks.memory", "--json", "--leases", str(count)]
    process = await asyncio.create_subprocess_exec(sys.executable, *command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    found = json.loads(out)
    names = ("warm_us", "sweep_s", "rest_most_ms", "sweep_most_ms")
    return {"bytes_each": max(1.0, found["each"]), **{name: found[name] for name in names}}
