"""`vendor check` on broken files: each problem at its file, line, column and field, and never a traceback.

What is expected of `broken/NAME.yaml` stands beside it in `broken/NAME.txt`, a finding a line: its message's beginning
and its code.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from vendor.config import ConfigurationError, load

BROKEN = Path(__file__).parent / "broken"
FILES = sorted(BROKEN.glob("*.yaml"))
VENDOR = Path(sys.executable).parent / "vendor"


def _assert_expected(file: Path, told: list[str]) -> None:
    expected = file.with_suffix(".txt").read_text("utf-8").splitlines()
    assert len(told) == len(expected), told
    for line, (beginning, _, code) in zip(told, (one.rpartition(" [") for one in expected), strict=True):
        assert line.startswith(f"{file.name}:{beginning}")
        assert line.endswith(f" [{code}")


def test_there_are_ten_broken_files_and_each_has_findings() -> None:
    assert len(FILES) >= 10
    assert all(file.with_suffix(".txt").read_text("utf-8").strip() for file in FILES)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_check_names_file_line_column_and_field_and_exits_with_1(file: Path) -> None:
    done = subprocess.run(  # noqa: S603 - our command
        [VENDOR, "check", file.name], cwd=BROKEN, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr == ""
    _assert_expected(file, done.stdout.splitlines())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_finding_lies_within_its_file(file: Path) -> None:
    lines = file.read_bytes().split(b"\n")
    with pytest.raises(ConfigurationError) as caught:
        load(file, environ={"HOME": "/root"})
    _assert_expected(file, [str(one).replace(f"{BROKEN}/", "") for one in caught.value.findings])
    for one in caught.value.findings:
        assert 1 <= one.line <= len(lines)
        assert 1 <= one.column <= len(lines[one.line - 1]) + 1


def test_findings_are_json_too() -> None:
    done = subprocess.run(  # noqa: S603 - our command
        [VENDOR, "check", "--format", "json", "tabs.yaml"], cwd=BROKEN, capture_output=True, text=True, check=False
    )
    with pytest.raises(ConfigurationError) as caught:
        load(BROKEN / "tabs.yaml", environ={})
    (finding,) = caught.value.findings
    assert done.returncode == 1
    assert json.loads(done.stdout) == {"ok": False, "findings": [{**finding.to_dict(), "file": "tabs.yaml"}]}
