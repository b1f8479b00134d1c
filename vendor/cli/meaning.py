"""Meanings of findings' codes, for who has one before them and no documentation."""

from __future__ import annotations

import json
import textwrap
from typing import Final

from vendor.cli.given import UnusableError
from vendor.cli.terminal import plain
from vendor.config.codes import Code
from vendor.config.meanings import MEANINGS

_WIDTH: Final = 100


def of_code(said: str) -> Code:
    """Return the code that somebody means.

    Raises UnusableError.
    """
    try:
        return Code(said.strip("[] ").upper())
    except ValueError as exc:
        raise UnusableError(f"vendor: there is no finding {plain(said):.40}: a code is written {min(Code)}") from exc


def as_text(code: Code) -> str:
    """Return what a code means, as lines for people."""
    meaning = MEANINGS[code]
    lines = [f"{code} ({code.severity}): {meaning.what}"]
    for name, text in (("why", meaning.why), ("mend", meaning.mend)):
        lines += textwrap.wrap(text, _WIDTH, initial_indent=f"  {name:<4}  ", subsequent_indent="        ")
    return "\n".join(lines)


def as_json(code: Code) -> str:
    """Return what a code means, by the members that findings have."""
    meaning = MEANINGS[code]
    told = {"code": code, "severity": code.severity, "what": meaning.what, "why": meaning.why, "mend": meaning.mend}
    return json.dumps(told, indent=2)
