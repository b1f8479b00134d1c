"""A guarded GET: the one way in which a document of an issuer is fetched.

No redirect is followed, the address that was checked is the address connected to, and the answer is capped in bytes,
packed and unpacked, and in time.
"""

from __future__ import annotations

import ipaddress
import socket
import zlib
from errno import EADDRNOTAVAIL
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from vendor.identity import addresses

if TYPE_CHECKING:
    import ssl

SECONDS: Final = 5.0
"""The longest that one fetch may take."""
_CHUNK: Final = 16 * 1024
_ASKED: Final = MappingProxyType(
    {"Accept": "application/json, application/jwk-set+json", "Accept-Encoding": "identity"}
)
_GZIP: Final = 16 + zlib.MAX_WBITS


class FetchError(Exception):
    """A document could not be had; the text is for operators."""


class _CheckedResolver(AbstractResolver):
    """Resolves a name and withholds every address that may not be connected to."""

    def __init__(self, resolver: AbstractResolver | None = None, *, private: bool, loopback_only: bool) -> None:
        self._inner = resolver or aiohttp.ThreadedResolver()
        self._private = private
        self._loopback_only = loopback_only

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        allowed = [result for result in found if self._allows(result["host"])]
        if not allowed:
            raise OSError(EADDRNOTAVAIL, f"{host} has no address that may be connected to")
        return allowed

    def _allows(self, address: str) -> bool:
        if self._loopback_only and not ipaddress.ip_address(address).is_loopback:
            return False
        return addresses.is_allowed(address, private=self._private)

    async def close(self) -> None:
        await self._inner.close()


async def get(
    url: str,
    *,
    longest: int,
    private: bool,
    tls: ssl.SSLContext,
    seconds: float = SECONDS,
    resolver: AbstractResolver | None = None,
) -> bytes:
    """Return the body of a 200 answer of at most `longest` bytes that comes within `seconds`.

    `private` admits private and loopback addresses, and plain http to loopback; `resolver` is asked for names in the
    system's stead. Raises FetchError.
    """
    target = _checked(url, private=private)
    checked = _CheckedResolver(resolver, private=private, loopback_only=target.scheme == "http")
    connector = aiohttp.TCPConnector(resolver=checked, use_dns_cache=False, ssl=tls, limit=1)
    try:
        async with (
            aiohttp.ClientSession(
                connector=connector,
                timeout=aiohttp.ClientTimeout(total=seconds),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,  # it has no bound of ours
            ) as session,
            session.get(target, allow_redirects=False, headers=_ASKED) as answer,
        ):
            return _unpacked(await _body(answer, longest), answer, longest)
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as exc:
        raise FetchError(f"GET {url}: {type(exc).__name__} {exc!s:.200}".rstrip()) from exc


def _checked(url: str, *, private: bool) -> URL:
    """Return the URL if its scheme and, where it is a literal one, its address may be used."""
    try:
        target = URL(url)
        host = target.host  # decodes it, which can fail too
    except ValueError as exc:
        raise FetchError(f"{url!r:.200} is no URL") from exc
    if not host or target.user or target.fragment:
        raise FetchError(f"{url!r:.200} may not be fetched")
    if target.scheme != "https" and not (target.scheme == "http" and private):
        raise FetchError(f"{url!r:.200} is not https")
    try:
        literal = ipaddress.ip_address(host)
    except ValueError:
        if _reads_as_address(host):
            raise FetchError(f"{url!r:.200} has an address in an odd form") from None
        return target
    if not addresses.is_allowed(host, private=private) or (target.scheme == "http" and not literal.is_loopback):
        raise FetchError(f"{url!r:.200} is at an address that may not be connected to")
    return target


def _reads_as_address(host: str) -> bool:
    """Tell whether a host that is no plain address is still taken for one.

    aiohttp asks no resolver about such a host, so nobody would check it, and the system reads `127.1` and `2130706433`
    as loopback.
    """
    return ":" in host or host.replace(".", "").isdigit()


async def _body(answer: aiohttp.ClientResponse, longest: int) -> bytes:
    if answer.status != 200:  # noqa: PLR2004 - the one status that carries the document
        raise FetchError(f"GET {answer.url}: status {answer.status}")
    body = bytearray()
    async for chunk in answer.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > longest:
            raise FetchError(f"GET {answer.url}: more than {longest} bytes")
    return bytes(body)


def _unpacked(body: bytes, answer: aiohttp.ClientResponse, longest: int) -> bytes:
    """Return the body as it was before it was packed: a store of files can have it packed already, and asks nobody."""
    encodings = [name.lower() for name in answer.headers.getall("Content-Encoding", ["identity"])]
    if encodings == ["identity"]:
        return body
    if encodings != ["gzip"]:
        raise FetchError(f"GET {answer.url}: it is packed as {', '.join(encodings):.80}")
    unpacking = zlib.decompressobj(_GZIP)
    try:
        unpacked = unpacking.decompress(body, longest + 1)
    except zlib.error as exc:
        raise FetchError(f"GET {answer.url}: it is no gzip") from exc
    if len(unpacked) > longest:
        raise FetchError(f"GET {answer.url}: more than {longest} bytes")
    if not unpacking.eof or unpacking.unused_data:
        raise FetchError(f"GET {answer.url}: it is no whole gzip")
    return unpacked
