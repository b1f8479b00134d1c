"""docs/performance.md and its charts, written from what the bench has kept: `make bench ARGS=--page`."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final

from tests.benchmarks import report
from tests.service import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

DOCS: Final = ROOT / "docs"
WIDTH: Final = 720
LABELS: Final = 250
ROW: Final = 26
PARTS: Final = {
    "warm": "Credentials that are held already, over a bare aiohttp handler that answers the same bytes. A ratio of 1 "
    "would be a service that does nothing but answer; by CPU a busy machine disturbs it least.",
    "cold": "The first request of a principal, over a bare aiobotocore `assume_role` with the same parameters.",
    "verify": "A token seen for the first time: parsed, its signature verified and its claims judged, over PyJWT's "
    "`decode`.",
    "herd": "Everybody comes at once and nobody is known; STS takes 50 ms.",
    "growth": "An exponent of 0 is flat, of 1 in proportion. Reading a configuration belongs in proportion; a warm "
    "request and a lease have to cost the same whatever else there is.",
    "replicas": "Replicas with a shared store. Store and replicas share one core here, so the rate says "
    "little; the count of STS calls is the point.",
    "day": "A simulated day with a night, deployments, two cron storms and half an hour without STS, through the "
    "service's own leases, renewals, budget, retries and breaker by a clock that skips to whatever is due next; every "
    "call is counted where it would go over the wire. Fifty pods share a service account. To the other ways STS grants "
    "whatever they ask, where a real one would throttle their storms. Minutes without credentials are those of all "
    "pods together, and all of them are the outage's: nobody can make a session then. A session of an hour is renewed "
    "before its 39th minute, so an outage of 21 minutes is felt by nobody, and in this one those are without, for up "
    "to nine minutes, whose sessions were due in its first nine. A new pod is served from what its account has.",
    "starts": "What starting costs.",
}
HEAD: Final = """# Performance

`make bench` measures it all in eight parts, each as a ratio or a count taken in one run on one machine: rates of one
machine say nothing of another's. `make bench ARGS='--parts warm,cold'` takes some parts, `--whole` the largest sizes,
and `make bench ARGS=--page` writes this page from the latest figures of each. In brackets stand the least and the most
of the rounds. What was done for these figures, and what was not, is in
[a decision](decisions/0005-speed-of-the-first-path.md).
"""


def write(found: Mapping[str, Any]) -> None:
    """Write the page and its charts."""
    parts = [HEAD, f"Measured on {found['date']}: {found['machine']}, while other work kept the machine busy.\n"]
    for name, about in PARTS.items():
        if name not in found:
            continue
        parts.append(f"## {name.capitalize()}\n\n{_wrapped(about)}\n")
        if bars := _bars(name, found[name]):
            (DOCS / f"performance-{name}.svg").write_text(chart(*bars))
            parts.append(f"![{bars[0]}](performance-{name}.svg)\n")
        lines = "\n".join(report.TOLD[name](found[name]))
        parts.append(f"```text\n{lines}\n```\n")
    (DOCS / "performance.md").write_text("\n".join(parts))


def _bars(name: str, part: Mapping[str, Any]) -> tuple[str, dict[str, float]] | None:
    if name == "warm":
        costs = {
            f"{whose}, {loop}": f"{whose}_{loop}" for loop in ("uvloop", "asyncio") for whose in ("bare", "vendor")
        }
        return "CPU of a warm request, µs", {label: part[f"{key}_cpu_us"] for label, key in costs.items()}
    if name == "cold":
        costs = {"aiobotocore": "bare", "aiobotocore on uvloop": "bare_uvloop", "vendor": "vendor"}
        return "CPU of a mint, ms", {label: part[f"{key}_cpu_ms"] for label, key in costs.items()}
    if name == "verify":
        return "Times PyJWT's decode", {algorithm: one["ratio"] for algorithm, one in part.items()}
    if name == "day":
        calls = {way: one["sts_calls_an_hour"] for way, one in part.items() if isinstance(one, dict)}
        return "STS calls an hour", calls
    if name == "starts":
        return "CPU of a run, ms", {run: one["cpu_ms"] for run, one in part["runs"].items()}
    return None


def chart(title: str, values: Mapping[str, float]) -> str:
    """Return horizontal bars as an SVG that is legible on light and on dark."""
    most = max(values.values())
    height = ROW * (len(values) + 1) + 10
    rows = []
    for number, (label, value) in enumerate(values.items(), start=1):
        top = number * ROW
        length = max(1.0, (WIDTH - LABELS - 90) * value / most)
        said = f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
        rows.append(
            f'<text x="{LABELS - 8}" y="{top + 16}" text-anchor="end">{escape(label)}</text>'
            f'<rect x="{LABELS}" y="{top + 3}" width="{length:.1f}" height="18" fill="#4a7fb5"/>'
            f'<text x="{LABELS + length + 6:.1f}" y="{top + 16}">{said}</text>'
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" font-family="sans-serif" '
        f'font-size="13" fill="#808080"><title>{escape(title)}</title>'
        f'<text x="{LABELS}" y="16" font-weight="bold">{escape(title)}</text>{"".join(rows)}</svg>\n'
    )


def _wrapped(text: str) -> str:
    lines, line = [], ""
    for word in text.split():
        if len(line) + len(word) > 118:
            lines.append(line)
            line = ""
        line = f"{line} {word}".strip()
    return "\n".join([*lines, line])
