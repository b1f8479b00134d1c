"""Report: the table of docs/faults.md, written from the last run of `make test-faults`.

What did not run keeps its line with the day of its figures.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple
from xml.etree import ElementTree as ET

from tests.benchmarks.__main__ import machine
from tests.faults.scenarios import scenarios
from tests.faults.telling import MEASURED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.faults.scenarios import Scenario

BEGIN: Final = "<!-- what the last `make test-faults` measured begins here -->\n"
END: Final = "<!-- and ends here -->\n"
HEADS: Final = ("#", "what happens", "what is promised", "measured", "on")
BROKEN: Final = "**did not hold** "
UNKNOWN: Final = "not yet"


class Line(NamedTuple):
    """What was measured of a scenario, and on which day."""

    measured: str
    on: str


def read(path: Path) -> tuple[str, dict[str, Line]]:
    """Return the day of a run and what it measured of each test, as pytest has written it."""
    root = ET.parse(path).getroot()  # noqa: S314 - our own run's
    day = next(suite.get("timestamp", "")[:10] for suite in root.iter("testsuite"))
    cases: dict[str, list[str]] = {}
    for case in root.iter("testcase"):
        if case.find("skipped") is None:
            name, _, which = case.get("name", "").partition("[")
            cases.setdefault(f"{case.get('classname')}.{name}", []).append(_told(case, which.removesuffix("]")))
    return day, {test: Line("; ".join(told), day) for test, told in cases.items()}


def _told(case: ET.Element, which: str) -> str:
    figures = [one.get("value", "") for one in case.iter("property") if one.get("name") == MEASURED]
    held = case.find("failure") is None and case.find("error") is None
    said = "; ".join(figures) or ("held" if held else "")
    return f"{'' if held else BROKEN}{f'{which}: ' if which else ''}{said}".strip()


def kept(document: str) -> dict[tuple[str, str], Line]:
    """Return the lines that a document has, by number and what happens."""
    passage = document.partition(BEGIN)[2].partition(END)[0]
    rows = [line[2:-2].split(" | ") for line in passage.splitlines() if line.startswith("| ")]
    return {(number.strip(), happens): Line(measured, on) for number, happens, _, measured, on in rows[2:]}


def table(known: Mapping[tuple[str, str], Line], measured: Mapping[str, Line]) -> str:
    """Return the table of all scenarios: as measured now, or else as known before."""
    rows = [HEADS, ("---",) * len(HEADS), *_rows(known, measured)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _rows(known: Mapping[tuple[str, str], Line], measured: Mapping[str, Line]) -> Iterator[tuple[str, ...]]:
    for each in scenarios():
        line = measured.get(each.test) or known.get(_key(each), Line(UNKNOWN, ""))
        yield (*_key(each), each.promised, line.measured.replace(" | ", " / "), line.on)


def _key(each: Scenario) -> tuple[str, str]:
    return ", ".join(each.numbers), each.happens


def main(results: str, document: str) -> None:
    """Write the table of a run into a document."""
    path = Path(document)
    text = path.read_text()
    day, measured = read(Path(results))
    passage = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    head = f"The last run was on {day}: {machine()}. A line of another day is of a run before.\n"
    written = f"{BEGIN}\n{head}\n{table(kept(text), measured)}\n{END}"
    path.write_text(passage.sub(lambda _: written, text))


if __name__ == "__main__":
    main(*sys.argv[1:])
