"""One request in and one reply out, over a connection that is then closed; everything capped in size and time."""

from __future__ import annotations

import json
import re
import socket
import time

TYPE_CHECKING = False  # as in client/address.py
if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST = 32 * 1024  # bytes of a request's head: tokens come in it
_IN_TIME = 2.0  # seconds within which the head must have come, and the reply have been taken
_DRAIN = 0.2
_REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Content Too Large",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    502: "Bad Gateway",
    503: "Service Unavailable",
}
_ONCE = {"authorization", "host", "content-length", "x-aws-ec2-metadata-token"}


class Asked:
    """One request: `path` begins with a single slash, `headers` have names in lower case, `caller` is its socket."""

    __slots__ = ("caller", "headers", "method", "path", "query")

    def __init__(self, method: str, target: str, headers: Mapping[str, str], caller: socket.socket) -> None:
        self.method = method
        path, _, self.query = target.partition("?")
        self.path = "/" + path.lstrip("/")  # some clients put two of them
        self.headers = headers
        self.caller = caller


class Reply:
    """One answer: `kind` is its content type."""

    __slots__ = ("body", "headers", "kind", "status")

    def __init__(
        self,
        status: int,
        body: bytes,
        *,
        kind: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status = status
        self.body = body
        self.kind = kind
        self.headers = headers or {}

    def dump(self) -> bytes:
        """Return the bytes to send."""
        lines = [
            f"HTTP/1.1 {self.status} {_REASONS.get(self.status, 'Refused')}",
            f"Content-Type: {self.kind}",
            f"Content-Length: {len(self.body)}",
            "Cache-Control: no-store",
            "X-Content-Type-Options: nosniff",
            "Connection: close",
            *(f"{name}: {value}" for name, value in self.headers.items()),
        ]
        return "\r\n".join((*lines, "", "")).encode("latin-1") + self.body


def refused(status: int, code: str, message: str, *, retry_after: int | None = None, request_id: str = "") -> Reply:
    """Return a refusal in the service's own form, whose two spellings SDKs read."""
    members = {"code": code, "message": message, "Code": code, "Message": message}
    members |= {"request_id": request_id} if request_id else {}
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Reply(status, json.dumps(members).encode(), headers=headers)


class BadRequest(Exception):  # noqa: N818  # it is an answer
    """A request that cannot be read, and the reply that says so."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.reply = refused(status, code, message)


def read(caller: socket.socket) -> Asked | None:
    """Return the request that a caller sends, None if it leaves without one. Raises BadRequest, OSError."""
    until = time.monotonic() + _IN_TIME
    head = bytearray()
    while b"\r\n\r\n" not in head:
        caller.settimeout(max(0.001, until - time.monotonic()))
        piece = caller.recv(8192)
        if not piece:
            return None
        head += piece
        if len(head) > _LONGEST:
            raise BadRequest(431, "header_too_large", "the request line or the headers are too large")
        if time.monotonic() > until:
            raise TimeoutError
    lines = bytes(head).partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    method, target = _request_line(lines[0])
    headers = _headers(lines[1:])
    if headers.get("content-length", "0") != "0" or "transfer-encoding" in headers:
        raise BadRequest(413, "request_too_large", "no request has a body here")
    return Asked(method, target, headers, caller)


def _request_line(line: str) -> tuple[str, str]:
    found = re.fullmatch(r"([A-Z]{1,16}) (/[!-~]*) HTTP/1\.[01]", line)
    if not found or "#" in line:
        raise BadRequest(400, "invalid_request", "the request line is malformed")
    return found[1], found[2]


def _headers(lines: list[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        found = re.fullmatch(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\x00\n\r]*?)[ \t]*", line)
        name = found[1].lower() if found else ""
        if not found or (name in _ONCE and name in headers):
            raise BadRequest(400, "invalid_request", "a header is malformed or stands twice")
        headers[name] = found[2]
    return headers


def write(caller: socket.socket, reply: Reply) -> None:
    """Send a reply; what a caller still has to say after a refusal is heard, lest it lose the reply. Raises OSError."""
    caller.settimeout(_IN_TIME)
    caller.sendall(reply.dump())
    caller.shutdown(socket.SHUT_WR)
    until = time.monotonic() + _DRAIN
    while (left := until - time.monotonic()) > 0:
        caller.settimeout(left)
        if not caller.recv(65_536):
            return
