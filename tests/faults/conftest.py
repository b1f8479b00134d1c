"""Measured figures are told at the end of the run, also of the tests that passed, and kept for the table of the docs.

A scenario is given two minutes, set-up included, by the rig's own clock: one that takes longer has failed.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.faults.telling import MEASURED, TOLD, Tell

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

FAULT: Final = "fault"
TABLE: Final = Path(__file__).parents[2] / ".cache" / "faults.txt"
LIMIT: Final = 120.0
"""Seconds that a scenario may take, from the beginning of its set-up to its end."""
BEGAN: Final = pytest.StashKey[float]()


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Tell:
    """Note lines for the summary, and figures for the table."""
    return Tell(request.node)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have each test of a fault say what it is about."""
    for item in items:
        if {"faults", "simulated"} & {mark.name for mark in item.iter_markers()} and isinstance(item, pytest.Function):
            about = (inspect.getdoc(item.function) or item.name).partition("\n")[0]
            item.user_properties.append((FAULT, about))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let no scenario pass that took longer than it may."""
    report = yield
    began = item.stash.setdefault(BEGAN, call.start)
    if call.when == "call":
        judge(report, call.stop - began)
    return report


def judge(report: pytest.TestReport, took: float) -> None:
    """Make a failure of what passed too late."""
    if report.passed and took > LIMIT:
        report.outcome = "failed"
        report.user_properties.append((MEASURED, f"took {took:.0f} s"))
        report.longrepr = f"took {took:.0f} s: a scenario has {LIMIT:.0f} s, its set-up included"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what was measured, test by test, and how each ended in a table."""
    ended = [report for reports in terminalreporter.stats.values() for report in reports if _is_end(report)]
    for report in ended:
        if lines := [*_of(report, TOLD), *_of(report, MEASURED)]:
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
