"""Stored: a lease as it is sealed for the store, and what must be so of one that comes from there."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from vendor.credentials import Credentials, Secret
from vendor.leases.sealed import SealError

if TYPE_CHECKING:
    from vendor.leases.sealed import Ring
    from vendor.policy.session import RoleSession

TOLERANCE: Final = timedelta(minutes=5)
"""How much longer than asked for a session may live, as when it comes from STS."""
SKEW: Final = timedelta(seconds=5)
"""How far the clock of whoever minted may be ahead of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Credentials that were minted at a time; the least generous clock says how many seconds ago, and has `left`."""

    credentials: Credentials
    minted: datetime
    age: float
    left: float


def seal(credentials: Credentials, *, session: RoleSession, minted: datetime, ring: Ring) -> bytes:
    """Return the credentials sealed for the session that they are of."""
    said = {one.name: _written(getattr(credentials, one.name)) for one in fields(credentials)}
    whole = {"scope": session.scope, "role": session.role_arn, "minted": _written(minted), "credentials": said}
    return ring.seal(json.dumps(whole, separators=(",", ":")).encode(), use=_use(session))


def read(raw: bytes, *, session: RoleSession, ring: Ring, now: datetime, kept: float) -> Stored | None:
    """Return what was sealed for a session, None if it has ended, or was minted later than our clock says it is.

    `kept` is for how many seconds the store means to keep it, zero for no idea: it may know that our clock is late, and
    is not believed otherwise. Raises SealError for anything that no holder of our keys sealed for this very session.
    """
    opened = ring.open(raw, use=_use(session))
    try:
        whole = json.loads(opened)
        credentials = Credentials(**{name: _read(value) for name, value in whole["credentials"].items()})
        _check(credentials, whole["scope"], whole["role"], session)
        return _judged(credentials, _read(whole["minted"]), session, now, kept)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as exc:  # another release's
        raise SealError("it is of no form that is known") from exc


def _check(credentials: Credentials, scope: str, role: str, session: RoleSession) -> None:
    if (scope, role, credentials.role_arn) != (session.scope, session.role_arn, session.role_arn or role):
        raise SealError("it is of another scope or role")
    if _account(session.role_arn) not in {"", credentials.account_id}:
        raise SealError("it is of another account")


def _judged(
    credentials: Credentials, minted: datetime, session: RoleSession, now: datetime, kept: float
) -> Stored | None:
    latest = minted + session.duration + TOLERANCE
    if credentials.expiration > min(latest, (session.not_after or latest) + TOLERANCE):
        raise SealError("it ends later than it may")
    lifetime = min(credentials.expiration - minted, session.duration).total_seconds()
    age = max((now - minted).total_seconds(), lifetime - kept if kept > 0 else 0.0, 0.0)
    left = min((credentials.expiration - now).total_seconds(), lifetime - age)
    if left <= 0 or minted > now + SKEW:
        return None
    return Stored(credentials=credentials, minted=minted, age=age, left=left)


def _use(session: RoleSession) -> bytes:
    return b"lease " + session.key


def _account(role_arn: str) -> str:
    """Return the account of a role's ARN, nothing where there is none."""
    parts = role_arn.split(":")
    return parts[4] if len(parts) > 4 else ""  # noqa: PLR2004 - arn:partition:service:region:account


def _written(value: Any) -> Any:
    if isinstance(value, Secret):
        return {"secret": value.reveal()}
    if isinstance(value, datetime):
        return {"time": value.isoformat()}
    return value


def _read(value: Any) -> Any:
    if isinstance(value, dict):
        ((kind, text),) = value.items()
        return Secret(text) if kind == "secret" else datetime.fromisoformat(text)
    return value
