"""Schemathesis asks both listeners whatever their own documents allow, and what they do not."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.service import CONFIGURATION, World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = [pytest.mark.attacks, pytest.mark.asyncio(loop_scope="module")]

SCHEMATHESIS = Path(__file__).parents[2] / ".cache" / "attacks" / "bin" / "schemathesis"
# What a scope's own configuration refuses, no document of the service can say.
BUT = "positive_data_acceptance"
GET_TOO = CONFIGURATION.replace(
    'listen: {{address: "127.0.0.1:0"}}', 'listen: {{address: "127.0.0.1:0", sts_get: true}}'
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with World(tmp_path_factory.mktemp("world"), configuration=GET_TOO) as running:
        yield running


@pytest.mark.parametrize("listener", ["public", "operations"])
async def test_t34_whatever_is_asked_is_answered_as_the_document_says(
    world: World, listener: str, tmp_path: Path
) -> None:
    operator = listener == "operations"
    token = world.token("vendor-operator", namespace="platform") if operator else world.token()
    url: str = getattr(world.service, listener)
    asked = [f"{url}/openapi.json", "-H", f"Authorization: {token}"]
    how = ["--max-examples", "50", "--continue-on-failure", "--no-color", "--exclude-checks", BUT]
    running = await asyncio.create_subprocess_exec(
        SCHEMATHESIS,
        "run",
        *asked,
        *how,
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "NO_PROXY": "*"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await running.communicate()
    assert running.returncode == 0, told.decode()[-5000:]
    assert re.search(rb"Selected: ([0-9]+)/\1\s+Tested: \1\b", told), told.decode()[-5000:]
    assert world.service.process.returncode is None
    assert not [line for line in world.service.log if '"defect"' in line]
