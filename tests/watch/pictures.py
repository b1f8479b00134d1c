"""Pictures of the dashboards as SVG, drawn from what a real Prometheus answered: a rendering, not a screenshot."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tests.service import ROOT
from tests.watch.live import LASTS, filled
from tests.watch.panels import BOARDS, Board, Kind, Panel, Unit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.watch.live import Watched

FOLDER: Final = ROOT / "docs" / "pictures"
WIDTH: Final = 1200
COLUMN: Final = WIDTH / 24
ROW: Final = 26
COLOURS: Final = ("#73bf69", "#f2cc0c", "#5794f2", "#ff9830", "#b877d9", "#f2495c", "#8ab8ff", "#96d98d", "#ffb357")
RED, YELLOW, GREEN = "#f2495c", "#f2cc0c", "#73bf69"
_UNITS: Final = {Unit.COUNT: "", Unit.PER_SECOND: "/s", Unit.SECONDS: " s", Unit.SHARE: " %"}


class Series(NamedTuple):
    """A line: its legend and its values by second of the script; of a bar there is one."""

    legend: str
    points: list[tuple[float, float]]

    @property
    def last(self) -> float:
        """The last value."""
        return self.points[-1][1]


class Box(NamedTuple):
    """A rectangle."""

    x: float
    y: float
    w: float
    h: float


def draw(world: Watched) -> None:
    """Draw every dashboard."""
    FOLDER.mkdir(exist_ok=True)
    for board in BOARDS:
        asked = [(panel, _asked(world, panel)) for panel in board.panels]
        (FOLDER / f"{board.name}.svg").write_text(picture(board, asked), "utf-8")


def picture(board: Board, asked: list[tuple[Panel, list[Series]]]) -> str:
    """Return a dashboard as one SVG."""
    body: list[str] = []
    x, y, tallest = 0, 44.0, 0.0
    for panel, series in asked:
        height = (4 if panel.kind is Kind.NUMBER else 8) * ROW
        body += _panel(panel, series, Box(x * COLUMN + 4, y + 4, panel.width * COLUMN - 8, height - 8))
        x, tallest = x + panel.width, max(tallest, height)
        if x >= 24:
            x, y, tallest = 0, y + tallest, 0.0
    y += tallest
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y:.0f}" viewBox="0 0 {WIDTH} {y:.0f}"'
        ' font-family="Helvetica,Arial,sans-serif" font-size="11">'
        f"<title>{escape(board.title)}</title>"
        f'<rect width="{WIDTH}" height="{y:.0f}" fill="#111217"/>'
    )
    title = _text(12, 20, board.title, size=15) + _text(12, 37, board.says, fill="#9fa3ab")
    return head + title + "".join(body) + "</svg>\n"


def _asked(world: Watched, panel: Panel) -> list[Series]:
    ports = {sts.url.rpartition(":")[2]: name for name, sts in world.regions.items()}
    replicas = {replica.operations.removeprefix("http://"): f"vendor-{at}" for at, replica in enumerate(world.replicas)}
    names = ports | replicas
    found: list[Series] = []
    for query, legend in panel.queries:
        for one in _answer(world, panel, query):
            labels = {name: names.get(value, value) for name, value in one["metric"].items()}
            points = [(float(at) - world.began, float(value)) for at, value in one.get("values") or [one["value"]]]
            points = [(at, value) for at, value in points if math.isfinite(value)]
            if points:
                found.append(Series(_filled(legend or panel.title, labels), points))
    return found


def _answer(world: Watched, panel: Panel, query: str) -> Any:
    end = world.began + LASTS
    if panel.kind is Kind.BARS:
        return world.prometheus.ask("query", query=filled(query), time=end)["result"]
    return world.prometheus.ask("query_range", query=filled(query), start=world.began, end=end, step=1)["result"]


def _filled(legend: str, labels: dict[str, str]) -> str:
    for name in (
        "scope",
        "parameter",
        "source",
        "target",
        "region",
        "result",
        "door",
        "outcome",
        "code",
        "reason",
        "issuer",
    ):
        legend = legend.replace("{{" + name + "}}", labels.get(name, "") or "(none)")
    for name in ("le", "action", "operation", "instance"):
        legend = legend.replace("{{" + name + "}}", labels.get(name, ""))
    return legend


def _panel(panel: Panel, series: list[Series], box: Box) -> Iterator[str]:
    yield f'<rect x="{box.x}" y="{box.y}" width="{box.w}" height="{box.h}" rx="3" fill="#181b1f" stroke="#2c3036"/>'
    yield _text(box.x + 8, box.y + 16, panel.title, weight="bold")
    inner = Box(box.x + 8, box.y + 24, box.w - 16, box.h - 30)
    drawn = {
        Kind.NUMBER: _number,
        Kind.LINES: _lines,
        Kind.BARS: _bars,
        Kind.HEAT: _heat,
        Kind.STATES: _states,
    }[panel.kind]
    yield from drawn(panel, series, inner)


def _number(panel: Panel, series: list[Series], box: Box) -> Iterator[str]:
    (one,) = series
    value = one.last
    yield _text(
        box.x + box.w / 2, box.y + 42, _told(value, panel.unit), size=30, fill=_colour(panel, value), anchor="middle"
    )
    yield _curve(one, _scale([one], box._replace(y=box.y + 48, h=box.h - 50)), _colour(panel, value), width=1)


def _lines(panel: Panel, series: list[Series], box: Box) -> Iterator[str]:
    plot = Box(box.x + 44, box.y + 4, box.w - 50, box.h - 44)
    top = _top(series)
    for step in range(5):
        at = plot.y + plot.h * (1 - step / 4)
        yield f'<line x1="{plot.x}" x2="{plot.x + plot.w}" y1="{at:.1f}" y2="{at:.1f}" stroke="#2c3036"/>'
        yield _text(plot.x - 5, at + 4, _told(top * step / 4, panel.unit), fill="#9fa3ab", anchor="end")
    for second in range(0, LASTS + 1, 20):
        x = plot.x + plot.w * second / LASTS
        yield _text(x, plot.y + plot.h + 14, f"{second} s", fill="#9fa3ab", anchor="middle")
    for limit, colour in ((panel.warn, YELLOW), (panel.bad, RED)):
        if limit is not None and limit <= top:
            at = plot.y + plot.h * (1 - limit / top)
            line = f'<line x1="{plot.x}" x2="{plot.x + plot.w}" y1="{at:.1f}" y2="{at:.1f}" stroke="{colour}"'
            yield f'{line} stroke-dasharray="5 4"/>'
    for number, one in enumerate(series):
        yield _curve(one, (plot, top), COLOURS[number % len(COLOURS)])
    yield from _legend(series, Box(box.x, box.y + box.h - 10, box.w, 12))


def _legend(series: list[Series], box: Box) -> Iterator[str]:
    x = box.x
    for number, one in enumerate(series):
        if x > box.x + box.w - 60:
            break
        yield f'<rect x="{x:.0f}" y="{box.y - 3}" width="10" height="3" fill="{COLOURS[number % len(COLOURS)]}"/>'
        yield _text(x + 14, box.y + 2, one.legend, fill="#ccccdc")
        x += 26 + 6 * len(one.legend)


def _bars(panel: Panel, series: list[Series], box: Box) -> Iterator[str]:
    most = 1.0 if panel.unit is Unit.SHARE else max((one.last for one in series), default=0.0) or 1.0
    height = min(30.0, box.h / max(1, len(series)))
    for number, one in enumerate(series):
        y = box.y + 4 + number * height
        width = (box.w - 270) * max(0.0, one.last) / most
        yield _text(box.x + 180, y + height / 2 + 2, one.legend, anchor="end", fill="#ccccdc")
        yield f'<rect x="{box.x + 190}" y="{y:.1f}" width="{box.w - 270}" height="{height - 6:.1f}" fill="#22252b"/>'
        yield (
            f'<rect x="{box.x + 190}" y="{y:.1f}" width="{width:.1f}" height="{height - 6:.1f}"'
            f' fill="{_colour(panel, one.last)}"/>'
        )
        yield _text(box.x + box.w - 72, y + height / 2 + 2, _told(one.last, panel.unit), fill=_colour(panel, one.last))


def _heat(panel: Panel, series: list[Series], box: Box) -> Iterator[str]:
    """Draw what fell into each bucket: Prometheus's are cumulative."""
    ordered = sorted(series, key=lambda one: float(one.legend))
    plot = Box(box.x + 60, box.y + 4, box.w - 66, box.h - 24)
    below: dict[int, float] = {}
    rows: list[tuple[str, dict[int, float]]] = []
    for one in ordered:
        now = {round(at): value for at, value in one.points}
        rows.append((one.legend, {at: value - below.get(at, 0.0) for at, value in now.items()}))
        below = now
    used = [row for row in rows if any(value > 0 for value in row[1].values())] or rows[:1]
    most = max((value for _, row in used for value in row.values()), default=1.0) or 1.0
    height = plot.h / len(used)
    for number, (bound, row) in enumerate(used):
        y = plot.y + plot.h - (number + 1) * height
        yield _text(
            plot.x - 5, y + height / 2 + 4, f"≤ {_told(float(bound), panel.unit)}", anchor="end", fill="#9fa3ab"
        )
        for at, value in row.items():
            if value > 0:
                x, width = plot.x + plot.w * at / LASTS, plot.w / LASTS
                shade = 0.15 + 0.85 * value / most
                yield (
                    f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height - 1:.1f}" fill="#ff9830"'
                    f' fill-opacity="{shade:.2f}"/>'
                )
    for second in range(0, LASTS + 1, 20):
        yield _text(
            plot.x + plot.w * second / LASTS, plot.y + plot.h + 14, f"{second} s", fill="#9fa3ab", anchor="middle"
        )


