"""What may be put into a policy, by a caller or by a claim."""

from __future__ import annotations

import re
from typing import Any

import pytest

from vendor.policy.parameter import LONGEST, NEVER, PLAIN, Parameter, admit_attribute
from vendor.refusals import Code, Reason, ValueNotAllowed

ANYTHING = re.compile(r"(?s).*")
HOSTILE = [
    "",
    ".",
    "..",
    "*",
    "a*",
    "a?",
    "${aws:username}",
    "$x",
    "a{b",
    "a}b",
    'a"b',
    "a'b",
    "a`b",
    "a\\b",
    "a\nb",
    "a\n",
    "a\rb",
    "a\tb",
    "a\0b",
    "a\x7fb",
    "a\x85b",
    "a\u0100b",
    "a\u2028b",
    "\uff0a",
    "\U0001f600",
    "\ud800",
    "a" * (LONGEST + 1),
]


def parameter(**said: Any) -> Parameter:
    known: dict[str, Any] = {"name": "month", "pattern": None, "one_of": (), "path": False, "default": None}
    return Parameter(**{**known, **said})


def admits(declared: Parameter, value: str) -> bool:
    try:
        return declared.admit(value) == value
    except ValueNotAllowed:
        return False


@pytest.mark.parametrize("value", ["2026-03", "a", "A_z.9", "user@example.com", "a=b", "...", ".a", "a" * LONGEST])
def test_a_plain_value_is_admitted(value: str) -> None:
    assert admits(parameter(), value)
    assert admit_attribute("month", value) == value


@pytest.mark.parametrize("value", [*HOSTILE, "a/b", "a:b", "a b", "a,b", "caf\u00e9", "a+b", "a%2fb"])
def test_without_a_declaration_only_plain_values_are_admitted(value: str) -> None:
    assert not admits(parameter(), value)
    with pytest.raises(ValueNotAllowed) as caught:
        admit_attribute("month", value)
    assert caught.value.public == "the attribute month of this identity may not be put into a policy"


@pytest.mark.parametrize("character", [chr(number) for number in range(0x120)])
def test_the_closed_set_is_what_the_contract_says(character: str) -> None:
    plain = re.fullmatch(r"[A-Za-z0-9._=@-]", character) is not None
    assert admits(parameter(), f"a{character}b") is plain


@pytest.mark.parametrize("value", HOSTILE)
def test_no_pattern_admits_what_no_declaration_may(value: str) -> None:
    assert not admits(parameter(pattern=ANYTHING), value)
    assert not admits(parameter(pattern=ANYTHING, path=True), value)


@pytest.mark.parametrize("value", HOSTILE)
def test_no_list_admits_what_no_declaration_may(value: str) -> None:
    assert not admits(parameter(one_of=(value,)), value)


def test_what_is_never_admitted_and_what_is_plain_have_nothing_in_common() -> None:
    assert NEVER.isdisjoint(PLAIN)
    assert set("*?$\"'`\\{}\0\n\x7f\x9f") <= NEVER


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-03", True),
        ("2026-03\n", False),
        ("2026-3", False),
        ("x2026-03", False),
        ("2026-03x", False),
        ("2026-03|2027-01", False),
        ("\u0662\u0660\u0662\u0666-\u0660\u0663", False),
    ],
)
def test_a_pattern_is_matched_against_the_whole_value(value: str, expected: bool) -> None:  # noqa: FBT001
    for pattern in (r"[0-9]{4}-[0-9]{2}", r"[0-9]{4}-[0-9]{2}$|never", r"never|^[0-9]{4}-[0-9]{2}"):
        assert admits(parameter(pattern=re.compile(pattern)), value) is expected


def test_a_pattern_widens_what_is_admitted() -> None:
    wide = parameter(pattern=re.compile("[a-z:\u00e9 ]+"))
    assert admits(wide, "caf\u00e9: a b")
    assert not admits(wide, "A")


@pytest.mark.parametrize(
    ("value", "expected"),
    [("blue", True), ("green, light", True), ("gree", False), ("BLUE", False), ("blue\n", False), ("red", False)],
)
def test_a_list_admits_its_members_alone(value: str, expected: bool) -> None:  # noqa: FBT001
    assert admits(parameter(one_of=("blue", "green, light")), value) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a", True),
        ("a/b", True),
        ("a/b/c.d", True),
        ("a/.../b", True),
        ("/a", False),
        ("a/", False),
        ("a//b", False),
        ("/", False),
        ("a/./b", False),
        ("a/../b", False),
        ("../a", False),
        ("a/..", False),
        ("a/b c", False),
        ("a/*", False),
    ],
)
def test_a_path_has_segments_that_are_neither_empty_nor_dots(value: str, expected: bool) -> None:  # noqa: FBT001
    assert admits(parameter(path=True), value) is expected


def test_a_slash_needs_a_path_whatever_the_pattern_says() -> None:
    assert not admits(parameter(pattern=ANYTHING), "a/b")
    assert admits(parameter(pattern=ANYTHING, path=True), "a/b")


def test_a_list_may_have_slashes_as_it_says_each_value_in_full() -> None:
    assert admits(parameter(one_of=("a/b",)), "a/b")
    assert not any(admits(parameter(one_of=(value,)), value) for value in ("a//b", "/a", "a/", "a/..", "./a", "a/*"))


@pytest.mark.parametrize("value", [None, 1, True, ("a",), b"a"])
def test_an_attribute_that_is_no_string_is_not_admitted(value: object) -> None:
    with pytest.raises(ValueNotAllowed):
        admit_attribute("team", value)


def test_the_operator_sees_the_value_and_the_caller_does_not() -> None:
    with pytest.raises(ValueNotAllowed) as caught:
        parameter().admit("x" * 1000)
    assert (caught.value.code, caught.value.reason) == (Code.VALUE_NOT_ALLOWED, Reason.VALUE)
    assert caught.value.public == "the value of parameter month is not allowed"
    assert "xxx" in caught.value.detail
    assert len(caught.value.detail) < 300


def test_a_value_has_at_most_256_characters() -> None:
    wide = parameter(pattern=ANYTHING)
    assert admits(parameter(), "a" * 256)
    assert admits(wide, " " * 256)
    assert not admits(parameter(), "a" * 257)
    assert not admits(wide, " " * 257)
    assert not admits(parameter(path=True), "a/" * 128 + "a")


@pytest.mark.parametrize("character", ["~", "\xa0", "\xff", "\x20", "!", "|", "\xad"])
def test_the_last_characters_before_those_that_are_never_admitted_are_a_patterns_to_admit(character: str) -> None:
    assert admits(parameter(pattern=ANYTHING), f"a{character}b")
    assert admits(parameter(pattern=ANYTHING), character)


def test_the_operator_is_told_of_the_value_in_full_up_to_its_limit() -> None:
    with pytest.raises(ValueNotAllowed) as of_parameter:
        parameter().admit("*" * 300)
    with pytest.raises(ValueNotAllowed) as of_attribute:
        admit_attribute("team", "*" * 300)
    assert of_parameter.value.detail == "parameter month is '" + "*" * 256 + "'"
    assert of_attribute.value.detail == "attribute team is '" + "*" * 255
    assert of_attribute.value.reason is Reason.VALUE


def test_a_parameter_needs_no_description() -> None:
    assert parameter().description == ""
