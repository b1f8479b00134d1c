"""Connections whose other end does not do its part, against the server itself."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest

from tests.server.http import Connection, request
from vendor.server.answer import Answer
from vendor.server.connection import Server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import web

    from vendor.refusals import Refusal

BIG = 20_000_000


@asynccontextmanager
async def serving(
    *, stalled: float = 30, head_in_time: float = 30, size: int = BIG
) -> AsyncIterator[tuple[Server, str]]:
    """Serve answers that, unless they are smaller, no socket's buffer holds."""

    async def answer(_request: web.BaseRequest) -> Answer:
        return Answer(200, bytes(size), "0123456789abcdef")

    def refuse(refusal: Refusal | None) -> Answer:
        raise AssertionError(refusal)

    server = Server(answer, refuse=refuse, stalled=stalled, head_in_time=head_in_time)
    listening = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    try:
        yield server, f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    finally:
        listening.close()
        await server.shutdown(1)
        await listening.wait_closed()


async def test_a_client_that_does_not_read_its_answer_is_cut_off() -> None:
    async with serving(stalled=0.05) as (server, url), await Connection.open(url) as connection:
        await connection.send(request("/"))
        async with asyncio.timeout(10):
            while not server.requests_count or server.connections:  # noqa: ASYNC110 - aiohttp has no event for it
                await asyncio.sleep(0.01)


async def test_a_client_that_reads_on_after_a_while_is_not() -> None:
    async with serving(stalled=30) as (server, url), await Connection.open(url) as connection:
        await connection.send(request("/"))
        async with asyncio.timeout(10):
            while not [one for one in server.connections if _due(one)]:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
        assert len((await connection.read()).body) == BIG
        (served,) = server.connections
        assert not _due(served)


async def test_who_asks_on_and_reads_nothing_is_answered_no_more() -> None:
    async with serving(size=10_000) as (server, url), await Connection.open(url) as connection:
        asking = asyncio.create_task(connection.send(request("/") * 5_000))
        async with asyncio.timeout(10):
            while not [one for one in server.connections if _due(one)]:  # noqa: ASYNC110 - aiohttp has no event for it
                await asyncio.sleep(0.01)
        answered = server.requests_count
        await asyncio.sleep(0.05)
        assert server.requests_count == answered < 5_000
        for _ in range(5_000):
            await connection.read()
        await asking


async def test_an_upgrade_is_not_taken_up_and_ends_the_connection() -> None:
    wishes = {"Connection": "Upgrade", "Upgrade": "websocket"}
    async with serving(size=1) as (_, url), await Connection.open(url) as connection:
        await connection.send(request("/", headers=wishes), request("/"))
        answer = await connection.read()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert await connection.ended()


@pytest.mark.parametrize("before", [b"", request("/")], ids=["at first", "behind a request"])
async def test_t27_a_head_that_comes_byte_by_byte_is_not_waited_for(before: bytes) -> None:
    async with serving(head_in_time=0.2, size=1) as (_, url), await Connection.open(url) as connection:
        await connection.send(before, b"GET / HTTP/1.1\r\nX: ")
        if not before:
            assert await connection.ended()
            return
        await connection.read()
        async with asyncio.timeout(10):
            with suppress(ConnectionError):
                while not connection.transport.is_closing():
                    await connection.send(b"x")
                    await asyncio.sleep(0.01)


async def test_whoever_sent_a_head_in_time_may_be_silent_then() -> None:
    async with serving(head_in_time=0.2, size=1) as (_, url), await Connection.open(url) as connection:
        for _ in range(2):
            raw = request("/")
            await connection.send(raw[:9])
            await asyncio.sleep(0.05)
            await connection.send(raw[9:])
            assert (await connection.read()).status == 200
            await asyncio.sleep(0.4)


def _due(connection: Any) -> bool:
    """Tell whether a connection is to be cut off."""
    return connection._stalled is not None
