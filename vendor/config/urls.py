"""URLs in a configuration: what may be fetched, and how a URL is read so that nobody reads it in another way."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from vendor.config.codes import Code

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from vendor.config.document import Document
    from vendor.config.findings import Path


def check_url(document: Document, at: Path, url: str, *, private: bool, query: bool) -> None:
    """Find a URL that may not be fetched: https only, but for loopback with `allow_private_addresses`."""
    parts = split(url, query=query)
    if parts is None:
        document.find(Code.BAD_URL, at, "expected an https URL with a host, and without user, query or fragment")
    elif parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        document.find(Code.PLAIN_HTTP, at, "plain http is taken for loopback only: expected an https URL")
    elif parts.scheme == "http" and not private:
        document.find(Code.PLAIN_LOOPBACK, at, "plain http to loopback needs allow_private_addresses: true")
    elif parts.scheme not in {"http", "https"}:
        document.find(Code.BAD_URL, at, "expected an https URL")


def split(url: str, *, query: bool) -> SplitResult | None:
    """Return the parts of a URL, None for one that clients read in different ways."""
    # urlsplit passes over blanks and control characters; who compares or fetches the URL does not.
    if not url.isascii() or not url.isprintable() or any(character in url for character in ' "<>\\^`{|}#'):
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts if parts.hostname and "@" not in parts.netloc and (query or "?" not in url) else None


def is_loopback(host: str) -> bool:
    """Tell whether a host of a URL is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
