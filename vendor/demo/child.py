"""Starts the programs of the demo's world beside this one, in a clean environment, and ends them with it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp

from vendor.demo.failure import DemoFailed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

_FOLLOWER = Path(__file__).with_name("follower.py")
_KEPT = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")
_READY_WITHIN = 30.0
_STOPPED_WITHIN = 8.0
_DONE_WITHIN = 60.0


def clean_environment(*, home: Path, **more: str) -> dict[str, str]:
    """Return an environment without the user's AWS settings, proxies, CA files and Python switches."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {
        **kept,
        "HOME": str(home),
        "TMPDIR": str(home),
        "LANG": "C.UTF-8",
        "AWS_EC2_METADATA_DISABLED": "true",
        **more,
    }


def free_port() -> int:
    """Return a loopback port that nobody listens on just now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.asynccontextmanager
async def running(
    *, name: str, python: Path, module: Sequence[str], environment: Mapping[str, str], folder: Path, search: str = ""
) -> AsyncIterator[Child]:
    """Run `python -m MODULE` inside `folder` while entered; its words go to `NAME.log` there."""
    log = folder / f"{name}.log"
    with log.open("wb") as sink:
        process = await asyncio.create_subprocess_exec(
            str(python),
            "-I",
            str(_FOLLOWER),
            search,
            *module,
            stdin=asyncio.subprocess.PIPE,  # never written to: its closing is the sign to stop
            stdout=sink,
            stderr=asyncio.subprocess.STDOUT,
            cwd=folder,
            env=dict(environment),
            start_new_session=True,  # Ctrl-C is ours to answer, in order
        )
    child = Child(name=name, process=process, log=log)
    try:
        yield child
    finally:
        await child.stop()


async def told_by(*, program: Path, arguments: Sequence[str], environment: Mapping[str, str], said: str = "") -> str:
    """Run one of the demo's own programs to its end and return what it printed; raise DemoFailed when it fails."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        str(program),
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=dict(environment),
    )
    try:
        printed, complained = await asyncio.wait_for(process.communicate(said.encode()), timeout=_DONE_WITHIN)
    except TimeoutError as exc:
        raise DemoFailed(f"{program.name} did not end within {_DONE_WITHIN:.0f} s") from exc
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise DemoFailed(f"{program.name} failed:\n{_end_of(complained.decode('utf-8', 'replace'))}")
    return printed.decode()


class Child:
    """A program of the world that runs."""

    def __init__(self, *, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.name = name
        self.log = log
        self._process = process

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def answers(self, url: str) -> None:
        """Return once the program answers 200 there; raise DemoFailed with its last words when it ends or idles."""
        end = time.monotonic() + _READY_WITHIN
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
            while not await _is_ok(session, url):
                if self._process.returncode is not None:
                    raise DemoFailed(f"the {self.name} ended before it was ready:\n{self.last_words()}")
                if time.monotonic() > end:
                    raise DemoFailed(f"the {self.name} was not ready in {_READY_WITHIN:.0f} s:\n{self.last_words()}")
                await asyncio.sleep(0.05)

    def last_words(self) -> str:
        """Return the end of what the program printed, indented."""
        return _end_of(self.log.read_text("utf-8", "replace"))

    async def ended(self) -> None:
        """Return when the program has ended, for whatever reason."""
        await self._process.wait()

    async def stop(self) -> None:
        """Ask the program to stop, wait for it, and kill it when it does not."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            await asyncio.wait_for(asyncio.shield(self._process.wait()), timeout=_STOPPED_WITHIN)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


def _end_of(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines()[-12:])


async def _is_ok(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url, allow_redirects=False) as answer:
            return answer.status == 200  # noqa: PLR2004  # OK
    except (aiohttp.ClientError, TimeoutError, OSError):
        return False
