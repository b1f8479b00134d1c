"""The timeline: when what is out ends, as stacked bars in SVG, and as a table for who does not see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vendor.server.page.html import element, join

if TYPE_CHECKING:
    from vendor.server.page.html import Html
    from vendor.server.page.overview import Ending

WIDTH: Final = 960
HEIGHT: Final = 220
LEFT: Final = 44
BOTTOM: Final = 26
TOP: Final = 10
COLOURS: Final = 6
"""Scopes that have a colour of their own, the ones of which most is out; all others share one."""


def timeline(endings: tuple[Ending, ...]) -> Html:
    """Return the drawing of what ends within each step, a legend, and the same as a table."""
    ranked = _ranked(endings)
    if not ranked:
        return element("p", "Nothing is out.", class_="empty")
    colours = {scope: number for number, scope in enumerate(ranked[:COLOURS], start=1)}
    legend = [_key(scope, number) for scope, number in colours.items()]
    if len(ranked) > COLOURS:
        legend.append(_key(f"{len(ranked) - COLOURS} more", 0))
    return join(_drawing(endings, colours), element("ul", *legend, class_="legend"), _table(endings, ranked))


def _ranked(endings: tuple[Ending, ...]) -> list[str]:
    totals: dict[str, int] = {}
    for ending in endings:
        for scope, count in ending.counts:
            totals[scope] = totals.get(scope, 0) + count
    return sorted(totals, key=lambda scope: (-totals[scope], scope))


def _key(scope: str, number: int) -> Html:
    return element("li", element("span", class_=f"swatch c{number}", aria_hidden="true"), scope)


def _drawing(endings: tuple[Ending, ...], colours: dict[str, int]) -> Html:
    most = max(sum(count for _, count in ending.counts) for ending in endings)
    step = (WIDTH - LEFT) / len(endings)
    shapes = [_grid(most)]
    for index, ending in enumerate(endings):
        x, y = LEFT + index * step, float(HEIGHT - BOTTOM)
        stacked = _stacked(ending, colours)
        told = ", ".join(f"{scope} {count}" for scope, count in stacked)
        bars = [element("title", f"{ending.begins:%H:%M} to {ending.ends:%H:%M} UTC: {told}")]
        for scope, count in stacked:
            height = (HEIGHT - BOTTOM - TOP) * count / most
            y -= height
            bars.append(
                element(
                    "rect",
                    x=f"{x + step * 0.12:.1f}",
                    y=f"{y:.1f}",
                    width=f"{step * 0.76:.1f}",
                    height=f"{height:.1f}",
                    class_=f"c{colours.get(scope, 0)}",
                )
            )
        shapes.append(element("g", *bars))
        if index % 4 == 0:
            shapes.append(element("text", f"{ending.begins:%H:%M}", x=f"{x:.1f}", y=HEIGHT - 8, class_="axis"))
    told = f"Sessions that end within each {_minutes(endings)} minutes; the table below has the numbers"
    drawn = element("svg", *shapes, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=told, class_="timeline")
    return element("div", drawn, class_="wide", tabindex="0", role="region", aria_label="Timeline")


def _stacked(ending: Ending, colours: dict[str, int]) -> list[tuple[str, int]]:
    """Return what ends by scopes that have a colour, and all others as one: there may be thousands."""
    named = sorted((one for one in ending.counts if one[0] in colours), key=lambda one: colours[one[0]])
    others = sum(count for scope, count in ending.counts if scope not in colours)
    return [*named, *([("others", others)] if others else [])]


def _grid(most: int) -> Html:
    lines = []
    for part in (0.0, 0.5, 1.0):
        y = HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * part
        lines.append(element("line", x1=LEFT, x2=WIDTH, y1=f"{y:.1f}", y2=f"{y:.1f}", class_="grid"))
        if part != 0.5 or most > 1:  # noqa: PLR2004 - half of one session is none
            lines.append(element("text", f"{most * part:g}", x=LEFT - 6, y=f"{y + 4:.1f}", class_="axis end"))
    return join(*lines)


def _minutes(endings: tuple[Ending, ...]) -> int:
    return round((endings[0].ends - endings[0].begins).total_seconds() / 60)


def _table(endings: tuple[Ending, ...], ranked: list[str]) -> Html:
    shown = ranked[:COLOURS]
    head = element("tr", element("th", "Ends (UTC)", scope="col"), *(element("th", one, scope="col") for one in shown))
    rows = []
    for ending in endings:
        counts = dict(ending.counts)
        if counts:
            numbers = [element("td", counts.get(scope, 0), class_="number") for scope in shown]
            rows.append(
                element("tr", element("th", f"{ending.begins:%H:%M} to {ending.ends:%H:%M}", scope="row"), *numbers)
            )
    table = element("table", element("caption", "When sessions end"), element("thead", head), element("tbody", *rows))
    return element("details", element("summary", "The same in numbers"), element("div", table, class_="wide"))
