"""Covering: the table of matchers, one row a line, and that whoever is covered is let in, for any grants there are."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.made import principal
from vendor.policy.covering import covers
from vendor.policy.grant import Grant
from vendor.policy.matcher import AnyOf, Contains, Equal, Glob, Matcher, Present

TABLE: list[tuple[Matcher, Matcher, bool]] = [
    # wide, narrow, does it cover
    (Equal("a"), Equal("a"), True),
    (Equal("a"), Equal("b"), False),
    (Equal("1"), Equal(1), False),
    (Equal(1), Equal(value=True), False),
    (Glob("a*"), Equal("ab"), True),
    (Glob("a*"), Equal("a"), False),
    (Equal("ab"), Glob("a*"), False),
    (Glob("a*"), Glob("a*"), True),
    (Glob("a*"), Glob("ab*"), True),
    (Glob("ab*"), Glob("a*"), False),
    (Glob("a*c"), Glob("a*b*c"), True),
    (Glob("a*"), Glob("a/*"), False),
    (Glob("*/b"), Glob("a*/b"), True),
    (Present(), Glob("a*"), True),
    (Present(), Equal("a"), True),
    (Present(), Equal(""), False),
    (Present(), Equal(value=False), True),
    (Present(), Contains("a"), True),
    (Present(), Present(), True),
    (Equal("a"), Present(), False),
    (Glob("a*"), Present(), False),
    (Contains("a"), Contains("a"), True),
    (Contains("a"), Contains("b"), False),
    (Contains("a"), Equal("a"), False),
    (Glob("a*"), Contains("ab"), False),
    (AnyOf((Equal("a"), Equal("b"))), Equal("b"), True),
    (AnyOf((Equal("a"), Equal("b"))), AnyOf((Equal("b"), Equal("a"))), True),
    (AnyOf((Equal("a"),)), AnyOf((Equal("b"), Equal("a"))), False),
    (AnyOf((Glob("a*"), Glob("b*"))), Glob("b-*"), True),
    (AnyOf((Equal("a"), Present())), Glob("b*"), True),
    (AnyOf((Equal("a"), Contains("b"))), Contains("b"), True),
    (AnyOf((Equal("ab"),)), Glob("a*"), False),
]


def grant(issuer: str = "one", **where: Matcher) -> Grant:
    return Grant(issuer=issuer, where=tuple(where.items()))


@pytest.mark.parametrize(("wide", "narrow", "does"), TABLE, ids=[f"{wide} {narrow}" for wide, narrow, _ in TABLE])
def test_one_matcher_covers_another(wide: Matcher, narrow: Matcher, *, does: bool) -> None:
    assert covers(grant(x=wide), grant(x=narrow)) is does


def test_a_grant_covers_what_asks_for_more_and_not_what_asks_for_less() -> None:
    a, b = Equal("a"), Equal("b")
    assert covers(grant(x=a), grant(x=a, y=b))
    assert not covers(grant(x=a, y=b), grant(x=a))
    assert not covers(grant(x=a), grant(y=a))


def test_grants_of_two_issuers_cover_nothing_of_one_another() -> None:
    assert not covers(grant("one", x=Equal("a")), grant("two", x=Equal("a")))


def test_the_issuer_is_an_attribute_that_every_grant_asks_for() -> None:
    for name, does in (("one", True), ("two", False)):
        wide = Grant(issuer="one", where=(("issuer", Equal(name)),))
        assert covers(wide, grant(x=Equal("a"))) is does


VALUES = st.sampled_from(["a", "ab", "abc", "b", "a/b", "", 1, 0, True, False])
SIMPLE: st.SearchStrategy[Matcher] = st.one_of(
    st.builds(Equal, VALUES),
    st.builds(Glob, st.sampled_from(["a*", "*b", "a*c", "ab*", "*/b", "a*b*"])),
    st.builds(Contains, st.sampled_from(["a", "b"])),
    st.just(Present()),
)
MATCHERS = SIMPLE | st.builds(AnyOf, st.lists(SIMPLE, min_size=1, max_size=3).map(tuple))
GRANTS = st.builds(
    Grant,
    issuer=st.sampled_from(["one", "two"]),
    where=st.dictionaries(st.sampled_from(["x", "y"]), MATCHERS, max_size=2).map(lambda where: tuple(where.items())),
)
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["x", "y"]), VALUES | st.lists(st.sampled_from(["a", "b"]), max_size=2).map(tuple)
)


@settings(max_examples=300)
@given(wide=GRANTS, narrow=GRANTS, attributes=ATTRIBUTES)
def test_whoever_a_covered_grant_lets_in_is_let_in(wide: Grant, narrow: Grant, attributes: dict[str, object]) -> None:
    who = principal(issuer=narrow.issuer, attributes={"issuer": narrow.issuer, **attributes})
    if covers(wide, narrow) and narrow.failed(who) is None:
        assert wide.failed(who) is None


@given(one=GRANTS)
def test_every_grant_covers_itself(one: Grant) -> None:
    assert covers(one, one)