def _states(panel: Panel, series: list[Series], box: Box) -> Iterator[str]:
    (good, fine), (_, bad) = panel.states
    height = min(46.0, (box.h - 40) / max(1, len(series)))
    plot = Box(box.x + 130, box.y + 6, box.w - 136, box.h - 40)
    for number, one in enumerate(series):
        y = plot.y + number * height
        yield _text(plot.x - 6, y + height / 2 + 2, one.legend, anchor="end", fill="#ccccdc")
        for at, value in one.points:
            colour = GREEN if value == good else RED
            x = plot.x + plot.w * at / (LASTS + 1)
            size = f'width="{plot.w / LASTS + 0.3:.1f}" height="{height - 8}"'
            yield f'<rect x="{x:.1f}" y="{y}" {size} fill="{colour}"/>'
    for second in range(0, LASTS + 1, 20):
        yield _text(
            plot.x + plot.w * second / LASTS, box.y + box.h - 22, f"{second} s", fill="#9fa3ab", anchor="middle"
        )
    for at, (colour, name) in enumerate(((GREEN, fine), (RED, bad))):
        yield f'<rect x="{box.x + at * 90}" y="{box.y + box.h - 13}" width="10" height="10" fill="{colour}"/>'
        yield _text(box.x + 14 + at * 90, box.y + box.h - 4, name, fill="#ccccdc")


