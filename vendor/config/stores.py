"""Stores: the meaning of their shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from vendor.config.codes import Code
from vendor.config.files import UnreadableError
from vendor.config.urls import is_loopback
from vendor.config.values import SharedStore
from vendor.leases.sealed import read_key

if TYPE_CHECKING:
    from pathlib import Path as FilePath
    from urllib.parse import SplitResult

    from vendor.config import shape
    from vendor.config.document import Document
    from vendor.config.files import Sources
    from vendor.config.findings import Path

PORT: Final = 6379
SENTINEL_PORT: Final = 26379
LONGEST_KEY: Final = 1024
"""Bytes of the largest file of a key that is read."""
AT: Final = ("store", "redis")


def store(document: Document, said: str | shape.SharedStore, folder: FilePath, sources: Sources) -> SharedStore | None:
    """Return the store that replicas share, None if they share none or, with findings, it cannot be one."""
    if isinstance(said, str):
        return None
    redis = said.redis
    before = len(document.findings)
    parts = _split(document, redis.url)
    nodes = _nodes(document, redis, parts)
    _check_options(document, redis, parts)
    keys = _keys(document, redis, folder, sources)
    if parts is None or any(one.severity == "error" for one in document.findings[before:]):
        return None
    sentinel = redis.sentinel
    return SharedStore(
        nodes=nodes,
        database=int(parts.path.strip("/") or 0),
        user=unquote(parts.username) if parts.username else None,
        password=redis.password or (unquote(parts.password) if parts.password else None),
        tls=parts.scheme == "rediss",
        ca_file=_file(redis.ca_file, folder, sources),
        certificate=_file(redis.certificate, folder, sources),
        private_key=_file(redis.private_key, folder, sources),
        cluster=redis.cluster,
        service=sentinel.service if sentinel else None,
        sentinel_user=sentinel.user if sentinel else None,
        sentinel_password=sentinel.password if sentinel else None,
        prefix=redis.prefix,
        keys=keys,
    )


def _split(document: Document, url: str) -> SplitResult | None:
    """Return the parts of a URL; it may hold a password, so that no finding shows anything of it."""
    at = (*AT, "url")
    message = "expected a URL such as rediss://user@host:6379, and a password beside it in `password`"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        document.find(Code.STORE_URL, at, message)
        return None
    path = parts.path.strip("/")
    good = url.isascii() and url.isprintable() and " " not in url and parts.scheme in {"redis", "rediss"}
    good = good and bool(parts.hostname) and port != 0 and not parts.query and not parts.fragment
    if not good or (path and not (path.isdigit() and len(path) <= 5)):  # noqa: PLR2004 - nobody has more databases
        document.find(Code.STORE_URL, at, message)
        return None
    if parts.scheme == "redis" and not is_loopback(parts.hostname or ""):
        document.find(Code.STORE_PLAIN, at, "the store is spoken to in plain text: rediss:// would not be")
    return parts


def _nodes(document: Document, said: shape.Redis, parts: SplitResult | None) -> tuple[tuple[str, int], ...]:
    port = PORT if said.sentinel is None else SENTINEL_PORT
    found = [] if parts is None else [(parts.hostname or "", parts.port or port)]
    for index, node in enumerate(said.nodes or []):
        address = _address(node)
        if address is None:
            document.find(Code.STORE_URL, (*AT, "nodes", index), "expected a host and a port such as host:6379")
        else:
            found.append(address)
    return tuple(dict.fromkeys(found))


def _address(node: str) -> tuple[str, int] | None:
    try:
        parts = urlsplit(f"//{node}")
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    return (host, port) if host and port and parts.netloc == node and "@" not in node else None


def _check_options(document: Document, said: shape.Redis, parts: SplitResult | None) -> None:
    """Find what would be passed over."""
    tls = parts is None or parts.scheme == "rediss"
    wrong = {
        "sentinel": (said.cluster and said.sentinel is not None, "a cluster has no sentinels"),
        "nodes": (
            said.nodes is not None and not said.cluster and said.sentinel is None,
            "several nodes are those of a cluster or sentinels: say which",
        ),
        "cluster": (
            said.cluster and parts is not None and parts.path.strip("/") not in {"", "0"},
            "a cluster has no other databases than 0",
        ),
        "password": (
            said.password is not None and parts is not None and parts.password is not None,
            "a password stands in the URL already",
        ),
        "ca_file": (said.ca_file is not None and not tls, "without TLS no certificate is looked at"),
        "certificate": (
            said.certificate is not None and (not tls or said.private_key is None),
            "a certificate is shown with TLS and with its private_key",
        ),
        "private_key": (said.private_key is not None and said.certificate is None, "certificate is missing"),
    }
    for name, (is_so, message) in wrong.items():
        if is_so:
            document.find(Code.STORE_OPTION, (*AT, name), message)


def _keys(
    document: Document, said: shape.Redis, folder: FilePath, sources: Sources
) -> tuple[tuple[str, FilePath], ...]:
    found: dict[str, FilePath] = {}
    for index, key in enumerate(said.encryption_keys):
        at: Path = (*AT, "encryption_keys", index)
        file = folder / key.file
        if key.id in found:
            document.find(Code.STORE_KEY, (*at, "id"), f"another key is called {key.id} already")
        found[key.id] = file
        try:
            read_key(sources.contents(file, most=LONGEST_KEY))
        except UnreadableError as exc:
            document.find(Code.UNREADABLE, (*at, "file"), str(exc))
        except ValueError as exc:
            document.find(Code.STORE_KEY, (*at, "file"), f"the file {file} holds no key: {exc}")
    return tuple(found.items())


def _file(said: str | None, folder: FilePath, sources: Sources) -> FilePath | None:
    """Return a file that is read by whoever connects, and before that again when it changes."""
    if said is None:
        return None
    sources.watch(folder / said)
    return folder / said
