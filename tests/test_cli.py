"""`vendor`: what it prints, and its exit codes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.service import CONFIGURATION, ROOT
from vendor.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GOOD = CONFIGURATION.format(audit="-", issuer="https://oidc.example.com", sts="https://sts.example.com")


@pytest.fixture(autouse=True)
def _hangup() -> Iterator[None]:
    """What `vendor serve` does with SIGHUP is not for the programs that later tests of this process start."""
    before = signal.getsignal(signal.SIGHUP)
    yield
    signal.signal(signal.SIGHUP, before)


def write(folder: Path, text: str) -> str:
    path = folder / "vendor.yaml"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("arguments", [[], ["serve"], ["check"], ["mint"], ["check", "a", "b"], ["demo", "--twice"]])
def test_wrong_usage_exits_with_2_and_says_how_it_is_used(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("usage: vendor")


def test_its_version_is_the_distributions(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert not ended.value.code
    assert capsys.readouterr().out.startswith("vendor 0.")


def test_check_says_that_a_good_file_is_good(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, GOOD)
    assert main(["check", path]) == 0
    assert capsys.readouterr().out == f"{path}: good: 1 issuers, 1 scopes\n"


def test_check_names_file_line_column_and_field_of_every_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, GOOD.replace("max_duration: 4h", "max_duration: soon").replace("target: aws", "target: gcp"))
    assert main(["check", path]) == 1
    out, err = capsys.readouterr()
    assert err == ""
    places = [line.split(": ")[:2] for line in out.splitlines()]
    assert {field for _, field in places} == {"scopes.reports:read.target", "scopes.reports:read.session.max_duration"}
    assert all(place.startswith(f"{path}:") and place.count(":") == 2 for place, _ in places)


def test_check_writes_json_for_machines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, GOOD)
    assert main(["check", path, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"ok": True, "findings": []}
    write(tmp_path, GOOD.replace("version: 1", "version: 2"))
    assert main(["check", path, "--format", "json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert not told["ok"]
    (finding,) = told["findings"]
    assert (finding["file"], finding["line"], finding["column"], finding["field"]) == (path, 1, 10, "version")


@pytest.mark.parametrize("command", [["check"], ["serve", "--config"]])
def test_a_file_that_is_not_there_is_a_finding_too(
    tmp_path: Path, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, str(tmp_path / "nothing.yaml")]) == 1
    out, err = capsys.readouterr()
    (line,) = (out + err).splitlines()
    assert "cannot be read" in line


def test_serve_tells_what_is_wrong_on_stderr(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--config", write(tmp_path, "version: 2\n")]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "version" in err


def test_the_schema_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out)["$schema"].startswith("https://json-schema.org/")


def test_a_reader_that_leaves_is_not_complained_about() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "vendor.cli", "schema"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


def test_output_that_cannot_be_written_is_told_in_one_line() -> None:
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device, not a path of ours
        ended = subprocess.run(
            [sys.executable, "-m", "vendor.cli", "schema"], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert ended.returncode == 1
    assert ended.stderr.decode().splitlines() == ["vendor: [Errno 28] No space left on device"]
