"""docs/threats.md: every threat has its row, which names every file with a test that bears its number, and no other."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
ROWS = re.findall(r"^\| (T[^|]*?) \|.*\| ([^|]+) \|$", (ROOT / "docs" / "threats.md").read_text("utf-8"), re.MULTILINE)
NUMBERED = {number: where for said, where in ROWS for number in said.split(", ")}
NAMED = re.compile(r"def test_(\w+)", re.ASCII)
NUMBER = re.compile(r"(?:^|_)t(\d+)(?=_|$)", re.ASCII)


def _named(where: str) -> Iterator[Path]:
    """Return what a row names; a name alone is in the folder of the one before."""
    folder = ROOT
    for name in re.findall(r"`([^`]+)`", where):
        path = ROOT / name if "/" in name else folder / name
        folder = path if path.is_dir() else path.parent
        yield path


def test_every_threat_has_its_row() -> None:
    assert {f"T{number}" for number in range(1, 35)} - {"T32"} == NUMBERED.keys()


@pytest.mark.parametrize(("said", "where"), ROWS)
def test_what_a_row_names_is_there_and_speaks_of_its_threat(said: str, where: str) -> None:
    any_of = said.replace(", ", "|")
    speaks = re.compile(rf"\b({any_of})\b|_({any_of.lower()})[_(]", re.ASCII)
    for path in _named(where):
        files = [path] if path.is_file() else list(path.rglob("*.py"))
        assert any(speaks.search(file.read_text("utf-8")) for file in files), path


def test_every_test_that_bears_a_number_is_in_its_row() -> None:
    missing = []
    for file in (ROOT / "tests").rglob("test_*.py"):
        names = NAMED.findall(file.read_text("utf-8"))
        for number in {number for name in names for number in NUMBER.findall(name)}:
            named = list(_named(NUMBERED[f"T{number}"]))
            if file not in named and not set(named) & set(file.parents):
                missing.append(f"T{number}: {file.relative_to(ROOT)}")
    assert missing == []


def test_each_test_from_outside_begins_with_its_number() -> None:
    files = (ROOT / "tests" / "attacks").glob("test_*.py")
    named = [name for file in files for name in NAMED.findall(file.read_text("utf-8"))]
    assert [name for name in named if not NUMBER.match(name)] == []
