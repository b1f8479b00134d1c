"""What a running service needs: memory at rest and for what is held, processor time for requests.

The figures of docs/kubernetes.md come from it.

`python -m tests.benchmarks.sizing` measures one `vendor serve` between a fake issuer and a fake STS, which are this
process, and prints the figures. Processor time is counted and not the clock, so that neighbours disturb it little.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any

from tests.benchmarks.__main__ import PATH, cpu, each, load, machine, token
from tests.service import World


async def measure(*, leases: int, requests: int, rounds: int) -> dict[str, Any]:
    """Return the figures."""
    with tempfile.TemporaryDirectory() as folder:
        async with World(Path(folder)) as world:
            pid = world.service.process.pid
            url = world.service.public + PATH
            header = f"Authorization: {token(world, 'batch-first')}"
            await each(url, [header])
            rest = _resident(pid)
            began = cpu(pid)
            for start in range(0, leases, 1000):
                several = range(start, min(start + 1000, leases))
                await each(url, [f"Authorization: {token(world, f'batch-{index}')}" for index in several])
            cold = (cpu(pid) - began) / leases
            held = _resident(pid)
            await load(url, header, requests)  # warms it up
            began = cpu(pid)
            for _ in range(rounds):
                await load(url, header, requests)
            warm = (cpu(pid) - began) / rounds / requests
    return {
        "machine": machine(),
        "rest_mb": rest / 1e6,
        "leases": leases,
        "held_mb_per_10000": (held - rest) / leases * 10_000 / 1e6,
        "cores_per_1000_warm": warm * 1000,
        "cores_per_100_cold": cold * 100,
    }


def _resident(pid: int) -> int:
    """Return the bytes that a process holds resident (proc(5), status)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.sizing", description=__doc__)
    parser.add_argument("--leases", type=int, default=10_000, help="principals that are lent credentials")
    parser.add_argument("--requests", type=int, default=4_000, help="warm requests in a round")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of warm requests")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    found = asyncio.run(measure(leases=options.leases, requests=options.requests, rounds=options.rounds))
    lines = (
        found["machine"],
        f"at rest {found['rest_mb']:.0f} MB, and {found['held_mb_per_10000']:.0f} MB for each 10,000 principals",
        f"{found['cores_per_1000_warm']:.2f} cores for 1,000 requests a second of what is held",
        f"{found['cores_per_100_cold']:.2f} cores for 100 first requests of principals a second",
    )
    print(json.dumps(found, indent=2) if options.json else "\n".join(lines))  # noqa: T201 - its output


if __name__ == "__main__":
    main()
