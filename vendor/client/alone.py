"""One at a time: what several runs of `vend` would change at once."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time

TYPE_CHECKING = False  # as in address.py
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def alone(path: Path, how: int, *, patience: float) -> Iterator[None]:
    """Keep other runs out of a file or folder, which is opened so; as far as that is possible, and patience goes."""
    until = time.monotonic() + patience
    try:
        opened = os.open(path, how | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError:
        yield
        return
    try:
        while not _locked(opened) and time.monotonic() < until:
            time.sleep(0.02)
        yield
    finally:
        os.close(opened)


def _locked(opened: int) -> bool:
    """Tell whether nobody has to be waited for any more."""
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:  # any other: on NFS no folder can be locked, as none is open for writing
        return not isinstance(exc, BlockingIOError)
    return True
