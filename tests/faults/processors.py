"""Which processor a process runs on and who comes first there: what is measured is kept apart from what measures."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_ALL: Final = sorted(os.sched_getaffinity(0))
FIRST: Final = _ALL[:1]
LAST: Final = _ALL[-1:]


def go_first(rank: int = 1) -> None:
    """Let nothing ordinary, and nobody of a lower rank, run on this process's processor while it has work.

    It takes root, or changes nothing.
    """
    with suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(rank))


def go_last() -> None:
    """Let everything else run first."""
    os.nice(10)


@contextmanager
def on(cores: list[int], *, first: int = 0) -> Iterator[None]:
    """Keep this process, and the children that it begins meanwhile with all their threads, on these processors.

    They go first with that rank, if it is one.
    """
    affinity, policy, parameters = os.sched_getaffinity(0), os.sched_getscheduler(0), os.sched_getparam(0)
    os.sched_setaffinity(0, cores)
    if first:
        go_first(first)
    try:
        yield
    finally:
        os.sched_setaffinity(0, affinity)
        os.sched_setscheduler(0, policy, parameters)


def first() -> AbstractContextManager[None]:
    """Begin children where the service runs, before everything else there."""
    return on(FIRST, first=1)
