"""Charts as SVG that are legible on light and on dark."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

WIDTH: Final = 720
LABELS: Final = 250
ROW: Final = 26
HEIGHT: Final = 300
LEFT, RIGHT, TOP, BOTTOM = 60, 200, 34, 30
"""What is left of the axes, and around them."""
COLOURS: Final = ("#4a7fb5", "#c77b30", "#5b9a5b", "#b05a8f", "#8a7fc0", "#a08040", "#50a0a0")


def bars(title: str, values: Mapping[str, float]) -> str:
    """Return horizontal bars."""
    most = max(values.values())
    rows = []
    for number, (label, value) in enumerate(values.items(), start=1):
        top = number * ROW
        length = max(1.0, (WIDTH - LABELS - 90) * value / most)
        rows.append(
            f'<text x="{LABELS - 8}" y="{top + 16}" text-anchor="end">{escape(label)}</text>'
            f'<rect x="{LABELS}" y="{top + 3}" width="{length:.1f}" height="18" fill="{COLOURS[0]}"/>'
            f'<text x="{LABELS + length + 6:.1f}" y="{top + 16}">{_said(value)}</text>'
        )
    heading = f'<text x="{LABELS}" y="16" font-weight="bold">{escape(title)}</text>'
    return _framed(title, ROW * (len(values) + 1) + 10, heading + "".join(rows))


def lines(title: str, series: Mapping[str, Mapping[float, float]]) -> str:
    """Return lines through points, both axes logarithmic; what costs nothing cannot be drawn."""
    sizes = sorted({size for points in series.values() for size in points})
    costs = [cost for points in series.values() for cost in points.values()]
    across, up = _Axis(sizes, LEFT, WIDTH - RIGHT), _Axis(costs, HEIGHT - BOTTOM, TOP)
    drawn = [f'<text x="{LEFT}" y="16" font-weight="bold">{escape(title)}</text>']
    drawn += [
        f'<text x="{across.at(size):.1f}" y="{HEIGHT - 10}" text-anchor="middle">{_said(size)}</text>' for size in sizes
    ]
    drawn += [
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{up.at(cost):.1f}" y2="{up.at(cost):.1f}" stroke="#80808060"/>'
        f'<text x="{LEFT - 8}" y="{up.at(cost) + 4:.1f}" text-anchor="end">{_said(cost)}</text>'
        for cost in up.decades()
    ]
    labels = _apart([up.at(list(points.values())[-1]) for points in series.values()])
    for (label, points), y, colour in zip(series.items(), labels, COLOURS, strict=False):
        path = " ".join(f"{across.at(size):.1f},{up.at(cost):.1f}" for size, cost in points.items())
        drawn.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
            f'<text x="{WIDTH - RIGHT + 8}" y="{y + 4:.1f}" fill="{colour}">{escape(label)}</text>'
        )
    return _framed(title, HEIGHT, "".join(drawn))


class _Axis:
    """A logarithmic axis between two places, wide enough for all values."""

    def __init__(self, values: Sequence[float], begin: float, end: float) -> None:
        self._least, self._most = math.log10(min(values)), math.log10(max(values))
        self._begin, self._length = begin, end - begin

    def at(self, value: float) -> float:
        return self._begin + self._length * (math.log10(value) - self._least) / ((self._most - self._least) or 1.0)

    def decades(self) -> list[float]:
        return [10.0**power for power in range(math.ceil(self._least), math.floor(self._most) + 1)]


def _apart(places: Sequence[float], least: float = 15.0) -> Iterator[float]:
    """Yield the places so that no two are closer than the height of a line, in the order that they were given in."""
    moved: dict[int, float] = {}
    before = -math.inf
    for number in sorted(range(len(places)), key=places.__getitem__):
        before = moved[number] = max(places[number], before + least)
    return (moved[number] for number in range(len(places)))


def _said(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _framed(title: str, height: int, drawn: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" font-family="sans-serif" '
        f'font-size="13" fill="#808080"><title>{escape(title)}</title>{drawn}</svg>\n'
    )
