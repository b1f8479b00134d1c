"""Core files: there are none of a process that holds secrets, whatever ends it."""

from __future__ import annotations

import ctypes
import resource
from contextlib import suppress
from typing import Final

_PR_SET_DUMPABLE: Final = 4


def forbid() -> None:
    """Let the kernel write no core of this process, nor let others of its user read its memory.

    The limit holds for files and for the processes that this one starts; a core that is piped to a program knows no
    limit (core(5)), so on Linux the process is marked as well (prctl(2), PR_SET_DUMPABLE).
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(AttributeError):  # elsewhere than on Linux
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
