"""The webhook's listener: reviews for the API server, probes for the kubelet, and metrics."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final, Protocol

from aiohttp import web

from vendor.kubernetes.admission import Admission, ReviewError
from vendor.refusals import Overloaded

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable

LONGEST: Final = 4 << 20
"""Bytes of the longest review: a pod may have 1.5 MiB, and an update carries two of them. Read, one takes thirty times
that at worst, and anybody in the cluster can send one: the chart's limit of memory has room for one of them.
"""
SMALL: Final = 128 << 10
"""Bytes of a review that need not wait for others as large: pods as people write them are a tenth of it."""
TURNS: Final = 8
"""Reviews that are looked at at once."""
MOST: Final = 200
"""Reviews inside: as many as an API server has under way itself, unless it is told otherwise."""
BODY_IN_TIME: Final = 2.0
"""Seconds within which a review must have come."""
IN_TIME: Final = 4.0
"""Seconds within which it is answered: the API server waits for five, unless the chart is told otherwise."""


class Counter(Protocol):
    """Counts what became of pods."""

    def reviewed(self, result: str) -> None:
        """Count one review."""
        ...

    def expose(self) -> tuple[bytes, str]:
        """Return the exposition and its content type."""
        ...


class Gate(Protocol):
    """Lets in what can be answered in time; see `vendor.server.gate.Gate`."""

    def enter(self, rest: Any) -> Callable[[], None]:
        """Let a request in, the rest of which may be still to come, and return what lets it out; raises Overloaded."""
        ...


class Webhook:
    """Answers `POST /mutate`, `GET /healthz`, `GET /readyz` and `GET /metrics`."""

    def __init__(
        self, *, admission: Admission, counter: Counter, gate: Gate, failed: Callable[[BaseException], None]
    ) -> None:
        self._admission = admission
        self._counter = counter
        self._gate = gate
        self._turns = asyncio.Semaphore(TURNS)
        self._large = asyncio.Lock()
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
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=10.0, lingering_time=BODY_IN_TIME)
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
            leave = self._gate.enter(request.content)
        except Overloaded:
            return self._shed()
        try:
            async with asyncio.timeout(IN_TIME):
                return await self._judged(request)
        except TimeoutError:
            return self._shed()
        finally:
            leave()

    def _shed(self) -> web.Response:
        self._counter.reviewed("overloaded")
        return _answer(503, {"message": "too many reviews at once"})

    async def _judged(self, request: web.Request) -> web.Response:
        """Answer a review that was let in."""
        try:
            answer, result = await self._review(request)
        except (ReviewError, ValueError, RecursionError) as exc:
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

    async def _review(self, request: web.Request) -> tuple[dict[str, Any], str]:
        """Return the answer to a review and what became of it; of large ones there is one in memory at a time."""
        small = request.content_length is not None and request.content_length <= SMALL
        async with nullcontext() if small else self._large:
            try:
                async with asyncio.timeout(BODY_IN_TIME):
                    body = await request.read()
            except TimeoutError as exc:
                raise ReviewError("the review did not come in time") from exc
            except (ConnectionError, web.RequestPayloadError) as exc:
                raise ReviewError("the review broke off") from exc
            async with self._turns:
                return await self._admission.review(json.loads(body))

    async def _health(self, _: web.Request) -> web.Response:
        return _answer(200, {"status": "alive"})

    async def _ready(self, _: web.Request) -> web.Response:
        return _answer(503, {"status": "draining"}) if self._draining else _answer(200, {"status": "ready"})

    async def _metrics(self, _: web.Request) -> web.Response:
        body, content_type = self._counter.expose()
        return web.Response(body=body, headers={"Content-Type": content_type})


def _answer(status: int, document: dict[str, Any]) -> web.Response:
    return web.Response(status=status, body=json.dumps(document).encode(), content_type="application/json")
