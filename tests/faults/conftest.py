"""Measured figures are told at the end of the run, also of the tests that passed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

MEASURED = "measured"


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Note a line for the summary."""
    return lambda line: record_property(MEASURED, line)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what was measured, test by test."""
    for reports in terminalreporter.stats.values():
        for report in reports:
            lines = [value for name, value in getattr(report, "user_properties", ()) if name == MEASURED]
            if lines and report.when == "call":
                terminalreporter.write_sep("-", report.location[2])
                terminalreporter.write_line("\n".join(lines))
