"""Issuers: the meaning of their shapes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from vendor.config import shape
from vendor.config.codes import Code
from vendor.config.files import UnreadableError
from vendor.config.urls import check_url, split
from vendor.identity import attributes
from vendor.identity.issuer import (
    ApiServer,
    ApiServerKeys,
    DiscoveredKeys,
    GivenKeys,
    Issuer,
    KeysAt,
    Kind,
)
from vendor.identity.kinds import spiffe
from vendor.strict_json import StrictJSONError, read_object

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path as FilePath

    from vendor.config.document import Document
    from vendor.config.files import Sources
    from vendor.config.findings import Path
    from vendor.identity.issuer import KeySource

SHORTEST_LIFETIME: Final = 60
LONGEST_LIFETIME: Final = 7 * 86400
LONGEST_LEEWAY: Final = 120
LONGEST_JWKS: Final = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a configuration comes from: its folder, its environment, and its files."""

    folder: FilePath
    environ: Mapping[str, str]
    sources: Sources

    def file(self, said: str | None) -> str | None:
        """Return the path of a file that is named relative to the folder."""
        return None if said is None else str(self.folder / said)


def issuer(document: Document, name: str, said: shape.Issuer, origin: Origin) -> Issuer | None:
    """Return an issuer, None with findings if what is said of it cannot be served."""
    at: Path = ("issuers", name)
    before = len(document.findings)
    keys = _keys(document, at, said, origin)
    api_server = _api_server(document, at, said, origin)
    _check_identity(document, at, said)
    _check_use(document, at, said)
    lifetime = _seconds(document, at, "max_token_lifetime", said.max_token_lifetime, "from 1m to 7d")
    age = _seconds(document, at, "max_token_age", said.max_token_age, "from 1m to 7d")
    keys_age = _seconds(document, at, "max_keys_age", said.max_keys_age, "from 1m to 7d")
    leeway = shape.seconds(said.leeway)
    if leeway > LONGEST_LEEWAY:
        document.find(Code.TIME_OUT_OF_BOUNDS, (*at, "leeway"), "at most 120s")
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
        max_token_lifetime=timedelta(seconds=lifetime or 0),
        max_token_age=None if age is None else timedelta(seconds=age),
        max_keys_age=timedelta(seconds=keys_age or 0),
        leeway=timedelta(seconds=leeway),
        strict_aud=said.strict_aud,
        one_time=said.one_time_tokens,
        require_token_scope=said.require_token_scope,
        token_review=said.token_review,
        api_server=api_server,
        ca_file=_ca_file(said, origin),
        keys_cache=origin.file(said.keys_cache),
        trust_domain=said.trust_domain,
        allow_private_addresses=said.allow_private_addresses,
    )
    return made if _names_are_its_own(document, at, made) else None


def _check_identity(document: Document, at: Path, said: shape.Issuer) -> None:
    """Find what could never be, or never be verified."""
    if said.keys == "discovery":
        check_url(document, (*at, "issuer"), said.issuer, private=said.allow_private_addresses, query=False)
    elif not (said.issuer.isascii() and said.issuer.isprintable()):  # nothing is ever fetched from there
        document.find(Code.ISSUER_CHARACTERS, (*at, "issuer"), "expected printable ASCII")
    taken = attributes.RULES[Kind(said.kind)].algorithms
    for index, algorithm in enumerate(said.algorithms):
        if algorithm not in taken:
            document.find(Code.ALGORITHM, (*at, "algorithms", index), f"expected one of {', '.join(taken)}")
    if said.kind == "spiffe" and said.trust_domain is not None and not spiffe.is_trust_domain(said.trust_domain):
        message = "expected the name of a trust domain, such as example.org"
        document.find(Code.TRUST_DOMAIN, (*at, "trust_domain"), message)


