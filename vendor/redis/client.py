"""Client: the field's own for Redis and Valkey, made for a single server, for a cluster or by way of sentinels.

It tries once and waits for nobody: patience is `vendor.redis.server`'s. Certificates are read once, as reading those of
the system takes longer than a question may.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from redis.asyncio import ConnectionPool, Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.connection import Connection, SSLConnection
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool, SentinelManagedSSLConnection
from redis.backoff import NoBackoff

if TYPE_CHECKING:
    from pathlib import Path

    from vendor.credentials import Secret

CONNECT: Final = 1.0
"""Seconds for opening a connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the store is. `nodes` are hosts and ports: one server's, some of a cluster's, or the sentinels'.

    `service` is what sentinels call the store. `ca_file` None means the system's certificates. `certificate` and
    `private_key` are what we show; the store's user may be known by them.
    """

    nodes: tuple[tuple[str, int], ...]
    database: int = 0
    user: str | None = None
    password: Secret | None = None
    tls: bool = False
    ca_file: Path | None = None
    certificate: Path | None = None
    private_key: Path | None = None
    cluster: bool = False
    service: str | None = None
    sentinel_user: str | None = None
    sentinel_password: Secret | None = None


class _Tls(SSLConnection):
    """A connection under certificates that were read before."""

    def __init__(self, *, context: ssl.SSLContext, **given: Any) -> None:
        super().__init__(**given)
        self.ssl_context.context = context


class _SentinelTls(SentinelManagedSSLConnection, _Tls):
    """The same to a server that sentinels name."""


def connect(place: Place) -> Redis | RedisCluster:
    """Return a client of the store, which connects when it is first asked.

    Raises OSError for certificates that cannot be read.
    """
    context = tls_context(place) if place.tls else None
    given: dict[str, Any] = {
        "username": place.user,
        "password": place.password and place.password.reveal(),
        "protocol": 2,
        "driver_info": None,
        "socket_timeout": None,
        "socket_connect_timeout": CONNECT,
    }
    if place.cluster:
        return _cluster(place, given, context)
    given |= {"db": place.database, "retry": Retry(NoBackoff(), 0)}
    tls: dict[str, Any] = {} if context is None else {"context": context}
    if place.service is None:
        (host, port), *_ = place.nodes
        kind = Connection if context is None else _Tls
        pool = ConnectionPool(connection_class=kind, host=host, port=port, **tls, **given)
        return Redis.from_pool(pool)
    sentinels = Sentinel([])  # type: ignore[no-untyped-call]
    sentinels.sentinels = [_sentinel(place, at, context) for at in place.nodes]
    if context is not None:
        tls["connection_class"] = _SentinelTls
    pool = SentinelConnectionPool(place.service, sentinels, **tls, **given)  # type: ignore[no-untyped-call]
    return Redis.from_pool(pool)


async def disconnect(client: Redis | RedisCluster) -> None:
    """Close a client's connections, those to sentinels too."""
    await client.aclose()
    pool = getattr(client, "connection_pool", None)
    if isinstance(pool, SentinelConnectionPool):
        for sentinel in pool.sentinel_manager.sentinels:
            await sentinel.aclose()


def tls_context(place: Place) -> ssl.SSLContext:
    """Return what a server is recognised by, and what we show to it.

    Raises OSError.
    """
    context = ssl.create_default_context(cafile=place.ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if place.certificate is not None:
        context.load_cert_chain(place.certificate, place.private_key)
    return context


def _sentinel(place: Place, at: tuple[str, int], context: ssl.SSLContext | None) -> Redis:
    host, port = at
    kind: dict[str, Any] = {} if context is None else {"connection_class": _Tls, "context": context}
    pool = ConnectionPool(
        host=host,
        port=port,
        username=place.sentinel_user,
        password=place.sentinel_password and place.sentinel_password.reveal(),
        protocol=2,
        driver_info=None,
        socket_timeout=CONNECT,
        socket_connect_timeout=CONNECT,
        retry=Retry(NoBackoff(), 0),
        **kind,
    )
    return Redis.from_pool(pool)


def _cluster(place: Place, given: dict[str, Any], context: ssl.SSLContext | None) -> RedisCluster:
    nodes = [ClusterNode(host, port) for host, port in place.nodes]
    client = RedisCluster(startup_nodes=nodes, retry=Retry(NoBackoff(), 1), ssl=context is not None, **given)
    if context is not None:  # nodes that are found later are made from the same dictionary
        ours = {"connection_class": _Tls, "context": context}
        client.connection_kwargs.update(ours)
        for node in client.startup_nodes:
            node.connection_class = _Tls
            node.connection_kwargs["context"] = context
    return client
