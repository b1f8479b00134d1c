"""Whose key is this? Told from what was handed out, also when it is held no longer, and without a secret."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.fakes.clock import START, Clock
from tests.made import SECRET, SUBJECT, TOKEN, credentials, entry, issued, principal, session
from vendor.audit import Entry, Source
from vendor.leases.holders import LOOKED_AT, Holders
from vendor.leases.shared import Shared
from vendor.refusals import AuditUnavailable, Reason

if TYPE_CHECKING:
    from vendor.identity.principal import AttributeValue
    from vendor.leases.holding import Holding

HOUR = timedelta(hours=1)


def of(number: int, *, lifetime: timedelta = HOUR, clock: Clock | None = None) -> Entry:
    one = session(subject=f"s-{number}")
    now = clock.now() if clock else START
    lent = credentials(one, now=now, lifetime=lifetime)
    return issued(principal=principal(subject=one.subject), session=one, credentials=lent, minted=now, time=now)


def key(number: int) -> str:
    return f"ASIA/s-{number}/1"


def everything(_: Holding) -> bool:
    return True


def test_it_knows_whose_key_it_is_and_never_a_secret() -> None:
    holders = Holders(clock=Clock())
    holders.observe(issued(minted=START, time=START + timedelta(seconds=2)))
    found = holders.find(credentials().access_key_id)
    assert found is not None
    assert (found.issuer, found.issuer_url, found.subject) == ("cluster-a", "https://oidc.example.com/id/AAA", SUBJECT)
    assert found.attributes["namespace"] == "analytics"
    assert (found.scope, found.target, found.role) == ("reports:read", "aws", session().role_arn)
    assert (found.session_name, found.source_identity) == (session().session_name, "analytics.reporter")
    assert (found.minted, found.expiration, found.last_handed_out) == (
        START,
        START + HOUR,
        START + timedelta(seconds=2),
    )
    assert (found.hand_outs, found.key, found.number) == (1, session().key, 1)
    assert SECRET not in repr(found)
    assert TOKEN not in repr(found)
    assert holders.find("ASIAUNKNOWN000000000") is None


def test_it_counts_each_hand_out_and_knows_the_latest_holder() -> None:
    holders = Holders(clock=Clock())
    holders.observe(issued())
    later = principal(attributes={"pod": "another"}, token_sha256="b" * 64)
    holders.observe(issued(principal=later, source=Source.MEMORY, time=START + timedelta(minutes=5)))
    found = holders.find(credentials().access_key_id)
    assert found is not None
    told = {"issuer": "cluster-a", "subject": principal().subject, "pod": "another"}
    assert (found.hand_outs, found.attributes) == (2, told)
    assert (found.minted, found.last_handed_out) == (START, START + timedelta(minutes=5))


def test_a_session_that_somebody_else_named_is_called_what_aws_calls_it() -> None:
    holders = Holders(clock=Clock())
    for user_id, name in (("AROAEXAMPLE:ada@example.com", "ada@example.com"), (None, "")):
        lent = replace(credentials(), user_id=user_id)
        holders.observe(issued(session=session(session_name=""), credentials=lent))
        found = holders.find(lent.access_key_id)
        assert found is not None
        assert found.session_name == name
        holders = Holders(clock=Clock())


def test_what_was_not_handed_out_is_held_by_nobody() -> None:
    holders = Holders(clock=Clock())
    holders.observe(issued(refusal=AuditUnavailable(Reason.SINK)))
    holders.observe(issued(principal=None))
    holders.observe(issued(session=None))
    holders.observe(entry())
    assert holders.find(credentials().access_key_id) is None


async def test_what_is_out_is_told_in_order_from_where_one_left_off() -> None:
    clock = Clock()
    holders = Holders(clock=clock)
    for number in range(5):
        holders.observe(of(number, lifetime=timedelta(minutes=20) if number == 3 else HOUR))
    assert [one.number for one in await holders.out(everything)] == [1, 2, 3, 4, 5]
    assert [one.number for one in await holders.out(everything, after=1, most=2)] == [2, 3]
    assert [one.subject for one in await holders.out(lambda one: one.subject == "s-2")] == ["s-2"]
    clock.advance(1_200)
    assert [one.number for one in await holders.out(everything)] == [1, 2, 3, 5]


def test_an_ended_session_can_be_asked_about_for_an_hour() -> None:
    clock = Clock()
    holders = Holders(clock=clock)
    holders.observe(of(1))
    clock.advance(7_199)
    holders.observe(of(2, clock=clock))
    assert holders.find(key(1))
    clock.advance(1)
    holders.observe(of(3, clock=clock))
    assert holders.find(key(1)) is None
    assert holders.find(key(2))


def test_where_there_are_too_many_the_oldest_go_and_nothing_piles_up() -> None:
    holders = Holders(clock=Clock(), capacity=3)
    for number in range(50):
        holders.observe(of(number, lifetime=timedelta(minutes=60 - number)))
    assert [holders.find(key(number)) is not None for number in (46, 47, 48, 49)] == [False, True, True, True]
    assert len(holders._ends) <= 7


def test_ends_of_ids_that_are_given_again_do_not_pile_up() -> None:
    clock = Clock()
    holders = Holders(clock=clock)
    for _ in range(100):
        for number in range(10):
            holders.observe(of(number, clock=clock))
        clock.advance(1)
    assert len(holders._ends) <= 2 * 10 + 1


async def test_a_long_look_lets_others_work() -> None:
    holders = Holders(clock=Clock())
    for number in range(LOOKED_AT + 1):
        holders.observe(of(number))
    looking = asyncio.create_task(holders.out(everything))
    await asyncio.sleep(0)
    assert not looking.done()
    assert len(await looking) == LOOKED_AT + 1


async def test_a_key_id_that_is_given_out_again_is_of_the_latest_session() -> None:
    clock = Clock()
    holders = Holders(clock=clock)
    holders.observe(of(1))
    holders.observe(of(2))
    clock.advance(1_800)
    holders.observe(of(1, clock=clock))
    assert [one.number for one in await holders.out(everything)] == [2, 3]
    clock.advance(5_401)
    holders.observe(of(3, clock=clock))
    assert holders.find(key(2)) is None
    found = holders.find(key(1))
    assert found is not None
    assert (found.minted, found.hand_outs) == (START + timedelta(minutes=30), 1)


def test_attributes_are_told_as_they_were_lists_and_numbers_too() -> None:
    clock = Clock()
    holders = Holders(clock=clock)
    attributes: dict[str, AttributeValue] = {**principal().attributes, "groups": ("a", "b"), "level": 3, "human": True}
    for _ in range(2):
        holders.observe(issued(principal=principal(attributes=attributes), time=clock.now()))
    (found,) = [holders.find(one) for one in holders._held]
    assert found is not None
    assert found.attributes == attributes


async def test_without_a_store_nobody_else_is_asked() -> None:
    clock = Clock()
    shared = Shared(clock=clock, broken=lambda _: None)
    shared.tell(b"what", b"nobody hears", seconds=1.0)
    for holders in (Holders(clock=clock), Holders(clock=clock, shared=shared)):
        holders.observe(issued())
        found = await holders.seek(credentials().access_key_id)
        assert found is not None
        assert found.subject == SUBJECT
        assert await holders.seek("ASIAUNKNOWN000000000") is None
