"""The fake STS, read by the real aiobotocore."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiobotocore.config import AioConfig
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from botocore.parsers import ResponseParserError

from tests import aws
from tests.fakes import faults
from tests.fakes.clock import Clock
from tests.fakes.sts import SECRET, STS, TOKEN, key_id
from tests.fakes.trust import Trust

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROLE = "arn:aws:iam::111122223333:role/team/reports"
TAGS = [{"Key": "team", "Value": "a"}]
ASK: dict[str, Any] = {"RoleArn": ROLE, "RoleSessionName": "reporter-1"}


@pytest.fixture
async def sts() -> AsyncIterator[STS]:
    async with STS() as server:
        yield server


@pytest.fixture
async def client(sts: STS) -> AsyncIterator[Any]:
    async with _client(sts) as ready:
        yield ready


async def test_it_mints_what_was_asked_for_until_when_it_was_asked_for(sts: STS, client: Any) -> None:
    answer = await client.assume_role(**ASK, Policy="{}", DurationSeconds=900)
    held = answer["Credentials"]
    assert held["AccessKeyId"] == key_id(session_name="reporter-1", role_arn=ROLE, policy="{}")
    assert held["SecretAccessKey"].startswith(SECRET)
    assert held["SessionToken"].startswith(TOKEN)
    assert abs(held["Expiration"] - datetime.now(tz=UTC) - timedelta(minutes=15)) < timedelta(seconds=10)
    assert answer["AssumedRoleUser"]["Arn"] == "arn:aws:sts::111122223333:assumed-role/reports/reporter-1"
    assert answer["PackedPolicySize"] == 6
    assert sts.issued[held["AccessKeyId"]].policy == "{}"


async def test_every_parameter_is_recorded_as_it_was_sent(sts: STS, client: Any) -> None:
    await client.assume_role(
        **ASK,
        PolicyArns=[{"arn": "arn:aws:iam::aws:policy/A"}, {"arn": "arn:aws:iam::aws:policy/B"}],
        Tags=[{"Key": "namespace", "Value": "analytics"}, {"Key": "empty", "Value": ""}],
        TransitiveTagKeys=["namespace"],
        SourceIdentity="analytics.reporter",
        ExternalId="acme-7",
        DurationSeconds=1800,
    )
    (came,) = sts.requests
    assert came.action == "AssumeRole"
    assert came.policy is None
    assert came.policy_arns == ("arn:aws:iam::aws:policy/A", "arn:aws:iam::aws:policy/B")
    assert came.tags == {"namespace": "analytics", "empty": ""}
    assert came.transitive_tags == ("namespace",)
    assert (came.source_identity, came.external_id, came.duration_seconds) == ("analytics.reporter", "acme-7", 1800)
    assert (came.access_key_id, came.region) == ("AKIAVENDOR", "eu-west-1")


async def test_another_name_role_or_policy_gives_another_key_id(client: Any) -> None:
    asks = [ASK, {**ASK, "RoleSessionName": "reporter-2"}, {**ASK, "RoleArn": f"{ROLE}-2"}, {**ASK, "Policy": "{}"}]
    ids = [(await client.assume_role(**ask))["Credentials"]["AccessKeyId"] for ask in asks]
    assert len(set(ids)) == 4
    assert ids[0] == (await client.assume_role(**ASK))["Credentials"]["AccessKeyId"]


async def test_its_clock_and_its_lifetime_can_be_set() -> None:
    clock = Clock()
    async with STS(clock=clock) as sts, _client(sts) as client:
        sts.lifetime = timedelta(minutes=3)
        answer = await client.assume_role(**ASK)
        assert answer["Credentials"]["Expiration"] == clock.now() + timedelta(minutes=3)


async def test_a_caller_learns_who_it_is(sts: STS, client: Any) -> None:
    assert (await client.get_caller_identity())["Arn"] == "arn:aws:iam::111122223333:user/vendor"
    held = (await client.assume_role(**ASK))["Credentials"]
    async with _client(sts, key=held["AccessKeyId"], token=held["SessionToken"]) as vended:
        assert (await vended.get_caller_identity())["Arn"].endswith("assumed-role/reports/reporter-1")
    assert sts.requests[-1].session_token == held["SessionToken"]


@pytest.mark.parametrize("code", sorted(faults.STATUS))
async def test_an_error_reads_as_aws_writes_it(sts: STS, client: Any, code: str) -> None:
    sts.fault(faults.error(code))
    with pytest.raises(ClientError) as refused:
        await client.assume_role(**ASK)
    answer = refused.value.response
    assert answer["Error"]["Code"] == code
    assert answer["Error"]["Message"]
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == faults.STATUS[code]
    assert answer["ResponseMetadata"]["RequestId"]
    assert sts.issued == {}


async def test_queued_faults_are_met_one_after_another_and_then_all_is_well(sts: STS, client: Any) -> None:
    sts.next(faults.error("Throttling"), faults.HEALTHY, faults.error("ServiceUnavailable"))
    assert [await _code(client), await _code(client)] == ["Throttling", "ok"]
    assert [await _code(client), await _code(client)] == ["ServiceUnavailable", "ok"]


async def test_a_fault_of_one_role_leaves_others_alone(sts: STS, client: Any) -> None:
    sts.fault(faults.error("AccessDenied"), role=ROLE)
    assert await _code(client) == "AccessDenied"
    assert await _code(client, RoleArn=f"{ROLE}-2") == "ok"
    sts.heal()
    assert await _code(client) == "ok"


async def test_above_its_rate_it_throttles(sts: STS, client: Any) -> None:
    sts.throttle_above(2)
    assert [await _code(client) for _ in range(3)] == ["ok", "ok", "Throttling"]


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        ({"DurationSeconds": 899}, "ValidationError"),
        ({"DurationSeconds": 43_201}, "ValidationError"),
        ({"RoleSessionName": "a b"}, "ValidationError"),
        ({"RoleArn": "arn:aws:iam::1:role/short-account"}, "ValidationError"),
    ],
)
async def test_what_real_sts_would_not_take_is_refused(client: Any, ask: dict[str, Any], code: str) -> None:
    assert await _code(client, **ask) == code


async def test_a_chained_role_lasts_an_hour_at_most(sts: STS) -> None:
    async with _client(sts, key="ASIACHAINED", token="session") as client:
        assert await _code(client, DurationSeconds=3600) == "ok"
        assert await _code(client, DurationSeconds=3601) == "ValidationError"


async def test_the_session_token_can_be_missing(sts: STS, client: Any) -> None:
    sts.fault(faults.NO_SESSION_TOKEN)
    assert "SessionToken" not in (await client.assume_role(**ASK))["Credentials"]


async def test_the_expiration_can_be_missing_past_or_late(sts: STS, client: Any) -> None:
    sts.next(faults.NO_EXPIRATION, faults.PAST_EXPIRATION, faults.LATE_EXPIRATION)
    assert "Expiration" not in (await client.assume_role(**ASK))["Credentials"]
    assert (await client.assume_role(**ASK))["Credentials"]["Expiration"] < datetime.now(tz=UTC)
    late = (await client.assume_role(**ASK))["Credentials"]["Expiration"]
    assert late > datetime.now(tz=UTC) + timedelta(hours=12)


async def test_an_expiration_that_is_no_time_breaks_the_sdks_parser(sts: STS, client: Any) -> None:
    sts.fault(faults.GARBAGE_EXPIRATION)
    with pytest.raises((ValueError, ResponseParserError)):
        await client.assume_role(**ASK)


async def test_it_can_answer_with_another_role(sts: STS, client: Any) -> None:
    sts.fault(faults.OTHER_ROLE)
    assert ":999999999999:" in (await client.assume_role(**ASK))["AssumedRoleUser"]["Arn"]


async def test_xml_cut_in_half_breaks_the_sdks_parser(sts: STS, client: Any) -> None:
    sts.fault(faults.CUT_XML)
    with pytest.raises(ResponseParserError):
        await client.assume_role(**ASK)


async def test_ten_megabytes_around_a_good_answer_are_swallowed_by_the_sdk(sts: STS, client: Any) -> None:
    sts.fault(faults.OVERSIZE)
    answer = await client.assume_role(**ASK)
    assert answer["Credentials"]["AccessKeyId"] in sts.issued


async def test_it_can_cut_the_connection(sts: STS, client: Any) -> None:
    sts.fault(faults.RESET)
    with pytest.raises(EndpointConnectionError):
        await client.assume_role(**ASK)


async def test_it_can_hang_until_the_caller_gives_up(sts: STS) -> None:
    sts.fault(faults.HANG)
    async with _client(sts, read_timeout=0.05) as client:
        with pytest.raises(ReadTimeoutError):
            await client.assume_role(**ASK)


async def test_it_can_be_late(sts: STS) -> None:
    sts.fault(faults.latency(30))
    async with _client(sts, read_timeout=0.05) as client:
        with pytest.raises(ReadTimeoutError):
            await client.assume_role(**ASK)
    sts.fault(faults.latency(0.01))
    async with _client(sts) as client:
        assert await _code(client) == "ok"


async def test_what_is_held_is_answered_well_after_release(sts: STS, client: Any) -> None:
    sts.fault(faults.HOLD, role=ROLE)
    asking = asyncio.create_task(_code(client))
    await sts.arrived(1)
    assert await _code(client, RoleArn=f"{ROLE}-2") == "ok"  # a whole round trip later
    assert [request.role_arn for request in sts.issued.values()] == [f"{ROLE}-2"]
    sts.release()
    assert await asking == "ok"


async def test_it_runs_as_a_program_that_prints_its_url() -> None:
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.fakes.sts", "--port", "0", stdout=asyncio.subprocess.PIPE
    )
    assert program.stdout is not None
    url = (await program.stdout.readline()).decode().strip()
    async with aiohttp.ClientSession() as http, http.get(f"{url}/?Action=GetCallerIdentity") as answer:
        body = await answer.text()
    program.terminate()
    assert await program.wait() == 0
    assert "<Code>MissingAuthenticationToken</Code>" in body


def _client(sts: STS, *, key: str = "AKIAVENDOR", token: str | None = None, read_timeout: float = 2) -> Any:
    config = AioConfig(
        read_timeout=read_timeout,
        retries={"mode": "standard", "total_max_attempts": 1},
        parameter_validation=False,  # so that the fake's own refusals are seen
    )
    return aws.session().create_client(
        "sts",
        region_name="eu-west-1",
        endpoint_url=sts.url,
        aws_access_key_id=key,
        aws_secret_access_key="secret",
        aws_session_token=token,
        config=config,
    )


async def _code(client: Any, **changes: Any) -> str:
    try:
        await client.assume_role(**{**ASK, **changes})
    except ClientError as refused:
        return str(refused.response["Error"]["Code"])
    return "ok"


@pytest.mark.parametrize(
    ("trusts", "asked", "outcome"),
    [
        ({}, {}, "AccessDenied"),
        ({ROLE: Trust()}, {}, "ok"),
        ({ROLE: Trust(external_id="acme-7")}, {}, "AccessDenied"),
        ({ROLE: Trust(external_id="acme-7")}, {"ExternalId": "acme-7"}, "ok"),
        ({ROLE: Trust(external_id="")}, {"ExternalId": "acme-7"}, "AccessDenied"),
        ({ROLE: Trust(tags=False)}, {"Tags": TAGS}, "AccessDenied"),
        ({ROLE: Trust(wants_tags=True)}, {}, "AccessDenied"),
        ({ROLE: Trust(wants_tags=True)}, {"Tags": TAGS}, "ok"),
        ({ROLE: Trust(source_identity=False)}, {"SourceIdentity": "reporter"}, "AccessDenied"),
        ({ROLE: Trust(together=False)}, {"SourceIdentity": "reporter"}, "ok"),
        ({ROLE: Trust(together=False)}, {"SourceIdentity": "reporter", "Tags": TAGS}, "AccessDenied"),
        ({ROLE: Trust(max_seconds=3600)}, {"DurationSeconds": 3601}, "ValidationError"),
        ({ROLE: Trust(policy_characters=1)}, {"Policy": "{}"}, "PackedPolicyTooLarge"),
        ({ROLE: Trust(malformed="{")}, {"Policy": "{}"}, "MalformedPolicyDocument"),
    ],
)
async def test_a_role_lets_in_whom_it_trusts(
    sts: STS, client: Any, trusts: dict[str, Trust], asked: dict[str, Any], outcome: str
) -> None:
    sts.trusts = trusts
    assert await _code(client, **asked) == outcome
