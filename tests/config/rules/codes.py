"""Which code each rule's finding has. A code never changes: a line of codes.txt may come, and none may change or go."""

from __future__ import annotations

from pathlib import Path


def of_rules() -> dict[str, str]:
    """Return the code of each rule by its sentence."""
    lines = (Path(__file__).parent / "codes.txt").read_text("utf-8").splitlines()
    return {says: code for code, _, says in (line.partition(" ") for line in lines)}
