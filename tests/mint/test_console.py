"""Links to the console: where each partition signs in, for how long, and that nothing of a link is in a refusal."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.fakes.sts_others import SIGN_IN
from tests.made import SECRET, TOKEN, credentials
from vendor.mint.console import ACTION, ENDPOINTS, Console
from vendor.refusals import InvalidRequest, Reason, Refusal, RoleRefused, StsUnavailable

if TYPE_CHECKING:
    from tests.fakes.clock import Clock
    from tests.fakes.sts import STS


class Rig:
    """A console, and what it reported."""

    def __init__(self, clock: Clock, *, url: str | None, partition: str = "aws", foreign: bool = False) -> None:
        self.reported: list[tuple[str, str]] = []
        self.console = Console(
            partition=partition, url=url, foreign=foreign, tls=True, clock=clock, report=self._report
        )

    def _report(self, action: str, result: str, seconds: float) -> None:
        assert seconds >= 0
        self.reported.append((action, result))


async def _refused(rig: Rig) -> Refusal:
    with pytest.raises(Refusal) as refused:
        await rig.console.link(credentials())
    for text in (refused.value.public, refused.value.detail, repr(refused.value), str(refused.value.__cause__)):
        assert SECRET not in text
        assert TOKEN not in text
    return refused.value


@pytest.mark.parametrize("partition", ENDPOINTS)
async def test_whoever_is_signed_in_gets_to_the_console_of_the_partition(
    fake: STS, clock: Clock, partition: str
) -> None:
    rig = Rig(clock, url=f"{fake.url}{SIGN_IN}", partition=partition)
    link = await rig.console.link(credentials())
    assert link.startswith(f"{fake.url}{SIGN_IN}?")
    assert parse_qs(urlsplit(link).query)["Destination"] == [ENDPOINTS[partition][1]]
    assert rig.reported == [(ACTION, "ok")]


@pytest.mark.parametrize(("lasts", "said"), [(3600, None), (900, None), (3601, "3601"), (43_200, "43200")])
async def test_only_what_cannot_be_chained_is_given_a_duration(
    fake: STS, clock: Clock, lasts: int, said: str | None
) -> None:
    rig = Rig(clock, url=f"{fake.url}{SIGN_IN}")
    await rig.console.link(credentials(lifetime=timedelta(seconds=lasts)))
    assert fake.others.signed_in[0].get("SessionDuration") == said


async def test_a_page_that_cannot_be_reached_is_waited_for_by_nobody(clock: Clock) -> None:
    rig = Rig(clock, url="http://127.0.0.1:1/federation")
    refused = await _refused(rig)
    assert (type(refused), refused.reason, refused.__cause__) == (StsUnavailable, Reason.NO_ANSWER, None)
    assert rig.reported == [(ACTION, Reason.NO_ANSWER)]


async def test_credentials_that_it_takes_nobody_in_for_are_refused_for_good(fake: STS, clock: Clock) -> None:
    fake.others.sign_in_status = 400
    assert type(await _refused(Rig(clock, url=f"{fake.url}{SIGN_IN}"))) is RoleRefused


async def test_another_cloud_has_no_page_unless_one_is_named(clock: Clock) -> None:
    rig = Rig(clock, url=None, foreign=True)
    refused = await _refused(rig)
    assert (type(refused), refused.reason) == (InvalidRequest, Reason.NOT_AT_THIS_DOOR)
    assert rig.reported == []


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (500, "no", Reason.NO_ANSWER),
        (302, "", Reason.NO_ANSWER),
        (200, "{}", Reason.BAD_ANSWER),
        (200, "[]", Reason.BAD_ANSWER),
        (200, "no", Reason.BAD_ANSWER),
        (200, '{"SigninToken": ""}', Reason.BAD_ANSWER),
        (200, "x" * 70_000, Reason.BAD_ANSWER),
    ],
)
async def test_what_is_no_token_is_not_taken_for_one(
    fake: STS, clock: Clock, status: int, body: str, reason: Reason
) -> None:
    fake.others.sign_in_status, fake.others.sign_in_body = status, body
    refused = await _refused(Rig(clock, url=f"{fake.url}{SIGN_IN}"))
    assert (type(refused), refused.reason) == (StsUnavailable, reason)
