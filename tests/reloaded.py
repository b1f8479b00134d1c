"""A served world whose configuration is written anew."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tests.faults.scrape import Scrape
from tests.server.http import Answer, get
from tests.service import CONFIGURATION, World

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

PATH = "/v1/credentials/reports:read"
NARROWED = CONFIGURATION.replace('[reporter, {{glob: "batch-*"}}]', "batch-1")


class Reloaded(World):
    """A world whose configuration is written anew."""

    def text(self, configuration: str = CONFIGURATION) -> str:
        return configuration.format(audit=self.audit_path, issuer=self.issuer.issuer, sts=self.sts.url)

    @property
    def file(self) -> Path:
        return self.folder / "vendor.yaml"

    def write(self, configuration: str) -> None:
        """Write in place."""
        self.file.write_text(self.text(configuration))

    async def ask(self, account: str = "reporter", path: str = PATH) -> Answer:
        return await get(self.service.public, path, self.token(account))

    async def scrape(self) -> Scrape:
        return Scrape((await get(self.service.operations, "/metrics")).body.decode())

    async def generation(self) -> float:
        return (await self.scrape()).value("vendor_config_generation")

    async def reloaded(self, generation: int) -> None:
        """Wait until a generation serves."""
        await self._until(lambda: self._is(generation))

    async def failed(self, times: int) -> None:
        """Wait until this many reloads have failed."""

        async def have() -> bool:
            return (await self.scrape()).value("vendor_config_reloads_total", result="failed") == times

        await self._until(have)

    async def refused(self, *words: str) -> dict[str, Any]:
        """Wait until the detail of readiness has all of these words, and return the whole."""
        told: dict[str, Any] = {}

        async def is_told() -> bool:
            answer = await get(self.service.operations, "/readyz")
            assert answer.status == 200
            told.update(answer.json)
            return all(word in answer.json.get("detail", "") for word in words)

        await self._until(is_told)
        return told

    def hang_up(self) -> None:
        # asyncio's own way looks whether the process has ended, and its watcher then never learns how.
        with suppress(ProcessLookupError):
            os.kill(self.service.process.pid, signal.SIGHUP)

    def logged(self, event: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.service.log if f'"event": "{event}"' in line]

    async def _is(self, generation: int) -> bool:
        return await self.generation() >= generation  # two hangups may make one more, before we have looked

    @staticmethod
    async def _until(holds: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(15):
            while not await holds():  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(0.05)
