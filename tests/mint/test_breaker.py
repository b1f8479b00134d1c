"""A region's breaker and the choice among regions, with a clock that a test moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes.clock import Clock
from vendor.leases.lane import Lane
from vendor.mint.breaker import LONGEST_REST, SHORTEST_REST, SILENCE, TOLERATED, Breaker
from vendor.mint.regions import APART, OUT, REST, Region, Regions
from vendor.refusals import Reason, RoleRefused, StsThrottled, StsUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

EAST, WEST = "us-east-1", "us-west-2"
ACCOUNT = "111122223333"
NO_ANSWER = StsUnavailable(Reason.NO_ANSWER)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(clock=clock, spread=lambda _, most: most)


@pytest.fixture
def regions(clock: Clock) -> Regions:
    return Regions((EAST, WEST), clock=clock)


def _open(breaker: Breaker) -> None:
    for _ in range(TOLERATED):
        breaker.fail()


def test_it_opens_after_so_many_failures_in_a_row(breaker: Breaker) -> None:
    for _ in range(TOLERATED - 1):
        breaker.fail()
    assert not breaker.open
    breaker.succeed()
    for _ in range(TOLERATED - 1):
        breaker.fail()
    assert not breaker.open
    breaker.fail()
    assert breaker.open
    assert breaker.left == SHORTEST_REST


def test_silence_weighs_more_than_an_error(breaker: Breaker) -> None:
    for _ in range(TOLERATED // SILENCE):
        assert not breaker.open
        breaker.fail(SILENCE)
    assert breaker.open


def test_each_failed_probe_makes_the_rest_longer_up_to_a_limit_and_an_answer_ends_it(
    breaker: Breaker, clock: Clock
) -> None:
    _open(breaker)
    rests = []
    for _ in range(6):
        rests.append(breaker.left)
        clock.advance(breaker.left)
        breaker.probe()
        assert breaker.probing
        breaker.fail()
    assert rests == [1.0, 2.0, 4.0, 8.0, LONGEST_REST, LONGEST_REST]
    breaker.probe()
    breaker.succeed()
    assert not breaker.open
    _open(breaker)
    assert breaker.left == SHORTEST_REST


def test_what_was_under_way_when_it_opened_changes_nothing(breaker: Breaker) -> None:
    _open(breaker)
    for _ in range(100):
        breaker.fail()
    assert breaker.left == SHORTEST_REST


def test_a_probe_without_a_word_about_the_region_may_be_followed_by_another(breaker: Breaker) -> None:
    _open(breaker)
    breaker.probe()
    breaker.leave()
    assert breaker.open
    assert not breaker.probing


def test_rests_are_spread(clock: Clock) -> None:
    breaker = Breaker(clock=clock)
    _open(breaker)
    assert SHORTEST_REST / 2 <= breaker.left <= SHORTEST_REST


def test_the_first_region_that_is_well_is_chosen(regions: Regions, clock: Clock) -> None:
    east, west = regions
    assert regions.choose(ACCOUNT, Lane.FIRST) is east
    east.answered(NO_ANSWER, account=ACCOUNT)
    assert regions.choose(ACCOUNT, Lane.FIRST) is west
    clock.advance(1)
    west.answered(NO_ANSWER, account=ACCOUNT)
    assert regions.choose(ACCOUNT, Lane.FIRST) is east
    clock.advance(REST)
    assert regions.choose(ACCOUNT, Lane.FIRST) is east


@pytest.mark.parametrize(
    "refusal",
    [None, RoleRefused(Reason.ROLE_DENIED), StsThrottled(Reason.THROTTLED)],
    ids=["ok", "denied", "throttled"],
)
def test_whatever_sts_says_it_is_well(regions: Regions, refusal: RoleRefused | StsThrottled | None) -> None:
    east, _ = regions
    _open(east.breaker)
    east.answered(refusal, account=ACCOUNT)
    assert not east.breaker.open


def test_our_own_identity_says_nothing_of_the_region(regions: Regions) -> None:
    east, _ = regions
    for _ in range(TOLERATED):
        east.answered(StsUnavailable(Reason.BASE_IDENTITY), account=ACCOUNT)
    assert regions.choose(ACCOUNT, Lane.FIRST) is east


def test_a_region_that_an_account_has_disabled_is_out_for_that_account_alone(regions: Regions, clock: Clock) -> None:
    east, west = regions
    east.answered(StsUnavailable(Reason.REGION_DISABLED), account=ACCOUNT)
    assert regions.choose(ACCOUNT, Lane.FIRST) is west
    assert regions.choose("444455556666", Lane.FIRST) is east
    clock.advance(OUT)
    assert regions.choose(ACCOUNT, Lane.FIRST) is east


def test_with_every_region_disabled_nothing_is_asked(regions: Regions) -> None:
    for region in regions:
        region.answered(StsUnavailable(Reason.REGION_DISABLED), account=ACCOUNT)
    with pytest.raises(StsUnavailable) as refused:
        regions.choose(ACCOUNT, Lane.FIRST)
    assert refused.value.reason is Reason.REGION_DISABLED


def test_an_open_region_is_probed_by_what_nobody_waits_for(regions: Regions, clock: Clock) -> None:
    east, west = regions
    _open(east.breaker)
    assert regions.choose(ACCOUNT, Lane.RENEWAL) is west
    clock.advance(SHORTEST_REST)
    assert regions.choose(ACCOUNT, Lane.FIRST) is west
    assert regions.choose(ACCOUNT, Lane.RENEWAL) is east
    regions.begin(east)
    assert regions.choose(ACCOUNT, Lane.RENEWAL) is west


def test_an_open_region_is_probed_by_who_waits_where_nobody_else_did(regions: Regions, clock: Clock) -> None:
    east, _ = regions
    _open(east.breaker)
    clock.advance(SHORTEST_REST + REST)
    assert regions.choose(ACCOUNT, Lane.FIRST) is east


def test_a_later_region_is_not_probed_while_an_earlier_one_is_well(regions: Regions, clock: Clock) -> None:
    east, west = regions
    _open(west.breaker)
    clock.advance(60)
    assert regions.choose(ACCOUNT, Lane.AHEAD) is east


def test_while_nothing_answers_all_is_refused_at_once_with_the_time_of_the_next_probe(
    regions: Regions, clock: Clock
) -> None:
    for region in regions:
        _open(region.breaker)
    with pytest.raises(StsUnavailable) as refused:
        regions.choose(ACCOUNT, Lane.FIRST)
    assert (refused.value.reason, refused.value.retry_after) == (Reason.NO_ANSWER, 1)
    clock.advance(SHORTEST_REST)
    first = regions.choose(ACCOUNT, Lane.FIRST)
    regions.begin(first)
    with pytest.raises(StsUnavailable):
        regions.choose(ACCOUNT, Lane.FIRST)
    clock.advance(APART)
    assert regions.choose(ACCOUNT, Lane.FIRST) is not first


@pytest.mark.parametrize("names", [("a",), ("a", "b"), ("a", "b", "c", "d", "e", "f")])
def test_ten_minutes_of_silence_cost_two_requests_a_second_at_most(names: tuple[str, ...]) -> None:
    clock = Clock()
    regions = Regions(names, clock=clock)
    for region in regions:
        _open(region.breaker)
    probes = [clock.monotonic() for _ in _probes(regions, clock, seconds=600)]
    for first in probes:
        assert sum(first <= probe < first + 1 for probe in probes) <= 2
    assert len(probes) <= 200 * len(names)


def _probes(regions: Regions, clock: Clock, *, seconds: float) -> Iterator[Region]:
    """Ask twenty times a second, and let everything fail at once."""
    for _ in range(int(seconds * 20)):
        clock.advance(0.05)
        try:
            region = regions.choose(ACCOUNT, Lane.FIRST)
        except StsUnavailable:
            continue
        regions.begin(region)
        region.answered(NO_ANSWER, account=ACCOUNT)
        yield region


def test_a_return_is_seen_within_the_longest_rest(regions: Regions, clock: Clock) -> None:
    for region in regions:
        _open(region.breaker)
    list(_probes(regions, clock, seconds=600))
    clock.advance(LONGEST_REST)
    assert regions.choose(ACCOUNT, Lane.FIRST) in list(regions)
