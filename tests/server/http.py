"""HTTP/1.1 written byte by byte: no client library mends what a test sends or what the service answers."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from tests import canaries

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

IN_TIME = 15.0
LINE = 1 << 20


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer as it came over the wire; `headers` by lower-case name, each of which stood once."""

    version: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of a refusal."""
        return str(self.json["code"])

    @property
    def key_id(self) -> str:
        """The key id of credentials."""
        return str(self.json["AccessKeyId"])


class Connection:
    """One TCP (or TLS) connection to a listener."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, url: str, *, tls: ssl.SSLContext | None = None) -> Self:
        """Connect to a URL's host and port."""
        parts = urlsplit(url)
        return cls(*await asyncio.open_connection(parts.hostname, parts.port, ssl=tls, limit=LINE))

    @property
    def transport(self) -> asyncio.WriteTransport:
        """What the bytes go through."""
        return self._writer.transport

    async def send(self, *parts: bytes) -> None:
        """Send bytes."""
        self._writer.writelines(parts)
        await self._writer.drain()

    async def read(self, *, head: bool = False) -> Answer:
        """Return the next answer, in which no secret stands but in a 200; one to HEAD has no body, whatever its length
        says.
        """
        async with asyncio.timeout(IN_TIME):
            raw = await self._reader.readuntil(b"\r\n\r\n")
            first, *lines = raw.decode("ascii").split("\r\n")[:-2]
            pairs = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
            headers = dict(pairs)
            assert len(headers) == len(pairs)
            body = b"" if head else await self._reader.readexactly(int(headers["content-length"]))
        version, status, _ = first.split(" ", 2)
        if status != "200":
            canaries.check(raw, body)
        return Answer(version, int(status), headers, body)

    async def ended(self) -> bool:
        """Return whether the service closes the connection without another byte."""
        async with asyncio.timeout(IN_TIME):
            return await self._reader.read(1) == b""

    def cut(self) -> None:
        """Leave without a word."""
        self._writer.transport.abort()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()


def request(
    path: str,
    token: str | None = None,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> bytes:
    """Return a request as bytes; a token goes into the Authorization header as it is."""
    sent = {"Host": "vendor.test", **({"Authorization": token} if token is not None else {})}
    if body is not None:
        sent |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in {**sent, **(headers or {})}.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")


async def exchange(url: str, raw: bytes, *, tls: ssl.SSLContext | None = None) -> Answer:
    """Return the answer to raw bytes on a connection of their own."""
    async with await Connection.open(url, tls=tls) as connection:
        await connection.send(raw)
        return await connection.read(head=raw.startswith(b"HEAD"))


async def get(url: str, path: str, token: str | None = None, **headers: str) -> Answer:
    """Return the answer to a GET."""
    return await exchange(url, request(path, token, headers=headers))


async def post(url: str, path: str, token: str | None = None, document: object = None, **headers: str) -> Answer:
    """Return the answer to a POST of a JSON document."""
    body = json.dumps({} if document is None else document).encode()
    return await exchange(url, request(path, token, method="POST", headers=headers, body=body))
