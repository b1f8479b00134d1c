"""What a reload leaves of the leases: those on the same terms, and nothing that was under way on others."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from tests.fakes.clock import START
from tests.leases.conftest import Rig, settle
from tests.made import session
from vendor.audit import Source
from vendor.leases.leases import SWEPT
from vendor.leases.renewals import LOOKED


async def test_what_is_not_kept_is_dropped_and_the_rest_is_lent_on(rig: Rig) -> None:
    old, same = session(terms="old"), session(terms="same")
    await rig.lend(old)
    await rig.lend(same)
    rig.leases.keep(lambda one: one.terms == "same")
    await rig.leases.drop()
    assert (await rig.lend(same))[1] is Source.MEMORY
    assert (await rig.lend(old))[1] is Source.STS
    assert len(rig.mint.asked) == 3


async def test_a_mint_under_way_on_terms_that_are_gone_is_not_kept_t20(rig: Rig) -> None:
    rig.mint.gate.clear()
    asking = asyncio.create_task(rig.lend(session()))
    await settle()
    rig.leases.keep(lambda _: False)
    rig.mint.gate.set()
    await asking
    rig.leases.keep(lambda _: True)
    assert (await rig.lend(session()))[1] is Source.STS
    assert len(rig.mint.asked) == 2


async def test_a_long_sweep_lets_others_work_and_minds_what_ends_meanwhile() -> None:
    rig = Rig(capacity=2 * SWEPT)
    sessions = [session(subject=f"s-{number}") for number in range(SWEPT + 1)]
    for one in sessions:
        await rig.lend(one)
    rig.leases.keep(lambda _: False)
    dropping = asyncio.create_task(rig.leases.drop())
    await asyncio.sleep(0)
    assert not dropping.done()
    rig.clock.advance(3_600)
    rig.leases.keep(lambda _: True)
    assert (await rig.lend(sessions[-1]))[1] is Source.STS
    await dropping
    assert (await rig.lend(sessions[-1]))[1] is Source.MEMORY


async def test_what_ends_while_it_is_swept_is_let_go_of_once() -> None:
    rig = Rig(capacity=2 * SWEPT)
    sessions = [session(subject=f"s-{number}") for number in range(SWEPT + 1)]
    for one in sessions:
        await rig.lend(one)
    rig.leases.keep(lambda _: False)
    dropping = asyncio.create_task(rig.leases.drop())
    await asyncio.sleep(0)
    rig.clock.advance(3_600)
    rig.leases.look()
    await dropping
    assert len(rig.leases._held) == 0


async def test_what_has_ended_is_let_go_of_although_nobody_asks_a_part_at_each_look() -> None:
    rig = Rig(capacity=2 * LOOKED)
    for number in range(LOOKED + 1):
        await rig.lend(session(subject=f"s-{number}", not_after=START + timedelta(hours=1)))
    rig.clock.advance(3_600)
    rig.leases.look()
    assert len(rig.leases._held) == 1
    rig.leases.look()
    assert len(rig.leases._held) == 0


async def test_what_is_to_be_forgotten_is_lent_no_more_and_nothing_else_is_touched(rig: Rig) -> None:
    gone, other = session(subject="gone"), session(subject="other")
    lease, _ = await rig.lend(gone)
    await rig.lend(other)
    assert rig.leases.holds(gone.key, lease.credentials.access_key_id)
    assert not rig.leases.holds(gone.key, "another")
    await rig.leases.forget(lambda one: one.session.subject == "gone")
    assert not rig.leases.holds(gone.key, lease.credentials.access_key_id)
    assert (await rig.lend(other))[1] is Source.MEMORY
    assert (await rig.lend(gone))[1] is Source.STS


async def test_the_session_that_is_held_is_found_by_its_key_as_long_as_it_is_held() -> None:
    rig, asked = Rig(), session()
    assert rig.leases.session(asked.issuer, asked.key) is None
    await rig.lend(asked)
    assert rig.leases.session(asked.issuer, session().key) is asked
    assert rig.leases.session("https://other.example", asked.key) is None
    await rig.leases.forget(lambda _: True)
    assert rig.leases.session(asked.issuer, asked.key) is None
