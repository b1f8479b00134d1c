"""What AWS gave for an assertion or a code is lent again for as long as a client may try again, and no longer."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.made import session
from vendor.credentials import Secret
from vendor.leases.lease import PROVEN
from vendor.policy.proof import Proof
from vendor.policy.session import Action, Hop, Mfa, Provider
from vendor.refusals import Reason, RoleRefused

if TYPE_CHECKING:
    from tests.leases.conftest import Rig

PROOF = Proof(mfa_code=Secret("012345"))
BY_CODE: dict[str, Any] = {"mfa": Mfa("arn:d", None), "proof_sha256": "0" * 64}
JUDGED = [
    session(**BY_CODE),
    session(**BY_CODE, via=(Hop("arn:aws:iam::999988887777:role/hub", None),)),
    session(action=Action.SAML, provider=Provider("arn:p", None), proof_sha256="0" * 64),
]


@pytest.mark.parametrize("one", JUDGED)
async def test_who_tries_again_with_the_same_proof_is_lent_the_same_and_later_aws_is_asked_again(
    rig: Rig, one: Any
) -> None:
    lease, _ = await rig.lend(one, proof=PROOF)
    rig.clock.advance(PROVEN - 1)
    assert (await rig.lend(one, proof=PROOF))[0] is lease
    assert rig.leases.holds(one.key, lease.credentials.access_key_id)
    rig.clock.advance(1)
    assert not rig.leases.holds(one.key, lease.credentials.access_key_id)
    assert await rig.lent(one, proof=PROOF) == 2


async def test_a_code_that_aws_takes_no_more_opens_nothing_although_its_session_lives_on(rig: Rig) -> None:
    await rig.lend(JUDGED[0], proof=PROOF)
    rig.clock.advance(PROVEN)
    rig.mint.failure = RoleRefused(Reason.ROLE_DENIED)
    with pytest.raises(RoleRefused):
        await rig.lend(JUDGED[0], proof=PROOF)


async def test_for_a_code_nothing_newer_is_asked_for_as_the_same_would_be_refused(rig: Rig) -> None:
    short = replace(JUDGED[0], duration=timedelta(minutes=15))
    lease, _ = await rig.lend(short, proof=PROOF)
    await rig.pass_time(PROVEN - 1)
    assert (await rig.lend(short, proof=PROOF))[0] is lease
    assert len(rig.mint.asked) == 1
    assert lease.refresh_after == lease.credentials.expiration


async def test_a_session_for_a_device_of_the_services_is_lent_like_any_other(rig: Rig) -> None:
    one = session(mfa=Mfa("arn:d", "/etc/vendor/mfa"))
    await rig.lend(one)
    rig.clock.advance(PROVEN)
    assert await rig.lent(one) == 1
