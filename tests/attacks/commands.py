"""The commands of an operator over many configurations: what each file is said to be, and that it is not served.

`python -m tests.attacks.commands FILE…` runs `vendor check` and `vendor serve` for one file after the other, by the
command line's entry point in one process, and prints how each ended: to start Python for each would take minutes.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.service import BASE_IDENTITY, ROOT
from vendor.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class Ended(NamedTuple):
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str


class Judged(NamedTuple):
    """What became of a configuration."""

    check: Ended
    serve: Ended

    def found(self) -> list[dict[str, Any]]:
        """Return the errors that `vendor check` tells."""
        return [one for one in json.loads(self.check.out)["findings"] if one["severity"] == "error"]


async def judge(paths: Iterable[Path]) -> list[Judged]:
    """Return what becomes of each configuration, without asserts (`python -O`); one that is served takes too long."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-O", "-m", "tests.attacks.commands", *map(str, paths)),
        cwd=ROOT,
        env={**os.environ, **BASE_IDENTITY},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(120):
            told, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return [Judged(Ended(*check), Ended(*serve)) for check, serve in json.loads(told)]


def _run(*arguments: str) -> Ended:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(list(arguments))
    return Ended(code, out.getvalue(), err.getvalue())


if __name__ == "__main__":
    json.dump(
        [
            (_run("check", path, "--format", "json"), _run("serve", "--config", path))
            for path in sys.argv[1:]  # and no more: the first that is served ends this by its time
        ],
        sys.stdout,
    )
