"""Issuers and targets: the meaning of their shapes."""

from __future__ import annotations

import ipaddress
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from vendor.config import shape
from vendor.config.files import UnreadableError, contents
from vendor.config.values import Target
from vendor.identity import attributes
from vendor.identity.issuer import ASYMMETRIC, DiscoveredKeys, GivenKeys, Issuer, KeysAt, Kind
from vendor.strict_json import StrictJSONError, read_object

if TYPE_CHECKING:
    from pathlib import Path as FilePath
    from urllib.parse import SplitResult

    from vendor.config.findings import Path
    from vendor.config.text import Document
    from vendor.identity.issuer import KeySource

SHORTEST_LIFETIME: Final = 60
LONGEST_LIFETIME: Final = 7 * 86400
LONGEST_LEEWAY: Final = 120
LONGEST_JWKS: Final = 256 * 1024

_REGION: Final = re.compile(r"[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}", re.ASCII)
_ANY_REGION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,62}", re.ASCII)


def issuer(document: Document, name: str, said: shape.Issuer, folder: FilePath, read: list[FilePath]) -> Issuer | None:
    """Return an issuer, None with findings if what is said of it cannot be served."""
    at: Path = ("issuers", name)
    before = len(document.findings)
    _refuse_later(document, at, said)
    keys = _keys(document, at, said, folder, read)
    if not isinstance(keys, DiscoveredKeys):  # then nothing is ever fetched from the issuer's own URL
        if not (said.issuer.isascii() and said.issuer.isprintable()):
            document.find((*at, "issuer"), "expected printable ASCII")
    else:
        _check_url(document, (*at, "issuer"), said.issuer, private=said.allow_private_addresses, query=False)
    for index, algorithm in enumerate(said.algorithms):
        if algorithm not in ASYMMETRIC:
            document.find((*at, "algorithms", index), f"expected one of {', '.join(ASYMMETRIC)}")
    lifetime, leeway = shape.seconds(said.max_token_lifetime), shape.seconds(said.leeway)
    if not SHORTEST_LIFETIME <= lifetime <= LONGEST_LIFETIME:
        document.find((*at, "max_token_lifetime"), "from 1m to 7d")
    if leeway > LONGEST_LEEWAY:
        document.find((*at, "leeway"), "at most 120s")
    if len(document.findings) > before or keys is None:
        return None
    made = Issuer(
        name=name,
        url=said.issuer,
        audience=said.audience,
        kind=Kind(said.kind),
        keys=keys,
        algorithms=tuple(said.algorithms),
        extra_attributes=tuple((attribute, tuple(path)) for attribute, path in said.attributes.items()),
        max_token_lifetime=timedelta(seconds=lifetime),
        leeway=timedelta(seconds=leeway),
        strict_aud=said.strict_aud,
        allow_private_addresses=said.allow_private_addresses,
    )
    return made if _names_are_its_own(document, at, made) else None


def target(document: Document, name: str, said: shape.Target) -> Target | None:
    """Return a target, None with findings if it cannot be asked."""
    at: Path = ("targets", name)
    before = len(document.findings)
    # Other clouds call their regions as they like.
    region_shape = _REGION if said.endpoint_url is None else _ANY_REGION
    for index, region in enumerate(said.regions):
        if not region_shape.fullmatch(region):
            document.find((*at, "regions", index), "expected a region such as eu-west-1")
    if said.endpoint_url is None and len({partition(region) for region in said.regions}) > 1:
        document.find((*at, "regions"), "the regions of a target must be of one partition")
    if said.endpoint_url is not None:
        parts = _split(said.endpoint_url, query=False)
        if parts is None or parts.scheme not in {"http", "https"}:
            document.find((*at, "endpoint_url"), "expected an http or https URL without user, query or fragment")
    if len(document.findings) > before:
        return None
    return Target(
        name=name,
        endpoint_url=said.endpoint_url,
        regions=tuple(said.regions),
        requests_per_second=said.requests_per_second,
    )


def partition(region: str) -> str:
    """Return the partition of a region, as ARNs spell it."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def _refuse_later(document: Document, at: Path, said: shape.Issuer) -> None:
    later = "is not in this release"
    if said.kind not in {kind.value for kind in Kind}:
        document.find((*at, "kind"), f"kind {said.kind} {later}")
    if said.keys == "kubernetes":
        document.find((*at, "keys"), f"keys: kubernetes {later}")
    if said.token_review:
        document.find((*at, "token_review"), f"token_review {later}")
    if said.require_token_scope:
        document.find((*at, "require_token_scope"), f"require_token_scope {later}")


def _keys(document: Document, at: Path, said: shape.Issuer, folder: FilePath, read: list[FilePath]) -> KeySource | None:
    if not isinstance(said.keys, shape.KeysMapping):
        return DiscoveredKeys()
    if (said.keys.url is None) == (said.keys.file is None):
        document.find((*at, "keys"), "expected exactly one of url and file", of=("url", "file"))
        return None
    if said.keys.url is not None:
        _check_url(document, (*at, "keys", "url"), said.keys.url, private=said.allow_private_addresses, query=True)
        return KeysAt(said.keys.url)
    return _given(document, (*at, "keys", "file"), folder / str(said.keys.file), read)


def _given(document: Document, at: Path, file: FilePath, read: list[FilePath]) -> GivenKeys | None:
    try:
        raw = contents(file, most=LONGEST_JWKS)
        keys = read_object(raw).get("keys")
    except UnreadableError as exc:
        document.find(at, str(exc))
        return None
    except StrictJSONError as exc:
        document.find(at, f"the file {file} is {exc}")
        return None
    if not isinstance(keys, list) or not keys:
        document.find(at, f"the file {file} is no JWKS: it lists no keys")
        return None
    read.append(file)
    return GivenKeys(raw)


def _check_url(document: Document, at: Path, url: str, *, private: bool, query: bool) -> None:
    """Find a URL that may not be fetched: https only, but for loopback with `allow_private_addresses`."""
    parts = _split(url, query=query)
    if parts is None:
        document.find(at, "expected an https URL with a host, and without user, query or fragment")
    elif parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        document.find(at, "plain http is taken for loopback only: expected an https URL")
    elif parts.scheme == "http" and not private:
        document.find(at, "plain http to loopback needs allow_private_addresses: true")
    elif parts.scheme not in {"http", "https"}:
        document.find(at, "expected an https URL")


def _split(url: str, *, query: bool) -> SplitResult | None:
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


def _names_are_its_own(document: Document, at: Path, made: Issuer) -> bool:
    own = attributes.names(made)
    taken = [name for name, _ in made.extra_attributes if own.count(name) > 1]
    for name in taken:
        document.find((*at, "attributes", name), f"{name} is an attribute of kind {made.kind} already", key=True)
    return not taken
