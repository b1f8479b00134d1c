"""Findings: what is wrong with a configuration, each with its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vendor.config.meanings import MEANINGS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vendor.config.codes import Code, Severity

Path = tuple[str | int, ...]
"""Where a value stands: the keys and indices that lead to it."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One problem. `line` and `column` count from 1; `field` is the dotted path of the value."""

    file: str
    line: int
    column: int
    field: str
    message: str
    code: Code

    @property
    def severity(self) -> Severity:
        """An error stops the service from taking the configuration, a warning does not."""
        return self.code.severity

    def __str__(self) -> str:
        mark = "warning: " if self.severity == "warning" else ""
        field = f"{self.field}: " if self.field else ""
        return _printable(f"{self.file}:{self.line}:{self.column}: {mark}{field}{self.message} [{self.code}]")

    def to_dict(self) -> dict[str, str | int]:
        """Return the finding as JSON members."""
        meaning = MEANINGS[self.code]
        return {
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "field": self.field,
            "message": self.message,
            "severity": self.severity,
            "code": self.code.value,
            "why": meaning.why,
            "mend": meaning.mend,
        }


class ConfigurationError(Exception):
    """A configuration that cannot be served; `findings` has every problem, in the order of their places."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(sorted(set(findings)))
        super().__init__("\n".join(map(str, self.findings)))


def _printable(text: str) -> str:
    """Return a text on one line that any terminal can take: a name out of the file may hold anything."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )


def dotted(path: Path) -> str:
    """Return a path as people write it: `scopes.reports:read.grants[0].issuer`."""
    written = ""
    for part in path:
        written += f"[{part}]" if isinstance(part, int) else f".{part}" if written else part
    return written
