"""T23: the scan of every served world finds what is planted, in whatever shape, and nothing else."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web

from tests import canaries
from tests.fakes.collector import Collector
from tests.fakes.issuer import Issuer
from tests.fakes.loopback import Loopback
from tests.fakes.sts import SECRET
from tests.server.http import get
from tests.service import CONFIGURATION, World

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = Issuer().token()
SAID = f"<{SECRET}0123456789>"


@pytest.mark.parametrize(
    "written",
    [
        f"x{SECRET}y",
        *(base64.b64encode(b"-" * before + SECRET.encode()).decode() for before in range(3)),
        SECRET.encode().hex(),
        *(TOKEN.split(".")),
        "-----BEGIN EC PRIVATE KEY-----",
        "s" * 70,
    ],
)
def test_a_secret_is_found_in_whatever_shape(written: str) -> None:
    with pytest.raises(AssertionError):
        canaries.check(f'before "{written}" after', sent=[b"Authorization: a.b." + b"s" * 70])


def test_nothing_is_found_where_there_is_none() -> None:
    digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    canaries.check(f'{{"token_sha256": "{digest}"}}', "nothing", sent=[b"a.b.c"])


class Telling(Loopback):
    """Tells a secret in each of its answers."""

    def __init__(self, status: int) -> None:
        super().__init__()
        self._status = status

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Tell it."""
        return web.Response(status=self._status, text=SAID)


@pytest.mark.parametrize("status", [302, 403, 500])
async def test_an_answer_that_lends_nothing_and_tells_a_secret_fails(status: int) -> None:
    async with Telling(status) as telling:
        with pytest.raises(AssertionError, match=SECRET):
            await get(telling.url, "/")


async def test_a_world_in_which_one_was_told_anywhere_fails_when_it_ends(tmp_path: Path) -> None:
    page = CONFIGURATION.replace("one team", "CANARY-page")
    world = World(tmp_path, configuration=page)
    await world.__aenter__()
    for name, what in (("stdout", "stdout"), ("audit.jsonl", "audit"), ("audit.jsonl.1", "rotated")):
        with (tmp_path / name).open("a") as file:
            file.write(f"<CANARY-{what}>")
    world.service.log.append("<CANARY-log>")
    with pytest.raises(AssertionError) as told:
        await world.__aexit__(None, None, None)
    found = set(re.findall(r"CANARY-\w+", str(told.value.args[0])))
    assert found == {"CANARY-page", "CANARY-stdout", "CANARY-audit", "CANARY-rotated", "CANARY-log"}


async def test_a_collector_that_was_sent_one_fails_when_it_ends() -> None:
    with pytest.raises(AssertionError, match=SECRET):
        async with Collector() as collector, aiohttp.ClientSession() as session:
            await session.post(f"{collector.url}/v1/traces", json={"resourceSpans": [], "more": SAID})
