"""Loading apart: in a process of its own, so that whoever serves meanwhile is not held up by it.

A thread would not do: it takes the interpreter from the event loop again and again, for twenty seconds where there are
ten thousand scopes.
"""

from __future__ import annotations

import asyncio
import gc
import os
import pickle
import sys
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from vendor import cores
from vendor.config.files import Sources
from vendor.config.findings import ConfigurationError
from vendor.config.loading import load

if TYPE_CHECKING:
    from vendor.config.findings import Finding
    from vendor.config.values import Configuration

SECONDS: Final = 300.0
"""The longest that a loading may take."""
_CODE: Final = """
import os, sys
sys.path[:] = sys.argv[2:]
os.nice(10)
if hasattr(os, "SCHED_BATCH"):
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
from vendor.config.apart import main
main()
"""
# It imports what we would, and nothing before it gives way to whoever serves, whatever priority it inherits.
LARGE: Final = 256 * 1024
"""Bytes from which on what was loaded is kept from the garbage collector: it would stand still over it."""

Told = tuple[Sources, "Configuration | tuple[Finding, ...]"]


class UnfinishedError(Exception):
    """A loading that came to no end: nothing is known of the configuration."""


async def load_apart(path: Path, *, seconds: float = SECONDS) -> tuple[Sources, Configuration | ConfigurationError]:
    """Return what the files hold, or every problem of them, and the state in which they were.

    They are read with the environment of this process. Raises UnfinishedError.
    """
    try:
        raw = await _run(path, seconds)
    except (OSError, TimeoutError) as exc:
        raise UnfinishedError(f"the configuration could not be read: {type(exc).__name__} {exc}".rstrip()) from exc
    if not raw:
        raise UnfinishedError("the configuration could not be read: its reader has failed")
    sources, told = await asyncio.to_thread(_unpacked, raw)
    if isinstance(told, tuple):
        return sources, ConfigurationError(told)
    return sources, replace(
        told,
        issuers=MappingProxyType(told.issuers),
        targets=MappingProxyType(told.targets),
        scopes=MappingProxyType(told.scopes),
        sources=sources,
    )


async def _run(path: Path, seconds: float) -> bytes:
    """Return what the process prints, which ends with it."""
    # What lies in the folder that we were started in must not be imported; a session keeps a terminal's signals away.
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-c", _CODE, str(path), *sys.path),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(seconds):
            printed, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return printed if process.returncode == 0 else b""


def _unpacked(raw: bytes) -> Told:
    """Return what was packed; in a thread, as it takes a second where there are ten thousand scopes."""
    large = len(raw) > LARGE
    if large:
        gc.disable()
    try:
        told: Told = pickle.loads(raw)  # noqa: S301 - our own process has written it
        return told
    finally:
        if large:
            gc.freeze()
            gc.enable()


def _packed(path: Path) -> bytes:
    sources = Sources(regular=True)
    told: Configuration | tuple[Finding, ...]
    try:
        found = load(path, environ=os.environ, sources=sources)
        told = replace(
            found, issuers=dict(found.issuers), targets=dict(found.targets), scopes=dict(found.scopes), sources=sources
        )
    except ConfigurationError as exc:
        told = exc.findings
    return pickle.dumps((sources, told), protocol=pickle.HIGHEST_PROTOCOL)


def main() -> None:
    """Read the file that the command line names, and print what it holds, packed."""
    cores.forbid()  # what a process says of itself does not hold for those that it starts
    sys.stdout.buffer.write(_packed(Path(sys.argv[1])))
