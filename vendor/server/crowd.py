"""Crowds: who is turned away before anything is parsed, so that saying so costs next to nothing.

Where there is more work than time even a refusal is too dear: with a parser, tasks and a text for each, all others
wait in the kernel meanwhile, until those who are answered have left.
"""

from __future__ import annotations

import asyncio
import re
import socket
import sys
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, cast

from vendor.refusals import Overloaded, Reason
from vendor.server.wire import new_request_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from vendor.audit import Clock
    from vendor.refusals import Refusal
    from vendor.server.answer import Answer

IDLE: Final = 75.0
"""Seconds after which a connection that sends nothing is closed, or twice as many."""

END: Final = b"\r\n\r\n"
"""The end of a head."""
_PLAIN: Final = re.compile(rb"GET [!-~]+ HTTP/1\.1\r\n(?:[A-Za-z0-9-]+:[\t -~]*\r\n)*\r\n")
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *([0-9]{1,6})\r\n")
_LAST_DATA: Final = slice(52, 56)
"""Where TCP_INFO of Linux has the milliseconds since data came, or since there is the connection."""
_UNSENT: Final = 2048
"""Bytes that may still wait to be sent: TLS leaves its session tickets there as a connection begins."""
_TOO_MUCH: Final = Overloaded(Reason.LATE)


class Crowd(Protocol):
    """Knows whether there is more work than time."""

    pressed: bool
    """Whether a share is turned away."""

    def turns_away(self) -> bool:
        """Tell whether who comes now is turned away; who is not may enter."""
        ...

    def note_wait(self, seconds: float) -> None:
        """Note for how long somebody had waited to be taken in."""
        ...


class Voice(Protocol):
    """How refusals are written at a path."""

    def write_refusal(self, refusal: Refusal, request_id: str) -> Answer:
        """Return the answer of a refusal."""
        ...


class Whole(NamedTuple):
    """A request of which all has come: its path as it was sent, and whether its connection may stay open."""

    path: str
    stays: bool


def whole(data: bytes) -> Whole | None:
    """Return what was sent if it is one whole request, None where that takes more than a look.

    No two readers may differ on where the next one begins: behind all but the plainest the connection is closed.
    """
    method, _, rest = data.partition(b" ")
    path = rest.partition(b" ")[0].partition(b"?")[0].decode("latin-1")
    head, end, body = data.partition(END)
    if method == b"GET" and end and not body:
        return Whole(path, stays=_is_plain(data))
    if method == b"POST" and end:
        length = _LENGTH.search((head + end).lower())
        if length and int(length[1]) == len(body):
            return Whole(path, stays=False)
    return None


def _is_plain(head: bytes) -> bool:
    """Tell whether everybody sees a request of HTTP/1.1 without a body here, and nothing about the connection.

    What is no more than unusual is not plain: a reader may make of it what it likes.
    """
    lower = head.lower()
    said = b"content-length" in lower or b"transfer-encoding" in lower or b"connection" in lower
    return not said and _PLAIN.fullmatch(head) is not None


def waited(transport: asyncio.BaseTransport) -> float:
    """Return for how many seconds a new connection had waited to be taken in, 0 where the system does not tell."""
    connected = transport.get_extra_info("socket")
    if connected is None or sys.platform != "linux":
        return 0.0
    try:
        told = connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _LAST_DATA.stop)
    except OSError:  # it has gone already
        return 0.0
    return int.from_bytes(told[_LAST_DATA], sys.byteorder) / 1000


class Unread:
    """Turns away who comes while the crowd presses, by bytes that stay the same for a second but for the request id.

    `voice` returns how a path refuses; `told` is told of each refusal. While the service drains, everybody is read.
    """

    def __init__(
        self,
        crowd: Crowd,
        *,
        voice: Callable[[str], Voice],
        told: Callable[[Refusal], None],
        draining: Callable[[], bool],
        clock: Clock,
    ) -> None:
        self.crowd = crowd
        self._voice = voice
        self._told = told
        self._draining = draining
        self._clock = clock
        self._second = 0
        self._written: dict[tuple[Voice, bool], tuple[bytes, bytes]] = {}

    def turn_away(self, transport: asyncio.Transport, data: bytes) -> bool:
        """Answer what came if it is turned away, and tell whether it was.

        Whoever has not read the last answers is not answered so: nothing here waits for that.
        """
        unsent = transport.get_write_buffer_size() > _UNSENT
        asked = None if unsent or self._draining() else whole(data)
        if asked is None or not self.crowd.turns_away():
            return False
        self._told(_TOO_MUCH)
        transport.write(self._answer(asked))
        if not asked.stays:
            transport.close()
        return True

    def _answer(self, asked: Whole) -> bytes:
        second, request_id = int(self._clock.monotonic()), new_request_id()
        if second != self._second:
            self._second = second
            self._written.clear()
        voice = self._voice(asked.path)
        written = self._written.get((voice, asked.stays))
        if written is None:
            answer = voice.write_refusal(_TOO_MUCH, request_id).written_unread(stays=asked.stays)
            written = self._written[voice, asked.stays] = request_id.encode(), answer
        return written[1].replace(written[0], request_id.encode())


class Porch(asyncio.Protocol):
    """A connection that was made while the crowd pressed: it has no parser and no task before it is let in.

    `connection` makes the one that reads; `porches` are all there are.
    """

    __slots__ = ("_connection", "_idle", "_look", "_porches", "_transport", "_unread")

    def __init__(self, unread: Unread, connection: Callable[[], asyncio.Protocol], porches: set[Porch]) -> None:
        self._unread = unread
        self._connection = connection
        self._porches = porches
        self._idle = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for what comes, but not for ever."""
        self._transport = cast("asyncio.Transport", transport)
        self._porches.add(self)
        self._look = asyncio.get_running_loop().call_later(IDLE, self._close_idle)

    def data_received(self, data: bytes) -> None:
        """Turn away who sent this, or let them in, for good."""
        self._idle = False
        if self._unread.turn_away(self._transport, data):
            return
        self._leave()
        connection = self._connection()
        self._transport.set_protocol(connection)
        connection.connection_made(self._transport)
        connection.data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Let go of the connection."""
        self._leave()

    def _leave(self) -> None:
        self._porches.discard(self)
        self._look.cancel()

    def _close_idle(self) -> None:
        if self._idle:
            self._transport.abort()  # an answer that nobody has read all this time would be kept for ever
        else:
            self._idle = True
            self._look = asyncio.get_running_loop().call_later(IDLE, self._close_idle)

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()
