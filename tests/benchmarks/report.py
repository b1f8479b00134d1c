"""The report: what was measured of each part, kept as JSON, and told as text."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from tests.benchmarks import starts
from tests.service import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

_RATES: Final = ("cpu_us", "rps", "p50_ms", "p99_ms")
FORM: Final = 2
"""Which form of figures these are; those of another are forgotten."""
KEPT: Final = ROOT / ".cache" / "bench.json"


def read() -> dict[str, Any]:
    """Return the latest figures of each part that was ever measured here, but not those of another form."""
    kept: dict[str, Any] = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    return kept if kept.get("form") == FORM else {}


def keep(measured: Mapping[str, Any], *, machine: str, seconds: float, load: float) -> None:
    """Keep what was measured beside what is known of the other parts; it took so long, under such a load before."""
    before = read()
    run = {"at": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", "seconds": round(seconds, 1), "load": round(load, 2)}
    when = {**before.get("measured", {}), **dict.fromkeys(measured, run)}
    KEPT.parent.mkdir(exist_ok=True)
    KEPT.write_text(json.dumps({**before, **measured, "form": FORM, "machine": machine, "measured": when}, indent=1))


def text(found: Mapping[str, Any]) -> str:
    """Return the report as lines of text, the parts in their order."""
    lines = [found["machine"]]
    for name, tell in TOLD.items():
        if name in found:
            lines += [f"{name:9} {line}" for line in tell(found[name])]
    return "\n".join(lines)


def told(part: Mapping[str, Any], name: str) -> str:
    """Return a ratio with its spread."""
    low, high = part[f"{name}_spread"]
    return f"{part[name]:.2f} ({low:.2f} to {high:.2f})"


def _warm(warm: Mapping[str, Any]) -> list[str]:
    ways = {
        "uvloop": ("uvloop", "both on uvloop"),
        "asyncio": ("asyncio", "both on asyncio"),
        "file": ("uvloop", "both on uvloop, audit lines to a file"),
    }
    return [line for way, (loop, said) in ways.items() for line in _warm_on(way, loop, said, warm)]


def _warm_on(way: str, loop: str, said: str, warm: Mapping[str, Any]) -> list[str]:
    ours, bare = ({what: warm[f"{whose}_{what}"] for what in _RATES} for whose in (f"vendor_{way}", f"bare_{loop}"))
    cpu = f"{ours['cpu_us']:.0f} µs of CPU over {bare['cpu_us']:.0f} µs"
    rates = f"{ours['rps']:,.0f} of {bare['rps']:,.0f} requests/s"
    p50, p99 = (f"{name[:3]} {ours[name]:.1f} over {bare[name]:.1f} ms" for name in ("p50_ms", "p99_ms"))
    return [
        f"{told(warm, f'cpu_ratio_{way}')} of a bare aiohttp handler by CPU, {said}: {cpu}",
        f"{told(warm, f'ratio_{way}')} of it by rate: {rates}, {p50}, {p99}",
    ]


def _cold(cold: Mapping[str, Any]) -> list[str]:
    mints = f"{cold['vendor_cpu_ms']:.2f} ms over {cold['bare_cpu_ms']:.2f} ms for each mint"
    return [
        f"{told(cold, 'ratio')} times the CPU of a bare aiobotocore assume_role: {mints}",
        f"{told(cold, 'ratio_uvloop')} times the same on uvloop: {cold['bare_uvloop_cpu_ms']:.2f} ms",
    ]


def _verify(found: Mapping[str, Any]) -> list[str]:
    return [
        f"{algorithm}: {told(one, 'ratio')} times PyJWT's decode: {one['vendor_us']:.0f} over {one['bare_us']:.0f} µs"
        for algorithm, one in found.items()
    ]


def _herd(herd: Mapping[str, Any]) -> list[str]:
    asked = f"{herd['requests']:,} requests of {herd['principals']} principals"
    times = f"p50 {herd['p50_ms']:.1f} ms, p99 {herd['p99_ms']:.0f} ms, the last after {herd['to_last_s']:.1f} s"
    return [f"{asked}: {herd['sts_calls']} STS calls, {herd['served']:.2%} served, {times}"]


def _growth(growth: Mapping[str, Any]) -> list[str]:
    costs = [
        f"{what}, {cost}: exponent {one['exponents'][cost]:+.2f}: "
        + ", ".join(f"{each[cost]:,.3g} at {int(size):,}" for size, each in one["sizes"].items())
        for what, one in growth.items()
        for cost in one["exponents"]
    ]
    refused = [
        f"{what}, {name}: {each[name]:,.0f} at {int(size):,}"
        for what, one in growth.items()
        for size, each in one["sizes"].items()
        for name in each.keys() - one["exponents"].keys()
        if each[name]
    ]
    return costs + refused


def _replicas(replicas: Mapping[str, Any]) -> list[str]:
    return [
        f"{count}: {one['sts_calls']:.0f} STS calls for {one['principals']:.0f} principals that ask each of them, "
        f"{one['rps']:,.0f} warm requests/s"
        for count, one in replicas.items()
    ]


def _day(day: Mapping[str, Any]) -> list[str]:
    ways = [(name, one) for name, one in day.items() if isinstance(one, dict)]
    return [f"{day['pods']:,} pods of {day['service_accounts']:,} service accounts"] + [
        f"{name}: {one['sts_calls_an_hour']:,.0f} STS calls an hour, {one['peak_a_second']:,.0f}/s at most, "
        f"{one['unserved_pod_minutes']:,.0f} minutes of pods without: {one['new_pod_minutes']:,.0f} of new ones, "
        f"{one['ended_pod_minutes']:,.0f} of those whose credentials had ended"
        for name, one in ways
    ]


def _starts(found: Mapping[str, Any]) -> list[str]:
    ready = f"ready after {found['ready_cpu_s']:.2f} s of CPU"
    service = f"vendor serve is {ready}, and rests at {found['at_rest_mb']:.0f} MB"
    return [service, *starts.text(found["runs"]).splitlines()]


TOLD: Final = {
    "warm": _warm,
    "cold": _cold,
    "verify": _verify,
    "herd": _herd,
    "growth": _growth,
    "replicas": _replicas,
    "day": _day,
    "starts": _starts,
}
