"""The standard streams of both commands: closed ones, and ones that cannot spell everything."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*words: str, closed: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
    """Run Python with some of its streams closed."""
    return subprocess.run(  # noqa: S603  # our own program
        ["/bin/sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, *words],
        env={"PATH": os.defpath, **environ},
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["-m", "vendor.cli", "check", "config/vendor.yaml"], "vendor: [Errno 9] Bad file descriptor\n"),
        (["-m", "vendor.client", "completion", "bash"], "vend: the output cannot be written: Bad file descriptor\n"),
    ],
)
def test_a_closed_output_is_told_in_one_line(words: list[str], told: str) -> None:
    done = run(*words, closed=">&-")
    assert (done.returncode, done.stderr) == (1, told)


@pytest.mark.parametrize("closed", ["2>&-", "<&- 2>&-"])
def test_nobody_needs_to_listen_to_what_is_said(closed: str) -> None:
    done = run("-m", "vendor.cli", "check", "config/vendor.yaml", closed=closed)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "config/vendor.yaml: good: 3 issuers, 3 scopes")
    assert run("-m", "vendor.client", "get", "reports:read", closed=closed).returncode == 2


@pytest.mark.parametrize("module", ["vendor.cli", "vendor.client"])
def test_help_needs_no_output(module: str) -> None:
    done = run("-m", module, "--help", closed=">&-")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("what", ["--help", "--version"])
@pytest.mark.parametrize("module", ["vendor.cli", "vendor.client"])
def test_help_that_cannot_be_printed_is_told_in_one_line(module: str, what: str) -> None:
    done = run("-m", module, what, closed=">/dev/full")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.endswith("No space left on device\n")


def test_what_a_terminal_cannot_spell_is_escaped() -> None:
    done = run("-m", "vendor.client", "exec", "--help", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert r"COMMAND\u2026" in done.stdout


def test_t26_nothing_takes_the_place_of_a_closed_stdout_and_audit_lines_are_not_lost_in_it() -> None:
    script = """
import asyncio, socket
from vendor.client.streams import settle
from vendor.sink import LineSink
settle()
listening = socket.socket()
assert listening.fileno() > 2, listening
asyncio.run(LineSink("-").write(b"{}"))
"""
    done = run("-c", script, closed="<&- >&-")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "vendor.audit.ledger.SinkError: OSError: [Errno 9] Bad file descriptor"
