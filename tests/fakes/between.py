"""A TCP proxy that can be told to fail in every way in which a network or what stands behind it fails."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final, Self

HOST: Final = "127.0.0.1"


class Between:
    """Stands between clients and a port on loopback; `port` is where it listens itself.

    `delay` is seconds by which each answer comes late, `hangs` lets nothing through any more in either direction,
    `down` refuses connections and breaks those there are.
    """

    def __init__(self, behind: int) -> None:
        self._behind = behind
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        self.delay = 0.0
        self.connections = 0
        self.port = 0

    @property
    def hangs(self) -> bool:
        """Whether nothing comes through."""
        return not self._flows.is_set()

    @hangs.setter
    def hangs(self, yes: bool) -> None:
        (self._flows.clear if yes else self._flows.set)()

    async def down(self) -> None:
        """Refuse connections from now on and break those there are."""
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await self._server.wait_closed()

    async def up(self) -> None:
        """Take connections, again at the same port."""
        self._server = await asyncio.start_server(self._serve, HOST, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            await self._flows.wait()
            await self._join(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()
            self._tasks.discard(task)
            self._writers.discard(writer)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on what either side says until one of them is gone."""
        behind_reader, behind_writer = await asyncio.open_connection(HOST, self._behind)
        self._writers.add(behind_writer)
        there = asyncio.create_task(self._pump(reader, behind_writer, late=False))
        back = asyncio.create_task(self._pump(behind_reader, writer, late=True))
        try:
            await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in (there, back):
                pump.cancel()
            await asyncio.gather(there, back, return_exceptions=True)
            behind_writer.transport.abort()
            self._writers.discard(behind_writer)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, late: bool) -> None:
        with suppress(OSError):
            while raw := await reader.read(1 << 16):
                if late and self.delay:
                    await asyncio.sleep(self.delay)
                await self._flows.wait()
                writer.write(raw)
                await writer.drain()

    async def __aenter__(self) -> Self:
        await self.up()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.down()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
