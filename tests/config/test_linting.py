"""Linting: what of the linter's words is told, of which policies, and with what in their places."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.config.owned import POLICY, SCOPES
from tests.config.rules.passages import ACTION, MONTH, RESOURCE
from tests.config.sound import SOUND, changed, found
from vendor.cli import main
from vendor.config import linting
from vendor.config.linting import CODES, remarks

if TYPE_CHECKING:
    from vendor.config import Finding

parliament: Any = pytest.importorskip("parliament", reason="the extra `lint` is not installed")
WRONG = ACTION.replace("GetObject", "GetObjekt")
OURS = {"MALFORMED_JSON", "MALFORMED", "DUPLICATE_SID", "INVALID_SID", "NO_VERSION", "INVALID_VERSION", "OLD_VERSION"}
"""Issues that we refuse ourselves before the linter is asked."""
OF_OTHERS = {"RESOURCE_POLICY_PRIVILEGE_ESCALATION", "UNKNOWN_PRINCIPAL", "UNKNOWN_FEDERATION_SOURCE"}
"""Issues of policies of resources and roles."""
TASTE = {"MISMATCHED_TYPE_BUT_USABLE"}
"""Issues of what works: `StringLike` for an ARN."""


def linted(folder: Path, text: str) -> list[str]:
    return [_told(one) for one in found(folder, text, lint=True)]


def _told(finding: Finding) -> str:
    return f"{finding.code} {finding.line}:{finding.column} {finding.message}"


def allow(action: Any, resource: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def test_every_issue_that_the_linter_knows_has_a_code_or_is_passed_over_on_purpose() -> None:
    assert {*parliament.config} == {*CODES} | OURS | OF_OTHERS | TASTE


def test_without_being_asked_for_nothing_is_linted(tmp_path: Path) -> None:
    assert not found(tmp_path, changed(ACTION, WRONG))
    assert linted(tmp_path, changed(ACTION, WRONG)) == ["V660 36:21 Unknown action s3:GetObjekt"]


def test_the_example_and_the_sound_one_pass(tmp_path: Path) -> None:
    assert not found(tmp_path, SOUND, lint=True)


@pytest.mark.parametrize(
    "month",
    [
        'month: {pattern: "[0-9]{4}-[0-9]{2}"}',
        "month: {one_of: [a, b]}",
        "month: {path: true}",
        "month: {default: a}",
    ],
)
def test_whatever_fills_a_place_is_no_matter_for_the_linter(tmp_path: Path, month: str) -> None:
    assert not linted(tmp_path, changed(MONTH, month))


def test_a_place_for_an_account_is_filled_by_one_of_those_that_are_listed(tmp_path: Path) -> None:
    text = changed(RESOURCE, "arn:aws:sqs:eu-west-1:{{ month }}:jobs").replace("s3:GetObject", "sqs:SendMessage")
    assert linted(tmp_path, text.replace(MONTH, 'month: {one_of: ["111122223333"]}')) == []
    assert linted(tmp_path, text)[0].startswith("V667 37:23 Account expected to be of form")


def test_what_speaks_another_protocol_than_aws_has_actions_of_its_own(tmp_path: Path) -> None:
    assert not linted(tmp_path, changed(ACTION, WRONG).replace("target: aws", "target: own"))


def test_a_fragment_is_told_of_once_and_where_it_stands(tmp_path: Path) -> None:
    other = SCOPES.removeprefix("scopes:\n").replace("reports:", "others:")
    text = changed(POLICY, "      policy: get\n") + other.replace(POLICY, "      policy: get\n")
    document = POLICY.replace("      policy:", "  get:").replace(ACTION, WRONG).replace("\n    ", "\n")
    assert linted(tmp_path, f"{text}policies:\n{document}") == ["V660 51:17 Unknown action s3:GetObjekt"]


def test_a_policy_in_a_file_is_told_of_there(tmp_path: Path) -> None:
    statement = {"Effect": "Allow", "Action": "s3:GetObjekt", "Resource": "arn:aws:s3:::reports/{{ month }}/*"}
    (tmp_path / "p.json").write_text(json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    (finding,) = found(tmp_path, changed(POLICY, "      policy_file: p.json\n"), lint=True)
    assert (Path(finding.file).name, finding.code) == ("p.json", "V660")


def test_nothing_is_said_of_actions_that_only_a_wildcard_stands_for() -> None:
    assert not list(remarks(allow("s3:Get*", "arn:aws:s3:::reports/x/*")))
    assert not list(remarks(allow("s3:List*", "arn:aws:s3:::reports", Condition={"StringLike": {"s3:prefix": "a"}})))
    assert list(remarks(allow("sqs:SendMessage", "arn:aws:s3:::reports/x/*")))


def test_a_long_list_is_cut() -> None:
    (star,) = remarks(allow("iam:*", "*"))
    assert star.message.startswith("any resource, for actions that could be limited to some: iam:")
    assert star.message.count(",") == 3
    assert star.message.endswith(" more")


def test_the_command_lints_where_it_can_and_says_so_where_it_cannot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "vendor.yaml"
    path.write_text(changed(ACTION, WRONG))
    for arguments, told in (([], 1), (["--lint"], 1), (["--no-lint"], 0)):
        assert main(["check", str(path), *arguments]) == 0
        assert capsys.readouterr().out.count("[V660]") == told
    monkeypatch.setattr(linting, "is_installed", lambda: False)
    assert main(["check", str(path)]) == 0
    assert "V660" not in capsys.readouterr().out
    assert main(["check", str(path), "--lint"]) == 2
    missing = 'vendor: --lint needs the linter: pip install "credential-vendor[lint]"\n'
    assert capsys.readouterr() == ("", missing)
