"""What a test tells of itself: lines for the end of the run, and figures for the table of docs/faults.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pytest

TOLD: Final = "told"
MEASURED: Final = "measured"


class Tell:
    """Notes lines with a test, of which the report is made."""

    def __init__(self, test: pytest.Item) -> None:
        self._notes = test.user_properties

    def __call__(self, line: str) -> None:
        """Note a line for the summary."""
        self._notes.append((TOLD, line))

    def measured(self, figures: str) -> None:
        """Note figures for the table, and for the summary."""
        self._notes.append((MEASURED, figures))
