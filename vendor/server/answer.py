"""Answer: a whole response, written in one go.

aiohttp's own responses are made to be changed until they are sent, and take as long for that as half of a warm
exchange; every answer of ours is complete when it is made.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from aiohttp import HttpVersion10
from aiohttp.helpers import rfc822_formatted_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from aiohttp import web

JSON: Final = "Content-Type: application/json\r\n"
"""With no charset, as Go reads error bodies only so."""
SHARE: Final = 0.1
"""What is made in pieces has this share of the time of everybody else's turn."""

_LINES: Final = {int(status): f"{status.value} {status.phrase}" for status in HTTPStatus}
_ALWAYS: Final = "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nServer: vendor\r\n"


class Answer:
    """A response with the headers that every one of ours has, and `more`: `Content-Type` among them if it is not JSON.

    Raises ValueError for a header that would not stay one line.
    """

    __slots__ = ("_content", "_head", "keep_alive", "status")

    def __init__(self, status: int, body: bytes, request_id: str, more: Mapping[str, str] | None = None) -> None:
        own = _lines(more) if more else JSON
        self._head = f"{_LINES[status]}\r\n{own}{_ALWAYS}X-Request-Id: {request_id}\r\nContent-Length: {len(body)}\r\n"
        self._content = body
        self.status = status
        self.keep_alive: bool | None = None
        """Whether the connection stays open; as long as it is None, that is as the request has it."""

    def force_close(self) -> None:
        """Have the connection closed behind the answer."""
        self.keep_alive = False

    def written(self, request: web.BaseRequest) -> bytes:
        """Return all bytes of the answer to a request, to HEAD without its body, and settle whether it is the last."""
        if self.keep_alive is None:
            self.keep_alive = request.keep_alive
        # Staying open is the rule of HTTP/1.1 and the exception of 1.0 (RFC 9112 section 9.3).
        old = request.version == HttpVersion10
        version = "HTTP/1.0" if old else "HTTP/1.1"
        said = "" if self.keep_alive != old else f"Connection: {'keep-alive' if old else 'close'}\r\n"
        head = f"{version} {self._head}{said}Date: {rfc822_formatted_time()}\r\n\r\n".encode("latin-1")
        return head if request.method == "HEAD" else head + self._content

    def written_unread(self, *, stays: bool) -> bytes:
        """Return all bytes of the answer to a request of HTTP/1.1 that nobody has parsed."""
        said = "" if stays else "Connection: close\r\n"
        return f"HTTP/1.1 {self._head}{said}Date: {rfc822_formatted_time()}\r\n\r\n".encode("latin-1") + self._content


async def gathered(pieces: Iterator[bytes], *, now: Callable[[], float]) -> bytes:
    """Return a body whose pieces take their time to make: everybody else has a turn after each of them.

    Where those turns are long, there is much to do; then several pieces are made in a row, for `SHARE` of the time.
    """
    body = bytearray()
    turn = now()
    for piece in pieces:
        body += piece
        if now() >= turn:
            left = now()
            await asyncio.sleep(0)
            turn = now() + SHARE * (now() - left)
    return bytes(body)


def _lines(headers: Mapping[str, str]) -> str:
    lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
    if any(line.count("\n") > 1 or line.count("\r") > 1 for line in lines):
        raise ValueError("a header field is one line")
    return ("" if "Content-Type" in headers else JSON) + "".join(lines)
