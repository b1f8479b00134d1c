"""Codes: each has a meaning and something that is found with it, and stays what it is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.config.rules import codes
from tests.config.rules.folders import FOLDERS, Folder
from tests.config.sound import found
from tests.config.test_broken import FILES
from vendor.config import ConfigurationError, Finding, load
from vendor.config.codes import Code
from vendor.config.meanings import MEANINGS

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("folder", FOLDERS.values(), ids=FOLDERS)
def test_what_is_wrong_with_a_file_has_the_code_of_that(tmp_path: Path, folder: Folder) -> None:
    folder.write(tmp_path)
    findings = found(tmp_path, folder.files["vendor.yaml"])
    assert {one.code for one in findings} == {folder.code}, [str(one) for one in findings]


def test_every_code_has_something_that_is_found_with_it() -> None:
    expected = "".join(file.with_suffix(".txt").read_text("utf-8") for file in FILES)
    shown = re.findall(r"\[(V[0-9]+)\]$", expected, re.MULTILINE)
    assert {*codes.of_rules().values(), *shown, *(one.code for one in FOLDERS.values())} == set(Code)


def test_no_two_kinds_share_a_code() -> None:
    assert len(Code.__members__) == len(set(Code))
    assert all(re.fullmatch(r"V[1-9][0-9]{2}", code) for code in Code)


def test_from_50_on_it_is_a_warning() -> None:
    assert {code.severity for code in Code if code[2] < "5"} == {"error"}
    assert {code.severity for code in Code if code[2] >= "5"} == {"warning"}


def test_every_code_says_what_why_and_how_it_is_mended() -> None:
    assert list(MEANINGS) == list(Code)
    assert len({one.what for one in MEANINGS.values()}) == len(MEANINGS)
    for one in MEANINGS.values():
        assert not one.what.endswith(".")
        assert one.why.endswith(".")
        assert one.mend.endswith(".")


def test_no_meaning_is_said_twice_in_one_family() -> None:
    for family in "123456789":
        mends = [one.mend for code, one in MEANINGS.items() if code[1] == family]
        assert len(set(mends)) == len(mends)


def test_a_finding_tells_its_code_in_text_and_why_and_the_mend_in_json() -> None:
    finding = Finding("vendor.yaml", 3, 5, "scopes.a", "no file is there", Code.INCLUDE_EMPTY)
    assert str(finding) == "vendor.yaml:3:5: warning: scopes.a: no file is there [V950]"
    told = finding.to_dict()
    assert (told["code"], told["severity"]) == ("V950", "warning")
    assert (told["why"], told["mend"]) == (
        "Its scopes may be missing.",
        "Correct the pattern, or leave it if files are yet to come.",
    )


def test_codes_of_several_problems_stay_apart(tmp_path: Path) -> None:
    main = tmp_path / "vendor.yaml"
    main.write_text("version: 2\nissuers: {}\nx: 1\n")
    with pytest.raises(ConfigurationError) as caught:
        load(main, environ={})
    assert [one.code for one in caught.value.findings] == [Code.WRONG_VALUE, Code.EMPTY_VALUE, Code.UNKNOWN_KEY]
