"""The entry: what is known of one exchange, and the line of the trail that comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, unique
from typing import TYPE_CHECKING, Any, Final

from vendor.audit.writing import capped, encode, listed, milliseconds, timestamp
from vendor.policy.packing import dropped
from vendor.policy.session import Action
from vendor.refusals import Reason

if TYPE_CHECKING:
    from datetime import datetime

    from vendor.credentials import Credentials
    from vendor.identity.principal import Principal
    from vendor.policy.decision import Asked
    from vendor.policy.granting import Permission
    from vendor.policy.session import RoleSession
    from vendor.refusals import Refusal


@unique
class Door(StrEnum):
    """Through which door an exchange came."""

    CONTAINER = "container"
    JSON = "json"
    CONSOLE = "console"
    STS = "sts"


_ROLES: Final = frozenset({Action.ASSUME_ROLE, Action.WEB_IDENTITY})
_CREDENTIALS: Final = frozenset(Action) - {Action.IDENTITY_TOKEN}
GIVES: Final = {
    Door.CONTAINER: _CREDENTIALS,
    Door.JSON: frozenset(Action),
    Door.STS: _ROLES | {Action.SAML},  # its answer says what a role's session is called
    Door.CONSOLE: _ROLES | {Action.SAML, Action.FEDERATION_TOKEN},
}
"""The actions whose outcome can be handed out at each door."""


@unique
class Source(StrEnum):
    """Where handed-out credentials came from."""

    STS = "sts"
    MEMORY = "memory"
    STORE = "store"


@dataclass(slots=True, kw_only=True)
class Entry:
    """What is known of one exchange; the parts are filled in as the exchange goes on."""

    time: datetime
    request_id: str
    door: Door
    asked: Asked
    generation: int
    token_sha256: str | None
    principal: Principal | None = None
    permission: Permission | None = None
    session: RoleSession | None = None
    credentials: Credentials | None = None
    minted: datetime | None = None
    source: Source | None = None
    refusal: Refusal | None = None
    unwritten: str | None = None
    defect: str | None = None
    seconds: float = 0.0

    @property
    def would_refuse(self) -> bool:
        """Tell whether only `mode: audit` let this exchange through."""
        return self.permission is not None and self.permission.grant is None

    @property
    def outcome(self) -> str:
        """Return `issued` or `refused`."""
        return "issued" if self.credentials is not None and not (self.refusal or self.defect) else "refused"

    def line(self, lasting: bytes | None = None) -> bytes:
        """Return the entry as one JSON line; no token, secret key or session token is among what it holds.

        `lasting` is what the method of that name returned for an issued entry that differs in nothing it tells. What
        changes is written out by hand, as these are our own numbers and names: encoding it took most of the time.
        """
        outcome = "issued" if lasting else self.outcome
        source = f'"{self.source}"' if self.source and outcome == "issued" else "null"
        changing = (
            f'{{"event":"exchange","time":"{milliseconds(self.time)}","request_id":"{self.request_id}",'
            f'"door":"{self.door}","outcome":"{outcome}","source":{source},"seconds":{self.seconds:.6f},'
        )
        return changing.encode() + (lasting or self.lasting())

    def lasting(self) -> bytes:
        """Return the rest of the line: what follows from parameters, token, grant, session and credentials alone."""
        members = {**self._asked(), **self._decided(), **self._lent(), **self._refused()}
        return f"{encode(members)[1:]}\n".encode()

    def withheld(self) -> dict[str, Any]:
        """Return what a line tells that takes this entry's own back: what it says was issued never left."""
        return {"access_key_id": self.credentials and self.credentials.access_key_id, **self._refused()}

    def _asked(self) -> dict[str, Any]:
        principal = self.principal
        return {
            "issuer": principal and principal.issuer,
            "subject": principal and capped(principal.subject),
            "attributes": {name: capped(value) for name, value in principal.attributes.items()} if principal else {},
            "token_sha256": self.token_sha256,
            "token_expires": principal and timestamp(principal.token_expires),
            "token_scopes": None if principal is None else listed(principal.token_scopes),
            "scope": self.permission.scope.name if self.permission else capped(self.asked.scope),
            "parameters": {capped(name): capped(value) for name, value in self.asked.parameters.items()},
            "scope_named": self.asked.scope is not None,
            "asked_role": capped(self.asked.role),
            "asked_duration_seconds": None if self.asked.duration is None else int(self.asked.duration.total_seconds()),
            "config_generation": self.generation,
        }

    def _decided(self) -> dict[str, Any]:
        session = self.session
        return {
            "grant": self.permission and self.permission.grant,
            "would_refuse": self.would_refuse,
            "target": session and session.target,
            "action": session and session.action,
            "via": session and [hop.role_arn for hop in session.via],
            "role": session and session.role_arn,
            "session_name": session and session.session_name,
            "source_identity": session and session.source_identity,
            "duration_seconds": session and int(session.duration.total_seconds()),
            "not_after": session and session.not_after and timestamp(session.not_after),
            "policy_sha256": session and session.policy_sha256,
            "policy_arns": session and session.policy_arns,
            "tags": session and dict(session.tags),
            "transitive_tags": session and session.transitive_tags,
            "dropped_tags": self._dropped(),
        }

    def _dropped(self) -> tuple[str, ...] | None:
        if self.session is None or self.permission is None:
            return None
        return dropped(self.session, self.permission.scope.session.optional_tags)

    def _lent(self) -> dict[str, Any]:
        lent = self.credentials if self.outcome == "issued" else None
        return {
            "access_key_id": lent and lent.access_key_id,
            "expiration": lent and timestamp(lent.expiration),
            "region": lent and lent.region,
            "packed_policy_size": lent and lent.packed_policy_size,
        }

    def _refused(self) -> dict[str, Any]:
        if self.refusal is not None:
            told = {"code": self.refusal.code, "reason": self.refusal.reason, "detail": capped(self.refusal.detail)}
        elif self.defect is not None:
            told = {"code": "internal_error", "reason": Reason.DEFECT, "detail": self.defect}
        else:
            told = {"code": None, "reason": Reason.NO_GRANT if self.would_refuse else None, "detail": None}
        return told
