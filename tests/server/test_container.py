"""The container credentials door, which every AWS SDK speaks."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.fakes.sts import SECRET, TOKEN, key_id
from tests.server.http import Connection, get, request

if TYPE_CHECKING:
    from tests.service import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATH = "/v1/credentials/reports:read"
MEMBERS = {
    "Code",
    "Type",
    "LastUpdated",
    "AccessKeyId",
    "SecretAccessKey",
    "Token",
    "Expiration",
    "AccountId",
    "RoleArn",
}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


async def test_the_document_is_the_one_that_all_sdks_read(world: World) -> None:
    answer = await get(world.service.public, PATH, world.token())
    document = answer.json
    assert answer.status == 200
    assert document.keys() == MEMBERS
    assert all(isinstance(value, str) for value in document.values())
    assert (document["Code"], document["Type"]) == ("Success", "AWS-HMAC")
    assert document["SecretAccessKey"].startswith(SECRET)
    assert document["Token"].startswith(TOKEN)
    assert (document["AccountId"], document["RoleArn"]) == ("111122223333", "arn:aws:iam::111122223333:role/reports")
    assert TIME.fullmatch(document["LastUpdated"])
    assert TIME.fullmatch(document["Expiration"])
    assert len(answer.body) < 10_000


async def test_the_document_is_written_byte_for_byte_as_it_was_tried_against_every_sdk(world: World) -> None:
    answer = await get(world.service.public, PATH, world.token())
    at = answer.json
    assert answer.body.decode() == (
        f'{{"Code":"Success","Type":"AWS-HMAC","LastUpdated":"{at["LastUpdated"]}",'
        f'"AccessKeyId":"{at["AccessKeyId"]}","SecretAccessKey":"{at["SecretAccessKey"]}","Token":"{at["Token"]}",'
        f'"Expiration":"{at["Expiration"]}","AccountId":"111122223333",'
        f'"RoleArn":"arn:aws:iam::111122223333:role/reports"}}'
    )


async def test_the_expiration_is_the_one_that_sts_gave(world: World) -> None:
    document = (await get(world.service.public, PATH, world.token())).json
    left = datetime.fromisoformat(document["Expiration"]) - datetime.now(UTC)
    assert timedelta(minutes=59) < left <= timedelta(hours=1)


async def test_every_answer_says_that_it_is_json_and_not_to_be_kept(world: World) -> None:
    headers = (await get(world.service.public, PATH, world.token())).headers
    assert headers["content-type"] == "application/json"
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert "set-cookie" not in headers


async def test_the_request_id_of_the_answer_is_the_one_of_the_audit_line(world: World) -> None:
    answer = await get(world.service.public, PATH, world.token())
    line = world.audit()[-1]
    assert line["request_id"] == answer.headers["x-request-id"]
    assert (line["outcome"], line["door"], line["access_key_id"]) == ("issued", "container", answer.key_id)


async def test_sts_was_asked_for_exactly_what_the_scope_says(world: World) -> None:
    answer = await get(world.service.public, f"{PATH}?month=2026-03&duration_seconds=1800", world.token("batch-what"))
    asked = world.sts.issued[answer.key_id]
    assert asked.role_arn == "arn:aws:iam::111122223333:role/reports"
    assert '"arn:aws:s3:::reports/analytics/2026-03/*"' in (asked.policy or "")
    assert asked.tags == {"namespace": "analytics"}
    assert asked.source_identity == "analytics.batch-what"
    assert (asked.external_id, asked.duration_seconds) == ("CANARY-external-id", 1800)
    assert answer.key_id == key_id(session_name=asked.session_name, role_arn=asked.role_arn, policy=asked.policy)


@pytest.mark.parametrize("scheme", ["", "Bearer ", "bearer ", "BEARER   ", "  "])
async def test_the_token_may_stand_alone_or_behind_bearer(world: World, scheme: str) -> None:
    assert (await get(world.service.public, PATH, scheme + world.token())).status == 200


async def test_a_scope_may_be_written_with_percent_signs(world: World) -> None:
    token = world.token()
    plain = await get(world.service.public, PATH, token)
    assert (await get(world.service.public, "/v1/credentials/reports%3Aread", token)).json == plain.json


@pytest.mark.parametrize("path", ["/v1/credentials", "/v1/credentials/"])
async def test_without_a_scope_the_only_one_is_meant(world: World, path: str) -> None:
    answer = await get(world.service.public, path, world.token())
    assert answer.status == 200
    assert world.audit()[-1]["scope"] == "reports:read"


async def test_a_second_request_is_served_from_memory_byte_for_byte(world: World) -> None:
    token = world.token("batch-memory")
    first = await get(world.service.public, PATH, token)
    asked = len(world.sts.requests)
    second = await get(world.service.public, PATH, token)
    assert (second.body, len(world.sts.requests)) == (first.body, asked)
    assert [line["source"] for line in world.audit()[-2:]] == ["sts", "memory"]


async def test_another_month_or_duration_is_another_session(world: World) -> None:
    token = world.token("batch-other")
    asks = ["", "?month=2026-02", "?duration_seconds=900", "?month=2026-02&duration_seconds=900"]
    tokens = {(await get(world.service.public, PATH + ask, token)).json["Token"] for ask in asks}
    assert len(tokens) == len(asks)


async def test_two_service_accounts_never_share_a_session(world: World) -> None:
    first, second = [await get(world.service.public, PATH, world.token(name)) for name in ("batch-a", "batch-b")]
    assert first.key_id != second.key_id


@pytest.mark.parametrize("seconds", ["900", "3600", "14400"])
async def test_a_duration_within_the_scope_is_given(world: World, seconds: str) -> None:
    token = world.token(f"batch-{seconds}")  # the key id does not tell one duration from another
    answer = await get(world.service.public, f"{PATH}?duration_seconds={seconds}", token)
    assert world.sts.issued[answer.key_id].duration_seconds == int(seconds)


@pytest.mark.parametrize(
    "seconds",
    ["899", "0", "-1", "14401", "43201", "1000000", "3600.0", "1e3", "+3600", "1h", "", "%D9%A3%D9%A6%D9%A0%D9%A0"],
)
async def test_any_other_duration_is_refused(world: World, seconds: str) -> None:
    answer = await get(world.service.public, f"{PATH}?duration_seconds={seconds}", world.token())
    assert (answer.status, answer.code) == (400, "invalid_request")


@pytest.mark.parametrize(
    "query",
    [
        "unknown=1",
        "month=2026-01&month=2026-02",
        "month=2026-01&month=2026-01",
        "duration_seconds=900&duration_seconds=900",
        "month",
        "&",
        "=",
        "scope=reports:read",
        "policy=%7B%7D",
        "month=%ff",
        "month=%ed%a0%80",
        "&".join(f"m{number}=1" for number in range(65)),
    ],
)
async def test_unknown_repeated_or_malformed_query_members_are_refused(world: World, query: str) -> None:
    answer = await get(world.service.public, f"{PATH}?{query}", world.token())
    assert (answer.status, answer.code) == (400, "invalid_request")


@pytest.mark.parametrize("month", ["2026-1", "*", "..", "2026-01%2F..", "%24%7Baws:username%7D", "2026-01;x=y", ""])
async def test_a_value_that_the_scope_does_not_declare_is_refused(world: World, month: str) -> None:
    answer = await get(world.service.public, f"{PATH}?month={month}", world.token())
    assert (answer.status, answer.code) == (403, "value_not_allowed")


async def test_many_requests_go_over_one_connection_in_order(world: World) -> None:
    months = [f"2026-{number:02}" for number in range(1, 9)]
    async with await Connection.open(world.service.public) as connection:
        await connection.send(*(request(f"{PATH}?month={month}", world.token()) for month in months))
        answers = [await connection.read() for _ in months]
    policies = [world.sts.issued[answer.key_id].policy or "" for answer in answers]
    assert [f"/{month}/" in policy for month, policy in zip(months, policies, strict=True)] == [True] * 8
