"""The standard streams: there are three, whatever a program was started with, and none fails at a character."""

from __future__ import annotations

import os
import sys
from io import FileIO, TextIOWrapper


def settle() -> None:
    """Put something in the place of each standard stream that is closed, and escape what one of them cannot spell.

    The next file or socket would have its number: what is printed would go there, and libuv ends a process that closes
    one of the three. A stdout that was closed still cannot be written, so that nobody takes an audit line for written.
    """
    for number, how in enumerate((os.O_WRONLY, os.O_RDONLY, os.O_WRONLY)):
        _fill(number, how)
    sys.stdout = sys.stdout or _stream(1)
    sys.stderr = sys.stderr or _stream(2)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _stream(number: int) -> TextIOWrapper:
    """Return a stream where Python has none, as its descriptor was closed when it began; it keeps nothing back."""
    return TextIOWrapper(FileIO(number, "w", closefd=False), encoding="utf-8", write_through=True)


def _fill(number: int, how: int) -> None:
    try:
        os.fstat(number)
    except OSError:
        os.open(os.devnull, how)  # takes the lowest number that is free, which is this one
