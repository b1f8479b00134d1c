"""docs/performance.md and its charts, written from what the bench has kept: `make bench ARGS=--page`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tests.benchmarks import charts, report
from tests.service import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

DOCS: Final = ROOT / "docs"
_HERD: Final = {"requests": "requests", "principals": "principals", "STS calls": "sts_calls"}
PARTS: Final = {
    "warm": "Credentials that are held already, over a bare aiohttp handler that answers the same bytes. A ratio of 1 "
    "would be a service that does nothing but answer; by CPU a busy machine disturbs it least. Audit lines go to "
    "stdout, a pipe that somebody reads, as in a container; where it says so, to a file, which a thread writes.",
    "cold": "The first request of a principal, over a bare aiobotocore `assume_role` with the same parameters.",
    "verify": "A token seen for the first time: parsed, its signature verified and its claims judged, over PyJWT's "
    "`decode`.",
    "herd": "Everybody comes at once and nobody is known; STS takes 50 ms.",
    "growth": "An exponent of 0 is flat, of 1 in proportion. Reading a configuration belongs in proportion, and so "
    "does looking through all leases after it (the sweep); a warm request and a lease have to cost the same "
    "whatever else there is. `p999` and `most` are of warm requests at a steady rate, each counted from "
    "when it was due, at rest, while the metrics are scraped every second, and during a reload: what an event "
    "loop that is late costs its callers. With principals they are the CPU of the longest turn of the loop. A "
    "warm request of theirs is without its wire; beyond 10,000 principals its session is found by the lease "
    "that is held of it.",
    "replicas": "Replicas with a shared store. Store and replicas share one core here, so the rate says "
    "little; the count of STS calls is the point.",
    "day": "A simulated day with a night, deployments, two cron storms and half an hour without STS, through the "
    "service's own leases, renewals, budget, retries and breaker by a clock that skips to whatever is due "
    "next; every call is counted where it would go over the wire. Fifty pods share a service account. To "
    "the other ways STS grants whatever they ask, where a real one would throttle their storms. Minutes "
    "without credentials are those of all pods together, and all of them are the outage's: nobody can make "
    "a session then. A session of an hour is renewed before its 39th minute, so an outage of 21 minutes is "
    "felt by nobody, and in this one those are without, for up to nine minutes, whose sessions were due in "
    "its first nine. A new pod is served from what its account has. The service's busiest second is when "
    "STS answers again, within a budget of 300 a second and as many at once.",
    "starts": "What starting costs.",
}
HEAD: Final = """# Performance

`make bench` measures it all in eight parts, each as a ratio or a count taken in one run on one machine: rates of one
machine say nothing of another's. `make bench ARGS='--parts warm,cold'` takes some parts, and
`make bench ARGS=--page` writes this page from the latest figures of each. In brackets stand the least and the most of
the rounds. What was done for these figures, and what was not, is in
[a decision](decisions/0005-speed-of-the-first-path.md).
"""


def write(found: Mapping[str, Any]) -> None:
    """Write the page and its charts."""
    parts = [HEAD, f"The machine: {found['machine']}.\n"]
    for name, about in PARTS.items():
        if name not in found:
            continue
        parts.append(f"## {name.capitalize()}\n\n{_wrapped(about)}\n")
        parts.append(f"{_wrapped(_measured(found['measured'][name]))}\n")
        for file, title, drawn in _charts(name, found[name]):
            (DOCS / f"performance-{file}.svg").write_text(drawn)
            parts.append(f"![{title}](performance-{file}.svg)\n")
        lines = "\n".join(report.TOLD[name](found[name]))
        parts.append(f"```text\n{lines}\n```\n")
    (DOCS / "performance.md").write_text("\n".join(parts))


def _measured(run: Mapping[str, Any]) -> str:
    return f"Measured on {run['at']} in {run['seconds']:,.0f} s; the machine's load was {run['load']:.1f} before."


def _charts(name: str, part: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield the file, the title and the drawing of each chart of a part."""
    if name == "growth":
        for what, grown in part.items():
            title = f"Costs by {what}, over those of the smallest size"
            yield f"growth-{what}", title, charts.lines(title, _grown(grown))
    else:
        title, values = BARS[name]
        yield name, title, charts.bars(title, values(part))


def _grown(grown: Mapping[str, Any]) -> dict[str, dict[float, float]]:
    sizes = {float(size): costs for size, costs in grown["sizes"].items()}
    first = next(iter(sizes.values()))
    return {cost: {size: costs[cost] / first[cost] for size, costs in sizes.items()} for cost in grown["exponents"]}


def _warm(part: Mapping[str, Any]) -> dict[str, float]:
    pairs = [(whose, loop) for loop in ("uvloop", "asyncio") for whose in ("bare", "vendor")]
    told = {f"{whose} on {loop}": part[f"{whose}_{loop}_cpu_us"] for whose, loop in pairs}
    return {**told, "vendor, audit to a file": part["vendor_file_cpu_us"]}


def _cold(part: Mapping[str, Any]) -> dict[str, float]:
    whose = {"aiobotocore": "bare", "aiobotocore on uvloop": "bare_uvloop", "vendor": "vendor"}
    return {label: part[f"{key}_cpu_ms"] for label, key in whose.items()}


BARS: Final[dict[str, tuple[str, Callable[[Mapping[str, Any]], dict[str, float]]]]] = {
    "warm": ("CPU of a warm request, µs", _warm),
    "cold": ("CPU of a mint, ms", _cold),
    "verify": ("Times PyJWT's decode", lambda part: {name: one["ratio"] for name, one in part.items()}),
    "herd": ("A herd", lambda part: {name: part[key] for name, key in _HERD.items()}),
    "replicas": (
        "STS calls for 100 principals that ask every replica",
        lambda part: {f"with {count}": one["sts_calls"] for count, one in part.items()},
    ),
    "day": (
        "STS calls an hour",
        lambda part: {way: one["sts_calls_an_hour"] for way, one in part.items() if isinstance(one, dict)},
    ),
    "starts": ("CPU of a run, ms", lambda part: {run: one["cpu_ms"] for run, one in part["runs"].items()}),
}


def _wrapped(text: str) -> str:
    lines, line = [], ""
    for word in text.split():
        if len(line) + len(word) > 118:
            lines.append(line)
            line = ""
        line = f"{line} {word}".strip()
    return "\n".join([*lines, line])
