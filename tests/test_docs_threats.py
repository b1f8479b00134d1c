"""docs/threats.md: every threat has its row, and the tests that a row names are there and speak of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROWS = re.findall(r"^\| (T[^|]*?) \|.*\| ([^|]+) \|$", (ROOT / "docs" / "threats.md").read_text("utf-8"), re.MULTILINE)
NUMBERED = {number for said, _ in ROWS for number in said.split(", ")}


def test_every_threat_has_its_row() -> None:
    assert {f"T{number}" for number in range(1, 35)} - {"T32"} == NUMBERED


@pytest.mark.parametrize(("said", "where"), ROWS)
def test_what_a_row_names_is_there(said: str, where: str) -> None:
    folder = ROOT
    for name in re.findall(r"`([^`]+)`", where):
        path = ROOT / name if "/" in name else folder / name
        folder = path if path.is_dir() else path.parent
        assert path.exists(), f"{said}: {name}"
