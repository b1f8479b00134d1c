"""The scenarios: each test of a fault says in its text what happens and what is promised, and nowhere else is it said.

F7: a role is denied for good, at 200 requests a second of 50 principals.

Promised: one call in 30 s; others are served.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.service import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

FILES: Final = (
    *sorted(Path(__file__).parent.glob("test_*.py")),
    ROOT / "tests" / "leases" / "test_fleet.py",
)
_TEXT: Final = re.compile(r"(?:([FT]\d+(?:, [FT]\d+)*): )?([^\n]+)\.\n\nPromised: (.+)\.", re.DOTALL)


class Scenario(NamedTuple):
    """A test of faults: the numbers of PROMISES that it speaks of, what happens in it, and what is promised."""

    test: str
    numbers: tuple[str, ...]
    happens: str
    promised: str

    @property
    def order(self) -> tuple[bool, str, int]:
        """Where it stands: by kind and number, and at the end without one."""
        first = self.numbers[0] if self.numbers else ""
        return not first, first[:1], int(first[1:] or 0)


def read(test: str, text: str) -> Scenario | None:
    """Return what a test's text promises, None where it promises nothing."""
    found = _TEXT.fullmatch(text.strip())
    if found is None:
        return None
    numbers, happens, promised = found.groups()
    return Scenario(test, tuple(numbers.split(", ")) if numbers else (), happens, " ".join(promised.split()))


def scenarios() -> list[Scenario]:
    """Return all of them, by their numbers."""
    return sorted((each for file in FILES for each in _of(file)), key=lambda each: each.order)


def _of(file: Path) -> Iterator[Scenario]:
    module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            each = read(f"{module}.{node.name}", ast.get_docstring(node) or "")
            if each is not None:
                yield each
