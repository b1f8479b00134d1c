"""`make bench`: figures that can be repeated, each a ratio or a count taken in one run on one machine, in eight parts.

warm      credential requests of `vendor serve` over those of a bare aiohttp handler that returns the same bytes, by CPU
          and by rate, both on uvloop and both without, in rounds that go through all four
cold      CPU of `vendor serve` for each first request of a principal over a bare aiobotocore `assume_role`
verify    the first sight of a token over bare PyJWT, by algorithm
herd      5,000 requests of 200 principals while STS takes 50 ms
growth    what more scopes, principals and issuers cost, with the exponent of each cost
replicas  1, 2 and 4 replicas over a shared store
day       a day of a fleet, simulated, beside three other ways to get credentials
starts    the service until it is ready and at rest, and runs of `vend` beside Python's and the AWS CLI's

It prints the report and keeps it in .cache/bench.json. `--parts warm,cold` takes some of them,
`--page` writes docs/performance.md and its charts from what is kept.

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
import time
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import aiohttp

from tests.benchmarks import day, growth, herd, page, replicas, report, scopes, starts, verify
from tests.benchmarks.bare import CONCURRENCY
from tests.service import BASE_IDENTITY, ROOT, Served, World, ready, served, without_uvloop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tests.fakes.sts_wire import Request

Part: TypeAlias = "Callable[[argparse.Namespace], Awaitable[dict[str, Any]]]"
PATH: Final = "/v1/credentials/reports:read?month=2026-03"
CORES: Final = os.sched_getaffinity(0)
TICKS: Final = os.sysconf("SC_CLK_TCK")


async def main() -> None:
    """Run the parts and print what they found."""
    parser = argparse.ArgumentParser(
        prog="make bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parts", default=",".join(PARTS), help="which parts, with commas between them")
    parser.add_argument("--rounds", type=int, default=7, help="rounds of each measurement")
    parser.add_argument("--requests", type=int, default=4_000, help="warm requests in a round")
    parser.add_argument("--mints", type=int, default=200, help="cold mints in a round")
    parser.add_argument("--pods", type=int, default=100_000, help="pods of the simulated day")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--page", action="store_true", help="measure nothing, and write docs/performance.md")
    parser.add_argument("--scopes", type=int, help="measure only what so many scopes cost a warm request")
    options = parser.parse_args()
    if options.scopes:
        await _many_scopes(options)
    elif options.page:
        page.write(report.read())
    else:
        found = await _measure(options)
        print(json.dumps(found, indent=2) if options.json else report.text(found))  # noqa: T201 - its output


async def _measure(options: argparse.Namespace) -> dict[str, Any]:
    """Return what is known of all parts, those that were asked for measured anew."""
    wanted = options.parts.split(",")
    unknown = set(wanted) - PARTS.keys()
    if unknown:
        raise SystemExit(f"there is no part {min(unknown)}: {', '.join(PARTS)}")
    _pin_to(os.getpid(), -1)
    for name in [name for name in PARTS if name in wanted]:
        load, began = os.getloadavg()[0], time.monotonic()
        found = await PARTS[name](options)
        report.keep({name: found}, machine=machine(), seconds=time.monotonic() - began, load=load)
    return report.read()


async def _in_world(options: argparse.Namespace, measure: Callable[[World, argparse.Namespace], Awaitable[Any]]) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        async with World(Path(folder)) as world:
            _pin(world.service.process.pid)
            return await measure(world, options)


async def _starts(world: World, options: argparse.Namespace) -> dict[str, Any]:
    """Return what runs cost; the fakes around the service go on answering meanwhile."""
    url, token, folder, rounds = world.service.public, world.token(), world.folder, options.rounds
    runs = await asyncio.to_thread(starts.compare, url=url, token=token, folder=folder, rounds=rounds)
    rest = _resident(world.service.process.pid)
    return {"runs": runs, "at_rest_mb": rest / 1e6, **await _ready_after()}


async def _ready_after() -> dict[str, float]:
    """Return the CPU and the time that a service takes until it is ready; a part of the time is its fakes'."""
    taken = []
    for _ in range(3):
        with tempfile.TemporaryDirectory() as folder:
            began = time.monotonic()
            async with World(Path(folder)) as world:
                taken.append((cpu(world.service.process.pid), time.monotonic() - began))
    return {name: statistics.median(one[at] for one in taken) for at, name in enumerate(("ready_cpu_s", "ready_s"))}


async def _many_scopes(options: argparse.Namespace) -> None:
    _pin_to(os.getpid(), -1)
    found = await scopes.compare(options.scopes, load=load, pin=_pin, rounds=options.rounds, requests=options.requests)
    ways = [f"{way:8}{_told(found[way], 'ratio')}: {_rates(found[way])}" for way in scopes.PATHS]
    text = "\n".join((machine(), f"{options.scopes} scopes, warm requests over those with {scopes.FEW}", *ways))
    print(json.dumps({"machine": machine(), **found}, indent=2) if options.json else text)  # noqa: T201 - its output


def _rates(part: dict[str, Any]) -> str:
    return f"{part['many_rps']:,.0f} of {part['few_rps']:,.0f} requests/s"


