"""Stopping: what an operator may say of whom to stop, read strictly: a slip of the pen must not stop nobody."""

from __future__ import annotations

import json
import re
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from vendor.leases import written
from vendor.leases.revocation import Revocation
from vendor.refusals import InvalidRequest, Reason
from vendor.server import wire
from vendor.server.whom import Whom, named

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from vendor.exchange import Exchange
    from vendor.leases.holding import Holding

DEFAULT: Final = timedelta(hours=12)
"""For how long somebody is stopped, unless it is said: as long as AWS lets a role's session be."""
LONGEST: Final = timedelta(days=31)
"""For how long at most; who should be stopped for good is taken out of the configuration."""
LONGEST_WRITTEN: Final = 6 * 1024
"""Bytes of the longest one, as replicas tell it one another."""
MOST_ROLES: Final = 20
"""Roles that a revocation names itself."""

_ID: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?", re.ASCII)
_ROLE: Final = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]{1,576}", re.ASCII)
_SAID: Final = frozenset(
    {"id", "scope", "issuer", "principal", "attributes", "access_key_id", "reason", "until", "duration_seconds"}
    | {"roles", "deny_policy"}
)


class Reader:
    """Reads revocations, in which every name must be one that is known here.

    `holding` finds who holds a key, or raises NotFound; `active` returns the revocations that are in force.
    """

    def __init__(
        self,
        *,
        exchange: Exchange,
        holding: Callable[[str], Awaitable[Holding]],
        active: Callable[[], Iterable[Revocation]],
    ) -> None:
        self._exchange = exchange
        self._holding = holding
        self._active = active

    async def read(self, members: dict[str, Any], *, by: tuple[str, str]) -> Revocation:
        """Return the revocation that a body asks for.

        Raises Refusal.
        """
        try:
            read = await self._read(members, by=by)
        except written.UnreadableError as exc:
            raise InvalidRequest(Reason.MALFORMED_REQUEST, str(exc)) from exc
        text = json.dumps(written.write(read))
        wire.refuse_tokens((text,))
        if len(text) > LONGEST_WRITTEN:
            raise InvalidRequest(Reason.MALFORMED_REQUEST, f"all of it must fit into {LONGEST_WRITTEN} bytes")
        return read

    async def _read(self, members: dict[str, Any], *, by: tuple[str, str]) -> Revocation:
        if more := members.keys() - _SAID:
            raise InvalidRequest(Reason.UNDECLARED_PARAMETER, f"the body has no member {min(more):.63}")
        now = self._exchange.now().replace(microsecond=0)
        key, roles = written.text_of(members, "access_key_id"), _roles(members.get("roles", []))
        whom = named(members, self._exchange) if key is None else await self._holder(members, key)
        return Revocation(
            id=_id(written.text_of(members, "id")),
            scope=whom.scope,
            issuer=whom.issuer,
            issuer_url=whom.issuer_url,
            subject=whom.subject,
            where=whom.where,
            access_key_id=key,
            reason=written.read_reason(members),
            by=by,
            made=now,
            until=now + _life(members, now),
            roles=tuple(sorted({*roles, *whom.roles})),
            denied=_flag(members.get("deny_policy", False)),
        )

    async def _holder(self, members: dict[str, Any], key: str) -> Whom:
        """Return who holds a key: the principal in the scope that the key is of."""
        if members.keys() & {"scope", "issuer", "principal", "attributes"}:
            raise InvalidRequest(Reason.MALFORMED_REQUEST, "an access_key_id stands alone: it names its holder")
        for one in self._active():
            if one.access_key_id == key:  # a restart forgets who holds what, and not who was stopped
                return Whom(one.scope, one.issuer, one.issuer_url, one.subject)
        held = await self._holding(key)
        roles = (held.role,) if held.role else ()
        return Whom(held.scope, held.issuer, held.issuer_url, held.subject, roles=roles)


def _id(said: str | None) -> str:
    if said is not None and not _ID.fullmatch(said):
        raise InvalidRequest(Reason.MALFORMED_REQUEST, "id must be at most 32 lower-case letters, digits and -")
    return said or secrets.token_hex(8)


def _life(members: dict[str, Any], now: Any) -> timedelta:
    """Return for how long a revocation is wanted."""
    if "until" in members and "duration_seconds" in members:
        raise InvalidRequest(Reason.MALFORMED_REQUEST, "say one of until and duration_seconds")
    life = DEFAULT
    if "duration_seconds" in members:
        seconds = members["duration_seconds"]
        life = timedelta(seconds=seconds) if type(seconds) is int and 0 < seconds < 1e9 else timedelta()  # noqa: PLR2004
    elif "until" in members:
        life = written.read_moment(written.text_of(members, "until") or "") - now
    if not timedelta() < life <= LONGEST:
        raise InvalidRequest(Reason.DURATION, f"it must end in the future, within {LONGEST.days} days")
    return life


def _roles(said: object) -> tuple[str, ...]:
    if not isinstance(said, list) or len(said) > MOST_ROLES or not all(_ROLE.fullmatch(str(role)) for role in said):
        raise InvalidRequest(Reason.MALFORMED_REQUEST, f"roles must be a list of at most {MOST_ROLES} role ARNs")
    return tuple(map(str, said))


def _flag(said: object) -> bool:
    if not isinstance(said, bool):
        raise InvalidRequest(Reason.MALFORMED_REQUEST, "deny_policy must be true or false")
    return said
