"""Chains: each role on the way is assumed once and shared, may do nothing but assume the next, and carries what AWS
carries by itself."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes import faults
from tests.made import EXTERNAL_ID, ROLE, session
from vendor.credentials import Secret
from vendor.leases.expiry import ExpiryLedger
from vendor.leases.leases import SETTLED, Leases
from vendor.mint.devices import STEP, totp
from vendor.policy.chain import NAME, hop, way
from vendor.policy.proof import NO_PROOF, Proof, bound
from vendor.policy.session import Action, Hop, Mfa
from vendor.refusals import Reason, RoleRefused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.fakes.clock import Clock
    from tests.fakes.sts import STS
    from tests.fakes.sts_wire import Request
    from tests.mint.conftest import Rig
    from vendor.credentials import Credentials
    from vendor.policy.session import RoleSession

HUB = "arn:aws:iam::999988887777:role/hub"
BRIDGE = "arn:aws:iam::999988887777:role/bridge"
VIA = (Hop(HUB, "to-hub"), Hop(BRIDGE, None))
PLAIN: dict[str, Any] = {"tags": (("team", "a"),), "transitive_tags": (), "source_identity": None}
SERIAL = "arn:aws:iam::111122223333:mfa/vendor"


class World:
    """A mint whose chain goes through leases, as in the service."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.leases = Leases(mint=rig.sts, clock=rig.clock, expiry=ExpiryLedger(clock=rig.clock))
        rig.chain.lender = self.leases

    async def lend(self, of: RoleSession, proof: Proof = NO_PROOF) -> Credentials:
        deadline = self.rig.clock.monotonic() + 30
        lease, _ = await self.leases.lend(bound(of, proof, gives=frozenset(Action)), deadline=deadline, proof=proof)
        return lease.credentials


@pytest.fixture
async def world(rig: Rig) -> AsyncIterator[World]:
    ready = World(rig)
    yield ready
    await ready.leases.close()


def policy(request: Request) -> Any:
    (statement,) = json.loads(request.policy or "")["Statement"]
    return statement


def roles(fake: STS) -> list[str]:
    return [request.role_arn for request in fake.requests]


async def test_three_hops_cost_one_call_each_and_then_none_while_the_way_lives(world: World, fake: STS) -> None:
    await world.lend(session(via=VIA, **PLAIN))
    assert roles(fake) == [HUB, BRIDGE, ROLE]
    for number in range(20):
        await world.lend(session(via=VIA, subject=f"another-{number}", scope=f"s{number}", **PLAIN))
    assert roles(fake) == [HUB, BRIDGE] + [ROLE] * 21
    world.rig.clock.advance(41 * 60)  # the way has less than twenty minutes left
    await world.lend(session(via=VIA, subject="one-more", **PLAIN))
    assert roles(fake)[23:] == [HUB, BRIDGE, ROLE]


async def test_a_thousand_at_once_share_one_way(world: World, fake: STS) -> None:
    await asyncio.gather(*(world.lend(session(via=VIA, subject=f"s{number}", **PLAIN)) for number in range(50)))
    assert sorted(roles(fake)) == sorted([HUB, BRIDGE, *[ROLE] * 50])


async def test_each_hop_is_signed_by_the_one_before_and_may_assume_the_next_alone(world: World, fake: STS) -> None:
    await world.lend(session(via=VIA, **PLAIN))
    first, second, last = fake.requests
    assert first.access_key_id == "AKIAVENDOR"
    assert fake.issued[second.access_key_id or ""] is first
    assert fake.issued[last.access_key_id or ""] is second
    assert policy(first) == {"Effect": "Allow", "Action": ["sts:AssumeRole"], "Resource": BRIDGE}
    assert policy(second) == {"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"], "Resource": ROLE}
    assert [one.external_id for one in fake.requests] == ["to-hub", None, EXTERNAL_ID]
    assert [one.session_name for one in fake.requests] == [NAME, NAME, session().session_name]
    assert [one.tags for one in fake.requests] == [{}, {}, {"team": "a"}]
    assert [one.duration_seconds for one in fake.requests] == [3600, 3600, 3600]
    assert (last.policy, last.policy_arns) == (session().policy, session().policy_arns)


async def test_what_aws_carries_begins_with_the_first_hop_and_makes_the_way_somebodys(world: World, fake: STS) -> None:
    of = session(via=VIA)
    made = await world.lend(of)
    first, second, _ = fake.requests
    assert [one.tags for one in fake.requests] == [{"namespace": "analytics"}, {}, {"team": ""}]
    assert [one.transitive_tags for one in fake.requests] == [("namespace",), (), ()]
    assert [one.source_identity for one in fake.requests] == ["analytics.reporter"] * 3
    assert [one.session_name for one in fake.requests] == [of.session_name] * 3
    everything = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
    assert [policy(one)["Action"] for one in (first, second)] == [everything] * 2
    assert made.role_arn == ROLE
    await world.lend(session(via=VIA, subject="x", session_name="another-one", source_identity="another"))
    assert roles(fake) == [HUB, BRIDGE, ROLE] * 2


