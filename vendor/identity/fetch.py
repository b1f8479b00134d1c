"""A guarded GET: the one way in which a document of an issuer is fetched.

No redirect is followed, the address that was checked is the address connected to, and the answer is capped in bytes and
time.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING, Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

if TYPE_CHECKING:
    import ssl

SECONDS: Final = 5.0
"""The longest that one fetch may take."""
_CHUNK: Final = 16 * 1024
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_METADATA: Final = ipaddress.IPv6Network("fd00:ec2::/32")
"""EC2's own services over IPv6, instance metadata among them: private by their number, and nobody's issuer."""


class FetchError(Exception):
    """A document could not be had; the text is for operators."""


def is_allowed(address: str, *, private: bool) -> bool:
    """Tell whether an address may be connected to.

    Without `private` only globally routable ones; with it also private and loopback ones, but never link-local ones
    (cloud metadata), EC2's own, multicast, unspecified or reserved. An IPv6 address that carries an IPv4 one (mapped,
    6to4, NAT64) is judged by that.
    """
    ip = _carried(ipaddress.ip_address(address))
    if ip.is_link_local or ip.is_multicast or ip.is_unspecified or (ip.is_reserved and not ip.is_loopback):
        return False
    if isinstance(ip, ipaddress.IPv6Address) and ip in _METADATA:
        return False
    return ip.is_global or (private and (ip.is_private or ip.is_loopback))


def _carried(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    if ip in _NAT64:
        return ipaddress.IPv4Address(ip.packed[-4:])
    return ip.ipv4_mapped or ip.sixtofour or ip


class _CheckedResolver(AbstractResolver):
    """Resolves a name and withholds every address that may not be connected to."""

    def __init__(self, *, private: bool, loopback_only: bool) -> None:
        self._inner = aiohttp.ThreadedResolver()
        self._private = private
        self._loopback_only = loopback_only

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        allowed = [result for result in found if self._allows(result["host"])]
        if not allowed:
            raise OSError(f"{host} has no address that may be connected to")
        return allowed

    def _allows(self, address: str) -> bool:
        if self._loopback_only and not ipaddress.ip_address(address).is_loopback:
            return False
        return is_allowed(address, private=self._private)

    async def close(self) -> None:
        await self._inner.close()


async def get(url: str, *, longest: int, private: bool, tls: ssl.SSLContext, seconds: float = SECONDS) -> bytes:
    """Return the body of a 200 answer of at most `longest` bytes that comes within `seconds`.

    `private` admits private and loopback addresses, and plain http to loopback. Raises FetchError.
    """
    target = _checked(url, private=private)
    resolver = _CheckedResolver(private=private, loopback_only=target.scheme == "http")
    connector = aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False, ssl=tls, limit=1)
    timeout = aiohttp.ClientTimeout(total=seconds)
    try:
        async with (
            aiohttp.ClientSession(connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.get(target, allow_redirects=False, headers={"Accept": "application/json"}) as answer,
        ):
            return await _body(answer, longest)
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
    if not is_allowed(host, private=private) or (target.scheme == "http" and not literal.is_loopback):
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
