"""Where the CPU of a warm request goes: `python -m tests.benchmarks.layers [ROUNDS]`.

Requests are handed to the connections themselves, without sockets, so that nothing of the system is measured. Each
layer is the whole service but for what lies below: there it answers what was found the first time. The least of the
rounds counts, as whatever else the machine does can only add.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import sys
import tempfile
import time
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import uvloop
from aiobotocore.session import get_session
from aiohttp import web

from tests.fakes.issuer import Issuer
from tests.fakes.sts import STS
from tests.service import BASE_IDENTITY, CONFIGURATION
from vendor import logs
from vendor.config import load
from vendor.process import calm_collector
from vendor.server.answer import Answer
from vendor.service import Service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from vendor.audit import Entry
    from vendor.exchange import Request
    from vendor.leases.lease import Lease

    Server = Callable[[], asyncio.Protocol]

PATH: Final = "/v1/credentials/reports:read?month=2026-03"
CONNECTIONS: Final = 8
REQUESTS: Final = 600
"""Requests in a round: few, so that some rounds are spared by the machine's other work."""


class Wire(asyncio.Transport):
    """A connection that sends the next request when it is answered."""

    def __init__(self, answered: Callable[[Wire, bytes], None]) -> None:
        super().__init__()
        self._answered = answered
        self.protocol: Any = None

    def write(self, data: Any) -> None:
        """Take an answer."""
        self._answered(self, bytes(data))

    def writelines(self, pieces: Any) -> None:
        """Take an answer in pieces."""
        self.write(b"".join(pieces))

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        """Nothing is open."""

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("127.0.0.1", 1) if name in ("peername", "sockname") else default


async def cost(server: Server, request: bytes, requests: int = REQUESTS) -> float:
    """Return the microseconds of CPU, of all threads, for each request."""
    loop = asyncio.get_running_loop()
    done, left = loop.create_future(), requests

    def answered(wire: Wire, answer: bytes) -> None:
        nonlocal left
        if not answer.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(answer[:200].decode(errors="replace"))
        left -= 1
        if left >= CONNECTIONS:
            loop.call_soon(wire.protocol.data_received, request)
        elif left == 0:
            done.set_result(None)

    wires = [Wire(answered) for _ in range(CONNECTIONS)]
    for wire in wires:
        wire.protocol = server()
        wire.protocol.connection_made(wire)
    await asyncio.sleep(0.01)
    began = time.process_time()
    for wire in wires:
        wire.protocol.data_received(request)
    await done
    taken = time.process_time() - began
    for wire in wires:
        wire.protocol.connection_lost(None)
    return taken / requests * 1e6


@asynccontextmanager
async def bare(body: bytes) -> AsyncIterator[Server]:
    """Serve the same bytes from a bare aiohttp handler."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=body, headers={"Content-Type": "application/json", "Cache-Control": "no-store"})

    application = web.Application()
    application.router.add_get("/v1/credentials/{scope}", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    assert runner.server
    yield runner.server
    await runner.cleanup()


class Layers:
    """A service of which the lower layers can be left out."""

    def __init__(self, service: Service) -> None:
        self._listener: Any = service._public
        self._exchange = service._exchange
        self._ledger = service._ledger
        self.all: dict[str, Callable[[], None]] = {
            "the connection": lambda: setattr(self._listener, "answer", self._constant),
            "its door": lambda: setattr(self._exchange, "exchange", self._kept),
            "the exchange, unrecorded": lambda: setattr(type(self._ledger), "write", self._unwritten),
            "all of it": lambda: None,
        }
        self.lease: Lease | None = None
        self._exchanged = self._exchange.exchange
        self._write = type(self._ledger).write

    @property
    def server(self) -> Server:
        """The protocols of the public listener."""
        return self._listener.server()  # type: ignore[no-any-return]

    def whole(self) -> None:
        """Put everything back."""
        vars(self._listener).pop("answer", None)
        vars(self._exchange).pop("exchange", None)
        type(self._ledger).write = self._write  # type: ignore[method-assign]

    async def _constant(self, _request: web.BaseRequest) -> Answer:
        return Answer(200, b"x" * 1_200, "0123456789abcdef")

    async def _kept(self, request: Request) -> Lease:
        if self.lease is None:
            self.lease = await self._exchanged(request)
        return self.lease

    @staticmethod
    async def _unwritten(_ledger: object, _entry: Entry, **_within: float) -> None:
        pass


async def measure(rounds: int) -> dict[str, float]:
    """Return the cost of each layer with all above it, and that of a bare handler."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        issuer = await stack.enter_async_context(Issuer())
        sts = await stack.enter_async_context(STS())
        path = folder / "vendor.yaml"
        path.write_text(CONFIGURATION.format(audit=folder / "audit.jsonl", issuer=issuer.issuer, sts=sts.url))
        configuration = load(path, environ=os.environ)
        logs.configure(stream=io.StringIO(), pretty=False)
        service, until = Service(configuration, aws=get_session(), log=logs.logger()), asyncio.Event()
        serving = asyncio.create_task(service.run(until=until))
        while service._readiness.why_not() is not None:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.05)
        layers = Layers(service)
        plain = await stack.enter_async_context(bare(b"x" * 1_200))
        head = f"GET {PATH} HTTP/1.1\r\nHost: vendor\r\nAccept: */*\r\nAuthorization: {issuer.token()}"
        request = f"{head}\r\n\r\n".encode()
        await cost(layers.server, request, 200)
        await cost(plain, request, 200)
        calm_collector()
        found = {name: [float("inf")] for name in ("bare", *layers.all)}
        for _ in range(rounds):
            found["bare"].append(await cost(plain, request))
            for name, leave_out in layers.all.items():
                leave_out()
                found[name].append(await cost(layers.server, request))
                layers.whole()
        until.set()
        await serving
        return {name: min(costs) for name, costs in found.items()}


def main() -> None:
    """Measure and print."""
    os.environ.update(BASE_IDENTITY)
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(measure(rounds))
    print(json.dumps({name: round(cost, 1) for name, cost in found.items()}, indent=2))  # noqa: T201 - its output


if __name__ == "__main__":
    main()
