"""Which lease an access key id belongs to: as long as its credentials live, renewed or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.leases.conftest import Rig
from tests.made import session

if TYPE_CHECKING:
    from vendor.leases.lease import Lease

HOUR = 3600.0


async def key_id(rig: Rig, subject: str) -> str:
    lease, _ = await rig.lend(session(subject=subject))
    return lease.credentials.access_key_id


async def test_a_lease_is_found_by_its_access_key_id_until_it_ends(rig: Rig) -> None:
    lease, _ = await rig.lend(session())
    assert rig.leases.by_access_key(lease.credentials.access_key_id) is lease
    assert rig.leases.by_access_key("ASIANOBODY") is None
    rig.clock.advance(HOUR)
    assert rig.leases.by_access_key(lease.credentials.access_key_id) is None


async def test_what_was_renewed_is_still_known_as_it_is_still_used(rig: Rig) -> None:
    before = await key_id(rig, "a")
    rig.clock.advance(HOUR - 600)
    after = await key_id(rig, "a")
    assert before != after
    assert [rig.leases.by_access_key(one) is not None for one in (before, after)] == [True, True]


async def test_only_so_many_are_known_and_the_oldest_leave_first() -> None:
    rig = Rig(capacity=3)
    ids = [await key_id(rig, f"workload-{number}") for number in range(5)]
    assert [rig.leases.by_access_key(one) is not None for one in ids] == [False, False, True, True, True]


async def test_what_has_ended_makes_room_before_what_has_not() -> None:
    rig = Rig(capacity=3)
    await key_id(rig, "ends first")
    rig.clock.advance(HOUR / 2)
    lasting = [await key_id(rig, name) for name in ("a", "b")]
    rig.clock.advance(HOUR / 2)
    lasting.append(await key_id(rig, "c"))
    assert all(rig.leases.by_access_key(one) for one in lasting)
    assert len(rig.leases._vended._by_access_key) == 3


async def test_what_is_forgotten_is_neither_lent_nor_known_by_its_key(rig: Rig) -> None:
    forgotten, kept = [await key_id(rig, name) for name in ("a", "b")]

    def of_a(lease: Lease) -> bool:
        return lease.session.subject == "a"

    await rig.leases.forget(of_a)
    assert rig.leases.by_access_key(forgotten) is None
    assert rig.leases.by_access_key(kept)
    assert [await key_id(rig, "b"), await key_id(rig, "a") == forgotten] == [kept, False]
