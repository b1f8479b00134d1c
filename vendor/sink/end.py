"""The end: a file or a pipe to which bytes are appended, and what is done where that stops midway."""

from __future__ import annotations

import fcntl
import os
import select
import stat
import sys
import termios
from pathlib import Path
from typing import Final

_NONE: Final = bytes(4)
# Of Linux alone; elsewhere nothing is sure to be taken.
_PIPE_SIZE: Final = getattr(fcntl, "F_GETPIPE_SZ", None)


class End:
    """Where bytes are appended: a file, which is opened anew where it was renamed away, or a pipe; stdout for `-`.

    A write that fails midway is taken back in a file, or ended by a newline in a pipe, so that no later line is glued
    to half of an earlier one. `stayed` tells how many bytes of the latest data there are where writing failed midway.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._place = Path(path)
        self.stayed = 0
        self._torn = False
        self._here: tuple[int, int] | None = None
        self._descriptor = self._open()

    def takes(self, size: int) -> bool:
        """Tell whether it is sure to take so many bytes at once: a pipe in which there is nothing, and room for them.

        Nothing that has a path says so: whatever is mounted there may hang, and so does opening another pipe in the
        place of one that was renamed away, until somebody reads it.
        """
        return size < self._capacity and fcntl.ioctl(self._descriptor, termios.FIONREAD, _NONE) == _NONE

    def close(self) -> None:
        """Let go of it, unless it is stdout."""
        if self._path != "-":
            os.close(self._descriptor)

    def append(self, data: bytes) -> None:
        """Write all of the data or none that stays."""
        self.stayed = 0
        self._follow()
        ended = b"\n" if self._torn else b""
        data = ended + data
        written = 0
        try:
            while written < len(data):
                written += self._write(data[written:])
        except OSError:
            if not written or not self._cut_off(written):
                self.stayed = written - len(ended)
            raise
        self._torn = False

    def _write(self, data: bytes) -> int:
        """Write some of the data, and wait until that is possible also where stdout is shared with who does not wait.

        That is a property of the open file itself: a parent that is an event loop hands it on with its stdout.
        """
        while True:
            try:
                return os.write(self._descriptor, data)
            except BlockingIOError:
                room = select.poll()
                room.register(self._descriptor, select.POLLOUT)
                room.poll()

    def _cut_off(self, written: int) -> bool:
        """Cut off what was written of the data; where that is not possible the next line begins with a newline."""
        torn, self._torn = self._torn, True
        if stat.S_ISREG(os.fstat(self._descriptor).st_mode):
            end = os.lseek(self._descriptor, 0, os.SEEK_CUR)  # that of what this descriptor has appended
            os.ftruncate(self._descriptor, end - written)
            self._torn = torn
            return True
        return False

    def _follow(self) -> None:
        """Open the file anew if it is no longer the one behind the path."""
        if self._path == "-":
            return
        try:
            there = self._place.stat()
        except FileNotFoundError:
            there = None
        if there is None or (there.st_ino, there.st_dev) != self._here:
            fresh = self._open()
            os.close(self._descriptor)
            self._descriptor = fresh
            self._torn = False

    def _open(self) -> int:
        if self._path == "-":
            descriptor = sys.stdout.fileno()
        else:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        here = os.fstat(descriptor)
        self._here = here.st_ino, here.st_dev
        is_pipe = self._path == "-" and stat.S_ISFIFO(here.st_mode)
        self._capacity = fcntl.fcntl(descriptor, _PIPE_SIZE) if is_pipe and _PIPE_SIZE is not None else -1
        return descriptor
