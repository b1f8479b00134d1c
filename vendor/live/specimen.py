"""Specimens: a value that a pattern of the configuration admits, and how long one can be, from the pattern itself.

The configuration admits no look-around, no back references and no quantifier behind a group; what is made here is a
guess all the same, and whoever takes it asks the parameter whether it is admitted.
"""

from __future__ import annotations

import re
from typing import Final

_ATOM: Final = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]|\\x[0-9a-fA-F]{2}|\\.|.", re.DOTALL)
_TIMES: Final = re.compile(r"(?:([*+?])|\{([0-9]*)(,?)([0-9]*)\})[?+]?")
_PREFERRED: Final = "a0A-_.=@/bcdefghijklmnopqrstuvwxyz123456789BCDEFGHIJKLMNOPQRSTUVWXYZ:,+ "
LONGEST: Final = 256
"""Characters of the longest value that anything admits."""


def specimen(pattern: str) -> str:
    """Return a text that probably matches the whole pattern: the first alternative, each repeat as short as it may."""
    return _alternative(pattern, 0)[0]


def longest(pattern: str) -> int:
    """Return how many characters a value that matches the whole pattern can have; never too few."""
    return min(_longest_alternative(pattern, 0)[0], LONGEST)


def _longest_alternative(pattern: str, at: int) -> tuple[int, int]:
    """Return the length of the longest alternative from a place on, and the place of the `)` or the end behind it."""
    length, most = 0, 0
    while at < len(pattern) and pattern[at] != ")":
        if pattern[at] == "|":
            length, most, at = 0, max(length, most), at + 1
            continue
        piece, at = _longest_piece(pattern, at)
        length += piece
    return max(length, most), at


def _longest_piece(pattern: str, at: int) -> tuple[int, int]:
    if pattern[at] == "(":
        inside, end = _longest_alternative(pattern, at + (3 if pattern.startswith("(?:", at) else 1))
        behind = _TIMES.match(pattern, end + 1)
        return LONGEST if behind else inside, behind.end() if behind else end + 1
    atom = next(_ATOM.finditer(pattern, at))
    times = _TIMES.match(pattern, atom.end())
    if times is None or times[1] == "?":
        return 1, times.end() if times else atom.end()
    most = times[4] if times[3] else times[2]
    return int(most or LONGEST), times.end()


def _alternative(pattern: str, at: int) -> tuple[str, int]:
    """Return the text of the alternatives from a place on, and the place of the `)` or the end behind them."""
    made, chosen = "", None
    while at < len(pattern) and pattern[at] != ")":
        if pattern[at] == "|":
            made, chosen, at = "", made if chosen is None else chosen, at + 1
            continue
        piece, at = _piece(pattern, at)
        made += piece
    return (made if chosen is None else chosen), at


def _piece(pattern: str, at: int) -> tuple[str, int]:
    if pattern[at] == "(":
        inside, end = _alternative(pattern, at + (3 if pattern.startswith("(?:", at) else 1))
        behind = _TIMES.match(pattern, end + 1)
        return inside, behind.end() if behind else end + 1
    atom = next(_ATOM.finditer(pattern, at))
    times = _TIMES.match(pattern, atom.end())
    # What may be left out stands once: a value may not be empty.
    number = min(max(int(times[2] or 0), 1), LONGEST) if times else 1
    return _character(atom[0]) * number, times.end() if times else atom.end()


def _character(atom: str) -> str:
    """Return one character that an atom matches, the first of the plain ones if there is one."""
    try:
        fitting = re.compile(atom, re.ASCII).fullmatch
    except re.error:  # a part of something that is not admitted
        return ""
    return next((character for character in (*_PREFERRED, *map(chr, range(256))) if fitting(character)), "")
