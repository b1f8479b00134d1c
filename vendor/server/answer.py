"""Answer: a whole response, written in one go.

aiohttp's own Response is made to be changed until it is sent, and takes as long for its headers as all of a warm
exchange; every answer of ours is complete when it is made.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from aiohttp import HttpVersion10, web
from aiohttp.helpers import rfc822_formatted_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp.abc import AbstractStreamWriter

JSON: Final = "Content-Type: application/json\r\n"
"""With no charset, as Go reads error bodies only so."""

_LINES: Final = {int(status): f"{status.value} {status.phrase}" for status in HTTPStatus}
_ALWAYS: Final = "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nServer: vendor\r\n"


class Answer(web.StreamResponse):
    """A response with the headers that every one of ours has, and `more`: `Content-Type` among them if it is not JSON.

    Raises ValueError for a header that would not stay one line.
    """

    def __init__(self, status: int, body: bytes, request_id: str, more: Mapping[str, str] | None = None) -> None:
        super().__init__(status=status)
        own = _lines(more) if more else JSON
        self._head = f"{_LINES[status]}\r\n{own}{_ALWAYS}X-Request-Id: {request_id}\r\nContent-Length: {len(body)}\r\n"
        self._content = body

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Decide whether the connection stays open; nothing is sent before the answer's end."""
        if self._keep_alive is None:
            self._keep_alive = request.keep_alive
        self._req = request
        return None

    async def write_eof(self, data: bytes = b"") -> None:  # noqa: ARG002 - the whole body is here already
        """Send the answer; to HEAD without its body."""
        request, self._req = self._req, None
        if request is None:
            return
        self._eof_sent = True
        # Staying open is the rule of HTTP/1.1 and the exception of 1.0 (RFC 9112 section 9.3).
        old = request.version == HttpVersion10
        version = "HTTP/1.0" if old else "HTTP/1.1"
        said = "" if self._keep_alive != old else f"Connection: {'keep-alive' if old else 'close'}\r\n"
        head = f"{version} {self._head}{said}Date: {rfc822_formatted_time()}\r\n\r\n".encode("latin-1")
        await request.writer.write(head if request.method == "HEAD" else head + self._content)


def _lines(headers: Mapping[str, str]) -> str:
    lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
    if any(line.count("\n") > 1 or line.count("\r") > 1 for line in lines):
        raise ValueError("a header field is one line")
    return ("" if "Content-Type" in headers else JSON) + "".join(lines)
