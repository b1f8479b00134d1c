"""The webhook's listener: reviews for the API server, probes for the kubelet, and metrics."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol

from aiohttp import web

from vendor.kubernetes.admission import Admission, ReviewError

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable

LONGEST: Final = 4 << 20
"""Bytes of the longest review: a pod may have 1.5 MiB, and an update carries two of them. Read, one takes thirty times
that at worst, and anybody in the cluster can send one: the chart's limit of memory has room for it.
"""


class Counter(Protocol):
    """Counts what became of pods."""

    def reviewed(self, result: str) -> None:
        """Count one review."""
        ...

    def expose(self) -> tuple[bytes, str]:
        """Return the exposition and its content type."""
        ...


class Webhook:
    """Answers `POST /mutate`, `GET /healthz`, `GET /readyz` and `GET /metrics`."""

    def __init__(self, *, admission: Admission, counter: Counter, failed: Callable[[BaseException], None]) -> None:
        self._admission = admission
        self._counter = counter
        self._failed = failed
        self._draining = False

    @asynccontextmanager
    async def served(self, host: str, port: int, tls: ssl.SSLContext) -> AsyncIterator[str]:
        """Listen while the block lasts, which is given the URL; then answer what was asked. Raises OSError."""
        application = web.Application(client_max_size=LONGEST)
        application.router.add_post("/mutate", self._mutate)
        application.router.add_get("/healthz", self._health, allow_head=False)
        application.router.add_get("/readyz", self._ready, allow_head=False)
        application.router.add_get("/metrics", self._metrics, allow_head=False)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=10.0)
        await runner.setup()
        try:
            site = web.TCPSite(runner, host, port, ssl_context=tls)
            await site.start()
            yield f"https://{host}:{runner.addresses[0][1]}"
        finally:
            self._draining = True
            await runner.cleanup()

    async def _mutate(self, request: web.Request) -> web.Response:
        """Answer a review; what is none is refused, and the API server lets the pod in all the same."""
        try:
            answer, result = await self._admission.review(json.loads(await request.read()))
        except (ReviewError, ValueError) as exc:
            self._counter.reviewed("malformed")
            return _answer(400, {"message": str(exc) if isinstance(exc, ReviewError) else "expected JSON"})
        except web.HTTPRequestEntityTooLarge:
            self._counter.reviewed("malformed")
            return _answer(413, {"message": f"more than {LONGEST} bytes"})
        except Exception as exc:  # noqa: BLE001 - a defect of ours must not keep pods from starting
            self._counter.reviewed("defect")
            self._failed(exc)
            return _answer(500, {"message": "a defect in the webhook"})
        self._counter.reviewed(result)
        return _answer(200, answer)

    async def _health(self, _: web.Request) -> web.Response:
        return _answer(200, {"status": "alive"})

    async def _ready(self, _: web.Request) -> web.Response:
        return _answer(503, {"status": "draining"}) if self._draining else _answer(200, {"status": "ready"})

    async def _metrics(self, _: web.Request) -> web.Response:
        body, content_type = self._counter.expose()
        return web.Response(body=body, headers={"Content-Type": content_type})


def _answer(status: int, document: dict[str, Any]) -> web.Response:
    return web.Response(status=status, body=json.dumps(document).encode(), content_type="application/json")
