"""The record: one Entry for each exchange, from which the audit line and the counters both come."""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from dataclasses import dataclass, field
from enum import StrEnum, unique
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any, Final, Protocol

from vendor.policy.packing import dropped
from vendor.policy.session import Action
from vendor.refusals import AuditUnavailable, Reason, Refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime

    from vendor.credentials import Credentials
    from vendor.identity.principal import Principal
    from vendor.policy.decision import Asked
    from vendor.policy.granting import Permission
    from vendor.policy.session import RoleSession

LONGEST_TEXT: Final = 2_048
"""Characters of the longest text that a line holds of anything a caller sent."""

LINE: Final = 0.05
"""Seconds beyond its deadline within which an exchange is written down, or goes without."""
UNHURRIED: Final = 0.8
"""Seconds within which a sink writes or says itself that it cannot: with as many left nobody need look at a clock."""

WITHHELD: Final = "withheld"
"""The event of a line that takes back another one of its request."""

_ENCODE: Final = json.JSONEncoder(separators=(",", ":")).encode


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


class SinkError(Exception):
    """A line could not be written."""


class Sink(Protocol):
    """Where lines go."""

    async def write(self, line: bytes, withheld: Callable[[], bytes] | None = None) -> None:
        """Return once the line, which ends with a newline, is written.

        Whoever gives `withheld` goes by what they are told: once they have left, or were refused, the line is not
        written any more, and if it is too late for that, the line that this returns follows it. Raises SinkError.
        """
        ...

    def owe(self, withheld: Callable[[], bytes]) -> None:
        """Have a line that takes another one back follow it as soon as it can be written; nobody waits for it."""
        ...


class Clock(Protocol):
    """Wall-clock time, and time that never steps."""

    def now(self) -> datetime:
        """Return the time as an aware datetime in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds since some fixed moment."""
        ...


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
            f'{{"event":"exchange","time":"{self.time.isoformat(timespec="milliseconds")[:-6]}Z",'
            f'"request_id":"{self.request_id}",'
            f'"door":"{self.door}","outcome":"{outcome}","source":{source},"seconds":{self.seconds:.6f},'
        )
        return changing.encode() + (lasting or self.lasting())

    def lasting(self) -> bytes:
        """Return the rest of the line: what follows from parameters, token, grant, session and credentials alone."""
        members = {**self._asked(), **self._decided(), **self._lent(), **self._refused()}
        return f"{_ENCODE(members)[1:]}\n".encode()

    def withheld(self) -> dict[str, Any]:
        """Return what a line tells that takes this entry's own back: what it says was issued never left."""
        return {"access_key_id": self.credentials and self.credentials.access_key_id, **self._refused()}

    def _asked(self) -> dict[str, Any]:
        principal = self.principal
        return {
            "issuer": principal and principal.issuer,
            "subject": principal and _capped(principal.subject),
            "attributes": {name: _capped(value) for name, value in principal.attributes.items()} if principal else {},
            "token_sha256": self.token_sha256,
            "token_expires": principal and _timestamp(principal.token_expires),
            "token_scopes": None if principal is None else _listed(principal.token_scopes),
            "scope": self.permission.scope.name if self.permission else _capped(self.asked.scope),
            "parameters": {_capped(name): _capped(value) for name, value in self.asked.parameters.items()},
            "scope_named": self.asked.scope is not None,
            "asked_role": _capped(self.asked.role),
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
            "not_after": session and session.not_after and _timestamp(session.not_after),
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
            "expiration": lent and _timestamp(lent.expiration),
            "region": lent and lent.region,
            "packed_policy_size": lent and lent.packed_policy_size,
        }

    def _refused(self) -> dict[str, Any]:
        if self.refusal is not None:
            told = {"code": self.refusal.code, "reason": self.refusal.reason, "detail": _capped(self.refusal.detail)}
        elif self.defect is not None:
            told = {"code": "internal_error", "reason": Reason.DEFECT, "detail": self.defect}
        else:
            told = {"code": None, "reason": Reason.NO_GRANT if self.would_refuse else None, "detail": None}
        return told


