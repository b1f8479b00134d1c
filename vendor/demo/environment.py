"""Prepares the embedded cloud's own Python environment: its botocore conflicts with the service's.

What is installed is pinned with hashes in `cloud.requirements.txt`, which names no host: where packages
come from is the user's ordinary pip configuration.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import importlib.resources
import importlib.util
import os
import re
import shutil
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING

from vendor.demo.failure import DemoFailed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

_MARKER = "complete"  # written last: an environment without it was cut off, and is made again
_TAIL = 8  # lines of pip's own words in an error


def pinned() -> str:
    """Return the requirements of the embedded cloud: a hashed requirements file."""
    return importlib.resources.files("vendor.demo").joinpath("cloud.requirements.txt").read_text("utf-8")


def cache_folder() -> Path:
    """Return where environments are kept: `.demo/` in a checkout, else the user's cache; VENDOR_DEMO_CACHE wins."""
    if chosen := os.environ.get("VENDOR_DEMO_CACHE"):
        return Path(chosen).absolute()
    root = Path(__file__).resolve().parents[2]
    if (root / "pyproject.toml").is_file():
        return root / ".demo"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "credential-vendor"


async def prepare(*, cache: Path, requirements: str, progress: Callable[[str], None]) -> Path:
    """Return the Python of an environment that holds exactly these requirements, making it when there is none.

    Safe to call again, from several processes at once, and after a call that was cut off.
    Raises DemoFailed with the tail of pip's own words.
    """
    folder = cache / f"cloud-{_digest(requirements)}"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        async with _locked(folder.with_suffix(".lock"), progress=progress) as lock:
            if not _is_complete(folder):
                await _make(folder, requirements=requirements, progress=progress, lock=lock)
    except OSError as exc:
        raise DemoFailed(
            f"the embedded cloud's environment cannot be kept in {cache}: {exc.strerror or exc};"
            " set VENDOR_DEMO_CACHE to a folder that can be written"
        ) from exc
    return _python(folder)


async def _make(folder: Path, *, requirements: str, progress: Callable[[str], None], lock: IO[str]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    progress("making an environment for the embedded cloud")
    # This interpreter's pip can fill another environment, which spares installing pip there; some have none.
    own_pip = importlib.util.find_spec("pip") is not None
    without = ["--without-pip"] if own_pip else []
    await _run([sys.executable, "-m", "venv", *without, str(folder)], heard=_ignore, lock=lock)
    wanted = folder / "requirements.txt"
    wanted.write_text(requirements, encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "--python", str(_python(folder))] if own_pip else [_python(folder), "-m", "pip"]
    await _run(
        # Every requirement is pinned, so nothing is left to resolve; compiling takes longer than one run gains.
        [*map(str, pip), "install", "--no-user", "--no-deps", "--no-compile", "--requirement", str(wanted)],
        heard=_Steps(progress=progress, number=requirements.count("==")),
        lock=lock,
    )
    (folder / _MARKER).touch()


class _Steps:
    """Turns pip's lines into short ones for people: which package of how many."""

    def __init__(self, *, progress: Callable[[str], None], number: int) -> None:
        self._progress = progress
        self._number = number
        self._seen = 0

    def __call__(self, line: str) -> None:
        """Report the line when it says something new."""
        if line.startswith(("Collecting ", "Processing ")):  # the latter for a file of a local folder
            self._seen += 1
            self._progress(f"fetching {_package(line.split()[1])} ({self._seen} of {self._number})")
        elif line.startswith("Installing "):
            self._progress(f"installing {self._seen} packages")


def _package(source: str) -> str:
    """Return name and version of a requirement or of a wheel's path."""
    name = Path(source).name
    parts = re.match(r"(.+?)(?:==|-)([0-9][^-]*)", name)
    return " ".join(parts.groups()) if parts else name


def _ignore(line: str) -> None:
    del line


async def _run(command: Sequence[str], *, heard: Callable[[str], None], lock: IO[str]) -> None:
    # The lock goes along: should we be killed, nobody takes the folder over while this one still writes to it.
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        pass_fds=(lock.fileno(),),
    )
    said = []
    try:
        if process.stdout is None:  # for the type checker: a pipe was asked for
            raise DemoFailed("no pipe to read from")
        async for line in process.stdout:
            said.append(line.decode("utf-8", "replace").rstrip())
            heard(said[-1])
        if await process.wait() != 0:
            tail = "\n".join(f"    {line}" for line in said[-_TAIL:])
            raise DemoFailed(f"`{' '.join(command[1:3])}` failed for the embedded cloud:\n{tail}")
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


@contextlib.asynccontextmanager
async def _locked(path: Path, *, progress: Callable[[str], None]) -> AsyncIterator[IO[str]]:
    with path.open("w") as file:
        if not _try_lock(file):
            progress("waiting: another start is preparing the same environment")
            while not _try_lock(file):  # noqa: ASYNC110  # the holder is another process
                await asyncio.sleep(0.1)
        yield file


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _digest(requirements: str) -> str:
    """Return a short name for the requirements and the interpreter: either one's change wants a new environment."""
    identity = f"{requirements}\n{sys.version}\n{sys.base_prefix}"
    return hashlib.sha256(identity.encode()).hexdigest()[:12]


def _is_complete(folder: Path) -> bool:
    return (folder / _MARKER).is_file() and _python(folder).exists()


def _python(folder: Path) -> Path:
    return folder / "bin" / "python"
