"""docs/faults.md: every fault has its scenario, the table is of the scenarios there are, and figures keep their day."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from tests.faults import report
from tests.faults.scenarios import FILES, Scenario, read, scenarios
from tests.service import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DOCUMENT = ROOT / "docs" / "faults.md"
# What F27 and F29 would be has its tests elsewhere.
FAULTS = {f"F{number}" for number in range(1, 33)} - {"F27", "F29"}
# What is promised of leases against somebody is measured as well, and not only tried.
THREATS = {"T17", "T18", "T19", "T20", "T21", "T33"}
TIMED_OUT = '<failure message="took 130 s" />'


def test_every_fault_has_its_scenario_and_so_has_every_threat_to_leases() -> None:
    assert {number for each in scenarios() for number in each.numbers} >= FAULTS | THREATS


def test_the_table_is_of_the_scenarios_that_there_are() -> None:
    rows = [line[2:-2].split(" | ")[:3] for line in _table(DOCUMENT.read_text()).splitlines()[2:]]
    assert rows == [[", ".join(each.numbers), each.happens, each.promised] for each in scenarios()]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_test_of_faults_says_what_it_promises(file: Path) -> None:
    names = {each.test.rpartition(".")[2] for each in scenarios()}
    assert {name for name in _of_faults(ast.parse(file.read_text())) if name not in names} == set()


def _of_faults(module: ast.Module) -> Iterator[str]:
    """Return the tests of a file that is of faults as a whole (but for the real cloud's), and those that are marked."""
    whole = "pytestmark = pytest.mark.faults" in map(ast.unparse, module.body)
    for node in module.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            marked = {ast.unparse(each) for each in node.decorator_list}
            if whole or marked & {"pytest.mark.faults", "pytest.mark.simulated"}:
                yield node.name


@pytest.mark.parametrize(
    "text",
    [
        "F7: a role is denied.",
        "F7: a role is denied.\n\nPromised: one call",
        "F7: a role\nis denied.\n\nPromised: one call.",
    ],
)
def test_a_text_that_does_not_say_both_is_no_scenario(text: str) -> None:
    assert read("tests.x", text) is None


def test_a_text_says_numbers_what_happens_and_what_is_promised() -> None:
    found = read("tests.x", "F1, F2: it: happens.\n\nPromised: so\nmuch. And more.\n")
    assert found == Scenario("tests.x", ("F1", "F2"), "it: happens", "so much. And more")


def test_what_did_not_run_keeps_its_line_and_what_ran_is_written_with_its_day(tmp_path: Path) -> None:
    first, second, third, *_ = scenarios()
    before = {(", ".join(each.numbers), each.happens): report.Line("5 of 5", "2026-01-02") for each in (first, second)}
    document = tmp_path / "faults.md"
    document.write_text(f"before\n{report.BEGIN}\n{report.table(before, {})}\n{report.END}after\n")
    results = tmp_path / "faults.xml"
    results.write_text(
        f'<testsuites><testsuite timestamp="2026-03-04T05:06:07">{_case(second, "[a]", "6 of 6 | x")}'
        f"{_case(second, '[b]', '7 of 8', TIMED_OUT)}{_case(third, '', None, '<skipped />')}</testsuite></testsuites>"
    )
    report.main(str(results), str(document))
    text = document.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "The last run was on 2026-03-04: " in text
    told = [row.split(" | ", 3)[3] for row in _table(text).splitlines()[2:5]]
    assert told == [
        "5 of 5 | 2026-01-02 |",
        "a: 6 of 6 / x; **did not hold** b: 7 of 8 | 2026-03-04 |",
        f"{report.UNKNOWN} |  |",
    ]
    report.main(str(results), str(document))
    assert document.read_text() == text


def _case(each: Scenario, which: str, figures: str | None, ended: str = "") -> str:
    module, _, name = each.test.rpartition(".")
    noted = "" if figures is None else f'<properties><property name="measured" value="{figures}" /></properties>'
    return f'<testcase classname="{module}" name="{name}{which}">{noted}{ended}</testcase>'


def _table(text: str) -> str:
    passage = text.partition(report.BEGIN)[2].partition(report.END)[0]
    return "".join(line for line in passage.splitlines(keepends=True) if line.startswith("|"))
