"""Whose signature a call bears."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes import faults
from tests.made import credentials
from vendor.leases.lane import Lane
from vendor.mint.call import Call
from vendor.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from tests.fakes.sts import STS
    from tests.mint.conftest import Rig
    from vendor.credentials import Credentials


class WhoAmI(Call[str]):
    """Asks who asks."""

    action = "GetCallerIdentity"
    account = ""

    def __init__(self, *, signed: bool = True, signer: Credentials | None = None) -> None:
        self.signed = signed
        self.signer = signer

    def write(self, now: datetime) -> Mapping[str, Any]:
        return {}

    def read(self, answer: Mapping[str, Any], *, sent: Mapping[str, Any], now: datetime, region: str) -> str:
        return str(answer["Arn"])


async def _ask(rig: Rig, call: Call[str]) -> str:
    return await rig.asking.ask(call, lane=Lane.FIRST, whom=("issuer", "subject"))


async def test_a_call_is_signed_by_the_service_itself(rig: Rig, fake: STS) -> None:
    assert await _ask(rig, WhoAmI()) == fake.caller_arn
    assert (fake.requests[0].access_key_id, fake.requests[0].session_token) == ("AKIAVENDOR", None)


async def test_a_call_with_credentials_of_its_own_is_signed_by_them(rig: Rig, fake: STS) -> None:
    hop = replace(credentials(), access_key_id="ASIAHOP")
    await _ask(rig, WhoAmI(signer=hop))
    sent = fake.requests[0]
    assert (sent.access_key_id, sent.session_token) == ("ASIAHOP", hop.session_token.reveal())


async def test_a_call_without_a_signature_bears_none(rig: Rig, fake: STS) -> None:
    fake.fault(faults.error("AccessDenied"))
    with pytest.raises(Refusal):
        await _ask(rig, WhoAmI(signed=False))
    assert fake.requests[0].access_key_id is None
