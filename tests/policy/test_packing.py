"""Packing: what is learned of sizes that nobody publishes, and which tags are left out for it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests import made
from vendor.policy.decision import Asked, Mapping
from vendor.policy.limits import check
from vendor.policy.packing import Packing, dropped, lighter
from vendor.policy.template import Text
from vendor.refusals import PolicyTooLarge, Reason

if TYPE_CHECKING:
    from vendor.policy.session import RoleSession

OPTIONAL = ("job", "team")


def session(characters: int = 100, **changes: object) -> RoleSession:
    """Return a session with a policy of so many characters and three tags, two of which are optional."""
    tags = (("namespace", "analytics"), ("team", "t" * 10), ("job", "j" * 10))
    given = {"policy": "x" * characters, "policy_arns": (), "tags": tags, "transitive_tags": ("namespace",), **changes}
    return made.session(**given)


def keys(of: RoleSession) -> tuple[str, ...]:
    return tuple(key for key, _ in of.tags)


def test_without_any_answer_of_sts_nothing_is_left_out() -> None:
    packing, asked = Packing(), session(2_000)
    assert packing.fitted(asked, OPTIONAL) is asked
    assert packing.expected(asked) is None


def test_tags_are_left_out_in_the_declared_order_and_never_another() -> None:
    first = lighter(session(), OPTIONAL)
    assert first is not None
    assert (keys(first), dropped(first, OPTIONAL)) == (("namespace", "team"), ("job",))
    second = lighter(first, OPTIONAL)
    assert second is not None
    assert (keys(second), dropped(second, OPTIONAL)) == (("namespace",), OPTIONAL)
    assert lighter(second, OPTIONAL) is None
    assert check(second) is second


def test_t17_a_session_with_fewer_tags_is_another_request_with_another_key() -> None:
    asked = session()
    smaller = lighter(asked, OPTIONAL)
    assert smaller is not None
    assert smaller.key != asked.key
    assert replace(smaller, tags=asked.tags) == asked
    assert replace(smaller, tags=asked.tags).key == asked.key


def test_what_is_no_smaller_than_what_was_too_large_goes_without_a_tag_at_once() -> None:
    packing = Packing()
    packing.refused(session(200))
    assert keys(packing.fitted(session(200), OPTIONAL)) == ("namespace", "team")
    assert keys(packing.fitted(session(213), OPTIONAL)) == ("namespace",)
    assert keys(packing.fitted(session(199), OPTIONAL)) == ("namespace", "team", "job")


def test_when_nothing_more_can_be_left_out_sts_is_asked_all_the_same() -> None:
    packing = Packing()
    packing.refused(session(10))
    assert keys(packing.fitted(session(2_000), OPTIONAL)) == ("namespace",)
    assert keys(packing.fitted(session(2_000), ())) == ("namespace", "team", "job")


def test_a_session_that_is_nearly_full_tells_of_larger_ones() -> None:
    packing = Packing()
    packing.took(session(960), 95)
    assert packing.expected(session(960)) == 95
    assert packing.expected(session(500)) == 51
    assert keys(packing.fitted(session(960), OPTIONAL)) == ("namespace", "team", "job")
    assert keys(packing.fitted(session(1_030), OPTIONAL)) == ("namespace", "team")


def test_a_session_that_is_far_from_full_tells_nothing_of_larger_ones() -> None:
    packing = Packing()
    packing.took(session(100), 75)
    assert packing.expected(session(1_000)) is None
    assert keys(packing.fitted(session(1_000), OPTIONAL)) == ("namespace", "team", "job")


def test_the_fullest_session_is_what_is_judged_by() -> None:
    packing = Packing()
    packing.took(session(960), 95)
    packing.took(session(100), 10)
    assert packing.expected(session(960)) == 95


def test_of_two_that_are_as_full_the_later_one_counts() -> None:
    packing = Packing()
    packing.took(session(55), 80)
    packing.took(session(156), 80)
    assert packing.expected(session(156)) == 80


def test_policy_arns_are_packed_as_well() -> None:
    packing = Packing()
    packing.took(session(55), 80)
    assert packing.expected(session(55, policy_arns=("a" * 10, "b" * 15))) == 100


@pytest.mark.parametrize("taken", [200, 300])
def test_what_was_taken_disproves_what_was_learned(taken: int) -> None:
    packing = Packing()
    packing.refused(session(200))
    packing.took(session(taken), 50)
    assert packing.expected(session(300)) is None
    assert packing.expected(session(301)) is None


@pytest.mark.parametrize("other", [{"scope": "another"}, {"terms": "2"}])
def test_each_scope_learns_for_itself_and_anew_when_it_changes(other: dict[str, str]) -> None:
    packing = Packing()
    packing.refused(session(200))
    assert packing.expected(session(200)) == 101
    assert packing.expected(session(200, **other)) is None


def test_it_is_told_once_that_a_scope_is_nearly_full() -> None:
    packing = Packing()
    assert [packing.took(session(), percent) for percent in (75, 76, 80, 60, 90)] == [False, True, False, False, False]
    assert packing.took(session(scope="another"), 76)


def test_no_more_scopes_than_asked_for_are_remembered() -> None:
    packing = Packing(capacity=2)
    for scope in ("a", "b", "a", "c"):
        packing.refused(session(200, scope=scope))
    known = [scope for scope in "abc" if packing.expected(session(200, scope=scope))]
    assert known == ["a", "c"]


def test_a_session_of_nothing_to_pack_weighs_nothing() -> None:
    packing = Packing()
    packing.took(session(policy=None, tags=()), 80)
    assert packing.expected(session(policy=None, tags=())) == 0


def test_a_mapping_opens_what_is_expected_to_fit_and_explains_what_it_left_out() -> None:
    packing, tags = Packing(), (("job", Text.parse("nightly")), ("team", Text.parse("{{ namespace }}")))
    scope = made.scope(session=replace(made.scope().session, tags=tags, optional_tags=OPTIONAL))
    mapping = Mapping(scopes={scope.name: scope}, generation=1, packing=packing)
    asked, principal = Asked(scope=scope.name), made.principal()
    permission = mapping.permit(principal, scope.name)
    whole = mapping.open(permission, principal, asked)
    packing.refused(whole)
    assert keys(mapping.open(permission, principal, asked)) == ("team",)
    told = mapping.explain(principal, asked)
    assert (told.session, told.dropped, told.packed) == (lighter(whole, OPTIONAL), ("job",), None)
    assert mapping.explain(made.principal(attributes={}), asked).dropped == ()


def test_a_mapping_raises_what_sts_said_when_nothing_can_be_left_out() -> None:
    scope = made.scope()
    mapping = Mapping(scopes={scope.name: scope}, generation=1)
    permission, refusal = mapping.permit(made.principal(), scope.name), PolicyTooLarge(Reason.PACKED_SIZE)
    with pytest.raises(PolicyTooLarge) as raised:
        mapping.lighten(permission, made.session(), refusal)
    assert raised.value is refusal
