"""The packed size, through sockets: learned from STS, warned of, and optional tags left out where all do not fit."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes.sts import packed_bytes
from tests.server.http import get, post
from tests.service import CONFIGURATION, World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

PATH = "/v1/credentials/reports:read"
TAGS = '      tags: {{namespace: "{{{{ namespace }}}}"}}\n'
MANY = (
    '      tags: {{namespace: "{{{{ namespace }}}}", team: 0f3a9c77d1e54b28, job: 9b1d7730c2aa4e65}}\n'
    "      optional_tags: [job, team]\n"
)
SETTINGS = CONFIGURATION.replace(TAGS, MANY)
ALL, WITHOUT_JOB, BARE = ["namespace", "team", "job"], ["namespace", "team"], ["namespace"]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    assert SETTINGS != CONFIGURATION
    async with World(tmp_path, configuration=SETTINGS) as running:
        yield running


def sent(world: World) -> list[list[str]]:
    """Return the keys of the tags of each request that STS has seen."""
    return [list(request.tags) for request in world.sts.requests]


async def measured(world: World, tags: list[str]) -> int:
    """Return how many bytes a session packs to: the limit at which it fills all of what STS takes."""
    world.sts.packed_limit = 10_000
    before = world.sts.requests
    world.sts.requests = []
    answer = await get(world.service.public, PATH, world.token("batch-measure"))
    (request,) = world.sts.requests
    world.sts.requests = before
    assert answer.status == 200
    kept = {name: value for name, value in request.parameters.items() if not name.startswith("Tags.")}
    for number, key in enumerate(tags, 1):
        kept |= {f"Tags.member.{number}.Key": key, f"Tags.member.{number}.Value": request.tags[key]}
    return packed_bytes(type(request)(action="AssumeRole", parameters=kept))


async def test_what_fits_is_sent_whole_and_recorded_so(world: World) -> None:
    assert (await get(world.service.public, PATH, world.token())).status == 200
    assert sent(world) == [ALL]
    (line,) = world.audit()
    assert (list(line["tags"]), line["dropped_tags"], line["packed_policy_size"]) == (ALL, [], 6)


async def test_optional_tags_are_left_out_in_their_order_until_it_fits(world: World) -> None:
    world.sts.packed_limit = await measured(world, WITHOUT_JOB)
    answer = await get(world.service.public, PATH, world.token())
    assert answer.status == 200
    assert sent(world) == [ALL, WITHOUT_JOB]
    line = world.audit()[-1]
    assert (list(line["tags"]), line["dropped_tags"]) == (WITHOUT_JOB, ["job"])
    assert (line["outcome"], line["packed_policy_size"]) == ("issued", 100)
    assert line["transitive_tags"] == ["namespace"]


async def test_what_was_learned_spares_the_next_caller_the_refused_request(world: World) -> None:
    world.sts.packed_limit = await measured(world, WITHOUT_JOB)
    await get(world.service.public, PATH, world.token())
    await get(world.service.public, PATH, world.token("batch-7"))
    assert sent(world) == [ALL, WITHOUT_JOB, WITHOUT_JOB]
    assert [line["dropped_tags"] for line in world.audit()[-2:]] == [["job"], ["job"]]


async def test_who_was_served_with_fewer_tags_is_served_from_memory_with_the_same(world: World) -> None:
    world.sts.packed_limit = await measured(world, BARE)
    first, second = [await get(world.service.public, PATH, world.token()) for _ in range(2)]
    assert first.json["AccessKeyId"] == second.json["AccessKeyId"]
    assert sent(world) == [ALL, WITHOUT_JOB, BARE]
    assert [line["source"] for line in world.audit()[-2:]] == ["sts", "memory"]
    assert {*map(json.dumps, (line["dropped_tags"] for line in world.audit()[-2:]))} == {'["job", "team"]'}


async def test_t17_nobody_is_handed_what_was_minted_with_other_tags_or_for_another(world: World) -> None:
    world.sts.packed_limit = await measured(world, WITHOUT_JOB)
    names = [f"batch-{number}" for number in range(8)]
    answers = await asyncio.gather(*(get(world.service.public, PATH, world.token(name)) for name in names * 3))
    assert {answer.status for answer in answers} == {200}
    keys = [answer.json["AccessKeyId"] for answer in answers]
    for name, key in zip(names * 3, keys, strict=True):
        behind = world.sts.issued[key]
        assert behind.session_name.startswith(f"analytics.{name}-")
        assert list(behind.tags) == WITHOUT_JOB
    assert len({*keys}) == len(names)


async def test_when_nothing_is_left_to_leave_out_it_is_too_large_and_sts_is_spared(world: World) -> None:
    world.sts.packed_limit = 10
    for _ in range(3):
        answer = await get(world.service.public, PATH, world.token())
        assert (answer.status, answer.code) == (502, "policy_too_large")
    assert sent(world) == [ALL, WITHOUT_JOB, BARE]
    line = world.audit()[-1]
    assert (line["code"], line["reason"], line["dropped_tags"]) == ("policy_too_large", "packed_size", ["job", "team"])


async def test_what_was_left_out_is_told_by_explain(world: World) -> None:
    world.sts.packed_limit = await measured(world, WITHOUT_JOB)
    await get(world.service.public, PATH, world.token())
    told = await explained(world)
    assert (list(told["session"]["tags"]), told["session"]["dropped_tags"]) == (WITHOUT_JOB, ["job"])
    assert told["session"]["packed_policy_percent"] == 100
    assert told["warnings"] == [
        "left out, as STS could not pack all of it: the tags job",
        "policy, policy ARNs and tags fill about 100 % of what STS takes packed",
    ]


async def test_a_scope_that_is_nearly_full_is_warned_of_once_and_measured(world: World) -> None:
    for percent in (75, 76, 80):
        world.sts.packed_policy_size = percent
        await get(world.service.public, PATH, world.token(f"batch-{percent}"))
        assert bool((await explained(world))["warnings"]) is (percent > 75)
    warned = [json.loads(line) for line in world.service.log if "nearly full" in line]
    assert [(line["level"], line["scope"], line["percent"]) for line in warned] == [("warning", "reports:read", 76)]
    metrics = (await get(world.service.operations, "/metrics")).body.decode()
    assert 'vendor_packed_policy_ratio{scope="reports:read"} 0.8' in metrics
    (warning,) = (await explained(world))["warnings"]
    assert warning.startswith("policy, policy ARNs and tags fill about ")


async def explained(world: World) -> dict[str, Any]:
    answer = await post(world.service.public, "/v1/explain", world.token(), {"scope": "reports:read"})
    told: dict[str, Any] = answer.json
    return told
