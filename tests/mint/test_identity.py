"""The service's own identity: found, renewed, doubted once AWS does not know it, and good again soon after it is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import CredentialRetrievalError

from tests.fakes import faults
from tests.made import credentials, session
from vendor.leases.lane import Lane
from vendor.mint.assume_role import AssumeRole
from vendor.mint.identity import AGAIN, LOOKED, RENEWED, Identity
from vendor.mint.own import WhoAmI
from vendor.refusals import Reason, RoleRefused, StsThrottled, StsUnavailable

if TYPE_CHECKING:
    from tests.fakes.clock import Clock
    from tests.fakes.sts import STS
    from tests.mint.conftest import Rig

ROLE_SESSION = "arn:aws:sts::111122223333:assumed-role/vendor/pod"
USER = "arn:aws:iam::111122223333:user/vendor"


class Given:
    """A source that gives what a test says."""

    def __init__(self, *, token: str | None = None) -> None:
        self.token = token
        self.failure: Exception | None = None
        self.asked = 0
        self.forgotten = self.renewed = 0

    async def keys(self) -> ReadOnlyCredentials:
        self.asked += 1
        if self.failure is not None:
            raise self.failure
        return ReadOnlyCredentials("AKIA", "secret", self.token)

    def forget(self) -> None:
        self.forgotten += 1

    def renew(self) -> None:
        self.renewed += 1


class Seen:
    """An identity over a source, and what it told."""

    def __init__(self, clock: Clock, *, token: str | None = None) -> None:
        self.source = Given(token=token)
        self.told: list[tuple[bool, bool]] = []
        self.changed = False
        self.arn: str | Exception = USER
        self.asked = 0
        self.identity = Identity(
            target="aws", source=self.source, clock=clock, changed=lambda: self.changed, told=self._note
        )

    def _note(self, identity: Identity) -> None:
        self.told.append((identity.healthy, identity.chained))

    async def look(self) -> None:
        await self.identity.look(self._ask)

    async def _ask(self) -> str:
        self.asked += 1
        if isinstance(self.arn, Exception):
            raise self.arn
        return self.arn


@pytest.fixture
def seen(clock: Clock) -> Seen:
    return Seen(clock)


async def test_an_identity_is_healthy_once_it_is_found(seen: Seen) -> None:
    assert not seen.identity.healthy
    await seen.identity.keys()
    assert seen.identity.healthy
    assert seen.told == [(True, False)]


@pytest.mark.parametrize(
    "failure",
    [
        CredentialRetrievalError(provider="web-identity", error_msg="no"),
        FileNotFoundError(2, "No such file", "/var/run/secrets/token"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no"),
        StsUnavailable(Reason.NO_ANSWER, detail="no region answers"),
        KeyError("AccessKeyId"),
    ],
    ids=lambda failure: type(failure).__name__,
)
async def test_one_that_cannot_be_had_is_told_of_and_asked_for_again_after_a_while(
    seen: Seen, clock: Clock, failure: Exception
) -> None:
    seen.source.failure = failure
    for _ in range(3):
        with pytest.raises(StsUnavailable) as refused:
            await seen.identity.keys()
        assert refused.value.reason is Reason.BASE_IDENTITY
        assert refused.value.detail.startswith("the service has no AWS identity of its own: ")
    assert seen.source.asked == 1
    seen.source.failure = None
    clock.advance(AGAIN)
    await seen.identity.keys()
    assert not seen.identity.healthy  # that it is there does not mean that AWS knows it
    seen.identity.learn(None)
    assert seen.identity.healthy
    assert seen.told == [(False, True), (False, False), (True, False)]


async def test_one_that_aws_does_not_know_is_tried_by_one_call_at_a_time(seen: Seen, clock: Clock) -> None:
    await seen.identity.keys()
    for _ in range(2):
        seen.identity.learn(StsUnavailable(Reason.BASE_IDENTITY, detail="ExpiredToken: no"))
    with pytest.raises(StsUnavailable) as refused:
        await seen.identity.keys()
    assert refused.value.detail == "ExpiredToken: no"
    assert seen.source.forgotten == 2
    clock.advance(AGAIN)
    await seen.identity.keys()
    with pytest.raises(StsUnavailable):
        await seen.identity.keys()
    seen.identity.learn(StsThrottled(Reason.THROTTLED))  # which is said to those alone who are known
    await seen.identity.keys()
    assert seen.identity.healed


async def test_where_a_role_is_denied_to_a_session_a_newer_one_is_looked_for_once_in_a_while(clock: Clock) -> None:
    seen = Seen(clock, token="token")
    await seen.identity.keys()
    seen.identity.learn(RoleRefused(Reason.POLICY_REJECTED))
    seen.identity.learn(None)
    assert seen.source.renewed == 0
    for _ in range(3):
        seen.identity.learn(RoleRefused(Reason.ROLE_DENIED))
    assert (seen.source.renewed, seen.source.forgotten, seen.identity.healthy) == (1, 0, True)
    clock.advance(RENEWED)
    seen.identity.learn(RoleRefused(Reason.ROLE_DENIED))
    assert seen.source.renewed == 2


async def test_for_keys_that_last_nothing_newer_is_looked_for(seen: Seen) -> None:
    await seen.identity.keys()
    seen.identity.learn(RoleRefused(Reason.ROLE_DENIED))
    assert seen.source.renewed == 0


async def test_silence_says_nothing_of_an_identity(seen: Seen) -> None:
    await seen.identity.keys()
    seen.identity.learn(StsUnavailable(Reason.NO_ANSWER))
    assert seen.identity.healthy


async def test_files_that_have_changed_are_read_again(seen: Seen, clock: Clock) -> None:
    await seen.identity.keys()
    seen.changed = True
    await seen.identity.keys()
    assert seen.source.forgotten == 0
    clock.advance(LOOKED)
    await seen.identity.keys()
    assert seen.source.forgotten == 1


async def test_whether_it_is_a_role_session_is_asked_only_where_it_could_be(seen: Seen) -> None:
    assert not seen.identity.settled
    await seen.look()
    assert (seen.asked, seen.identity.chained, seen.identity.settled) == (0, False, True)


@pytest.mark.parametrize(
    ("arn", "chained"),
    [(ROLE_SESSION, True), (USER, False), (RoleRefused(Reason.ROLE_DENIED), True)],
    ids=["role", "user", "not told"],
)
async def test_whether_it_is_a_role_session_is_found_out_once(
    clock: Clock, arn: str | Exception, *, chained: bool
) -> None:
    seen = Seen(clock, token="token")
    await seen.identity.keys()
    assert (seen.identity.chained, seen.identity.settled) == (True, False)  # as long as nobody knows better
    seen.arn = arn
    for _ in range(3):
        await seen.look()
    assert (seen.asked, seen.identity.chained, seen.identity.settled) == (1, chained, True)


async def test_it_is_asked_again_until_there_is_an_answer(clock: Clock) -> None:
    seen = Seen(clock, token="token")
    seen.arn = StsUnavailable(Reason.NO_ANSWER)
    following = asyncio.create_task(seen.identity.follow(seen._ask))
    await asyncio.sleep(0.01)
    following.cancel()
    assert seen.asked == 1
    seen.arn = USER
    await seen.look()
    assert not seen.identity.chained


async def test_a_doubted_one_is_tried_even_if_nobody_comes(rig: Rig, fake: STS, clock: Clock) -> None:
    fake.fault(faults.error("ExpiredToken"))
    with pytest.raises(StsUnavailable):
        await rig.sts.mint(session())
    assert not rig.identity.healthy
    clock.advance(AGAIN)
    with pytest.raises(StsUnavailable):
        await rig.identity.look(lambda: _who(rig))
    fake.heal()
    clock.advance(AGAIN)
    await rig.identity.look(lambda: _who(rig))
    assert rig.identity.healthy
    assert [sent.action for sent in fake.requests] == ["AssumeRole", "GetCallerIdentity", "GetCallerIdentity"]


async def test_what_a_hop_signs_says_nothing_of_the_services_own_identity(rig: Rig, fake: STS) -> None:
    fake.fault(faults.error("ExpiredToken"))
    with pytest.raises(StsUnavailable):
        await rig.asking.ask(AssumeRole(session(), signer=credentials()), lane=Lane.FIRST, whom=("", ""))
    fake.heal()
    await rig.sts.mint(session())
    assert rig.identity.problem is None


@pytest.mark.parametrize("answer", [{}, {"Arn": ""}, {"Arn": 1}])
def test_an_answer_without_an_arn_is_none(clock: Clock, answer: dict[str, object]) -> None:
    with pytest.raises(StsUnavailable) as refused:
        WhoAmI().read(answer, sent={}, now=clock.now(), region="eu-west-1")
    assert refused.value.reason is Reason.BAD_ANSWER


async def _who(rig: Rig) -> str:
    return await rig.asking.ask(WhoAmI(), lane=Lane.AHEAD, whom=("", ""))
