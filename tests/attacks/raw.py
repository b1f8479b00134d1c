"""Servers that answer with bytes: nothing keeps them from saying what no server would."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable

HOST: Final = "127.0.0.1"


class Web:
    """Answers each HTTP request, by its path and body, with bytes; `asked` counts them by path."""

    def __init__(self, answer: Callable[[str, str], bytes]) -> None:
        self._answer = answer
        self.asked: dict[str, int] = {}

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{HOST}:{self._server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            length = [
                line.partition(":")[2] for line in head.split("\r\n") if line.lower().startswith("content-length")
            ]
            body = (await reader.readexactly(int(length[0] if length else 0))).decode()
            path = head.split(" ")[1]
            self.asked[path] = self.asked.get(path, 0) + 1
            writer.write(self._answer(path, body))
            await writer.drain()
        writer.close()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, HOST, 0)
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._server.close()
        await self._server.wait_closed()


class Store:
    """Takes whatever a client of a store says, and says `reply` to each piece of it; None means that it hangs up."""

    def __init__(self) -> None:
        self.reply: bytes | None = b""
        self.asked = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"redis://{HOST}:{self._server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while await reader.read(1 << 16) and self.reply is not None:
                self.asked += 1
                writer.write(self.reply)
                await writer.drain()
        writer.close()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, HOST, 0)
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._server.close()
        await self._server.wait_closed()


def answer(body: bytes | str, *, status: str = "200 OK", kind: str = "text/xml", head: str = "") -> bytes:
    """Return a whole answer of HTTP."""
    raw = body.encode() if isinstance(body, str) else body
    fields = f"Content-Type: {kind}\r\nContent-Length: {len(raw)}\r\nConnection: close\r\n{head}"
    return f"HTTP/1.1 {status}\r\n{fields}\r\n".encode("latin-1") + raw