def _scale(series: list[Series], box: Box) -> tuple[Box, float]:
    return box, _top(series)


def _top(series: list[Series]) -> float:
    """Return a round number that no value exceeds."""
    most = max((value for one in series for _, value in one.points), default=0.0)
    if most <= 0:
        return 1.0
    unit = 10 ** math.floor(math.log10(most))
    return float(next(step * unit for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if step * unit >= most))


def _curve(one: Series, scale: tuple[Box, float], colour: str, *, width: float = 1.5) -> str:
    """Return a line with a gap wherever there is no value."""
    box, top = scale
    path, before = "", -10.0
    for at, value in one.points:
        command = "L" if at - before < 1.5 else "M"
        path += f"{command}{box.x + box.w * at / LASTS:.1f} {box.y + box.h * (1 - max(0.0, value) / top):.1f}"
        before = at
    return f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>'


def _colour(panel: Panel, value: float) -> str:
    warn, bad = panel.warn, panel.bad
    if warn is not None and bad is not None and bad < warn:
        return GREEN if value >= warn else YELLOW if value >= bad else RED
    if bad is not None and value >= bad:
        return RED
    return YELLOW if warn is not None and value >= warn else GREEN


def _told(value: float, unit: Unit) -> str:
    if unit is Unit.SHARE:
        return f"{100 * value:.3g} %"
    if unit is Unit.SECONDS and 0 < value < 1:
        return f"{1000 * value:.3g} ms"
    return f"{value:.3g}{_UNITS[unit]}" if value < 1000 else f"{value:.0f}{_UNITS[unit]}"


def _text(
    x: float, y: float, what: str, *, size: int = 11, fill: str = "#d8d9da", anchor: str = "start", weight: str = ""
) -> str:
    more = (f' text-anchor="{anchor}"' if anchor != "start" else "") + (f' font-weight="{weight}"' if weight else "")
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{fill}"{more}>{escape(what)}</text>'
