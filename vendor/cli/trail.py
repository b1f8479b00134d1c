"""The audit trail as files: lines, one after the other, however large the files are and however they are compressed."""

from __future__ import annotations

import gzip
import zlib
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vendor.cli import given

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedIOBase

_LONGEST: Final = 1 << 20  # bytes of one line; ours are far shorter
_GZIP: Final = b"\x1f\x8b"


def lines(name: str) -> Iterator[bytes]:
    """Yield the lines of a file that are not blank; `-` is standard input.

    Of a line that is too long only the beginning comes, and for the end of a compressed file that is cut off an empty
    line: neither is a line of ours. Raises UnusableError.
    """
    try:
        with _opened(name) as file:
            yield from _lines(file)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        yield b""
    except (OSError, ValueError) as exc:
        raise given.unreadable(name, exc) from exc


@contextmanager
def _opened(name: str) -> Iterator[BufferedIOBase]:
    """Open a file, or standard input for `-`, decompressed if it is compressed."""
    with nullcontext(given.standard_input()) if name == "-" else Path(name).open("rb") as raw:
        if raw.peek(len(_GZIP))[: len(_GZIP)] != _GZIP:
            yield raw
            return
        with gzip.GzipFile(fileobj=raw) as file:
            yield file


def _lines(file: BufferedIOBase) -> Iterator[bytes]:
    while line := file.readline(_LONGEST):
        rest = line
        while rest and not rest.endswith(b"\n") and len(rest) == _LONGEST:
            rest = file.readline(_LONGEST)
        if line.strip():
            yield line
