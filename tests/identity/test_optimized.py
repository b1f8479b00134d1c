"""T34: the room keeps its promises under `python -O` too, where a check that is an `assert` would be gone."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOM = sorted((ROOT / "vendor" / "identity").rglob("*.py"))
QUICK = ("token", "authentication")
# pytest rewrites the assertions of the tests themselves, so those still speak; it warns of those elsewhere.
OPTIONS = ("-q", "-x", "-n", "0", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestConfigWarning")


@pytest.mark.slow
def test_the_rooms_tests_pass_without_assertions() -> None:
    files = [str(ROOT / "tests" / "identity" / f"test_{name}.py") for name in QUICK]
    command = [sys.executable, "-O", "-m", "pytest", *OPTIONS, *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)  # noqa: S603 - our own
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert " passed" in done.stdout.splitlines()[-1]


@pytest.mark.parametrize("path", ROOM, ids=lambda path: path.name)
def test_no_check_of_the_room_is_an_assertion(path: Path) -> None:
    assert not [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Assert)]
