"""Files beside the configuration: read whole, and never more than they may hold."""

from __future__ import annotations

import stat
from pathlib import PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

State = tuple[int, ...] | None
"""What differs when a file was written or another put in its place; None for one that cannot be looked at."""


class UnreadableError(Exception):
    """A file that cannot be read; the message says which and why, and shows nothing of it."""


def is_beside(pattern: str) -> bool:
    """Tell whether a pattern can name nothing but files beside the configuration and in the folders below."""
    return "**" not in pattern and all(part.strip(".") for part in pattern.split("/"))


def fits(file: Path, folder: Path, pattern: str) -> bool:
    """Tell whether a pattern, which is relative to a folder, names a file."""
    name = PurePath(*file.parts[len(folder.parts) :])
    return len(name.parts) == pattern.count("/") + 1 and name.match(pattern)


class Sources:
    """What a configuration is read from, in the state in which it was found.

    `files` are those that were read, in order. What was looked for and not found counts as well: it may come.
    With `regular` nothing is waited for that is no file, as a pipe may be.
    """

    def __init__(self, *, regular: bool = False) -> None:
        self.files: list[Path] = []
        self._regular = regular
        self._states: dict[Path, State] = {}
        self._matches: dict[tuple[Path, str], tuple[Path, ...]] = {}

    def contents(self, path: Path, *, most: int) -> bytes:
        """Return the bytes of a file.

        Raises UnreadableError, for a file of more than `most` bytes too.
        """
        self.watch(path)  # from before it is read: a change meanwhile is one to come
        try:
            if self._regular and not stat.S_ISREG(path.stat().st_mode) and not path.is_dir():
                raise UnreadableError(f"the file {path} cannot be read: it is no regular file")
            with path.open("rb") as file:
                raw = file.read(most + 1)
        except OSError as exc:
            raise UnreadableError(f"the file {path} cannot be read: {exc.strerror}") from exc
        except ValueError as exc:
            raise UnreadableError(f"no file can be called {path}") from exc
        if len(raw) > most:
            raise UnreadableError(f"the file {path} is larger than {most // 1024} KiB")
        self.files.append(path)
        return raw

    def matching(self, folder: Path, pattern: str) -> list[Path]:
        """Return what a pattern names that is not a folder, in order.

        A link to nowhere is among it: whoever reads it finds that something is missing.
        """
        found = _matching(folder, pattern)
        self._matches[folder, pattern] = found
        return list(found)

    def watch(self, path: Path) -> None:
        """Note the state of a file that others read."""
        self._states.setdefault(path, _found(path))

    def changed(self) -> bool:
        """Tell whether anything was written, put in its place, added or taken away since."""
        return self.now() != (self._states, self._matches)

    def now(self) -> object:
        """Return the state of everything as it is at this moment."""
        return (
            {path: _found(path) for path in self._states},
            {(folder, pattern): _matching(folder, pattern) for folder, pattern in self._matches},
        )


def _matching(folder: Path, pattern: str) -> tuple[Path, ...]:
    # What begins with a dot is an editor's leftover, not a file that somebody means to be served.
    return tuple(sorted(one for one in folder.glob(pattern) if one.name[0] != "." and not one.is_dir()))


def _found(path: Path) -> State:
    """Return the state of a file, also behind a symlink: Kubernetes swaps one to a folder, so the inode is another."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
