"""Connections: aiohttp's server with its own answers to broken requests replaced by ours.

aiohttp answers protocol errors before any handler runs and echoes header bytes, which may be a token, to the client and
to its log. Here they become refusals that echo nothing.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from aiohttp import web
from aiohttp.http_exceptions import BadHttpMessage, LineTooLong
from aiohttp.web_protocol import RequestHandler

from vendor.refusals import HeaderTooLarge, InvalidRequest, Reason
from vendor.server.crowd import END, IDLE, Porch, waited, whole

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from vendor.refusals import Refusal
    from vendor.server.answer import Answer
    from vendor.server.crowd import Unread

LONGEST_LINE: Final = 32 * 1024
"""Bytes of the longest request line or header field: tokens of 12 kB and more are honest."""
MOST_HEADERS: Final = 64
"""Header fields of a request."""
HEAD_IN_TIME: Final = 10.0
"""Seconds within which the head of a request must have come, once it has begun."""
STALLED: Final = 20.0
"""Seconds for which a client may leave its answers unread before it is cut off."""
SHUTDOWN: Final = 10.0
"""Seconds that requests under way are given when the service ends."""

# aiohttp has no exception of its own for it.
_TOO_MANY: Final = "Too many headers received"


class _Connection(RequestHandler):
    """One connection, whose broken requests are answered by `refuse`."""

    def __init__(
        self,
        *args: Any,
        refuse: Callable[[Refusal | None], Answer],
        stalled: float,
        head_in_time: float,
        unread: Unread | None,
        let_in: bool,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._unread = unread
        self._let_in = let_in
        self._ended = True
        self._refuse = refuse
        self._longest_stall = stalled
        self._stalled: asyncio.TimerHandle | None = None
        self._head_in_time = head_in_time
        self._begun: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a connection, and note for how long it had waited for that."""
        if self._unread is not None:
            self._unread.crowd.note_wait(waited(transport))
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Take what was sent, and give a head that has begun some time to end, and no more."""
        if self._unread is not None and self._unread.crowd.pressed and self._turned_away(self._unread, data):
            return
        heads = self._request_count
        ended = data.endswith(END) or (self._begins() and whole(data) is not None)
        super().data_received(data)
        # Behind the last head there may be a part of another one, of which what comes next is no request of its own.
        self._ended = ended and self._request_count != heads
        if self._request_count != heads:
            self._end_head()
        elif self._begun is None and self.transport is not None and (self._waiter is not None or heads == 0):
            # No part of a body: none is being answered.
            self._begun = self._loop.call_later(self._head_in_time, self.transport.abort)

    def _begins(self) -> bool:
        """Tell whether what comes now begins a request: none has begun, and all before it have their answers."""
        return self._ended and not self._messages and (self._waiter is not None or self._request_count == 0)

    def _turned_away(self, unread: Unread, data: bytes) -> bool:
        """Turn away unread what begins a request."""
        if self._let_in:  # with what it sends first
            self._let_in = False
            return False
        if self.transport is None or not self._begins() or not unread.turn_away(self.transport, data):
            return False
        self._next_keepalive_close_time = self._loop.time() + IDLE
        return True

    def pause_writing(self) -> None:
        """Give a client that does not read its answers some time, and no more: aiohttp would wait for ever."""
        super().pause_writing()
        if self.transport is not None:
            self._stalled = self._loop.call_later(self._longest_stall, self.transport.abort)

    def resume_writing(self) -> None:
        """Let the client go on, as it reads."""
        super().resume_writing()
        self._read_again()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Let go of the connection."""
        self._read_again()
        self._end_head()
        super().connection_lost(exc)

    def _read_again(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def _end_head(self) -> None:
        if self._begun is not None:
            self._begun.cancel()
            self._begun = None

    async def finish_response(
        self,
        request: web.BaseRequest,
        resp: web.StreamResponse,
        start_time: float | None,  # noqa: ARG002 - for a log of accesses
    ) -> tuple[web.StreamResponse, bool]:
        """Send an answer in one go, wait for a client that leaves it unread, and tell whether the client has gone."""
        answer = cast("Answer", resp)
        if self._upgraded:  # aiohttp keeps what comes behind the request for a protocol that is not spoken here
            answer.force_close()
        sent = answer.written(request)
        if self.transport is None or self.transport.is_closing():
            return resp, True
        self.transport.write(sent)
        if self._paused:
            await self._drain_helper()
        return resp, False

    def handle_error(
        self,
        request: web.BaseRequest,  # noqa: ARG002 - whatever it was
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - it echoes what was sent
    ) -> web.StreamResponse:
        """Answer a request that could not be parsed, or a handler that failed, without a word of what was sent."""
        if exc is not None:
            exc.__traceback__ = None  # its frames hold what is about to be answered, and that holds it
        answer = self._refuse(_refusal(status, exc))
        answer.force_close()
        return cast("web.StreamResponse", answer)


class Server(web.Server):
    """An aiohttp server whose every answer, also to what is no HTTP at all, is one of ours."""

    def __init__(
        self,
        answer: Callable[[web.BaseRequest], Awaitable[Answer]],
        *,
        refuse: Callable[[Refusal | None], Answer],
        unread: Unread | None = None,
        stalled: float = STALLED,
        head_in_time: float = HEAD_IN_TIME,
    ) -> None:
        # An answer of ours is what the server takes for a response, and nothing beside.
        super().__init__(cast("Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]", answer))
        self._refuse = refuse
        self._unread = unread
        self._stalled = stalled
        self._head_in_time = head_in_time
        self._porches: set[Porch] = set()

    @property
    def connections(self) -> list[RequestHandler]:
        """All connections, also those that were not let in yet."""
        return [*super().connections, *cast("set[RequestHandler]", self._porches)]

    def pre_shutdown(self) -> None:
        """Close the connections on which nothing is asked."""
        super().pre_shutdown()
        for porch in list(self._porches):
            porch.close()

    def __call__(self) -> RequestHandler:
        """Return the protocol of a new connection."""
        if self._unread is not None and self._unread.crowd.pressed:
            return cast("RequestHandler", Porch(self._unread, partial(self._connection, let_in=True), self._porches))
        return self._connection()

    def _connection(self, *, let_in: bool = False) -> RequestHandler:
        return _Connection(
            self,
            loop=asyncio.get_running_loop(),
            refuse=self._refuse,
            unread=self._unread,
            let_in=let_in,
            stalled=self._stalled,
            head_in_time=self._head_in_time,
            keepalive_timeout=IDLE,
            max_line_size=LONGEST_LINE,
            max_field_size=LONGEST_LINE,
            max_headers=MOST_HEADERS,
            access_log=None,
            lingering_time=2.0,
            auto_decompress=False,
        )


def _refusal(status: int, exc: BaseException | None) -> Refusal | None:
    """Return what a protocol error means, None for a defect of ours."""
    if isinstance(exc, LineTooLong) or (isinstance(exc, BadHttpMessage) and exc.message == _TOO_MANY):
        return HeaderTooLarge(Reason.HEADERS_TOO_LARGE)
    if status == 400:  # noqa: PLR2004 - aiohttp's status for whatever it cannot parse
        return InvalidRequest(Reason.MALFORMED_REQUEST, "the request is not HTTP/1.1 as it should be")
    return None
