"""`vendor check`: findings as annotations of GitHub Actions, and the hook by which others run it before they commit."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.service import CONFIGURATION, ROOT
from vendor.cli import main
from vendor.cli.annotation import annotation, of_finding
from vendor.config.codes import Code
from vendor.config.findings import Finding
from vendor.config.meanings import MEANINGS

GOOD = CONFIGURATION.format(audit="-", issuer="https://oidc.example.com", sts="https://sts.example.com")
HOOKS = ROOT / ".pre-commit-hooks.yaml"
COMMAND = re.compile(r"::(error|warning)(?: ([^:]*))?::(.*)")


def read(line: str) -> tuple[str, dict[str, str], str]:
    """Return severity, properties and message of a workflow command, as a runner reads it."""
    found = COMMAND.fullmatch(line)
    assert found, line
    pairs = (pair.partition("=") for pair in (found[2] or "").split(",") if pair)
    return found[1], {name: _plain(value) for name, _, value in pairs}, _plain(found[3])


def _plain(text: str) -> str:
    for written, meant in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(written, meant)
    return text


def _lines(path: Path, capsys: pytest.CaptureFixture[str], code: int) -> list[str]:
    assert main(["check", str(path), "--format", "github"]) == code
    out, err = capsys.readouterr()
    assert err == ""
    return out.splitlines()


def test_each_finding_is_an_annotation_of_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a,b:c%.yaml"
    path.write_text(GOOD.replace("version: 1", "version: 2").replace("target: aws", "target: gcp"))
    first, second = map(read, _lines(path, capsys, 1))
    severity, properties, message = first
    assert severity == "error"
    assert properties == {"file": str(path), "line": "1", "col": "10", "title": "V204 version"}
    assert message == "expected 1"
    assert second[1]["title"] == "V701 scopes.reports:read.target"


def test_warnings_are_warnings_and_do_not_fail(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "vendor.yaml"
    path.write_text(GOOD + "policies: {unused: {Effect: Allow, Action: 's3:GetObject', Resource: '*'}}\n")
    warning, good = _lines(path, capsys, 0)
    assert read(warning)[0] == "warning"
    assert good == "good: 1 issuers, 1 scopes"


def test_a_name_out_of_the_file_cannot_write_a_command_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "vendor.yaml"
    path.write_text(GOOD.replace("version: 1", '"x\\n::stop-commands::y\\u202e%0A::error::z": 1\nversion: 1'))
    lines = _lines(path, capsys, 1)
    assert all(COMMAND.fullmatch(line) for line in lines)
    assert not any(line.startswith("::stop-commands") or "\u202e" in line for line in lines)


@given(message=st.text(max_size=40), title=st.text(max_size=40))
def test_whatever_it_says_is_one_command_on_one_line(message: str, title: str) -> None:
    line = annotation("error", message, file="vendor.yaml", title=title)
    assert len(line.splitlines()) == 1
    assert line.isprintable()
    assert COMMAND.fullmatch(line)


@pytest.mark.parametrize("text", ["100%", "a%0Ab", "a\nb", "a\r\nb", "a:b,c=d", "%25", "é"])
def test_what_is_written_is_what_a_runner_reads(text: str) -> None:
    _, properties, message = read(annotation("warning", text, title=text))
    assert (properties, message) == ({"title": text}, text)


def test_a_finding_without_a_field_has_its_code_alone_as_title() -> None:
    assert (
        of_finding(Finding("f.yaml", 1, 2, "", "no", Code.NOT_YAML))
        == "::error file=f.yaml,line=1,col=2,title=V104::no"
    )


@pytest.mark.parametrize("said", ["V401", "v401", "[V401]"])
def test_a_code_is_explained_without_a_configuration(said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--explain", said]) == 0
    assert capsys.readouterr() == (
        (
            "V401 (error): a grant to an issuer that does not exist\n"
            "  why   No token could match it.\n"
            "  mend  Correct the name, or add the issuer under `issuers`.\n"
        ),
        "",
    )


@pytest.mark.parametrize("code", Code)
def test_every_code_is_explained_in_text_and_in_json(code: Code, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--explain", code, "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"code": code, "severity": code.severity, **asdict(MEANINGS[code])}
    assert main(["check", "--explain", code]) == 0
    assert " ".join(capsys.readouterr().out.split()).endswith(told["mend"])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--explain", "V999"], "vendor: there is no finding V999: a code is written V101\n"),
        (["--explain", "\x1b[31m"], "vendor: there is no finding \\x1b[31m: a code is written V101\n"),
    ],
)
def test_a_code_that_does_not_exist_is_told_in_one_line(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", *arguments]) == 2
    assert capsys.readouterr() == ("", told)


def test_a_scope_is_named_only_to_be_proven(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "vendor.yaml"
    path.write_text(GOOD)
    assert main(["check", str(path), "--scope", "reports:read"]) == 2
    assert capsys.readouterr() == ("", "vendor: --scope is about --live\n")


def test_the_hook_is_one_that_pre_commit_takes() -> None:
    tool = Path(sys.executable).parent / "pre-commit"
    done = subprocess.run([tool, "validate-manifest", HOOKS], capture_output=True, text=True, check=False)  # noqa: S603 - our own tool
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_hook_runs_the_command_on_the_whole_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    (hook,) = _hooks()
    words: list[str] = hook["entry"].split() + hook["args"]
    program, *arguments = words
    assert program == "vendor"
    assert hook["pass_filenames"] is False
    assert main([*arguments[:1], *(str(ROOT / one) for one in arguments[1:])]) == 0
    assert "good" in capsys.readouterr().out


@pytest.mark.parametrize("changed", ["config/vendor.yaml", "config/scopes/a.yml", "policies/reports.json"])
def test_the_hook_runs_when_any_part_changes(changed: str) -> None:
    (hook,) = _hooks()
    assert re.search(hook["files"], changed)
    assert not re.search(hook["files"], "vendor/cli/check.py")


def test_the_hook_installs_what_the_service_needs() -> None:
    (hook,) = _hooks()
    assert hook["additional_dependencies"] == [".[server,lint]"]
    assert "server = [" in (ROOT / "pyproject.toml").read_text("utf-8")


def _hooks() -> list[dict[str, Any]]:
    hooks: list[dict[str, Any]] = yaml.safe_load(HOOKS.read_text("utf-8"))
    return hooks
