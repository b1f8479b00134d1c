"""The world in which a hostile token is made: an honest issuer, an evil one, and a pen for what neither would write."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.fakes import tokens
from vendor.identity.issuer import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.fakes.issuer import Issuer
    from tests.fakes.keys import SigningKey
    from vendor.refusals import Reason

GONE = object()
"""In place of a member that is left out; None is written as null."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What a case may use: `issuer` is trusted, `evil` is running and nobody's."""

    issuer: Issuer
    evil: Issuer

    def header(self, **changes: Any) -> bytes:
        """Return an honest header with some members changed, added or gone."""
        return _written({**self.issuer.header(), **changes})

    def claims(self, **changes: Any) -> bytes:
        """Return an honest payload likewise."""
        return _written({**self.issuer.claims(), **changes})

    def token(
        self,
        header: Mapping[str, Any] | None = None,
        claims: Mapping[str, Any] | None = None,
        *,
        key: SigningKey | None = None,
    ) -> str:
        """Return a token with a good signature of the issuer's key, or of `key`."""
        return self.raw(self.header(**(header or {})), self.claims(**(claims or {})), key=key)

    def raw(self, header: bytes | None = None, payload: bytes | None = None, *, key: SigningKey | None = None) -> str:
        """Return any bytes as header and payload under a good signature."""
        return tokens.signed(header or self.header(), payload or self.claims(), key=key or self.issuer.key)

    def segments(self) -> tuple[str, str, str]:
        """Return the parts of a token that would be taken."""
        head, body, signature = self.token().split(".")
        return head, body, signature

    def signed(self, change: Callable[[bytes], bytes]) -> str:
        """Return an honest token with another signature in the place of its own."""
        head, body, signature = self.segments()
        return f"{head}.{body}.{tokens.encode(change(tokens.decode(signature)))}"

    def now(self) -> int:
        """Return the seconds since the epoch at which honest tokens begin."""
        return int(self.issuer.claims()["iat"])


@dataclass(frozen=True, slots=True)
class Case:
    """A token that must be refused, why, and against which threat that stands.

    `algorithm` is that of the issuer's key; `changes` are made to the issuer's configuration. A token that is `cold`
    is refused before anybody asks for a key.
    """

    threat: str
    reason: Reason
    make: Callable[[World], str]
    algorithm: str = "RS256"
    cold: bool = False
    changes: Mapping[str, Any] = field(default_factory=dict)


Maker = Callable[[World], str]
"""What makes the token of a case in its world."""


def heading(**members: Any) -> Maker:
    """Return who makes a token with some members of the header changed, added or gone."""
    return lambda world: world.token(members)


def claiming(**members: Any) -> Maker:
    """Return who makes a token with some claims changed, added or gone."""
    return lambda world: world.token(claims=members)


def signing(change: Callable[[bytes], bytes]) -> Maker:
    """Return who puts another signature in the place of a good one."""
    return lambda world: world.signed(change)


ANYBODY = {"kind": Kind.GENERIC}
"""An issuer whose subjects have no form of their own."""


def _written(members: Mapping[str, Any]) -> bytes:
    kept = {name: value for name, value in members.items() if value is not GONE}
    return json.dumps(kept, separators=(",", ":")).encode()
