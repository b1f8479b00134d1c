"""What is sent to STS, and how what comes back reads."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.fakes import faults
from tests.fakes.sts import SECRET, TOKEN, key_id
from tests.made import EXTERNAL_ID, ROLE, session
from vendor.refusals import ExpiredToken, Reason, StsUnavailable

if TYPE_CHECKING:
    from tests.fakes.clock import Clock
    from tests.fakes.sts import STS
    from tests.mint.conftest import Rig

BARE = session(
    policy=None, policy_arns=(), tags=(), transitive_tags=(), external_id=None, source_identity=None, not_after=None
)


async def test_every_field_of_a_session_is_sent_as_it_stands(rig: Rig, fake: STS) -> None:
    asked = session(duration=timedelta(seconds=1234))
    await rig.sts.mint(asked)
    (sent,) = fake.requests
    assert (sent.action, sent.access_key_id, sent.region) == ("AssumeRole", "AKIAVENDOR", "us-east-1")
    assert (sent.role_arn, sent.session_name, sent.policy) == (ROLE, asked.session_name, asked.policy)
    assert sent.policy_arns == asked.policy_arns
    assert sent.tags == dict(asked.tags)
    assert sent.transitive_tags == asked.transitive_tags
    assert (sent.source_identity, sent.external_id) == (asked.source_identity, EXTERNAL_ID)
    assert sent.duration_seconds == 1234


async def test_what_a_session_does_not_have_is_not_sent(rig: Rig, fake: STS) -> None:
    await rig.sts.mint(BARE)
    assert set(fake.requests[0].parameters) == {"Action", "Version", "RoleArn", "RoleSessionName", "DurationSeconds"}


async def test_what_sts_gave_is_what_is_returned(rig: Rig, clock: Clock) -> None:
    asked = session()
    made = await rig.sts.mint(asked)
    assert made.access_key_id == key_id(session_name=asked.session_name, role_arn=ROLE, policy=asked.policy)
    assert made.secret_access_key.reveal().startswith(SECRET)
    assert made.session_token.reveal().startswith(TOKEN)
    assert made.expiration == clock.now() + timedelta(hours=1)
    assert (made.account_id, made.role_arn, made.region) == ("111122223333", ROLE, "us-east-1")
    assert made.packed_policy_size == 6
    assert rig.results == {("us-east-1", "ok"): 1}


async def test_the_time_is_told_by_answers_alone_f16(rig: Rig, fake: STS) -> None:
    await rig.sts.mint(session())
    fake.fault(faults.RESET)
    with pytest.raises(StsUnavailable):
        await rig.sts.mint(session(subject="other"))
    assert [date is not None for date in rig.dates] == [True]


async def test_a_size_that_sts_does_not_tell_is_none(rig: Rig, fake: STS) -> None:
    fake.packed_policy_size = None
    assert (await rig.sts.mint(session())).packed_policy_size is None


async def test_a_session_that_must_end_with_its_token_is_asked_for_so_much_shorter(
    rig: Rig, fake: STS, clock: Clock
) -> None:
    await rig.sts.mint(session(not_after=clock.now() + timedelta(seconds=2000.9)))
    await rig.sts.mint(session(not_after=clock.now() + timedelta(hours=2)))
    assert [sent.duration_seconds for sent in fake.requests] == [2000, 3600]


async def test_a_retry_of_it_is_shorter_by_the_time_that_has_passed(rig: Rig, fake: STS, clock: Clock) -> None:
    ends = clock.now() + timedelta(seconds=2000)
    rig.each_takes = 3.0
    fake.next(faults.error("ServiceUnavailable"))
    made = await rig.sts.mint(session(not_after=ends))
    assert [sent.duration_seconds for sent in fake.requests] == [2000, 1997]
    assert made.expiration <= ends


async def test_a_token_that_ends_in_less_than_fifteen_minutes_is_refused_before_anything_is_sent(
    rig: Rig, fake: STS, clock: Clock
) -> None:
    await rig.sts.mint(session(not_after=clock.now() + timedelta(seconds=900)))
    with pytest.raises(ExpiredToken) as refused:
        await rig.sts.mint(session(not_after=clock.now() + timedelta(seconds=899.9)))
    assert refused.value.reason is Reason.LIFETIME
    assert "renew it" in refused.value.public
    assert len(fake.requests) == 1
