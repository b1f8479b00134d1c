"""Fingerprints: one short text for everything that a value holds, the same in every process that holds the same."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import timedelta
from enum import Enum

Scalar = str | int | float | bytes | timedelta | None


def fingerprint(*values: object) -> str:
    """Return the hexadecimal digest of values: two that differ anywhere have two, each piece being behind its length.

    Fields that do not count in a comparison do not count here. Raises TypeError for what it does not know.
    """
    pieces: list[bytes] = []
    _add(values, pieces)
    return hashlib.sha256(b"".join(pieces)).hexdigest()


def _add(value: object, pieces: list[bytes]) -> None:
    """Add a value, behind its type and its length."""
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, re.Pattern):
        value = ("pattern", value.pattern, value.flags)
    if is_dataclass(value) and not isinstance(value, type):
        value = (type(value).__qualname__, *(getattr(value, part.name) for part in fields(value) if part.compare))
    if isinstance(value, Mapping):  # in its order, which a policy keeps
        value = [part for item in value.items() for part in item]
    elif isinstance(value, frozenset):
        value = sorted(fingerprint(item) for item in value)
    if isinstance(value, tuple | list):
        pieces.append(b"(%d:" % len(value))
        for item in value:
            _add(item, pieces)
    elif isinstance(value, Scalar):
        text = value if isinstance(value, bytes) else repr(value).encode()
        pieces.append(b"%s=%d:" % (type(value).__name__.encode(), len(text)))
        pieces.append(text)
    else:
        raise TypeError(f"a {type(value).__name__} has no fingerprint")
