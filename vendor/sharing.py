"""The part of the composition root that is about the store: its server, and the keys that seal what is in it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from vendor.credentials import Secret
from vendor.files import Followed
from vendor.leases.sealed import Ring, read_key

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from vendor.config.values import SharedStore
    from vendor.redis.board import RedisBoard
    from vendor.redis.client import Place
    from vendor.redis.division import RedisDivision
    from vendor.redis.leases import RedisLeases
    from vendor.redis.server import Clock, Server


class _Part(NamedTuple):
    """A server with what it was made of: where it is, and the bytes of the certificates."""

    made_of: tuple[SharedStore, tuple[bytes, ...]]
    server: Server
    leases: RedisLeases
    revocations: RedisBoard
    division: RedisDivision


class Sharing:
    """What a configuration shares with other replicas; a server that has not changed since `before` stays connected.

    Raises OSError for a key or a certificate that cannot be read.
    """

    def __init__(
        self,
        store: SharedStore | None,
        *,
        clock: Clock,
        report: Callable[[str, str], None],
        told: Callable[[str | None], None],
        before: Sharing | None = None,
    ) -> None:
        self.ring = None if store is None else Ring({name: _key(file) for name, file in store.keys})
        self.part: _Part | None = None
        if store is None:
            return
        made_of = (replace(store, keys=()), _certificates(store))
        known = None if before is None else before.part
        if known is not None and known.made_of == made_of:
            self.part = known
            return
        # Who has no store starts sooner without the library, and is seven megabytes smaller.
        from vendor.redis import board, client, division, leases, server  # noqa: PLC0415

        place = _place(store, client.Place)
        asked = server.Server(client.connect(place), prefix=store.prefix, clock=clock, report=report, told=told)
        self.part = _Part(
            made_of,
            asked,
            leases.RedisLeases(asked),
            board.RedisBoard(asked, "revocations"),
            division.RedisDivision(asked),
        )

    @property
    def leases(self) -> RedisLeases | None:
        """Where leases are shared."""
        return self.part.leases if self.part else None

    @property
    def revocations(self) -> RedisBoard | None:
        """Where revocations are pinned."""
        return self.part.revocations if self.part else None

    @property
    def division(self) -> RedisDivision | None:
        """Where the budgets of STS requests are divided."""
        return self.part.division if self.part else None

    async def open(self, *, before: Sharing | None = None) -> None:
        """Connect, unless it is connected since `before` this; a store that does not answer is done without."""
        if self.part is not None and (before is None or before.part is not self.part):
            await self.part.server.open()

    async def close(self, *, after: Sharing | None = None) -> None:
        """Close the connections; but for what is still used `after` this."""
        if self.part is not None and (after is None or after.part is not self.part):
            await self.part.revocations.close()
            await self.part.server.close()


def _place(store: SharedStore, place: type[Place]) -> Place:
    return place(
        nodes=store.nodes,
        database=store.database,
        user=store.user,
        password=_secret(store.password),
        tls=store.tls,
        ca_file=store.ca_file,
        certificate=store.certificate,
        private_key=store.private_key,
        cluster=store.cluster,
        service=store.service,
        sentinel_user=store.sentinel_user,
        sentinel_password=_secret(store.sentinel_password),
    )


def _secret(text: str | None) -> Secret | None:
    return None if text is None else Secret(text)


def _certificates(store: SharedStore) -> tuple[bytes, ...]:
    files = (store.ca_file, store.certificate, store.private_key)
    return tuple(Followed(file).read() for file in files if file is not None)


def _key(file: Path) -> bytes:
    try:
        return read_key(Followed(file).read())
    except ValueError as exc:  # it was sound a moment ago
        raise OSError(f"the file {file} holds no key: {exc}") from exc
