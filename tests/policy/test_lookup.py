"""The look-up narrows and never decides: what it leaves out could not have been had."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.made import principal, scope
from vendor.policy.covering import covers
from vendor.policy.decision import Mapping
from vendor.policy.grant import Grant, Scope
from vendor.policy.lookup import Lookup
from vendor.policy.matcher import AnyOf, Contains, Equal, Glob, Matcher, Present
from vendor.refusals import AccessDenied

if TYPE_CHECKING:
    from vendor.identity.principal import Principal
    from vendor.policy.granting import Permission

NAMES = st.sampled_from(["a", "b", "c"])
SCALARS = st.sampled_from(["x", "y", "xy", 1, 0, True, False])
SIMPLE = st.one_of(
    st.builds(Equal, SCALARS),
    st.builds(Glob, st.sampled_from(["x*", "*y"])),
    st.builds(Contains, st.sampled_from(["x", "y"])),
    st.just(Present()),
)
MATCHERS: st.SearchStrategy[Matcher] = SIMPLE | st.builds(AnyOf, st.lists(SIMPLE, max_size=3).map(tuple))
GRANTS = st.builds(
    Grant, issuer=st.sampled_from(["one", "two"]), where=st.lists(st.tuples(NAMES, MATCHERS), max_size=3).map(tuple)
)
SCOPES = st.lists(
    st.tuples(st.lists(GRANTS, min_size=1, max_size=3).map(tuple), st.booleans()), min_size=1, max_size=8
).map(
    lambda given: {
        f"s{number}": scope(name=f"s{number}", grants=grants, enforced=enforced)
        for number, (grants, enforced) in enumerate(given)
    }
)
VALUES = SCALARS | st.lists(st.sampled_from(["x", "y"]), max_size=2).map(tuple)
ATTRIBUTES = st.dictionaries(NAMES, VALUES)


def _permitted(mapping: Mapping, who: Principal, name: str) -> Permission | None:
    with suppress(AccessDenied):
        return mapping.permit(who, name)
    return None


@given(scopes=SCOPES, attributes=ATTRIBUTES, issuer=st.sampled_from(["one", "two", "three"]))
def test_what_a_principal_may_have_is_what_going_through_all_scopes_finds(
    scopes: dict[str, object], attributes: dict[str, object], issuer: str
) -> None:
    mapping = Mapping(scopes=scopes, generation=1)  # type: ignore[arg-type]
    who = principal(issuer=issuer, attributes=attributes)
    assert mapping.permitted(who) == [found for name in scopes if (found := _permitted(mapping, who, name))]


def test_of_ten_thousand_scopes_only_those_that_name_the_principal_are_looked_at() -> None:
    def named(number: int) -> Grant:
        where = (("team", Equal("all")), ("namespace", AnyOf((Equal(f"n{number}"), Equal(f"m{number}")))))
        return Grant(issuer="cluster-a", where=where)

    lookup = Lookup(scope(name=f"s{number}", grants=(named(number),)) for number in range(10_000))
    who = principal(attributes={"team": "all", "namespace": "m77"})
    assert [one.name for one in lookup.candidates(who)] == ["s77"]


@pytest.mark.parametrize(("value", "found"), [(1, ["number"]), (True, ["flag"]), ("1", ["text"])])
def test_a_value_is_found_under_its_own_type_only(value: object, found: list[str]) -> None:
    kinds: dict[str, str | int | bool] = {"number": 1, "flag": True, "text": "1"}
    grants = {name: Grant(issuer="cluster-a", where=(("a", Equal(wanted)),)) for name, wanted in kinds.items()}
    lookup = Lookup(scope(name=name, grants=(grant,)) for name, grant in grants.items())
    assert [one.name for one in lookup.candidates(principal(attributes={"a": value}))] == found


def _lookup(**matchers: Matcher) -> Lookup:
    """Return the look-up of a scope for each matcher, of the attribute a."""
    return Lookup(
        scope(name=name, grants=(Grant(issuer="cluster-a", where=(("a", matcher),)),))
        for name, matcher in matchers.items()
    )


def _found(lookup: Lookup, value: object) -> list[str]:
    return [one.name for one in lookup.candidates(principal(attributes={"a": value}))]


def test_a_list_of_choices_with_a_glob_is_found_by_what_the_glob_matches() -> None:
    mixed = AnyOf((Equal("x"), Glob("y*")))
    assert _found(_lookup(mixed=mixed, other=Equal("z")), "y1") == ["mixed"]
    assert _found(_lookup(mixed=AnyOf((Glob("y*"), Equal("x"))), other=Equal("z")), "x") == ["mixed"]


def test_a_list_is_found_by_its_members_and_by_nothing_else() -> None:
    lookup = _lookup(one=Contains("x"), other=Contains("y"), text=Equal("x"))
    assert _found(lookup, ("x", "z")) == ["one"]
    assert _found(lookup, "x") == ["text"]
    assert _found(lookup, ()) == []
    assert _found(lookup, None) == []


def test_an_empty_text_is_a_value_as_any_other() -> None:
    assert _found(_lookup(empty=Equal(""), other=Equal("x")), "") == ["empty"]


def test_candidates_come_in_the_order_of_the_configuration_however_many_there_are() -> None:
    wanted = {1, 8, 17, 32, 64, 65}
    lookup = _lookup(**{f"s{number}": Equal("x" if number in wanted else "y") for number in range(70)})
    assert _found(lookup, "x") == [f"s{number}" for number in sorted(wanted)]


@given(scopes=SCOPES, grant=GRANTS)
def test_whatever_covers_a_grant_is_among_what_may_cover_it(scopes: dict[str, Scope], grant: Grant) -> None:
    assume(all(matcher != AnyOf(()) for _, matcher in grant.where))  # lets nobody in, and is refused at load
    found = Lookup(scopes.values()).covering(grant)
    assert found == [scope for scope in scopes.values() if scope in found]
    assert all(scope in found for scope in scopes.values() if any(covers(one, grant) for one in scope.grants))
