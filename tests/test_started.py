"""Both commands as programs: what interrupts them while they load."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from vendor import started
from vendor.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parent.parent
INTERRUPTING = """
import os, signal, sys
class Interrupts:
    def find_spec(self, name, path=None, target=None):
        if name in {"vendor.cli.check", "vendor.client.client"}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupts())
"""


def interrupted(
    command: str, folder: Path, before: Callable[[], object] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command that is interrupted while it loads."""
    (folder / "sitecustomize.py").write_text(INTERRUPTING)
    return subprocess.run(  # noqa: S603
        [sys.executable, "-c", f"import sys; from vendor.started import {command}; sys.exit({command}())", "--version"],
        env={**os.environ, "PYTHONPATH": f"{folder}:{ROOT}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        preexec_fn=before,
    )


@pytest.mark.parametrize("command", ["vendor", "vend"])
def test_an_interrupt_while_it_loads_ends_it_without_a_word(command: str, tmp_path: Path) -> None:
    done = interrupted(command, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


@pytest.mark.parametrize("command", ["vendor", "vend"])
def test_what_ignores_interrupts_goes_on_to(command: str, tmp_path: Path) -> None:
    done = interrupted(command, tmp_path, partial(signal.signal, signal.SIGINT, signal.SIG_IGN))
    assert (done.returncode, done.stdout.split()[0], done.stderr) == (0, command, "")


@pytest.mark.parametrize("command", [started.vendor, started.vend])
def test_interrupts_are_what_they_were_once_it_has_loaded(
    command: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["command", "--version"])
    with pytest.raises(SystemExit):
        command()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_t23_a_defect_is_told_by_its_kind_and_place_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: object) -> int:
        raise KeyError("CANARY")

    monkeypatch.setattr("vendor.cli.schema._run", fail)
    assert main(["schema"]) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("vendor: this should not have happened: KeyError, ")
    assert "CANARY" not in err
