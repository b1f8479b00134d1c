"""What goes wrong at AWS, told by the STS wire door; a world for each, as a fault is remembered."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING

import pytest

from tests.fakes import faults
from tests.server.sts_client import assume
from tests.service import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path) as running:
        yield running


async def test_a_role_that_aws_refuses_is_told_in_its_words_and_no_more(world: World) -> None:
    world.sts.next(faults.error("AccessDenied", message="AWSSAYS"))
    said = await assume(world.service.public, world.token())
    assert said.error == (403, "AccessDenied")
    assert b"AWSSAYS" not in said.answer.body
    assert "retry-after" not in said.answer.headers


async def test_throttling_has_the_one_status_that_all_sdks_try_again_after(world: World) -> None:
    world.sts.fault(faults.error("Throttling"))
    token = world.token("batch-throttled-sts")
    try:
        said = await assume(world.service.public, token)
        while said.of["Code"] == "ServiceUnavailable":  # the attempts took longer than a caller waits
            said = await assume(world.service.public, token)
    finally:
        world.sts.heal()
    assert said.error == (429, "Throttling")
    assert "retry-after" in said.answer.headers


async def test_an_sts_that_hangs_is_not_waited_for_and_its_result_serves_the_next_try(world: World) -> None:
    world.sts.fault(faults.HOLD)
    token, began = world.token(), monotonic()
    said = await assume(world.service.public, token)
    assert monotonic() - began < 10  # for ever, as far as that STS goes
    assert said.error == (503, "ServiceUnavailable")
    assert int(said.answer.headers["retry-after"]) >= 1
    assert world.audit()[-1]["seconds"] < 1
    world.sts.heal()
    async with asyncio.timeout(10):
        while said.answer.status == 503:
            said = await assume(world.service.public, token)
    assert said.answer.status == 200
    assert len(world.sts.requests) == 1
