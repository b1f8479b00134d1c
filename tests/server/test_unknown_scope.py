"""Whether a scope exists is not told to who may not have it."""

from __future__ import annotations

from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from tests.server.http import Connection, get, post, request
from tests.server.sts_client import ROLE, asked

if TYPE_CHECKING:
    from tests.service import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

FORBIDDEN, UNKNOWN = "/v1/credentials/reports:read", "/v1/credentials/reports:none"


async def test_t28_an_unknown_scope_reads_as_a_forbidden_one(world: World) -> None:
    token = world.token(namespace="other")
    forbidden, unknown = [await get(world.service.public, path, token) for path in (FORBIDDEN, UNKNOWN)]
    assert (forbidden.status, forbidden.code) == (unknown.status, unknown.code) == (403, "access_denied")
    identity = {"request_id": "", "x-request-id": "", "date": ""}
    assert {**forbidden.json, **identity} == {**unknown.json, **identity}
    assert {**forbidden.headers, **identity} == {**unknown.headers, **identity}
    assert len(forbidden.body) == len(unknown.body)


async def test_t28_an_unknown_scope_reads_as_a_forbidden_one_at_the_json_door_too(world: World) -> None:
    token = world.token(namespace="other")
    forbidden, unknown = [await post(world.service.public, path, token) for path in (FORBIDDEN, UNKNOWN)]
    assert {**forbidden.json, "request_id": ""} == {**unknown.json, "request_id": ""}
    assert forbidden.status == unknown.status == 403


async def test_what_is_wrong_with_parameters_is_told_only_of_a_scope_that_may_be_had(world: World) -> None:
    token = world.token(namespace="other")
    for query in ("?unknown=1", "?month=*", "?duration_seconds=900000"):
        answers = [await get(world.service.public, path + query, token) for path in (FORBIDDEN, UNKNOWN)]
        assert [answer.code for answer in answers] == ["access_denied"] * 2


async def test_the_audit_line_tells_the_two_apart(world: World) -> None:
    token = world.token(namespace="other")
    for path in (FORBIDDEN, UNKNOWN):
        await get(world.service.public, path, token)
    assert [line["reason"] for line in world.audit()[-2:]] == ["no_grant", "unknown_scope"]


@pytest.mark.parametrize("door", ["container", "sts"])
async def test_t28_the_time_tells_nothing_either(world: World, door: str) -> None:
    """A machine with other work tells one time from the other too, but not always the same way."""
    token = world.token(namespace="other")
    sent = {path: request(path, token) for path in (FORBIDDEN, UNKNOWN)} if door == "container" else by_role(token)
    differences = [await _difference(world, sent)]
    while min(map(abs, differences)) >= 0.001 and len(differences) < 5:
        differences.append(await _difference(world, sent))
    assert min(map(abs, differences)) < 0.001, differences


async def _difference(world: World, sent: dict[str, bytes]) -> float:
    times: dict[str, list[float]] = {FORBIDDEN: [], UNKNOWN: []}
    async with await Connection.open(world.service.public) as connection:
        for number in range(200):
            for path in (FORBIDDEN, UNKNOWN) if number % 2 else (UNKNOWN, FORBIDDEN):
                began = perf_counter()
                await connection.send(sent[path])
                assert (await connection.read()).status == 403
                times[path].append(perf_counter() - began)
    return median(times[FORBIDDEN]) - median(times[UNKNOWN])


def by_role(token: str) -> dict[str, bytes]:
    """Return what asks STS for the role of a scope that others may have, and for one that no scope has."""
    roles = {FORBIDDEN: ROLE, UNKNOWN: f"{ROLE}-none"}
    forms = {path: urlencode(asked(token, RoleArn=role)).encode() for path, role in roles.items()}
    return {path: request("/", method="POST", body=form) for path, form in forms.items()}
