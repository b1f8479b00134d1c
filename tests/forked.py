"""`vendor serve` without the wait for its imports: forked off a process that has made them.

That is for runs of several workers, in which nothing is measured; what runs alone runs the program itself. The child is
what the program is after its imports: it has its own environment, files and signals, and ends as any program does.

`python -m tests.forked` is the process that others are forked off; its stdin is the socket on which it is asked.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import ctypes
import functools
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from vendor import cli

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT: Final = Path(__file__).parent.parent
LONGEST: Final = 1 << 17
"""Bytes of a question; a datagram may have no more than the kernel's buffer."""
PR_SET_PDEATHSIG: Final = 1
_NUMBER: Final = struct.Struct("=i")


class Forked:
    """A child, with what of `asyncio.subprocess.Process` a test uses."""

    def __init__(self, pid: int, stderr: asyncio.StreamReader, told: asyncio.StreamReader) -> None:
        self.pid = pid
        self.stderr = stderr
        self.returncode: int | None = None
        self._ending = asyncio.create_task(self._end(told))

    async def _end(self, told: asyncio.StreamReader) -> int:
        (self.returncode,) = _NUMBER.unpack(await told.read())  # to the end, which closes it
        return self.returncode

    async def wait(self) -> int:
        """Wait until it has ended, and return its exit code, or the negative number of the signal that ended it."""
        return await asyncio.shield(self._ending)

    def send_signal(self, number: int) -> None:
        """Send a signal, which nobody gets if it has ended."""
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


async def fork(arguments: Sequence[str], *, environ: Mapping[str, str], stdout: int) -> Forked:
    """Begin `vendor` with arguments, an environment and a descriptor for its stdout."""
    stderr, its_stderr = os.pipe()
    told, telling = os.pipe()
    _, asked = _origin(_network())
    socket.send_fds(asked, [json.dumps([list(arguments), dict(environ)]).encode()], [stdout, its_stderr, telling])
    os.close(its_stderr)
    os.close(telling)
    ended = await _reader(told)
    (pid,) = _NUMBER.unpack(await ended.readexactly(_NUMBER.size))
    return Forked(pid, await _reader(stderr), ended)


async def _reader(descriptor: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=1 << 20)
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, os.fdopen(descriptor, "rb", buffering=0))
    return reader


def _network() -> Path:
    """Return which network this thread is in: a test may have moved it into one of its own."""
    return Path("/proc/thread-self/ns/net").readlink()


@functools.cache
def _origin(_network: Path) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """Return the process to fork off in a network, which ends when we do, and the socket on which it is asked."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen([sys.executable, "-m", "tests.forked"], cwd=ROOT, stdin=theirs.fileno())
    atexit.register(process.wait)
    atexit.register(ours.close)
    return process, ours


def _serve(asked: socket.socket) -> None:
    """Fork whenever asked, and tell of each child its number and how it ended. In a child, return never."""
    telling: dict[int, int] = {}
    woken, waking = socket.socketpair()
    for end in (woken, waking):
        end.settimeout(0)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waking.fileno())
    while True:
        ready, _, _ = select.select([asked, woken], [], [])
        if woken in ready:
            woken.recv(LONGEST)
            _tell_who_ended(telling)
        if asked in ready:
            question, files, _, _ = socket.recv_fds(asked, LONGEST, 3)
            if not question:
                return
            pid = os.fork()
            if not pid:
                for end in (asked, woken, waking):
                    end.close()
                for each in telling.values():
                    os.close(each)  # else the end of an older one would be known only with ours
                arguments, environ = json.loads(question)
                _become(arguments, environ, files)
            *others, telling[pid] = files
            for each in others:
                os.close(each)
            os.write(telling[pid], _NUMBER.pack(pid))


def _tell_who_ended(telling: dict[int, int]) -> None:
    while telling:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        with os.fdopen(telling.pop(pid), "wb", buffering=0) as one, contextlib.suppress(BrokenPipeError):
            one.write(_NUMBER.pack(os.waitstatus_to_exitcode(status)))


def _become(arguments: list[str], environ: dict[str, str], files: list[int]) -> NoReturn:
    """Be the program."""
    signal.set_wakeup_fd(-1)
    # What it came from ends with the tests' process; nobody else would end it then.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, each in enumerate((nothing, *files[:2])):
        os.dup2(each, number)
    for each in (nothing, *files):
        os.close(each)
    # Those that there were believe of what was there before that one can seek in it, say.
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, encoding="utf-8", closefd=False)
    os.environ.clear()
    os.environ.update(environ)
    sys.argv[1:] = arguments
    sys.exit(cli.main(arguments))


def _prepare() -> Any:
    """Import what serving needs, and return it."""
    from vendor import config, serve  # noqa: PLC0415 - who only asks needs none of it

    return config, serve


if __name__ == "__main__":
    _prepare()
    _serve(socket.socket(fileno=os.dup(0)))
