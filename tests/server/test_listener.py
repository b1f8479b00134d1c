"""What a listener leaves behind."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import TYPE_CHECKING, NoReturn

import pytest
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.test_utils import make_mocked_request

from tests.fakes.clock import Clock
from vendor.refusals import AuditUnavailable, InvalidToken, Reason, Refusal
from vendor.server.listener import Listener

if TYPE_CHECKING:
    from collections.abc import Callable

    from vendor.server.listener import Visit


class Silent:
    """Is told and keeps nothing."""

    def refused(self, refusal: Refusal) -> None: ...

    def failed(self, request_id: str, exc: BaseException | None) -> None: ...


class Entry:
    """As the audit's: it holds the refusal that it tells of."""

    refusal: Refusal


def _fail() -> NoReturn:
    raise OSError("no space left")


def _refuse(entry: Entry) -> NoReturn:
    entry.refusal = InvalidToken(Reason.UNKNOWN_KEY)
    raise entry.refusal


def _refuse_as_something_failed(entry: Entry) -> NoReturn:
    try:
        _fail()
    except OSError as exc:
        entry.refusal = AuditUnavailable(Reason.SINK)
        raise entry.refusal from exc


def _refuse_while_something_failed(entry: Entry) -> NoReturn:
    try:
        _fail()
    except OSError:
        _refuse(entry)


def _refuse_as_it_was_refused(entry: Entry) -> NoReturn:
    try:
        _refuse(entry)
    except Refusal as refusal:
        raise refusal from refusal


@pytest.mark.parametrize(
    "refuse", [_refuse, _refuse_as_it_was_refused, _refuse_as_something_failed, _refuse_while_something_failed]
)
async def test_a_refusal_leaves_nothing_to_the_garbage_collector(refuse: Callable[[Entry], NoReturn]) -> None:
    entries: list[weakref.ref[Entry]] = []

    async def door(_visit: Visit) -> NoReturn:
        entry = Entry()
        entries.append(weakref.ref(entry))
        refuse(entry)

    listener = Listener(find=lambda _segments: {"GET": door}, observer=Silent(), clock=Clock())
    gc.disable()
    try:
        assert (await listener.answer(make_mocked_request("GET", "/"))).status in {401, 503}
        assert [entry() for entry in entries] == [None]
    finally:
        gc.enable()


async def test_what_is_no_http_leaves_nothing_to_the_garbage_collector() -> None:
    listener = Listener(find=lambda _segments: None, observer=Silent(), clock=Clock())
    server = await asyncio.get_running_loop().create_server(listener.server(), "127.0.0.1", 0)
    gc.collect()
    gc.disable()
    try:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"\0\r\n\r\n")
        assert b" 400 " in await reader.read()
        writer.close()
        await writer.wait_closed()
        assert [one for one in gc.get_objects() if isinstance(one, HttpProcessingError)] == []
    finally:
        gc.enable()
        server.close()
