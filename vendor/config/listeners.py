"""Listeners: the meaning of their shapes."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from vendor.config.codes import Code
from vendor.config.grants import grant
from vendor.config.values import Listen, Operations, Tls

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path as FilePath

    from vendor.config import shape
    from vendor.config.document import Document
    from vendor.config.findings import Path
    from vendor.identity.issuer import Issuer


def listen(document: Document, said: shape.Configuration, folder: FilePath) -> Listen | None:
    """Return the public listener, None with a finding where it has no address."""
    own = said.listen
    at = _address(document, ("listen", "address"), own.address)
    return at and Listen(host=at[0], port=at[1], tls=_tls(own.tls, folder), sts_get=own.sts_get)


def operations(
    document: Document, said: shape.Configuration, folder: FilePath, issuers: Mapping[str, Issuer | None]
) -> Operations | None:
    """Return the operators' listener, None with a finding where it has no address; there may be other findings."""
    own = said.operations
    if own.revocations and said.store != "memory":
        message = "a shared store keeps revocations already"
        document.find(Code.CONTRADICTION, ("operations", "revocations"), message)
    operators = [
        grant(document, ("operations", "operators", index), one, issuers) for index, one in enumerate(own.operators)
    ]
    at = _address(document, ("operations", "address"), own.address)
    return at and Operations(
        host=at[0],
        port=at[1],
        operators=tuple(one for one in operators if one),
        revocations=folder / own.revocations if own.revocations else None,
    )


def refuse_shared(document: Document, listen: Listen, operations: Operations) -> None:
    """Find fault with listeners at one address, unless each takes any port that is free."""
    if listen.port and (listen.host, listen.port) == (operations.host, operations.port):
        message = "the operators' listener may not be the public one"
        document.find(Code.SHARED_ADDRESS, ("operations", "address"), message)


def _address(document: Document, at: Path, said: str) -> tuple[str, int] | None:
    """Return host and port of `0.0.0.0:8080` or `[::1]:8080`."""
    host, _, port = said.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    good = port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= 65535  # noqa: PLR2004 - TCP's own
    try:
        address = ipaddress.ip_address(host[1:-1] if bracketed else host)
    except ValueError:
        good = good and host == "localhost"
    else:
        good = good and bracketed == (address.version == 6)  # noqa: PLR2004 - IPv6 is written in brackets
    if not good:
        document.find(Code.BAD_ADDRESS, at, "expected an IP address and a port such as 0.0.0.0:8080 or [::1]:8080")
        return None
    return (host[1:-1] if bracketed else host), int(port)


def _tls(said: shape.Tls | None, folder: FilePath) -> Tls | None:
    if said is None:
        return None
    return Tls(
        certificate=folder / said.certificate,
        private_key=folder / said.private_key,
        client_ca=folder / said.client_ca if said.client_ca else None,
    )
