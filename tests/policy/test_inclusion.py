"""Inclusion of languages: the table, one row a line, and both questions against every short text there is."""

from __future__ import annotations

import re
from itertools import product
from time import process_time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vendor.policy.inclusion import MOST, Patterns
from vendor.policy.wildcard import ANY, NO_COLON, Characters, Piece, Span, language, segmented

# Patterns name a, b and the colon only; z stands for all that they do not name.
LETTERS = "ab:z"
TEXTS = ["".join(letters) for length in range(7) for letters in product(LETTERS, repeat=length)]
KINDS = (
    ANY,
    NO_COLON,
    Characters(frozenset("ab")),
    Characters(frozenset("z")),
    Characters(frozenset("a"), others=True),
)

HELD = [
    ("role/workload/*", "role/workload/*", True),
    ("role/workload/*", "role/workload/a", True),
    ("role/workload/*", "role/workload/", True),
    ("role/workload/*", "role/workload", False),
    ("role/workload/*", "role/workload*", False),
    ("role/workload/*", "role/work*", False),
    ("role/workload/*", "role/*", False),
    ("role/workload/*", "*", False),
    ("role/workload/*", "role/Workload/a", False),
    ("role/workload/*", "role/workload/*/deep:er", True),
    ("*", "*", True),
    ("*", "", True),
    ("", "", True),
    ("", "*", False),
    ("?", "*", False),
    ("?*", "*?", True),
    ("?*", "*", False),
    ("*?", "??", True),
    ("??", "?", False),
    ("*a*", "*aa*", True),
    ("*aa*", "*a*", False),
    ("*a*b*", "*ab*", True),
    ("*ab*", "*a*b*", False),
    ("a*a", "a", False),
    ("a*a", "aa", True),
    ("*-prod", "*-prod-prod", True),
    ("a", "a\n", False),
    ("a*", "a\n", True),
    ("arn:aws:iam::*:role/workload/*", "arn:aws:iam::111122223333:role/workload/x", True),
    ("arn:aws:iam::*:role/workload/*", "arn:aws:iam::111122223333:role/admin", False),
    ("s3:get*", "s3:getobject", True),
    ("s3:get*", "s3:*", False),
]  # fmt: skip

MET = [
    ("iam:*", "iam:passrole", True),
    ("iam:*", "*", True),
    ("iam:*", "i*", True),
    ("iam:*", "*:*", True),
    ("iam:*", "?am:create*", True),
    ("iam:*", "s3:*", False),
    ("iam:*", "ia:*", False),
    ("iam:*", "*object", True),
    ("iam:*user", "iam:*role", False),
    ("iam:create*", "iam:*role", True),
    ("iam:????", "iam:*rol*e*", True),
    ("iam:???", "iam:*rol*e*", False),
    ("iam:passrole", "iam:passrole", True),
    ("iam:passrole", "iam:passrole*", True),
    ("iam:passrole", "iam:passrole?", False),
    ("", "*", True),
    ("", "?", False),
    ("", "", True),
]


@pytest.mark.parametrize(("pattern", "other", "expected"), HELD)
def test_a_pattern_holds_another_or_does_not(pattern: str, other: str, *, expected: bool) -> None:
    assert Patterns.of([language(pattern)]).hold(language(other)) is expected


@pytest.mark.parametrize(("pattern", "other", "expected"), MET)
def test_two_patterns_meet_or_do_not(pattern: str, other: str, *, expected: bool) -> None:
    assert Patterns.of([language(pattern)]).meet(language(other)) is expected
    assert Patterns.of([language(other)]).meet(language(pattern)) is expected


def test_no_pattern_holds_nothing_and_meets_nothing() -> None:
    assert not Patterns.of([]).hold(language("a"))
    assert not Patterns.of([]).hold(language(""))
    assert not Patterns.of([]).meet(language("*"))


def test_several_patterns_hold_together_what_none_of_them_holds_alone() -> None:
    patterns = Patterns.of([language("role/dev"), language("role/prod"), language("role/test-*")])
    assert patterns.hold(("role/", ("dev", "prod", "test-a")))
    assert not patterns.hold(("role/", ("dev", "prod", "admin")))
    assert Patterns.of([language(""), language("?*")]).hold(language("*"))


def test_a_pattern_of_few_characters_holds_what_has_no_other() -> None:
    patterns = Patterns.of([["a", Span(Characters(frozenset("ab")))]])
    assert patterns.hold(["a", Span(Characters(frozenset("b")))])
    assert patterns.hold(["ab"])
    assert not any(patterns.hold([text]) for text in ("a", "az", "abz"))
    assert not any(patterns.hold(["a", Span(of)]) for of in (Characters(frozenset("bz")), ANY))


