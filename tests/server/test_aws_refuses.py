"""What AWS refuses, told by the container door; a world for each, as the service remembers what was refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes import faults
from tests.server.http import get
from tests.server.test_refusals import PATH, check_refusal
from tests.service import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path) as running:
        yield running


@pytest.mark.parametrize(
    ("error", "code", "status"),
    [
        ("AccessDenied", "role_refused", 502),
        ("ValidationError", "role_refused", 502),
        ("PackedPolicyTooLarge", "policy_too_large", 502),
        ("ExpiredToken", "sts_unavailable", 503),
    ],
)
async def test_what_sts_refuses_has_a_code_of_its_own(world: World, error: str, code: str, status: int) -> None:
    world.sts.next(faults.error(error, message=f"AWSSAYS-{error}"))
    answer = await get(world.service.public, PATH, world.token(f"batch-{error}"))
    assert (answer.status, answer.code) == (status, code)
    check_refusal(answer)
    assert b"AWSSAYS" not in answer.body
    assert f"AWSSAYS-{error}" in world.audit()[-1]["detail"]


async def test_throttling_is_told_as_such(world: World) -> None:
    world.sts.fault(faults.error("Throttling"))
    token = world.token("batch-throttled")
    try:
        answer = await get(world.service.public, PATH, token)
        while answer.code == "sts_unavailable":  # the attempts took longer than a caller waits
            check_refusal(answer)
            answer = await get(world.service.public, PATH, token)
    finally:
        world.sts.heal()
    assert (answer.status, answer.code) == (503, "sts_throttled")
    check_refusal(answer)
