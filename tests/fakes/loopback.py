"""What every fake server shares: a loopback port of its own, in the caller's event loop or as a program."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import socket
import struct
import sys
from abc import ABC, abstractmethod
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol, Self

from aiohttp import web

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable


class Now(Protocol):
    """Tells the wall time."""

    def now(self) -> datetime: ...


class RealTime:
    """The machine's own clock, for fakes run as programs and tests that do not care."""

    def now(self) -> datetime:
        """Return the wall time, aware."""
        return datetime.now(tz=UTC)


class Loopback(ABC):
    """An HTTP server on 127.0.0.1; `async with` starts it on a free port and stops it without waiting for callers.

    With `tls` it speaks https.
    """

    def __init__(self, *, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self._port = port
        self._tls = tls
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """The server's origin, with no slash at the end."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._port}"

    @abstractmethod
    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request; every path and method comes here."""

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=1 << 20)
        app.router.add_route("*", "/{path:.*}", self.answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.01, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True, ssl_context=self._tls)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None


def reset(request: web.Request) -> None:
    """Cut the connection with a TCP reset instead of an answer."""
    transport = request.transport
    if transport is None:
        return
    # A zero linger makes the kernel send RST where a plain close would send FIN.
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def _stand(server: Loopback) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        await stop.wait()


def run(make: Callable[[int], Loopback], *, description: str) -> None:
    """Run a fake as a program: print its URL on the first line, serve until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_stand(make(parser.parse_args().port)))