async def _warm(world: World, options: argparse.Namespace) -> dict[str, Any]:
    """Return rates and CPU of both on either loop, and the medians of the rounds' ratios on the same loop.

    The audit lines go to stdout, a pipe, as they do in a container; once more to a file.
    """
    header = f"Authorization: {world.issuer.token()}"
    body = world.folder / "body"
    body.write_bytes(await _first_answer(world.service.public + PATH, header))
    async with (
        _piped(world, "fast") as quick,
        _piped(world, "plain", uvloop=False) as plain,
        _bare("asyncio", "handler", str(body)) as slow,
        _bare("uvloop", "handler", str(body)) as fast,
    ):
        services = {"uvloop": quick, "asyncio": plain, "file": world.service}
        asked = {f"vendor_{loop}": (one.public + PATH, one.process.pid) for loop, one in services.items()}
        asked |= {"bare_uvloop": (await _url(fast), fast.pid), "bare_asyncio": (await _url(slow), slow.pid)}
        # The first round warms all of them up.
        measured = [
            {name: await _costly(*each, header, options.requests) for name, each in asked.items()}
            for _ in range(options.rounds + 1)
        ][1:]
    found: dict[str, Any] = {
        f"{name}_{what}": statistics.median(one[name][what] for one in measured)
        for name in asked
        for what in ("cpu_us", "rps", "p50_ms", "p99_ms")
    }
    for way, loop in {"uvloop": "uvloop", "asyncio": "asyncio", "file": "uvloop"}.items():
        pairs = [(one[f"vendor_{way}"], one[f"bare_{loop}"]) for one in measured]
        found |= _ratios(f"cpu_ratio_{way}", [their["cpu_us"] / our["cpu_us"] for our, their in pairs])
        found |= _ratios(f"ratio_{way}", [our["rps"] / their["rps"] for our, their in pairs])
    return found


@asynccontextmanager
async def _piped(world: World, name: str, *, uvloop: bool = True) -> AsyncIterator[Served]:
    """Serve the same configuration with its audit lines on stdout, which is read as a container's is."""
    folder = world.folder / name
    folder.mkdir()
    os.mkfifo(folder / "stdout")
    text = (world.folder / "vendor.yaml").read_text().replace(str(world.audit_path), "-")
    reader = await asyncio.create_subprocess_exec("cat", str(folder / "stdout"), stdout=asyncio.subprocess.DEVNULL)
    try:
        async with served(text, folder, environ={} if uvloop else without_uvloop(folder)) as service:
            await ready(service)
            _pin(service.process.pid)
            yield service
    finally:
        with suppress(ProcessLookupError):
            reader.kill()
        await reader.wait()


async def _costly(url: str, pid: int, header: str, requests: int) -> dict[str, float]:
    """Run a load, and return with what it measured the CPU of the process for each request."""
    before = cpu(pid)
    measured = await load(url, header, requests)
    return {**measured, "cpu_us": (cpu(pid) - before) / requests * 1e6}


async def _url(bare: asyncio.subprocess.Process) -> str:
    assert bare.stdout
    return (await bare.stdout.readline()).decode().strip() + PATH


def _ratios(name: str, ratios: list[float]) -> dict[str, Any]:
    return {name: statistics.median(ratios), f"{name}_spread": [min(ratios), max(ratios)]}


async def _cold(world: World, options: argparse.Namespace) -> dict[str, Any]:
    """Return the CPU seconds for each mint of both, and the median of the rounds' ratios."""
    rounds, mints = max(3, options.rounds // 2), options.mints
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
    """Run the load generator, a process of its own, and return what it measured.

    Raises RuntimeError where an answer is not 200: what was refused is no measurement of what is served.
    """
    command = ["-m", "tests.benchmarks.load", url, "--header", header, "--requests", str(requests)]
    process = await asyncio.create_subprocess_exec(sys.executable, *command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    measured: dict[str, float] = json.loads(out)
    if measured["failed"]:
        raise RuntimeError(f"{measured['failed']:.0f} of {requests} answers of {url} were not 200")
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


def _resident(pid: int) -> int:
    """Return the bytes that a process holds resident (proc(5), statm)."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def machine() -> str:
    """Return what kind of machine this is."""
    cpus = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    model = cpus[0].partition(":")[2].strip() if cpus else platform.machine()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    kernel = f"{platform.system()} {platform.release().partition('-')[0]}"
    return f"{model}, {len(CORES)} cores, {memory:.0f} GB, {kernel}, Python {platform.python_version()}"


def _told(part: dict[str, Any], name: str) -> str:
    low, high = part[f"{name}_spread"]
    return f"{part[name]:.2f} ({low:.2f} to {high:.2f})"


async def _verify(options: argparse.Namespace) -> dict[str, Any]:
    return await asyncio.to_thread(verify.compare, rounds=options.rounds)


async def _growth(options: argparse.Namespace) -> dict[str, Any]:
    return await growth.measure(load=load, cpu=cpu, requests=options.requests)


async def _day(options: argparse.Namespace) -> dict[str, Any]:
    return await asyncio.to_thread(day.measure, options.pods, CORES)


PARTS: Final[dict[str, Part]] = {
    "warm": partial(_in_world, measure=_warm),
    "cold": partial(_in_world, measure=_cold),
    "verify": _verify,
    "herd": lambda _: herd.measure(),
    "growth": _growth,
    "replicas": lambda options: replicas.measure(load=load, requests=options.requests),
    "day": _day,
    "starts": partial(_in_world, measure=_starts),
}


if __name__ == "__main__":
    asyncio.run(main())
