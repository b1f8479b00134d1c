"""Every example of docs/commands.md is run, and what it shows is what comes out."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.service import ROOT

DOCUMENT = (ROOT / "docs" / "commands.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
CONSOLES = [text for language, text in BLOCKS if language == "console"]


def _parts(block: str) -> tuple[str, str]:
    """Return the commands of a block, each with the lines that continue it, and what they print."""
    commands = [found[0] for found in re.finditer(r"^\$ (?:.*\\\n)*.*\n", block, re.MULTILINE)]
    return "".join(one[2:] for one in commands), block[sum(map(len, commands)) :]


def _file(language: str) -> str:
    (text,) = [str(text) for kind, text in BLOCKS if kind == language]
    return text


@pytest.mark.parametrize("block", CONSOLES, ids=lambda block: " ".join(block.split()[1:3]))
def test_an_example_prints_what_is_shown(tmp_path: Path, block: str) -> None:
    if "--lint" in block:
        pytest.importorskip("parliament", reason="the extra `lint` is not installed")
    (tmp_path / "vendor.yaml").write_text(_file("yaml"))
    (tmp_path / "audit.jsonl").write_text(_file("jsonl"))
    commands, shown = _parts(block)
    done = subprocess.run(  # noqa: S603 - what our own document shows
        ["/bin/sh", "-c", commands],
        cwd=tmp_path,
        env={"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.stdout == shown


def test_each_command_is_shown() -> None:
    shown = {block.split()[2] for block in CONSOLES if block.startswith("$ vendor")}
    assert shown == {"check", "explain", "trust-policy"}
    assert "$ vendor replay " in DOCUMENT
    assert "$ vendor check " in DOCUMENT
