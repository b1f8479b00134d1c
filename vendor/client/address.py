"""Where the service is, and through which proxy it is reached."""

from __future__ import annotations

import ipaddress
from urllib.parse import unquote, urlsplit

from vendor.client.refusals import UsageError

TYPE_CHECKING = False  # `typing` is not needed to run, and costs time at every start
if TYPE_CHECKING:
    from collections.abc import Mapping
    from urllib.parse import SplitResult

_PORTS = {"http": 80, "https": 443}


class Address:
    """A server's scheme, host, port and path; `credentials` are the user and password that stood in the URL."""

    __slots__ = ("credentials", "host", "path", "port", "query", "scheme")

    def __init__(self, parts: SplitResult) -> None:
        self.scheme = parts.scheme
        self.host = parts.hostname or ""
        self.port = parts.port or _PORTS[parts.scheme]
        self.path = parts.path
        self.query = parts.query
        self.credentials = ":".join(unquote(part) for part in (parts.username, parts.password) if part is not None)

    def __str__(self) -> str:
        """Write the origin alone: what may stand in a message."""
        return f"{self.scheme}://{self.authority}"

    @property
    def authority(self) -> str:
        """What the Host header says (RFC 9110 section 7.2): the port only if it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Is it this machine by its own writing? Names are not looked up: their answer may change."""
        ip = _ip(self.host)
        return self.host == "localhost" if ip is None else ip.is_loopback


def parse_address(url: str, *, name: str) -> Address:
    """Read a URL to which a token may be sent; `name` says in messages what it is.

    Raises UsageError, also for plain http to anywhere but loopback.
    """
    address = _parse(url, name=name)
    if address.credentials:
        raise UsageError(f"{name} may not hold a user or password")
    if address.scheme == "http" and not address.is_loopback:
        raise UsageError(f"{name} is plain http to {address.host}, and a token must not travel in clear: use https")
    return address


def parse_service(url: str) -> Address:
    """Read the service's URL: an origin with a path in front of `/v1` if it has one, no query."""
    address = parse_address(url, name="the service's URL")
    if address.query:
        raise UsageError("the service's URL may not hold a query")
    return address


def proxy_for(address: Address, environ: Mapping[str, str]) -> Address | None:
    """Find the proxy that tunnels to this address, by HTTPS_PROXY and NO_PROXY in either case; lower case first."""
    url = environ.get("https_proxy") or environ.get("HTTPS_PROXY")
    bypassed = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    if not url or address.scheme == "http" or address.is_loopback or _bypasses(address, bypassed):
        return None
    proxy = _parse(url if "://" in url else f"http://{url}", name="HTTPS_PROXY")
    if proxy.scheme != "http":
        raise UsageError("HTTPS_PROXY must be an http:// proxy; the tunnel through it is TLS all the same")
    return proxy


def _parse(url: str, *, name: str) -> Address:
    if not (url.isascii() and url.isprintable()) or " " in url or "#" in url:
        raise UsageError(f"{name} holds characters that no URL has")
    try:
        parts = urlsplit(url)
        if parts.scheme in _PORTS and parts.hostname:
            return Address(parts)
    except ValueError as exc:  # a port of no number, a bracket too many
        raise UsageError(f"{name} is not a URL") from exc
    raise UsageError(f"{name} must read https://host[:port][/path]")


def _bypasses(address: Address, no_proxy: str) -> bool:
    return any(_names(entry.strip().lower(), address) for entry in no_proxy.split(",") if entry.strip())


def _names(entry: str, address: Address) -> bool:
    if entry == "*" or entry in {address.host, address.authority}:
        return True
    ip = _ip(address.host)
    if ip is None:
        return address.host.endswith("." + entry.lstrip("."))
    try:
        return ip in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False


def _ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