@dataclass(slots=True, kw_only=True)
class Ledger:
    """Writes each entry before anything of it leaves, and hands it to `observe`.

    With `refuse` a line that cannot be written turns the exchange into AuditUnavailable, and should it be written all
    the same, a line behind it takes it back; without it the exchange goes on and only `observe` knows.
    """

    sink: Sink
    observe: Callable[[Entry], None]
    clock: Clock
    refuse: bool = True
    capacity: int = 10_000
    _lasting: OrderedDict[object, bytes] = field(init=False, default_factory=OrderedDict)

    def recorded(self, entry: Entry, *, began: float, deadline: float = inf) -> Recording:
        """Return what an exchange runs in, so that it is recorded however it ends; both moments are monotonic.

        It raises what the exchange raised, or AuditUnavailable, `LINE` after the deadline at the latest. Where that has
        gone by long ago, as a body came slowly, the sink alone says whether it can write.
        """
        return Recording(self, entry, began, deadline)

    def _line(self, entry: Entry) -> bytes:
        """Return an issued entry's line, encoding what all lines of a caller and a lease have in common only once."""
        if entry.session is None or entry.permission is None or entry.credentials is None:
            return entry.line()
        asked = entry.asked
        key = (
            entry.token_sha256,
            entry.generation,
            entry.permission.grant,
            entry.session.key,
            entry.credentials.access_key_id,
            entry.credentials.expiration,  # ids need not be new with each session
            asked.scope is None,
            asked.role,
            asked.duration,
            *asked.parameters.items(),
        )
        lasting = self._lasting.get(key)
        if lasting is None:
            lasting = self._lasting[key] = entry.lasting()
            if len(self._lasting) > self.capacity:
                self._lasting.popitem(last=False)
        return entry.line(lasting)

    async def tell(self, event: str, request_id: str, members: Mapping[str, Any], *, needed: bool) -> bool:
        """Write a line of something that is no exchange, and return whether it is written.

        Raises AuditUnavailable if it is not, is needed, and an exchange would be refused for the want of its line.
        """
        refused = AuditUnavailable(Reason.SINK)
        told = {"access_key_id": None, "code": refused.code, "reason": refused.reason, "detail": None}
        withheld = partial(self._told, WITHHELD, request_id, told) if needed and self.refuse else None
        try:
            await self.sink.write(self._told(event, request_id, members), withheld)
        except SinkError as exc:
            if withheld is not None:
                raise AuditUnavailable(Reason.SINK, detail=str(exc)) from exc
            return False
        return True

    def _told(self, event: str, request_id: str, members: Mapping[str, Any]) -> bytes:
        told = {"event": event, "time": _milliseconds(self.clock.now()), "request_id": request_id, **members}
        return f"{_ENCODE({name: _capped(value) for name, value in told.items()})}\n".encode()

    async def write(self, entry: Entry, *, within: float = inf) -> None:
        """Write the entry and hand it on, within so many seconds.

        Raises AuditUnavailable.
        """
        issued = entry.outcome == "issued"
        withheld = partial(self._withheld, entry) if issued and self.refuse else None
        try:
            line = self._line(entry) if issued else entry.line()
            if within >= UNHURRIED:
                await self.sink.write(line, withheld)
            else:
                await self._write(line, within, withheld)
        except SinkError as exc:
            entry.unwritten = str(exc)
            if withheld is not None:
                entry.refusal = AuditUnavailable(Reason.SINK, detail=str(exc))
                entry.refusal.recorded = True
                raise entry.refusal from exc
        except Exception as exc:
            entry.defect = type(exc).__name__  # nothing leaves, so nothing may be counted as issued
            raise
        finally:
            self.observe(entry)

    def withhold(self, entry: Entry, refusal: Refusal) -> None:
        """Have another line say that what was written as issued is not handed out, for this reason."""
        entry.refusal = refusal
        self.sink.owe(partial(self._withheld, entry))

    def _withheld(self, entry: Entry) -> bytes:
        return self._told(WITHHELD, entry.request_id, entry.withheld())

    async def _write(self, line: bytes, within: float, withheld: Callable[[], bytes] | None) -> None:
        try:
            async with asyncio.timeout(within):
                await self.sink.write(line, withheld)
        except TimeoutError as exc:
            raise SinkError("it was not written in time") from exc


class Recording:
    """An exchange under way: entering gives its entry, leaving records how it ended."""

    __slots__ = ("_began", "_deadline", "_entry", "_ledger")

    def __init__(self, ledger: Ledger, entry: Entry, began: float, deadline: float) -> None:
        self._ledger = ledger
        self._entry = entry
        self._began = began
        self._deadline = deadline

    async def __aenter__(self) -> Entry:
        return self._entry

    def __aexit__(self, kind: type[BaseException] | None, exc: BaseException | None, trace: object) -> Awaitable[None]:
        if isinstance(exc, Refusal):
            self._entry.refusal = exc
            exc.recorded = True
        elif isinstance(exc, Exception):
            self._entry.defect = type(exc).__name__
        now = self._ledger.clock.monotonic()
        self._entry.seconds = now - self._began
        left = self._deadline - now
        return self._ledger.write(self._entry, within=max(0.0, left) + LINE if left > -LINE else inf)


def _milliseconds(moment: datetime) -> str:
    return f"{moment.isoformat(timespec='milliseconds')[:-6]}Z"  # without +00:00, as it is in UTC


def _timestamp(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _listed(scopes: frozenset[str] | None) -> Any:
    return None if scopes is None else _capped(tuple(sorted(scopes)))


def _capped(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_capped(item) for item in value]
    return value[:LONGEST_TEXT] if isinstance(value, str) and len(value) > LONGEST_TEXT else value
