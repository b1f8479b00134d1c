"""What Alertmanager tells of alerts, by the path at which it tells it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Any

from aiohttp import web

from tests.fakes.loopback import Loopback


class Receiver(Loopback):
    """Keeps each alert of each notification under its path without the slash: `told["page"]`."""

    def __init__(self) -> None:
        super().__init__()
        self.told: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Take a notification (Alertmanager's webhook, version 4)."""
        self.told[request.path.strip("/")] += (await request.json())["alerts"]
        return web.Response()

    async def alert(self, path: str, name: str, status: str, *, within: float) -> dict[str, Any]:
        """Return an alert of this name and status once one has been told at a path."""
        async with asyncio.timeout(within):
            while True:
                for alert in self.told[path]:
                    if (alert["labels"]["alertname"], alert["status"]) == (name, status):
                        return alert
                await asyncio.sleep(0.1)
