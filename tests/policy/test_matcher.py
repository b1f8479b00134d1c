"""The allow/deny table of the matchers, one row a line, and the glob against an oracle."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vendor.policy.matcher import AnyOf, Contains, Equal, Glob, Matcher, Present

if TYPE_CHECKING:
    from vendor.identity.principal import AttributeValue

TABLE: list[tuple[Matcher, AttributeValue | None, bool]] = [
    (Equal("analytics"), "analytics", True),
    (Equal("analytics"), "Analytics", False),
    (Equal("analytics"), "analytics ", False),
    (Equal("analytics"), "analytics\n", False),
    (Equal("analytics"), "analytic", False),
    (Equal("analytics"), "", False),
    (Equal("analytics"), None, False),
    (Equal("analytics"), ("analytics",), False),
    (Equal(""), "", True),
    (Equal(""), None, False),
    (Equal("*"), "anything", False),
    (Equal("*"), "*", True),
    (Equal("caf\u00e9"), "caf\u00e9", True),
    (Equal("caf\u00e9"), "cafe\u0301", False),
    (Equal("k"), "\u212a", False),
    (Equal(True), True, True),  # noqa: FBT003
    (Equal(True), "true", False),  # noqa: FBT003
    (Equal(True), 1, False),  # noqa: FBT003
    (Equal(False), 0, False),  # noqa: FBT003
    (Equal(False), "", False),  # noqa: FBT003
    (Equal(False), None, False),  # noqa: FBT003
    (Equal("true"), True, False),
    (Equal(1), 1, True),
    (Equal(1), True, False),
    (Equal(1), "1", False),
    (Equal("1"), 1, False),
    (Equal(0), False, False),
    (Glob("batch-*"), "batch-7", True),
    (Glob("batch-*"), "batch-7.a_B", True),
    (Glob("batch-*"), "batch-", False),
    (Glob("batch-*"), "Batch-7", False),
    (Glob("batch-*"), "xbatch-7", False),
    (Glob("batch-*"), "batch-7:admin", False),
    (Glob("batch-*"), "batch-7/admin", False),
    (Glob("batch-*"), "batch-7\n", False),
    (Glob("batch-*"), "batch-\x00", False),
    (Glob("batch-*"), "batch-\u0663", False),
    (Glob("batch-*"), "batch-\uff17", False),
    (Glob("batch-*"), "batch-7 ", False),
    (Glob("batch-*"), "batch-*", False),
    (Glob("batch-*"), None, False),
    (Glob("batch-*"), 7, False),
    (Glob("batch-*"), True, False),
    (Glob("batch-*"), ("batch-7",), False),
    (Glob("*"), "x", True),
    (Glob("*"), "", False),
    (Glob("*"), "a:b", False),
    (Glob("*"), "a/b", False),
    (Glob("*"), "\n", False),
    (Glob("**"), "x", False),
    (Glob("**"), "xy", True),
    (Glob("*-prod"), "-prod", False),
    (Glob("*-prod"), "a-prod", True),
    (Glob("*-prod"), "a-prod-prod", True),
    (Glob("*-prod"), "a-prod\n", False),
    (Glob("*-prod"), "a-production", False),
    (Glob("ab*ba"), "aba", False),
    (Glob("ab*ba"), "abba", False),
    (Glob("ab*ba"), "abxba", True),
    (Glob("a*a"), "a", False),
    (Glob("a*a"), "aa", False),
    (Glob("a*a"), "aaa", True),
    (Glob("a*b*c"), "abc", False),
    (Glob("a*b*c"), "axbxc", True),
    (Glob("a*b*c"), "abbbc", True),
    (Glob("a*b*c"), "axb:xc", False),
    (Glob("a*b*c"), "a/xbxc", False),
    (Glob("a*x*x*b"), "axxxb", False),
    (Glob("a*x*x*b"), "a1x2x3b", True),
    (Glob("a*x*x*b"), "axxxxxb", True),
    (Glob("repo:acme/*:ref:*"), "repo:acme/site:ref:main", True),
    (Glob("repo:acme/*:ref:*"), "repo:acme/a/b:ref:main", False),
    (Glob("repo:acme/*:ref:*"), "repo:acme/site:ref:refs/heads/main", False),
    (Glob("repo:acme/*:ref:*"), "repo:acme/site:environment:x:ref:main", False),
    (Glob("a.c"), "a.c", True),
    (Glob("a.c"), "abc", False),
    (Glob("[ab]*"), "ax", False),
    (Glob("[ab]*"), "[ab]x", True),
    (Glob("a?*"), "abc", False),
    (Glob(""), "", True),
    (Glob(""), "x", False),
    (Contains("admins"), ("admins",), True),
    (Contains("admins"), ("users", "admins"), True),
    (Contains("admins"), ("users", "admins-of-nothing"), False),
    (Contains("admins"), (), False),
    (Contains("admins"), "admins", False),
    (Contains("admins"), "the admins of it", False),
    (Contains("admins"), None, False),
    (Contains("1"), 1, False),
    (Present(), "x", True),
    (Present(), "", False),
    (Present(), (), False),
    (Present(), ("",), True),
    (Present(), None, False),
    (Present(), False, True),
    (Present(), 0, True),
    (AnyOf((Equal("reporter"), Glob("batch-*"))), "reporter", True),
    (AnyOf((Equal("reporter"), Glob("batch-*"))), "batch-1", True),
    (AnyOf((Equal("reporter"), Glob("batch-*"))), "reporter-1", False),
    (AnyOf((Equal("reporter"), Glob("batch-*"))), None, False),
    (AnyOf((Equal(1), Contains("a"), Present())), "x", True),
    (AnyOf(()), "x", False),
    (AnyOf(()), None, False),
]


@pytest.mark.parametrize(("matcher", "value", "expected"), TABLE, ids=ascii)
def test_a_matcher_says_yes_and_no_as_the_table_does(
    matcher: Matcher,
    value: AttributeValue | None,
    expected: bool,  # noqa: FBT001
) -> None:
    assert matcher.matches(value) is expected
    assert not expected or type(value) in matcher.types


PIECES = st.sampled_from(["a", "b", "ab", "aa", "-", ":", "/", ".", "\n", "\u00e9", "0", ""])
PATTERNS = st.lists(PIECES | st.just("*"), max_size=7).map("".join)
VALUES = st.lists(PIECES, max_size=9).map("".join)


@given(PATTERNS, VALUES)
def test_a_glob_is_the_regular_expression_it_stands_for(pattern: str, value: str) -> None:
    oracle = "[A-Za-z0-9._-]+".join(map(re.escape, pattern.split("*")))
    assert Glob(pattern).matches(value) is (re.fullmatch(oracle, value) is not None)


@given(PATTERNS, st.data())
def test_a_glob_takes_what_its_stars_are_filled_with(pattern: str, data: st.DataObject) -> None:
    star = st.text("AZaz09._-", min_size=1, max_size=4)
    value = "".join(data.draw(star) if character == "*" else character for character in pattern)
    assert Glob(pattern).matches(value)


@pytest.mark.parametrize("character", [chr(number) for number in range(0x180)])
def test_a_star_stands_for_letters_digits_dot_underscore_and_hyphen_alone(character: str) -> None:
    assert Glob("a*b").matches(f"a{character}b") is (re.fullmatch("[A-Za-z0-9._-]", character) is not None)


def test_a_glob_of_many_stars_takes_no_long_time() -> None:
    assert not Glob("*a" * 40 + "*b").matches("a" * 16_000 + "/b")


@pytest.mark.parametrize(
    ("matcher", "told"),
    [
        (Equal("a"), "'a'"),
        (Equal(True), "True"),  # noqa: FBT003
        (Glob("a*"), "glob 'a*'"),
        (Contains("a"), "contains 'a'"),
        (Present(), "present"),
        (AnyOf((Equal(1), Glob("a*"))), "any of 1, glob 'a*'"),
    ],
)
def test_a_matcher_says_what_it_wants(matcher: Matcher, told: str) -> None:
    assert str(matcher) == told


@pytest.mark.parametrize(
    ("matcher", "types"),
    [
        (Equal("1"), {str}),
        (Equal(1), {int}),
        (Equal(True), {bool}),  # noqa: FBT003
        (Glob("a*"), {str}),
        (Contains("a"), {tuple}),
        (Present(), {str, int, bool, tuple}),
        (AnyOf((Equal(1), Contains("a"))), {int, tuple}),
        (AnyOf(()), set()),
    ],
)
def test_a_matcher_knows_of_which_types_a_value_must_be(matcher: Matcher, types: set[type]) -> None:
    assert matcher.types == types