PATTERNS = st.text("ab:*?", max_size=4)
PIECES = st.one_of(
    st.sampled_from(LETTERS),
    st.lists(st.text(LETTERS, max_size=1), min_size=1, max_size=3).map(tuple),
    st.builds(Span, st.sampled_from(KINDS), many=st.booleans(), empty=st.booleans()),
)


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(re.escape(text).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)


def _expression(piece: Piece) -> str:
    if isinstance(piece, Span):
        letters = "".join(letter for letter in LETTERS if letter in piece.characters)
        return f"[{letters}]" + {(True, True): "*", (True, False): "+", (False, True): "?"}.get(
            (piece.many, piece.empty), ""
        )
    return f"(?:{'|'.join(map(re.escape, (piece,) if isinstance(piece, str) else piece))})"


@settings(max_examples=200)
@given(st.lists(PATTERNS, max_size=3), st.lists(PIECES, max_size=4))
@example(["*a?b", "b*"], [Span(ANY, empty=True)])
@example(["?*", ""], [Span(ANY, empty=True)])
@example([":*"], [Span(NO_COLON), ":"])
def test_both_answers_are_those_of_trying_every_short_text(patterns: list[str], whole: list[Piece]) -> None:
    """Texts of six letters are long enough to tell such short patterns apart: neither answer is ever wrong there."""
    made, matches = Patterns.of(map(language, patterns)), [_pattern(one) for one in patterns]
    texts = list(filter(re.compile("".join(map(_expression, whole))).fullmatch, TEXTS))
    matched = [text for text in texts if any(one.fullmatch(text) for one in matches)]
    assert made.hold(whole) is (len(matched) == len(texts))
    assert made.meet(whole) is bool(matched)


@settings(max_examples=100)
@given(st.lists(st.text("ab:*?", max_size=12), min_size=1, max_size=4), st.text("ab:*?", max_size=12))
def test_patterns_hold_each_of_themselves_and_all_that_one_of_those_holds(patterns: list[str], other: str) -> None:
    made = Patterns.of(map(language, patterns))
    assert all(made.hold(language(one)) for one in patterns)
    if made.hold(language(other)):
        assert made.meet(language(other))
        assert Patterns.of(map(language, [*patterns, "a"])).hold(language(other))


def test_what_would_take_too_long_to_prove_is_not_held() -> None:
    hard = Patterns.of([language("*a" + "?" * 22)])
    started = process_time()
    assert not hard.hold((Span(Characters(frozenset("ab"))), "a" * 20))
    assert not hard.hold((Span(Characters(frozenset("ab"))), "a" + "b" * 22))
    assert hard.meet((Span(Characters(frozenset("ab"))), "a" + "b" * 22))
    assert process_time() - started < 5
    assert MOST < 2**22


@pytest.mark.parametrize(
    ("pattern", "other", "expected"),
    [
        ("arn:aws:iot:*:111122223333:topic/*", "arn:aws:iot:*:111122223333:topic/team/*", True),
        ("arn:aws:iot:*:111122223333:topic/*", "arn:aws:iot:eu-west-1:111122223333:topic/a:b", True),
        ("arn:aws:iot:*:111122223333:topic/*", "arn:aws:iot:eu-west-1:444455556666:topic/a:111122223333:topic/", False),
        ("arn:aws:iot:*:111122223333:topic/*", "arn:aws:iot:*:444455556666:topic/a:111122223333:topic/", False),
        ("arn:aws:iot:*:111122223333:topic/*", "arn:aws:iot:*:topic/*", False),
        ("arn:aws:sqs:*:*:team-*", "arn:aws:sqs:*:*:team-*", True),
        ("arn:aws:sqs:*:*:team-*", "arn:aws:sqs:*:team-*", False),
        ("arn:aws:s3:::team-?*", "arn:aws:s3:::team-a/b:c", True),
        ("arn:aws:s3:::*", "*", False),
        ("*", "*", True),
        ("arn:aws:s3:*", "arn:aws:s3:::a/*", True),
    ],
)  # fmt: skip
def test_a_wildcard_for_a_region_does_not_reach_into_another_account_t14(
    pattern: str, other: str, *, expected: bool
) -> None:
    narrow, wide = segmented(language(pattern)), language(pattern)
    assert Patterns.of([narrow]).hold(segmented(language(other))) is expected
    assert Patterns.of([wide]).hold(language(other)) >= expected


ARNS = st.lists(st.text("ab*?", max_size=2), min_size=4, max_size=7).map(":".join)


@settings(max_examples=200)
@given(st.lists(ARNS, min_size=1, max_size=2), ARNS)
@example(["a:*:c:d:e:f*"], "a:?:c:d:e:f:*")
def test_what_is_within_between_colons_is_so_across_them_too(patterns: list[str], other: str) -> None:
    if Patterns.of(segmented(language(one)) for one in patterns).hold(segmented(language(other))):
        assert Patterns.of(map(language, patterns)).hold(language(other))
