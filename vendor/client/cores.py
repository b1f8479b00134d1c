"""Core files: there are none of a client that goes on for a while, as its memory holds secrets."""

from __future__ import annotations

import contextlib

TYPE_CHECKING = False  # as in address.py
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    Allowed = Callable[[], AbstractContextManager[None]]

_PR_SET_DUMPABLE = 4


def forbid() -> Allowed:
    """Let the kernel write no core of this process, nor others of its user read its memory where Linux can prevent it.

    Whatever is started within what this returns may leave one as large as we might have before. See `vendor.cores`.
    """
    try:
        import resource  # noqa: PLC0415  # there is none on Windows, which writes no cores
    except ImportError:
        return contextlib.nullcontext
    import ctypes  # noqa: PLC0415  # slow to load

    before = resource.getrlimit(resource.RLIMIT_CORE)
    none = 0, before[1]  # what is given up for good nobody can give to the command
    resource.setrlimit(resource.RLIMIT_CORE, none)
    with contextlib.suppress(AttributeError):  # elsewhere than on Linux
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)  # a program that is started is what it is by itself

    @contextlib.contextmanager
    def allowed() -> Iterator[None]:
        resource.setrlimit(resource.RLIMIT_CORE, before)
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_CORE, none)

    return allowed
