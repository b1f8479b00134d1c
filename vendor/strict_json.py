"""JSON read strictly: one spelling of one value, or none at all (RFC 8259 section 4, RFC 7493)."""

from __future__ import annotations

import json
import math
from typing import Any, Final, NoReturn

DEEPEST: Final = 16
"""Levels of nesting that are read."""


class StrictJSONError(ValueError):
    """A text that is not strict JSON; the message says why and shows nothing of the text."""


def read_object(raw: bytes) -> dict[str, Any]:
    """Return the object that UTF-8 bytes hold.

    Raises StrictJSONError for anything else: other encodings, a byte order mark, a member that stands twice, nesting
    beyond 16 levels, NaN and Infinity (also as a number too large for a double), NUL or a lone surrogate in a string.
    """
    try:
        value = _DECODER.decode(raw.decode("utf-8"))
    except StrictJSONError:
        raise
    except (ValueError, RecursionError) as exc:
        raise StrictJSONError("not JSON in UTF-8") from exc
    if not isinstance(value, dict):
        raise StrictJSONError("not an object")
    # Only an escape can write NUL or a lone surrogate, and there is no nesting without brackets.
    if b"\\u" in raw or raw.count(b"{") + raw.count(b"[") > DEEPEST:
        _check(value, DEEPEST)
    return value


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise StrictJSONError("a member stands twice")
    return members


def _constant(_name: str) -> NoReturn:
    raise StrictJSONError("NaN or Infinity")


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise StrictJSONError("a number too large")
    return number


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_members, parse_constant=_constant, parse_float=_float)


def _check(value: object, depth: int) -> None:
    if isinstance(value, str):
        if "\0" in value or (not value.isascii() and _has_surrogate(value)):
            raise StrictJSONError("NUL or a lone surrogate in a string")
    elif isinstance(value, dict | list):
        if depth == 0:
            raise StrictJSONError("nested too deep")
        for item in (*value, *value.values()) if isinstance(value, dict) else value:
            _check(item, depth - 1)


def _has_surrogate(value: str) -> bool:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False