async def test_a_refused_hop_refuses_the_rest_and_is_not_asked_again_soon(world: World, fake: STS) -> None:
    fake.fault(faults.error("AccessDenied"), role=HUB)
    for subject in ("a", "b"):
        with pytest.raises(RoleRefused) as refused:
            await world.lend(session(via=VIA, subject=subject, **PLAIN))
        assert refused.value.reason is Reason.ROLE_DENIED
    assert roles(fake) == [HUB]


REVOKED = ["AccessDenied", "ExpiredToken", "InvalidClientTokenId"]


@pytest.mark.parametrize("code", REVOKED)
async def test_a_session_on_the_way_that_aws_takes_no_more_is_made_anew_once_for_all(
    world: World, fake: STS, code: str
) -> None:
    await world.lend(session(via=VIA, **PLAIN))
    fake.revoked[fake.requests[-1].session_token] = faults.error(code)
    world.rig.clock.advance(SETTLED)
    await asyncio.gather(*(world.lend(session(via=VIA, subject=f"s{number}", **PLAIN)) for number in range(5)))
    assert roles(fake)[3:].count(BRIDGE) == 1
    assert roles(fake)[3:].count(ROLE) == 10
    assert roles(fake).count(HUB) == 1


@pytest.mark.parametrize("code", REVOKED)
async def test_every_session_of_a_way_may_have_been_revoked(world: World, fake: STS, code: str) -> None:
    await world.lend(session(via=VIA, **PLAIN))
    for request in fake.requests[1:]:
        fake.revoked[request.session_token] = faults.error(code)
    world.rig.clock.advance(SETTLED)
    await world.lend(session(via=VIA, subject="another", **PLAIN))
    assert roles(fake)[3:] == [ROLE, BRIDGE, HUB, BRIDGE, ROLE]


async def test_a_way_of_this_very_minute_is_not_made_anew_for_a_role_that_is_denied(world: World, fake: STS) -> None:
    fake.fault(faults.error("AccessDenied"), role=ROLE)
    for subject in ("a", "b"):
        with pytest.raises(RoleRefused):
            await world.lend(session(via=VIA, subject=subject, **PLAIN))
    assert roles(fake) == [HUB, BRIDGE, ROLE, ROLE]
    world.rig.clock.advance(SETTLED)
    for subject in ("c", "d"):
        with pytest.raises(RoleRefused):
            await world.lend(session(via=VIA, subject=subject, **PLAIN))
    assert roles(fake)[4:] == [ROLE, BRIDGE, ROLE, ROLE]


async def test_what_no_other_session_would_mend_leaves_the_way_as_it_is(world: World, fake: STS) -> None:
    await world.lend(session(via=VIA, **PLAIN))
    world.rig.clock.advance(SETTLED)
    fake.next(faults.error("MalformedPolicyDocument"), role=ROLE)
    with pytest.raises(RoleRefused):
        await world.lend(session(via=VIA, subject="another", **PLAIN))
    await world.lend(session(via=VIA, subject="one more", **PLAIN))
    assert roles(fake)[3:] == [ROLE, ROLE]


async def test_a_way_that_a_code_opened_is_left_as_the_code_opens_no_other(world: World, fake: STS) -> None:
    fake.others.devices[SERIAL] = b"12345678901234567890"
    of, step = session(via=VIA, mfa=Mfa(SERIAL, None), **PLAIN), int(world.rig.clock.now().timestamp()) // STEP
    proof = Proof(mfa_code=Secret(totp(fake.others.devices[SERIAL], step)))
    await world.lend(of, proof)
    world.rig.clock.advance(SETTLED)
    fake.fault(faults.error("AccessDenied"), role=ROLE)
    with pytest.raises(RoleRefused):
        await world.lend(replace(of, subject="another"), proof)
    assert roles(fake)[3:] == [ROLE]


async def test_a_device_speaks_at_the_first_hop_alone(world: World, fake: STS) -> None:
    fake.others.devices[SERIAL] = b"12345678901234567890"
    world.rig.files["/secret"] = b"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    await world.lend(session(via=VIA, mfa=Mfa(SERIAL, "/secret"), **PLAIN))
    assert ["TokenCode" in one.parameters for one in fake.requests] == [True, False, False]


async def test_a_code_that_a_caller_brings_opens_the_way_for_nobody_else(world: World, fake: STS, clock: Clock) -> None:
    fake.others.devices[SERIAL] = b"12345678901234567890"
    of = session(via=VIA, mfa=Mfa(SERIAL, None), **PLAIN)
    with pytest.raises(RoleRefused):
        await world.lend(of, Proof(mfa_code=Secret("000000")))
    assert roles(fake) == [HUB]
    with pytest.raises(RoleRefused):
        await world.lend(of, Proof(mfa_code=Secret("000001")))
    assert roles(fake) == [HUB, HUB]


async def test_another_target_and_other_terms_have_ways_of_their_own() -> None:
    of = session(via=VIA, **PLAIN)
    assert hop(of, terms="a").key != hop(of, terms="b").key
    assert hop(of, terms="a").key != hop(session(via=VIA, target="gov", **PLAIN), terms="a").key
    assert hop(of, terms="a").key == hop(session(via=VIA, subject="x", scope="y", terms="z", **PLAIN), terms="a").key
    assert hop(hop(of, terms="a"), terms="a").role_arn == HUB
    assert hop(of, terms="a").duration == timedelta(hours=1)
    assert [one.role_arn for one in way(of)] == [HUB, BRIDGE]
    assert way(session()) == []
