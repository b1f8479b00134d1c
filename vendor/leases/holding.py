"""Holding: a session that was handed out, and to whom; no secret."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vendor.identity.principal import AttributeValue, Principal

MOST: Final = 32
"""Holders of one session whose attributes are remembered beside those of the latest: pods share one, say."""
_TOLD_APART: Final = ("issuer", "subject")
_OWN: Final = frozenset({"_token", "_before", "crowded"})
_MOMENTS: Final = ("minted", "expiration", "last_handed_out")


@dataclass(slots=True, kw_only=True, eq=False)
class Holding:
    """A session that was handed out, and to whom.

    `number` counts sessions in the order in which they were first handed out, `hand_outs` how often this one was.
    """

    number: int
    access_key_id: str
    issuer: str
    issuer_url: str
    subject: str
    scope: str
    target: str
    role: str
    session_name: str
    source_identity: str | None
    minted: datetime
    expiration: datetime
    last_handed_out: datetime
    key: bytes
    hand_outs: int = 0
    crowded: bool = False
    """Whether more have had it than are remembered."""
    _token: int = 0
    _attributes: bytes = b""
    """As JSON: so many mappings would take three times as much memory as the leases' own texts."""
    _before: tuple[bytes, ...] = ()

    @property
    def attributes(self) -> Mapping[str, AttributeValue]:
        """Return the attributes of the principal that had it last."""
        return self._read(self._attributes)

    @property
    def holders(self) -> Iterator[Mapping[str, AttributeValue]]:
        """Yield the attributes of each principal that is known to have had it, the latest first."""
        return map(self._read, (self._attributes, *self._before))

    def had_by(self, principal: Principal) -> None:
        """Note who has it now; what the same token tells again is noted already."""
        token = hash(principal.token_sha256)
        if token != self._token or not self._attributes:
            told = {name: value for name, value in principal.attributes.items() if name not in _TOLD_APART}
            before, self._attributes = self._attributes, json.dumps(told, separators=(",", ":")).encode()
            self._token = token
            if before not in {b"", self._attributes, *self._before}:
                self._keep(before)

    def _keep(self, before: bytes) -> None:
        if len(self._before) < MOST:
            self._before += (before,)
        else:
            self.crowded = True

    def _read(self, attributes: bytes) -> Mapping[str, AttributeValue]:
        told: dict[str, Any] = {"issuer": self.issuer, "subject": self.subject, **json.loads(attributes)}
        return {name: tuple(value) if isinstance(value, list) else value for name, value in told.items()}


def write(holding: Holding) -> bytes:
    """Return a holding for other replicas to read."""
    told = {part.name: getattr(holding, part.name) for part in fields(holding) if part.name not in _OWN}
    told |= {name: told[name].isoformat() for name in _MOMENTS}
    return json.dumps({**told, "key": holding.key.hex(), "_attributes": told["_attributes"].decode()}).encode()


def read(raw: bytes) -> Holding:
    """Return the holding that `write` wrote.

    Raises ValueError for what another version wrote in another way.
    """
    try:
        told: dict[str, Any] = json.loads(raw)
        told |= {name: datetime.fromisoformat(told[name]) for name in _MOMENTS}
        told |= {"key": bytes.fromhex(told["key"]), "_attributes": told["_attributes"].encode()}
        return Holding(**told)
    except (TypeError, KeyError, AttributeError) as exc:
        raise ValueError("it is of no form that is known") from exc
