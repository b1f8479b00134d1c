"""A server that answers by a script and remembers what it was asked: the service, a gateway, GitHub or an S3."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple, Self

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    Step = Callable[["Handler"], None]

TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJyZXBvcnRlciJ9.c2lnbmF0dXJl"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


class Asked(NamedTuple):
    """One request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class Handler(BaseHTTPRequestHandler):
    """Takes the next step of the script, or the last one again."""

    protocol_version = "HTTP/1.1"
    server: Server

    def take(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.server.asked.append(Asked(self.command, self.path, dict(self.headers.items()), body))
        step = self.server.steps[min(len(self.server.asked), len(self.server.steps)) - 1]
        self.close_connection = True
        step(self)

    do_GET = do_POST = take  # noqa: N815  # the library calls them so

    def log_message(self, *_: object) -> None:
        """Stay quiet: the tests read what was asked."""


class Server(ThreadingHTTPServer):
    """The listening half; a caller that hangs up is no error here."""

    steps: list[Step]
    asked: list[Asked]

    def handle_error(self, *_: object) -> None:
        """Stay quiet: the tests look at what the client says."""


class Service:
    """Runs on a free port of 127.0.0.1 while entered."""

    def __init__(self, *steps: Step, tls: ssl.SSLContext | None = None) -> None:
        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.steps = list(steps) or [vended()]
        self._server.asked = []
        self.tls = tls
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}"

    @property
    def asked(self) -> list[Asked]:
        return self._server.asked

    def then(self, *steps: Step) -> None:
        """Replace the script."""
        self._server.steps[:] = steps

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def golden(**changes: Any) -> dict[str, Any]:
    """The service's answer, an hour long; a member changed to None is left out."""
    now = datetime.now(UTC)
    members: dict[str, Any] = {
        "Code": "Success",
        "Type": "AWS-HMAC",
        "LastUpdated": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "AccessKeyId": "ASIAIOSFODNN7EXAMPLE",
        "SecretAccessKey": SECRET,
        "Token": "FwoGZXIvYXdzEXAMPLE//token==",
        "Expiration": f"{now + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}",
        "AccountId": "111122223333",
        "RoleArn": "arn:aws:iam::111122223333:role/reports",
        "RefreshAfter": f"{now + timedelta(minutes=40):%Y-%m-%dT%H:%M:%SZ}",
        "Scope": "reports:read",
        "SessionName": "analytics.reporter-4f2a91",
    }
    return {name: value for name, value in (members | changes).items() if value is not None}


def answered(status: int, body: Any, **headers: str) -> Step:
    """Answer with a body (bytes as they are, all else as JSON) and headers; `_` in their names reads `-`."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    def step(handler: Handler) -> None:
        handler.send_response(status)
        sent = {"Content-Type": "application/json", "Content-Length": str(len(content))}
        for name, value in (sent | {name.replace("_", "-"): value for name, value in headers.items()}).items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)

    return step


def vended(**changes: Any) -> Step:
    """Answer with the golden document, some members changed."""
    return answered(200, golden(**changes))


def refused(status: int, code: str, message: str = "no", **headers: str) -> Step:
    """Answer as the service refuses."""
    body = {"code": code, "message": message, "Code": code, "Message": message, "request_id": "req-7"}
    return answered(status, body, **headers)


def raw(*pieces: bytes) -> Step:
    """Answer with bytes that need not be HTTP, and hang up."""

    def step(handler: Handler) -> None:
        for piece in pieces:
            handler.wfile.write(piece)
            handler.wfile.flush()

    return step
