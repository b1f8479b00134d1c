"""Files that change while we serve: what is kept over a restart, and what others put in its place under way."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from os import PathLike

LONGEST: Final = 1 << 20
"""Bytes of the largest file that is read, unless another number is given."""


class KeptFile:
    """A file that holds what was last written to it, all of it or none, readable for its owner alone.

    Whoever can write it decides what is read, so one that everybody can write is not read.
    """

    def __init__(self, path: str | PathLike[str], *, longest: int = LONGEST) -> None:
        self._path = Path(path)
        self._longest = longest

    def read(self) -> bytes | None:
        """Return what was written last, None if nothing ever was.

        Raises OSError.
        """
        try:
            return _contents(self._path, most=self._longest, guarded=True)
        except FileNotFoundError:
            return None

    def write(self, raw: bytes) -> None:
        """Put these bytes in the place of the last; whoever reads meanwhile finds the old ones or the new.

        Raises OSError.
        """
        number, name = tempfile.mkstemp(prefix=f".{self._path.name}.", dir=self._path.parent)  # it is 0600
        try:
            with os.fdopen(number, "wb") as file:
                file.write(raw)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self._path)
        except BaseException:
            with suppress(OSError):
                Path(name).unlink()
            raise
        _persist(self._path.parent)


class Followed:
    """A file that others replace: its bytes as they are now, read again only when it has changed."""

    def __init__(self, path: str | PathLike[str], *, longest: int = LONGEST) -> None:
        self._path = Path(path)
        self._longest = longest
        self._stamp: tuple[int, ...] | None = None
        self._raw = b""

    def read(self) -> bytes:
        """Return what the file holds.

        Raises OSError, also when it held something before: what was taken away is not used any longer.
        """
        stamp = _stamp(self._path)
        if stamp is None or stamp != self._stamp:
            self._raw = _contents(self._path, most=self._longest)
            self._stamp = stamp  # of before the read, so a change during it is seen by the next
        return self._raw


class Changes:
    """Tells of some files that belong together whether any has changed since it was asked last."""

    def __init__(self, *paths: str | PathLike[str]) -> None:
        self._paths = [Path(path) for path in paths]
        self._seen = self._stamps()

    def seen(self) -> bool:
        """Return whether a file has changed, come or gone since the last call."""
        before, self._seen = self._seen, self._stamps()
        return before != self._seen

    def _stamps(self) -> list[tuple[int, ...] | None]:
        return [_stamp(path) for path in self._paths]


def load_chain(context: ssl.SSLContext, chain: bytes, key: bytes) -> None:
    """Let a context show a certificate chain and prove that it has the key, both PEM, from the next handshake on.

    They go by way of memory: OpenSSL reads files only, and there may be no place where one can be written. Raises
    OSError.
    """
    with _in_memory(chain) as certificate_path, _in_memory(key) as key_path:
        context.load_cert_chain(certificate_path, key_path)


@contextmanager
def _in_memory(content: bytes) -> Iterator[str]:
    """Give the path of a file that is nowhere but in memory, for as long as the block lasts."""
    with os.fdopen(os.memfd_create("vendor", os.MFD_CLOEXEC), "wb") as file:
        file.write(content)
        file.flush()
        yield f"/proc/self/fd/{file.fileno()}"


def _stamp(path: Path) -> tuple[int, ...] | None:
    """Return what differs when a file was written or another put in its place, also behind a symlink; None without it.

    Kubernetes swaps a symlink to a folder, so every file has another inode then, while its own name stays untouched.
    """
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _contents(path: Path, *, most: int, guarded: bool = False) -> bytes:
    # Without O_NONBLOCK a pipe would hold us until somebody writes.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", str(path))
        if guarded and found.st_mode & stat.S_IWOTH:
            raise PermissionError(errno.EPERM, "everybody can write it", str(path))
        raw = file.read(most + 1)
    if len(raw) > most:
        raise OSError(errno.EFBIG, f"it holds more than {most} bytes", str(path))
    return raw


def _persist(folder: Path) -> None:
    """Let the new name outlast a power failure, where the file system can."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(OSError):
            os.fsync(number)
    finally:
        os.close(number)
