"""Files beside the configuration: read whole, and never more than they may hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class UnreadableError(Exception):
    """A file that cannot be read; the message says which and why, and shows nothing of it."""


def contents(path: Path, *, most: int) -> bytes:
    """Return the bytes of a file.

    Raises UnreadableError, for a file of more than `most` bytes too.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(most + 1)
    except OSError as exc:
        raise UnreadableError(f"the file {path} cannot be read: {exc.strerror}") from exc
    except ValueError as exc:
        raise UnreadableError(f"no file can be called {path}") from exc
    if len(raw) > most:
        raise UnreadableError(f"the file {path} is larger than {most // 1024} KiB")
    return raw
