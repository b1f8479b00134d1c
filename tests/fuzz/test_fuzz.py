"""The fuzzing harness itself: it runs, and its seeds reach both answers of each target."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.__main__ import NAMES, fuzzer, walk
from tests.fuzz.targets import TARGETS, seeds

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def sown() -> dict[str, list[bytes]]:
    return seeds()


@pytest.mark.parametrize("name", TARGETS)
def test_the_seeds_of_a_target_reach_both_its_answers(name: str, sown: dict[str, list[bytes]]) -> None:
    assert {TARGETS[name](data) for data in sown[name]} == {False, True}


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_looks_at_bytes_that_are_nothing(name: str) -> None:
    assert not any(TARGETS[name](data) for data in (b"", b"\0", b"\xff" * 64, b"." * 64, b"{}" * 64, b"\n"))


def test_every_target_can_be_named() -> None:
    assert tuple(TARGETS) == NAMES


def test_the_command_fuzzes_or_says_that_it_cannot(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.fuzz", "--seconds", "1", "--folder", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603 - our own
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert ("Done " in done.stderr) is (fuzzer() is not None) is ("cannot be imported" not in done.stdout)


def test_without_a_fuzzer_the_seeds_are_walked(sown: dict[str, list[bytes]]) -> None:
    assert [walk(name, sown[name]) > 1 for name in NAMES] == [True] * len(NAMES)
