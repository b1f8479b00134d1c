"""Tracebacks that hold places and kinds alone: what an exception's message quotes may be a secret (T23)."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def told(exc: BaseException) -> str:
    """Return where an exception went through and of which kind it is, after those that it came of."""
    return "".join(_told(exc, set()))


def _told(exc: BaseException, seen: set[int]) -> Iterator[str]:
    seen.add(id(exc))
    before = exc.__cause__ or (None if exc.__suppress_context__ else exc.__context__)
    if before is not None and id(before) not in seen:  # a chain may bite its own tail
        yield from _told(before, seen)
        yield "\nof which came:\n\n"
    yield "Traceback (most recent call last):\n"
    yield from traceback.format_tb(exc.__traceback__)
    yield f"{type(exc).__module__}.{type(exc).__qualname__}\n".removeprefix("builtins.")
    for number, inner in enumerate(exc.exceptions if isinstance(exc, BaseExceptionGroup) else (), 1):
        yield f"\nof which number {number} was:\n\n"
        yield from _told(inner, seen)
