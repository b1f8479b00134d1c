"""Measured figures are told at the end of the run, also of the tests that passed, and kept as a table."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MEASURED = "measured"
FAULT = "fault"
TABLE: Final = Path(__file__).parents[2] / ".cache" / "faults.txt"


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Note a line for the summary."""
    return lambda line: record_property(MEASURED, line)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have each test of a fault say what it is about."""
    for item in items:
        if item.get_closest_marker("faults") and isinstance(item, pytest.Function):
            about = (inspect.getdoc(item.function) or item.name).partition("\n")[0]
            item.user_properties.append((FAULT, about))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what was measured, test by test, and how each ended in a table."""
    ended = [report for reports in terminalreporter.stats.values() for report in reports if _is_end(report)]
    for report in ended:
        if lines := list(_of(report, MEASURED)):
            terminalreporter.write_sep("-", report.location[2])
            terminalreporter.write_line("\n".join(lines))
    rows = [f"{report.outcome:7} {report.duration:5.0f} s  {about}" for report in ended for about in _of(report, FAULT)]
    if rows:
        terminalreporter.write_sep("=", "faults")
        table = "\n".join(sorted(rows, key=lambda row: row[17:]))
        terminalreporter.write_line(table)
        TABLE.parent.mkdir(exist_ok=True)
        TABLE.write_text(f"{table}\n")


def _is_end(report: object) -> bool:
    """Tell whether this is the report of a test's end: of its call, or of a set-up that went wrong or skipped it."""
    return isinstance(report, pytest.TestReport) and (report.when == "call" or report.outcome != "passed")


def _of(report: pytest.TestReport, name: str) -> Iterable[str]:
    return (str(value) for known, value in report.user_properties if known == name)
