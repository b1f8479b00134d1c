"""The language itself: what is no YAML, no UTF-8 or more than plain YAML."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.config.sound import SOUND, changed, loaded, told

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", "1:1: the file is empty"),
        (b"# nothing\n", "1:1: the file is empty"),
        (b"~\n", "1:1: expected a mapping with version, issuers and scopes"),
        (b"- a\n", "1:1: expected a mapping with version, issuers and scopes"),
        (b"\xef\xbb\xbfversion: 1\n", "1:1: the file begins with a byte order mark"),
        (b"version: 1\na: \xff\n", "2:4: the file is not UTF-8"),
        (b"version: 1\na: b\x00\n", "2:5: a control character stands here"),
        (b"version: 1\na: \x1b[31m\n", "2:4: a control character stands here"),
        (b'version: 1\na: "\\ud800"\n', "2:4: an escape here is no whole character"),
        (b'version: 1\n"\\udfff": a\n', "2:1: an escape here is no whole character"),
        (b"version: 1\n\ta: b\n", "2:1: this is not YAML"),
        (b"a: [b\n", "2:1: this is not YAML"),
        (b"a: b: c\n", "1:5: this is not YAML"),
        (b"%YAML 1.3\n---\nversion: 1\n", "1:1: this is not YAML"),
        (b"%YAML one\n---\nversion: 1\n", "1:7: this is not YAML"),
        (b"? [a]\n: b\n", "1:3: a key must be plain text"),
        (b"version: 1\na: " + b"[" * 40 + b"]" * 40, "2:36: nested too deep"),
        (b"[" * 2_000, "1:34: nested too deep"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_at_the_place_where_reading_ends(
    tmp_path: Path, text: bytes, expected: str
) -> None:
    (line,) = told(tmp_path, text)
    assert line.startswith(expected)


def test_a_merge_of_an_alias_is_two_problems_and_no_third(tmp_path: Path) -> None:
    assert [line.partition(";")[0] for line in told(tmp_path, changed("listen:\n", "listen:\n  <<: *base\n"))] == [
        "3:3: listen: a merge key",
        "3:7: listen.<<: an alias",
    ]


def test_a_key_that_is_an_alias_or_has_an_anchor_is_refused(tmp_path: Path) -> None:
    (line,) = told(tmp_path, SOUND + "*a : b\n")
    assert line.startswith("38:1: a key must be plain text")
    assert told(tmp_path, changed("version: 1", "&a version: 1"))[0].startswith("1:1: an anchor")


def test_an_alias_within_a_policy_is_one_problem(tmp_path: Path) -> None:
    (line,) = told(tmp_path, changed("s3:GetObject", "*actions"))
    assert line.startswith("36:21: scopes.reports.session.policy.Statement[0].Action: an alias")


def test_of_a_key_that_stands_twice_the_places_are_those_of_the_first(tmp_path: Path) -> None:
    text = changed(
        "  aws: {regions: [eu-west-1, eu-central-1]}\n", "  aws: {regions: [europe]}\n  aws: {regions: [a]}\n"
    )
    assert [line.split(": ")[0] for line in told(tmp_path, text)] == ["17:19", "18:3"]


@pytest.mark.parametrize(
    ("value", "kept"), [("no", "no"), ("15:00", "15:00"), ('"05"', "05"), ("'true'", "true"), ("|\n      a", "a\n")]
)
def test_what_is_no_other_scalar_is_a_string(tmp_path: Path, value: str, kept: str) -> None:
    assert (
        loaded(tmp_path, changed("description: Reports", f"description: {value}")).scopes["reports"].description == kept
    )


@pytest.mark.parametrize(
    "value",
    ["1", "012", "-5", "+5", "0x1F", "0o17", "1.5", "1e3", ".5", ".inf", "-.INF", ".nan", "9" * 400, "true", "FALSE"],
)
def test_what_the_core_schema_reads_as_a_number_or_a_flag_is_no_string(tmp_path: Path, value: str) -> None:
    assert told(tmp_path, changed("description: Reports", f"description: {value}")) == [
        "21:18: scopes.reports.description: expected a string: put it in quotes"
    ]


@pytest.mark.parametrize("value", ["~", "null", "Null", "NULL", ""])
def test_a_value_that_is_nothing_is_refused(tmp_path: Path, value: str) -> None:
    assert told(tmp_path, changed("description: Reports", f"description: {value}")) == [
        "21:5: scopes.reports.description: has no value; give it one or leave it out"
    ]


def test_problems_of_a_list_are_placed_as_it_is_written(tmp_path: Path) -> None:
    text = changed("[eu-west-1, eu-central-1]", "[~, 5, europe, eu-west-1, africa]")
    assert [line.split(": ")[:2] for line in told(tmp_path, text)] == [
        ["17:19", "targets.aws.regions[0]"],
        ["17:22", "targets.aws.regions[1]"],
        ["17:25", "targets.aws.regions[2]"],
        ["17:44", "targets.aws.regions[4]"],
    ]


def test_a_reference_that_is_written_with_an_escape_is_one(tmp_path: Path) -> None:
    escaped = changed("https://oidc.example.com/id/AAA", '"\\x24{env:ISSUER}"')
    made = loaded(tmp_path, escaped, {"ISSUER": "https://a.example.com"})
    assert made.issuers["cluster"].url == "https://a.example.com"
