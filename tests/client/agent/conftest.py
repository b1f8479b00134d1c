from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.client.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path


class Came(NamedTuple):
    """One answer of an agent."""

    status: int
    body: bytes
    headers: dict[str, str]


class Agent:
    """A running `vend agent`; `url` is where it listens first, `err` what it has said by its end."""

    def __init__(self, process: subprocess.Popen[str], told: str) -> None:
        self.process = process
        self.told = told
        self.err = ""

    @property
    def url(self) -> str:
        return re.findall(r"http://[^ ,\n]+", self.told)[0]  # type: ignore[no-any-return]

    def ask(self, path: str, token: str | None = None, *, method: str = "GET", **headers: str) -> Came:
        """Ask again, as SDKs do, while the service has not answered yet: a busy machine is no failing test."""
        until = time.monotonic() + 15
        while True:
            came = self.ask_once(path, token, method=method, **headers)
            if came.status != 503 or b"has not answered yet" not in came.body or time.monotonic() > until:
                return came

    def ask_once(self, path: str, token: str | None = None, *, method: str = "GET", **headers: str) -> Came:
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=10)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            sent["Authorization"] = token
        connection.request(method, path, headers=sent)
        answer = connection.getresponse()
        came = Came(answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()})
        connection.close()
        return came

    def stop(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.err += self.process.communicate(timeout=20)[1]
        return self.process.returncode


@contextmanager
def agent_of(environ: dict[str, str], home: Path, *arguments: str, **options: Any) -> Iterator[Agent]:
    """Run an agent on a free port until the block ends."""
    if not any(each == "--listen" for each in arguments):
        arguments = ("--listen", "127.0.0.1:0", *arguments)
    process = subprocess.Popen(  # noqa: S603  # our own program
        [sys.executable, "-m", "vendor.client", "agent", *arguments],
        env={"PATH": os.defpath, "HOME": str(home), **environ},
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )
    agent = Agent(process, "")
    assert process.stderr
    try:
        while "serving at" not in agent.told:
            line = process.stderr.readline()
            assert line, f"it ended with {process.wait()}: {agent.told}"
            agent.told += line
        yield agent
    finally:
        if not process.stderr.closed:
            agent.stop()


@pytest.fixture
def agent(environ: dict[str, str], tmp_path: Path) -> Callable[..., AbstractContextManager[Agent]]:
    """Runs agents in a pod's environment."""
    return lambda *arguments, **options: agent_of(environ, tmp_path, *arguments, **options)
