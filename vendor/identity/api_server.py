"""The one client to a Kubernetes API server, which alone holds the service's own token.

The token goes to one configured origin, over TLS that one configured file vouches for, and never into a redirect, a log
or a refusal (T4).
"""

from __future__ import annotations

import asyncio
import re
import ssl
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Protocol

import aiohttp
from yarl import URL

from vendor.identity import fetch, jwks

if TYPE_CHECKING:
    from vendor.identity.issuer import ApiServer

KEYS: Final = "/openid/v1/jwks"
REVIEWS: Final = "/apis/authentication.k8s.io/v1/tokenreviews"
LONGEST_REVIEW: Final = 64 * 1024
"""Bytes of the largest answer to a review; it repeats the token, which may have 16 KiB."""
LONGEST_PAUSE: Final = 30
"""Seconds of the longest Retry-After that is heeded."""
_CHUNK: Final = 16 * 1024
_CONNECTIONS: Final = 100
# RFC 6750 section 2.1; anything else could break out of the header.
_TOKEN: Final = re.compile(rb"[A-Za-z0-9._~+/-]+=*")
# A real API server answers 406 to who does not take its own media type (RFC 7517 section 8.5.1).
_ASKED: Final = MappingProxyType(
    {
        "Accept": "application/json, application/jwk-set+json",
        "Accept-Encoding": "identity",
        "User-Agent": "vendor",
    }
)
_HINTS: Final = MappingProxyType(
    {
        401: "the API server does not take the service's own token",
        403: "the service's account lacks the role for it",
        429: "the API server asks for fewer requests",
    }
)


class File(Protocol):
    """A file that others replace."""

    def read(self) -> bytes:
        """Return what it holds now, or raise OSError."""
        ...


@dataclass(frozen=True, slots=True)
class Reply:
    """What the API server said; `retry_after` is in seconds."""

    status: int
    body: bytes
    retry_after: int | None


class ApiServerClient:
    """Asks one API server; `token` and `ca` are its two files, read again whenever they change."""

    def __init__(self, *, server: ApiServer, token: File, ca: File) -> None:
        if not server.origin.startswith("https://"):
            raise ValueError("the service's token is sent by https alone")
        self._origin = server.origin
        self._token = token
        self._ca = ca
        self._vouching = b""
        self._tls: ssl.SSLContext | None = None
        self._session: aiohttp.ClientSession | None = None

    async def keys(self) -> bytes:
        """Return the document that should be the JWKS of the cluster's service accounts.

        Raises FetchError.
        """
        reply = await self._send("GET", KEYS, None, longest=jwks.LONGEST, seconds=fetch.SECONDS)
        if reply.status != 200:  # noqa: PLR2004 - the one status that carries the document
            raise fetch.FetchError(f"GET {self._origin}{KEYS}: {told(reply.status)}")
        return reply.body

    async def review(self, body: bytes, *, seconds: float) -> Reply:
        """Return the reply to a TokenReview, whatever its status is.

        Raises FetchError when none comes within `seconds`.
        """
        return await self._send("POST", REVIEWS, body, longest=LONGEST_REVIEW, seconds=seconds)

    async def read(self, path: str, *, longest: int, seconds: float) -> Reply:
        """Return the reply to a GET, whatever its status is.

        Raises FetchError when none comes within `seconds`, or one of more than `longest` bytes.
        """
        return await self._send("GET", path, None, longest=longest, seconds=seconds)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def _send(self, method: str, path: str, body: bytes | None, *, longest: int, seconds: float) -> Reply:
        url = self._origin + path
        try:
            async with asyncio.timeout(seconds):
                return await self._ask(method, URL(url), body, longest)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as exc:
            raise fetch.FetchError(f"{method} {url}: {type(exc).__name__} {exc!s:.200}".rstrip()) from exc

    async def _ask(self, method: str, url: URL, body: bytes | None, longest: int) -> Reply:
        """Ask, and once more if the server had just closed the connection that was kept: asking changes nothing."""
        try:
            return await self._ask_once(method, url, body, longest)
        except aiohttp.ServerDisconnectedError:
            return await self._ask_once(method, url, body, longest)

    async def _ask_once(self, method: str, url: URL, body: bytes | None, longest: int) -> Reply:
        headers = {**_ASKED, "Authorization": self._authorization()}
        if body is not None:
            headers["Content-Type"] = "application/json"
        async with self._opened().request(
            method, url, data=body, headers=headers, ssl=self._context(), allow_redirects=False
        ) as answer:
            if answer.headers.getall("Content-Encoding", ["identity"]) != ["identity"]:
                raise fetch.FetchError(f"{method} {url}: it is packed, which nobody asked for")
            return Reply(answer.status, await _body(answer, longest), _pause(answer.headers.get("Retry-After", "")))

    def _opened(self) -> aiohttp.ClientSession:
        """Return the session whose connections are kept; it reads no proxy and no password from its surroundings."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=_CONNECTIONS),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
            )
        return self._session

    def _authorization(self) -> str:
        token = self._token.read().strip()
        if not _TOKEN.fullmatch(token):
            raise fetch.FetchError("the token file of the API server holds no token")
        return f"Bearer {token.decode('ascii')}"

    def _context(self) -> ssl.SSLContext:
        """Return TLS that trusts the certificates of the file alone; connections are kept apart by it."""
        vouching = self._ca.read()
        if self._tls is None or vouching != self._vouching:
            # The ready-made context would take the system's certificates for those of an empty file.
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            context.load_verify_locations(cadata=vouching.decode("ascii", "ignore"))  # of a comment
            self._tls, self._vouching = context, vouching
        return self._tls


def told(status: int) -> str:
    """Return what a status of the API server means to an operator."""
    return f"status {status}, {_HINTS[status]}" if status in _HINTS else f"status {status}"


async def _body(answer: aiohttp.ClientResponse, longest: int) -> bytes:
    body = bytearray()
    async for chunk in answer.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > longest:
            raise fetch.FetchError(f"{answer.method} {answer.url}: more than {longest} bytes")
    return bytes(body)


def _pause(said: str) -> int | None:
    if not (said.isascii() and said.isdigit() and len(said) <= 6):  # noqa: PLR2004 - eleven days are more than enough
        return None
    return min(max(int(said), 1), LONGEST_PAUSE)
