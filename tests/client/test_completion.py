from __future__ import annotations

import os
import subprocess
import sys
from shutil import which
from typing import TYPE_CHECKING

import pytest

from tests.client.conftest import ROOT
from tests.client.service import Service, answered
from vendor.client.completion import script
from vendor.client.options import PURPOSES

if TYPE_CHECKING:
    from pathlib import Path

BASH = """\
eval "$(vend completion bash)"
COMP_WORDBREAKS=$' \\t\\n"\\'><=;|&(:'
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_vend
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def shell(environ: dict[str, str], service: Service, tmp_path: Path) -> dict[str, str]:
    """An environment in which `vend` is a command and may have two scopes."""
    service.then(answered(200, {"scopes": [{"name": "reports:read"}, {"name": "reports:write"}, {"name": "batch"}]}))
    command = tmp_path / "bin" / "vend"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m vendor.client "$@"\n')
    command.chmod(0o700)
    return {"PATH": f"{command.parent}:{os.defpath}", "HOME": str(tmp_path), **environ}


def completed(shell: dict[str, str], *words: str) -> list[str]:
    done = subprocess.run(  # noqa: S603
        ["/bin/bash", "-c", BASH, "bash", *words], env=shell, capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stderr == ""
    return done.stdout.split()


def test_bash_completes_commands(shell: dict[str, str]) -> None:
    assert set(completed(shell, "vend", "")) == {*PURPOSES, "--help", "--version"}
    assert completed(shell, "vend", "con") == ["console"]


def test_bash_completes_the_scopes_that_this_workload_may_have(shell: dict[str, str], service: Service) -> None:
    assert completed(shell, "vend", "get", "b") == ["batch"]
    assert completed(shell, "vend", "exec", "re") == ["reports:read", "reports:write"]
    # What stands before the colon is a word of its own to bash.
    assert completed(shell, "vend", "get", "reports:w") == ["write"]
    assert {asked.target for asked in service.asked} == {"/v1/scopes"}


def test_bash_completes_options_values_and_files(shell: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "assertion").touch()
    assert "--no-cache" in completed(shell, "vend", "process", "--")
    assert "--no-cache" not in completed(shell, "vend", "get", "--")
    assert completed(shell, "vend", "env", "--shell", "f") == ["fish"]
    assert completed(shell, "vend", "completion", "") == ["bash", "zsh", "fish"]
    assert completed(shell, "vend", "get", "--token-file", f"{tmp_path}/as") == [f"{tmp_path}/assertion"]


def test_bash_completes_another_command_behind_the_dashes(shell: dict[str, str]) -> None:
    assert "env" in completed(shell, "vend", "exec", "batch", "--", "en")


def test_no_scopes_are_offered_when_the_service_is_away(shell: dict[str, str], service: Service) -> None:
    assert completed({**shell, "VENDOR_URL": "http://127.0.0.1:1"}, "vend", "get", "") == []
    assert not service.asked


def run(*command: str, environ: dict[str, str]) -> str:
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=30, check=True).stdout  # noqa: S603


@pytest.mark.skipif(not which("fish"), reason="fish is not installed here")
def test_fish_completes(shell: dict[str, str]) -> None:
    def offered(line: str) -> set[str]:
        words = run("fish", "-c", f"vend completion fish | source; complete -C '{line}'", environ=shell)
        return {word.partition("\t")[0] for word in words.splitlines()}

    assert set(PURPOSES) <= offered("vend ")
    assert offered("vend get rep") == {"reports:read", "reports:write"}
    assert "--no-cache" in offered("vend process --n")


@pytest.mark.skipif(not which("zsh"), reason="zsh is not installed here")
def test_zsh_takes_the_script(shell: dict[str, str]) -> None:
    loaded = 'autoload -Uz compinit && compinit -u -d "$HOME/.zcompdump"; eval "$(vend completion zsh)"; '
    assert "_vend" in run("zsh", "-f", "-c", loaded + "print -r -- ${_comps[vend]} $+functions[_vend]", environ=shell)


def test_every_script_is_a_script() -> None:
    for name in ("bash", "zsh", "fish"):
        assert "vend scopes --names" in script(name)
