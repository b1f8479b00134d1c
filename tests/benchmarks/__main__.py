"""`make bench`: two ratios, each taken in one run on one machine, and what a run of the client costs.

1. Warm: credential requests per second of `vendor serve` over those of a bare aiohttp handler that returns the same
   bytes, in rounds that alternate between the two.
2. Cold: CPU seconds of `vendor serve` for each first request of a principal over those of a bare aiobotocore
   `assume_role` with the same parameters.

3. Starts: CPU and time of runs of `vend` beside an empty run of Python and the AWS CLI's; `--starts` takes these alone.

`--scopes 10000` takes another one instead: warm requests per second with so many scopes over those with ten.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import sys
import tempfile
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import aiohttp

from tests.benchmarks import scopes, starts
from tests.benchmarks.bare import CONCURRENCY
from tests.service import BASE_IDENTITY, ROOT, World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.fakes.sts_wire import Request

PATH: Final = "/v1/credentials/reports:read?month=2026-03"
CORES: Final = os.sched_getaffinity(0)
TICKS: Final = os.sysconf("SC_CLK_TCK")


async def main() -> None:
    """Run both and print them."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="rounds of each measurement")
    parser.add_argument("--requests", type=int, default=4_000, help="warm requests in a round")
    parser.add_argument("--mints", type=int, default=300, help="cold mints in a round")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--scopes", type=int, help="measure only what so many scopes cost a warm request")
    parser.add_argument("--starts", action="store_true", help="measure only what runs of `vend` cost")
    options = parser.parse_args()
    if options.scopes:
        await _many_scopes(options)
        return
    with tempfile.TemporaryDirectory() as folder:
        async with World(Path(folder)) as world:
            _pin(world.service.process.pid)
            _pin_to(os.getpid(), -1)
            report: dict[str, Any] = {"machine": machine()}
            if not options.starts:
                report["warm"] = await _warm(world, rounds=options.rounds, requests=options.requests)
                report["cold"] = await _cold(world, rounds=max(3, options.rounds // 3), mints=options.mints)
            report["starts"] = await _starts(world, rounds=options.rounds)
    print(json.dumps(report, indent=2) if options.json else _text(report))  # noqa: T201 - its output


async def _starts(world: World, *, rounds: int) -> dict[str, dict[str, float]]:
    """Return what runs of the client cost; the fakes around the service go on answering meanwhile."""
    compare = partial(starts.compare, url=world.service.public, token=world.token(), folder=world.folder, rounds=rounds)
    return await asyncio.to_thread(compare)


async def _many_scopes(options: argparse.Namespace) -> None:
    _pin_to(os.getpid(), -1)
    found = await scopes.compare(options.scopes, load=load, pin=_pin, rounds=options.rounds, requests=options.requests)
    ways = [f"{way:8}{_told(found[way], 'ratio')}: {_rates(found[way])}" for way in scopes.PATHS]
    text = "\n".join((machine(), f"{options.scopes} scopes, warm requests over those with {scopes.FEW}", *ways))
    print(json.dumps({"machine": machine(), **found}, indent=2) if options.json else text)  # noqa: T201 - its output


def _rates(part: dict[str, Any]) -> str:
    return f"{part['many_rps']:,.0f} of {part['few_rps']:,.0f} requests/s, {part['failed']:.0f} failed"


async def _warm(world: World, *, rounds: int, requests: int) -> dict[str, Any]:
    """Return requests per second of all three, and the medians of the rounds' ratios."""
    header = f"Authorization: {world.issuer.token()}"
    url = world.service.public + PATH
    body = world.folder / "body"
    body.write_bytes(await _first_answer(url, header))
    async with _bare("asyncio", "handler", str(body)) as plain, _bare("uvloop", "handler", str(body)) as fast:
        urls = [url, *[await _url(bare) for bare in (plain, fast)]]
        # The first round warms all of them up.
        measured = [[await load(each, header, requests) for each in urls] for _ in range(rounds + 1)][1:]
    vendor, plain_rps, fast_rps = ([one[index] for one in measured] for index in range(3))
    return {
        **_ratios("ratio", [one[0]["rps"] / one[1]["rps"] for one in measured]),
        **_ratios("ratio_uvloop", [one[0]["rps"] / one[2]["rps"] for one in measured]),
        "vendor_rps": statistics.median(one["rps"] for one in vendor),
        "bare_rps": statistics.median(one["rps"] for one in plain_rps),
        "bare_uvloop_rps": statistics.median(one["rps"] for one in fast_rps),
        "vendor_p50_ms": statistics.median(one["p50_ms"] for one in vendor),
        "vendor_p99_ms": statistics.median(one["p99_ms"] for one in vendor),
        "failed": sum(one["failed"] for several in measured for one in several),
    }


async def _url(bare: asyncio.subprocess.Process) -> str:
    assert bare.stdout
    return (await bare.stdout.readline()).decode().strip() + PATH


def _ratios(name: str, ratios: list[float]) -> dict[str, Any]:
    return {name: statistics.median(ratios), f"{name}_spread": [min(ratios), max(ratios)]}


async def _cold(world: World, *, rounds: int, mints: int) -> dict[str, Any]:
    """Return the CPU seconds for each mint of both, and the median of the rounds' ratios."""
    url = world.service.public + PATH
    ours: list[float] = []
    plain: list[float] = []
    fast: list[float] = []
    for number in range(rounds + 1):
        before = len(world.sts.requests)
        headers = [f"Authorization: {token(world, f'batch-{number}-{index}')}" for index in range(mints)]
        began = cpu(world.service.process.pid)
        await each(url, headers)
        mine = (cpu(world.service.process.pid) - began) / mints
        sent = world.sts.requests[before:]
        if len(sent) != mints:
            raise RuntimeError(f"{len(sent)} STS requests for {mints} principals")
        parameters = [_parameters(one) for one in sent]
        others = [await _bare_mints(world, loop, parameters) / mints for loop in ("asyncio", "uvloop")]
        if number:
            ours.append(mine)
            plain.append(others[0])
            fast.append(others[1])
    return {
        **_ratios("ratio", [mine / other for mine, other in zip(ours, plain, strict=True)]),
        **_ratios("ratio_uvloop", [mine / other for mine, other in zip(ours, fast, strict=True)]),
        "vendor_cpu_ms": statistics.median(ours) * 1000,
        "bare_cpu_ms": statistics.median(plain) * 1000,
        "bare_uvloop_cpu_ms": statistics.median(fast) * 1000,
    }


def token(world: World, service_account: str) -> str:
    bound = {"namespace": "analytics", "serviceaccount": {"name": service_account, "uid": service_account}}
    claims = {"sub": f"system:serviceaccount:analytics:{service_account}", "kubernetes.io": bound}
    return world.issuer.token(claims=claims)


def _parameters(sent: Request) -> dict[str, Any]:
    """Return the arguments of assume_role that lead to the same request."""
    return {
        "RoleArn": sent.role_arn,
        "RoleSessionName": sent.session_name,
        "DurationSeconds": sent.duration_seconds,
        "Policy": sent.policy,
        "Tags": [{"Key": key, "Value": value} for key, value in sent.tags.items()],
        "TransitiveTagKeys": list(sent.transitive_tags),
        "ExternalId": sent.external_id,
        "SourceIdentity": sent.source_identity,
    }


async def _first_answer(url: str, header: str) -> bytes:
    name, value = header.split(": ", 1)
    async with aiohttp.ClientSession() as session, session.get(url, headers={name: value}) as answer:
        answer.raise_for_status()
        return await answer.read()


async def each(url: str, headers: list[str]) -> None:
    """Ask once with each header, a few at a time."""
    waiting = asyncio.Semaphore(CONCURRENCY)
    async with aiohttp.ClientSession() as session:

        async def one(header: str) -> None:
            async with waiting, session.get(url, headers=dict([header.split(": ", 1)])) as answer:
                answer.raise_for_status()
                await answer.read()

        await asyncio.gather(*map(one, headers))


async def load(url: str, header: str, requests: int) -> dict[str, float]:
    """Run the load generator, a process of its own, and return what it measured."""
    command = ["-m", "tests.benchmarks.load", url, "--header", header, "--requests", str(requests)]
    process = await asyncio.create_subprocess_exec(sys.executable, *command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    measured: dict[str, float] = json.loads(out)
    return measured


async def _bare_mints(world: World, loop: str, parameters: list[dict[str, Any]]) -> float:
    """Return the CPU seconds that bare aiobotocore needs for these calls."""
    file = world.folder / "parameters"
    file.write_text("\n".join(json.dumps(one) for one in parameters))
    async with _bare(loop, "mint", world.sts.url, str(file)) as bare:
        out, _ = await bare.communicate(b"go\n")
    return float(out)


@asynccontextmanager
async def _bare(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.benchmarks.bare",
        *arguments,
        cwd=ROOT,
        env={**os.environ, **BASE_IDENTITY},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    _pin(process.pid)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def _pin(pid: int) -> None:
    """Keep the event loop that is measured on one core, and all that serves the measuring on another."""
    _pin_to(pid, 0)


def _pin_to(pid: int, index: int) -> None:
    cores = sorted(CORES)
    if len(cores) > 1:
        os.sched_setaffinity(pid, {cores[index]})


def cpu(pid: int) -> float:
    """Return the CPU seconds that a process has used (proc(5), fields 14 and 15 of stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def machine() -> str:
    return f"{platform.machine()}, {len(CORES)} cores, Python {platform.python_version()}"


def _text(report: dict[str, Any]) -> str:
    if "warm" not in report:
        return f"{report['machine']}\n{starts.text(report['starts'])}"
    warm, cold = report["warm"], report["cold"]
    rates = f"{warm['vendor_rps']:,.0f} of {warm['bare_rps']:,.0f} requests/s"
    times = f"p50 {warm['vendor_p50_ms']:.1f} ms, p99 {warm['vendor_p99_ms']:.1f} ms, {warm['failed']:.0f} failed"
    mints = f"{cold['vendor_cpu_ms']:.2f} ms over {cold['bare_cpu_ms']:.2f} ms for each mint"
    lines = (
        report["machine"],
        f"warm  {_told(warm, 'ratio')} of a bare aiohttp handler: {rates}, {times}",
        f"      {_told(warm, 'ratio_uvloop')} of the same on uvloop: {warm['bare_uvloop_rps']:,.0f} requests/s",
        f"cold  {_told(cold, 'ratio')} times the CPU of a bare aiobotocore assume_role: {mints}",
        f"      {_told(cold, 'ratio_uvloop')} times the same on uvloop: {cold['bare_uvloop_cpu_ms']:.2f} ms",
        starts.text(report["starts"]),
    )
    return "\n".join(lines)


def _told(part: dict[str, Any], name: str) -> str:
    low, high = part[f"{name}_spread"]
    return f"{part[name]:.2f} ({low:.2f} to {high:.2f})"


if __name__ == "__main__":
    asyncio.run(main())
