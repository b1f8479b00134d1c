"""An OpenTelemetry collector that takes OTLP over HTTP in its JSON encoding and keeps every span."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests import canaries
from tests.fakes.loopback import Loopback

if TYPE_CHECKING:
    from collections.abc import Mapping


class Collector(Loopback):
    """Keeps `spans` and `resources` by arrival, the `bodies` and `headers` of what came; answers `status`.

    No secret stands in any of it, but in the headers that the collector itself wants.
    """

    def __init__(self) -> None:
        super().__init__()
        self.status = 200
        self.bodies: list[str] = []
        self.headers: list[Mapping[str, str]] = []
        self.spans: list[dict[str, Any]] = []
        self.resources: list[dict[str, Any]] = []

    async def __aexit__(self, *exc: object) -> None:
        await super().__aexit__(*exc)
        canaries.check(*self.bodies)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Take a batch."""
        if (request.method, request.path) != ("POST", "/v1/traces"):
            return web.Response(status=404)
        if request.content_type != "application/json":
            return web.Response(status=415)
        self.bodies.append(await request.text())
        self.headers.append(dict(request.headers))
        for resource in json.loads(self.bodies[-1])["resourceSpans"]:
            self.resources.append(resource["resource"])
            for scope in resource["scopeSpans"]:
                self.spans += scope["spans"]
        return web.Response(status=self.status, text="{}", content_type="application/json")

    def named(self, name: str) -> list[dict[str, Any]]:
        """Return the spans of a name."""
        return [span for span in self.spans if span["name"] == name]

    async def exchange(self, request_id: str) -> dict[str, Any]:
        """Return the span of an exchange once it has come."""
        async with asyncio.timeout(15):
            while True:
                for span in self.named("exchange"):
                    if told(span)["request_id"] == request_id:
                        return span
                await asyncio.sleep(0.05)


def told(span: Mapping[str, Any]) -> dict[str, str]:
    """Return the attributes of a span."""
    return {one["key"].removeprefix("vendor."): one["value"]["stringValue"] for one in span["attributes"]}
