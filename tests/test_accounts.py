"""The accounts of an organization: listed over the wire, through every page and unit, kept when AWS cannot be asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests import aws, made
from tests.fakes.clock import Clock
from tests.fakes.sts import STS
from tests.fakes.sts_others import Unit
from vendor.accounts import AGAIN, REFRESH, Accounts
from vendor.config.values import AccessKey, Target
from vendor.mint.chain import Chain
from vendor.policy.parameter import Organization, Parameter
from vendor.targets import Targets

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

PROD = Organization("aws", ("ou-ab12-11111111", "ou-ab12-22222222"), (("env", "prod"),))
ALL = Organization("aws", ("r-ab12",), ())
GONE = Organization("gone", ("r-ab12",), ())


def account(number: int) -> str:
    return f"{number:012d}"


class Rig:
    """Accounts over the fake organization, and what was told of each list."""

    def __init__(self, fake: STS, folder: Path) -> None:
        self.clock = Clock()
        self.reported: list[tuple[str, str]] = []
        self.told: list[tuple[str, str, str]] = []
        (folder / "secret").write_text("the service's own")
        target = Target(
            name="aws",
            endpoint_url=fake.url,
            regions=("us-east-1",),
            requests_per_second=None,
            identity=AccessKey(id="AKIAVENDOR", secret_file=str(folder / "secret")),
        )
        self.targets = Targets(
            {"aws": target}, aws=aws.session(), clock=self.clock, report=self._report, chain=Chain(clock=self.clock)
        )
        self.accounts = Accounts(
            asking=self.targets.organizations, clock=self.clock, told=lambda *said: self.told.append(said)
        )

    def _report(self, _target: str, _region: str, action: str, result: str, _seconds: float) -> None:
        self.reported.append((action, result))
        self.clock.advance(0.3)  # within the five requests a second

    def serve(self, *wanted: Organization) -> None:
        self.accounts.serve(
            [
                made.scope(
                    name=f"scope-{number}",
                    parameters=(
                        Parameter(name="account", pattern=None, one_of=(), path=False, default=None, organization=one),
                        Parameter(name="other", pattern=None, one_of=(), path=False, default="x"),
                    ),
                )
                for number, one in enumerate(wanted)
            ]
        )


@pytest.fixture
async def fake() -> AsyncIterator[STS]:
    async with STS() as server:
        server.others.organization = {
            "r-ab12": Unit(units=["ou-ab12-11111111", "ou-ab12-22222222"], accounts={account(1): {}}),
            "ou-ab12-11111111": Unit(
                units=["ou-ab12-33333333"],
                accounts={
                    **{account(number): {"env": "prod", "a": "b", "c": "d"} for number in range(10, 15)},
                    account(15): {"env": "test"},
                    account(16): {},
                    account(17): {"env": "prod"},
                },
                suspended={account(17)},
            ),
            "ou-ab12-22222222": Unit(accounts={account(20): {"env": "prod"}}),
            "ou-ab12-33333333": Unit(units=["ou-ab12-11111111"], accounts={account(30): {"env": "prod"}}),
        }
        yield server


@pytest.fixture
async def rig(fake: STS, tmp_path: Path) -> AsyncIterator[Rig]:
    ready = Rig(fake, tmp_path)
    yield ready
    await ready.targets.close()


async def test_before_the_first_list_nothing_is_known_and_after_it_all_that_has_the_tags(rig: Rig) -> None:
    rig.serve(PROD)
    assert rig.accounts.known(PROD) is None
    assert rig.accounts.known(ALL) is None
    await rig.accounts.look()
    assert rig.accounts.known(PROD) == frozenset(map(account, (10, 11, 12, 13, 14, 20, 30)))
    assert rig.told == [("aws", "ok", "")]
    assert {action for action, _ in rig.reported} == {
        "ListAccountsForParent",
        "ListOrganizationalUnitsForParent",
        "ListTagsForResource",
    }


async def test_without_tags_every_active_account_below_is_meant_and_no_tag_is_asked_for(rig: Rig) -> None:
    rig.serve(ALL)
    await rig.accounts.look()
    assert rig.accounts.known(ALL) == frozenset(map(account, (1, 10, 11, 12, 13, 14, 15, 16, 20, 30)))
    assert "ListTagsForResource" not in {action for action, _ in rig.reported}


async def test_it_is_listed_anew_in_time_and_what_left_is_gone(rig: Rig, fake: STS) -> None:
    rig.serve(ALL)
    await rig.accounts.look()
    asked = len(rig.reported)
    await rig.accounts.look()
    assert len(rig.reported) == asked
    fake.others.organization["ou-ab12-22222222"].suspended.add(account(20))
    rig.clock.advance(REFRESH)
    await rig.accounts.look()
    assert account(20) not in (rig.accounts.known(ALL) or ())


async def test_a_list_that_fails_halfway_changes_nothing_and_is_tried_again_soon(rig: Rig, fake: STS) -> None:
    rig.serve(ALL)
    await rig.accounts.look()
    before = rig.accounts.known(ALL)
    fake.others.organization["ou-ab12-44444444"] = fake.others.organization.pop("ou-ab12-22222222")
    rig.clock.advance(REFRESH)
    await rig.accounts.look()
    assert rig.accounts.known(ALL) == before
    assert rig.told[-1][:2] == ("aws", "failed")
    assert "ParentNotFoundException" in rig.told[-1][2]
    assert rig.accounts.ages["scope-0", "account"]() > REFRESH
    fake.others.organization["ou-ab12-22222222"] = Unit()
    rig.clock.advance(AGAIN)
    await rig.accounts.look()
    assert account(20) not in (rig.accounts.known(ALL) or ())
    assert rig.accounts.ages["scope-0", "account"]() == 0


async def test_a_reload_keeps_what_is_known_and_forgets_what_nobody_names(rig: Rig) -> None:
    rig.serve(ALL, PROD)
    await rig.accounts.look()
    rig.serve(PROD)
    assert rig.accounts.known(PROD)
    assert rig.accounts.known(ALL) is None
    assert {place: count() for place, count in rig.accounts.counts.items()} == {("scope-0", "account"): 7.0}


async def test_a_target_that_is_gone_lists_nothing(rig: Rig) -> None:
    rig.serve(GONE)
    await rig.accounts.look()
    assert rig.told == [("gone", "failed", "there is no target gone")]
    assert rig.accounts.known(GONE) is None
    assert rig.accounts.ages["scope-0", "account"]() == float("inf")


@pytest.mark.parametrize("answer", [{}, {"Accounts": None}, {"Accounts": [None]}])
async def test_an_answer_without_a_list_is_none(rig: Rig, fake: STS, answer: dict[str, Any]) -> None:
    fake.others.listed = answer
    rig.serve(ALL)
    await rig.accounts.look()
    assert rig.told[-1] == ("aws", "failed", "ListAccountsForParent: no Accounts")


async def test_a_list_without_an_end_is_given_up(rig: Rig, fake: STS, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vendor.mint.organizations.MOST_PAGES", 3)
    fake.others.listed = {"Accounts": [], "NextToken": "again"}
    rig.serve(ALL)
    await rig.accounts.look()
    assert rig.told[-1] == ("aws", "failed", "ListAccountsForParent: a list without an end")
    assert rig.accounts.known(ALL) is None


async def test_an_organization_of_too_many_units_is_given_up(
    rig: Rig, fake: STS, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vendor.mint.organizations.MOST_UNITS", 2)
    rig.serve(ALL)
    await rig.accounts.look()
    assert rig.told[-1] == ("aws", "failed", "more than 2 organizational units")
