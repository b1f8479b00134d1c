"""Parameters whose values are an organization's accounts: never wider than the list of this moment."""

from __future__ import annotations

import re

import pytest

from tests import made
from vendor.policy.decision import Asked, Mapping
from vendor.policy.mint import AssumeRole
from vendor.policy.parameter import Organization, Parameter, any_account
from vendor.policy.template import Text
from vendor.refusals import AccessDenied, Reason, StsUnavailable, ValueNotAllowed

ORGANIZATION = Organization("aws", ("r-ab12",), ())
ONE, OTHER = "111122223333", "444455556666"
PARAMETER = Parameter(
    name="account",
    pattern=re.compile("[0-9]{12}"),
    one_of=(),
    path=False,
    default=ONE,
    organization=ORGANIZATION,
)
SPOKES = made.scope(
    parameters=(PARAMETER,), mint=AssumeRole(role=Text.parse("arn:aws:iam::{{ account }}:role/team/reports"))
)


class World:
    """A mapping over a list that changes."""

    def __init__(self, *listed: str) -> None:
        self.listed: frozenset[str] | None = frozenset(listed)
        self.mapping = Mapping(scopes={SPOKES.name: SPOKES}, generation=1, accounts=lambda _: self.listed)

    def role(self, **parameters: str) -> str:
        principal = made.principal()
        permission = self.mapping.permit(principal, SPOKES.name)
        return self.mapping.open(permission, principal, Asked(scope=SPOKES.name, parameters=parameters)).role_arn


def test_an_account_that_is_listed_may_be_asked_for() -> None:
    world = World(ONE, OTHER)
    assert world.role() == f"arn:aws:iam::{ONE}:role/team/reports"
    assert world.role(account=OTHER) == f"arn:aws:iam::{OTHER}:role/team/reports"


@pytest.mark.parametrize("account", ["777788889999", "1", "*", f"{ONE}:role/x"])
def test_any_other_may_not(account: str) -> None:
    with pytest.raises(ValueNotAllowed):
        World(ONE).role(account=account)


def test_what_left_the_list_is_refused_though_it_was_opened_a_moment_ago() -> None:
    world = World(ONE)
    world.role()
    world.listed = frozenset()
    with pytest.raises(ValueNotAllowed):
        world.role()
    world.listed = frozenset({ONE})
    assert world.role()


def test_before_the_first_list_nobody_has_any() -> None:
    world = World()
    world.listed = None
    with pytest.raises(StsUnavailable) as refused:
        world.role()
    assert (refused.value.reason, refused.value.retry_after) == (Reason.ACCOUNTS_UNKNOWN, 2)


def test_a_mapping_that_knows_no_lists_gives_none() -> None:
    mapping = Mapping(scopes={SPOKES.name: SPOKES}, generation=1)
    decided = mapping.explain(made.principal(), Asked(scope=SPOKES.name))
    assert decided.refusal is not None
    assert decided.refusal.reason is Reason.ACCOUNTS_UNKNOWN


def test_a_role_of_a_listed_account_means_the_scope() -> None:
    world = World(ONE, OTHER)
    asked = Asked(scope=None, role=f"arn:aws:iam::{OTHER}:role/team/reports")
    assert world.mapping.settle(made.principal(), asked)[1].parameters == {"account": OTHER}
    world.listed = None
    with pytest.raises(AccessDenied):
        world.mapping.settle(made.principal(), asked)


def test_where_nobody_can_ask_each_that_could_be_one_is_taken_and_nothing_else() -> None:
    mapping = Mapping(scopes={SPOKES.name: SPOKES}, generation=1, accounts=any_account)
    permission = mapping.permit(made.principal(), SPOKES.name)
    asked = Asked(scope=SPOKES.name, parameters={"account": OTHER})
    assert mapping.open(permission, made.principal(), asked).role_arn == f"arn:aws:iam::{OTHER}:role/team/reports"
    with pytest.raises(ValueNotAllowed):
        mapping.open(permission, made.principal(), Asked(scope=SPOKES.name, parameters={"account": "1"}))