def _check_use(document: Document, at: Path, said: shape.Issuer) -> None:
    """Find what was said and would be passed over: it may be what somebody counts on."""
    asks = said.token_review or said.keys == "kubernetes"
    fetched = said.keys == "discovery" or (isinstance(said.keys, shape.KeysMapping) and said.keys.url is not None)
    in_file = isinstance(said.keys, shape.KeysMapping) and said.keys.url is None
    for key, useless, why in (
        ("keys", said.keys == "kubernetes" and said.kind != "kubernetes", "is for kind kubernetes only"),
        ("token_review", said.token_review and said.kind != "kubernetes", "is for kind kubernetes only"),
        ("api_server", said.api_server is not None and not asks, "is used by keys: kubernetes and token_review only"),
        ("trust_domain", said.trust_domain is not None and said.kind != "spiffe", "is for kind spiffe only"),
        ("ca_file", said.ca_file is not None and not fetched, "is for keys that are fetched from the issuer"),
        ("keys_cache", said.keys_cache is not None and in_file, "is for keys that are fetched"),
    ):
        if useless:
            document.find(Code.PASSED_OVER, (*at, key), f"{key} {why}")


def _seconds(document: Document, at: Path, key: str, said: str | None, told: str) -> int | None:
    if said is None:
        return None
    found = shape.seconds(said)
    if not SHORTEST_LIFETIME <= found <= LONGEST_LIFETIME:
        document.find(Code.TIME_OUT_OF_BOUNDS, (*at, key), told)
    return found


def _keys(document: Document, at: Path, said: shape.Issuer, origin: Origin) -> KeySource | None:
    if not isinstance(said.keys, shape.KeysMapping):
        return DiscoveredKeys() if said.keys == "discovery" else ApiServerKeys()
    if (said.keys.url is None) == (said.keys.file is None):
        document.find(Code.EXACTLY_ONE, (*at, "keys"), "expected exactly one of url and file", of=("url", "file"))
        return None
    if said.keys.url is not None:
        check_url(document, (*at, "keys", "url"), said.keys.url, private=said.allow_private_addresses, query=True)
        return KeysAt(said.keys.url)
    return _given(document, (*at, "keys", "file"), origin.folder / str(said.keys.file), origin.sources)


def _api_server(document: Document, at: Path, said: shape.Issuer, origin: Origin) -> ApiServer | None:
    """Return the API server that is asked, where a pod finds its own unless another is named."""
    if not said.token_review and said.keys != "kubernetes":
        return None
    server = said.api_server or shape.ApiServer()
    url = _own_api_server(origin.environ) if server.url is None else server.url
    parts = split(url, query=False)
    if parts is None or parts.scheme != "https" or parts.path not in {"", "/"}:
        document.find(Code.BAD_URL, (*at, "api_server", "url"), "expected an https URL of a host and a port alone")
    token_file, ca_file = origin.folder / server.token_file, origin.folder / server.ca_file
    return ApiServer(origin=url.rstrip("/"), token_file=str(token_file), ca_file=str(ca_file))


def _own_api_server(environ: Mapping[str, str]) -> str:
    """Return the URL that every pod is told of its API server (Kubernetes, "Accessing the API from a Pod")."""
    host = environ.get("KUBERNETES_SERVICE_HOST", "kubernetes.default.svc")
    port = environ.get("KUBERNETES_SERVICE_PORT_HTTPS") or environ.get("KUBERNETES_SERVICE_PORT") or "443"
    return f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"


def _given(document: Document, at: Path, file: FilePath, sources: Sources) -> GivenKeys | None:
    try:
        raw = sources.contents(file, most=LONGEST_JWKS)
        keys = read_object(raw).get("keys")
    except UnreadableError as exc:
        document.find(Code.UNREADABLE, at, str(exc))
        return None
    except StrictJSONError as exc:
        document.find(Code.NO_JWKS, at, f"the file {file} is {exc}")
        return None
    if not isinstance(keys, list) or not keys:
        document.find(Code.NO_JWKS, at, f"the file {file} is no JWKS: it lists no keys")
        return None
    return GivenKeys(raw)


def _ca_file(said: shape.Issuer, origin: Origin) -> str | None:
    """Return the path of the certificates that vouch for the issuer, which are read once, by whoever fetches."""
    if said.ca_file is not None:
        origin.sources.watch(origin.folder / said.ca_file)
    return origin.file(said.ca_file)


def _names_are_its_own(document: Document, at: Path, made: Issuer) -> bool:
    own = attributes.names(made)
    taken = [name for name, _ in made.extra_attributes if own.count(name) > 1]
    for name in taken:
        message = f"{name} is an attribute of kind {made.kind} already"
        document.find(Code.OWN_ATTRIBUTE, (*at, "attributes", name), message, key=True)
    return not taken
