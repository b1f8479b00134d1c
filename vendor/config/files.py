"""Files beside the configuration: read whole, and never more than they may hold."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class UnreadableError(Exception):
    """A file that cannot be read; the message says which and why, and shows nothing of it."""


def is_beside(pattern: str) -> bool:
    """Tell whether a pattern can name nothing but files beside the configuration and in the folders below."""
    return "**" not in pattern and all(part.strip(".") for part in pattern.split("/"))


def fits(file: Path, folder: Path, pattern: str) -> bool:
    """Tell whether a pattern, which is relative to a folder, names a file."""
    name = PurePath(*file.parts[len(folder.parts) :])
    return len(name.parts) == pattern.count("/") + 1 and name.match(pattern)


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
