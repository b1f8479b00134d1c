"""Growth: what more scopes, principals and issuers cost, and the exponent of each cost over its range.

An exponent of 0 is flat, of 1 in proportion. The time to read a configuration and the memory of all leases have to grow
in proportion; the CPU of a warm request and the memory of each lease have to stay as they are.
"""

from __future__ import annotations

import asyncio
import json
import math
import statistics
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.benchmarks import scopes
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
LAG: Final = "vendor_event_loop_lag_seconds"
ANOTHER: Final = '  other-NUMBER: {{issuer: "https://localhost:1/NUMBER", audience: vendor, kind: kubernetes}}\n'


async def measure(*, load: Load, cpu: Cpu, requests: int, whole: bool) -> dict[str, Any]:
    """Return the costs at each size; without `whole` the largest sizes are left out."""
    last = None if whole else -1
    return {
        "scopes": _grown({n: await _scopes(n, load, cpu, requests) for n in SCOPES[:last]}),
        "principals": _grown({n: await _principals(n) for n in PRINCIPALS[:last]}),
        "issuers": _grown({n: await _issuers(n, load, cpu, requests) for n in ISSUERS}),
    }


def _grown(found: dict[int, dict[str, float]]) -> dict[str, Any]:
    names = next(iter(found.values())).keys()
    exponents = {name: exponent({size: each[name] for size, each in found.items()}) for name in names}
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
    """Return CPU for each warm request, and the time of a reload."""
    async with World(folder, configuration=text) as world:
        url, header, pid = world.service.public + scopes.PATHS["named"], world.token(), world.service.process.pid
        spent = []
        for _ in range(TRIES + 1):
            before = cpu(pid)
            await load(url, f"Authorization: {header}", requests)
            spent.append((cpu(pid) - before) / requests * 1e6)
        return {"warm_us": statistics.median(spent[1:]), "reload_s": await _reload(world)}


async def _reload(world: World) -> float:
    loop = asyncio.get_running_loop()
    began = loop.time()
    world.service.process.send_signal(1)
    async with asyncio.timeout(60):
        while b"generation 2.0" not in (await get(world.service.operations, "/metrics")).body:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return loop.time() - began


async def _principals(count: int) -> dict[str, float]:
    command = ["-m", "tests.benchmarks.memory", "--json", "--leases", str(count)]
    process = await asyncio.create_subprocess_exec(sys.executable, *command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    return {"bytes_each": max(1.0, json.loads(out)["each"])}
