"""docs/findings.md: every code with its severity and meaning, and an example with which it is found."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.config.rules import codes, linted, warnings
from tests.config.rules.folders import FOLDERS
from tests.config.sound import broken, changed, found
from tests.config.test_broken import FILES
from tests.config.test_rules import RULES
from tests.service import ROOT
from vendor.config.meanings import MEANINGS

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (ROOT / "docs" / "findings.md").read_text("utf-8")


class Row(NamedTuple):
    """A code's line of the page."""

    code: str
    severity: str
    what: str
    why: str
    mend: str
    example: str


def _cells(line: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


ROWS = [Row(*_cells(line)) for line in PAGE.splitlines() if line.startswith("| V")]


def _texts(code: str) -> list[str]:
    """Return the files of every example that has a code, what cannot be seen in them as escapes."""
    of_rules = codes.of_rules()
    rules = [*RULES.values(), *warnings.WARNINGS.values(), *linted.LINTED.values()]
    texts = [broken(rule) for rule in rules if of_rules[rule.says] == code]
    for folder in FOLDERS.values():
        texts += folder.files.values() if folder.code == code else ()
    for file in FILES:
        if f"[{code}]" in file.with_suffix(".txt").read_text("utf-8"):
            texts.append(file.read_bytes().decode("utf-8", "backslashreplace"))
    return [_shown(text) for text in texts]


def _shown(text: str) -> str:
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def test_every_code_has_its_line_and_what_it_says_is_what_the_command_says() -> None:
    expected = [(code, code.severity, one.what, one.why, one.mend) for code, one in MEANINGS.items()]
    assert [row[:-1] for row in ROWS] == expected


@pytest.mark.parametrize("row", ROWS, ids=[row.code for row in ROWS])
def test_with_the_example_of_a_code_it_is_found(row: Row) -> None:
    example = row.example.strip("`").removesuffix("…")
    assert any(example in text for text in _texts(row.code)), example


def test_a_code_stands_under_the_heading_of_its_hundred() -> None:
    for section in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]:
        assert {f"V{code}" for code in re.findall(r"^\| V(\d)", section, re.MULTILINE)} == {section[:2]}


def test_the_line_that_is_shown_is_the_one_that_is_printed(tmp_path: Path) -> None:
    (shown,) = re.findall(r"^```\n(.+)\n```$", PAGE, re.MULTILINE)
    (finding,) = found(tmp_path, changed("issuer: cluster\n", "issuer: clusters\n"))
    assert str(finding) == f"{tmp_path}/{shown}"
