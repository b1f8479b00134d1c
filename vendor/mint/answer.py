"""The answer of STS, read with distrust: what is missing, ended or another role's is refused, and nothing is kept."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from vendor.credentials import Credentials, Secret
from vendor.mint.errors import UNUSABLE
from vendor.refusals import Reason, StsUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vendor.policy.session import RoleSession

TOLERANCE: Final = timedelta(minutes=5)
"""How much longer than asked for a session may live: the two clocks need not agree."""
LONGEST_SECRET: Final = 8_000
"""Characters of the longest member; the SDKs' own limit for a whole answer is 10,000 bytes."""
LONGEST_USER_ID: Final = 193
"""Characters of the longest id of a session (botocore's STS model)."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ASSUMED: Final = re.compile(r"arn:([a-z-]+):sts::([^:]*):assumed-role/([^/]+)/(.+)")
_ROLE: Final = re.compile(r"arn:([a-z-]+):iam::([^:]*):role/(?:.*/)?([^/]+)")


class Holder(NamedTuple):
    """Whose credentials an answer holds; empty texts where that is not known."""

    account_id: str
    role_arn: str


def read_role_session(
    answer: Mapping[str, Any],
    *,
    session: RoleSession,
    asked: timedelta,
    now: datetime,
    region: str,
    told: bool = True,
) -> Credentials:
    """Return the credentials of a role's session.

    Without `told` STS need not say whose they are. Raises StsUnavailable with reason `bad_answer`.
    """
    account = _account(answer.get("AssumedRoleUser"), session, told=told)
    return read_credentials(answer, Holder(account, session.role_arn), asked=asked, now=now, region=region)


def read_credentials(
    answer: Mapping[str, Any], holder: Holder, *, asked: timedelta, now: datetime, region: str
) -> Credentials:
    """Return the credentials of any answer that holds some.

    Raises StsUnavailable with reason `bad_answer`.
    """
    given = answer.get("Credentials")
    if not isinstance(given, dict):
        raise bad("no credentials")
    return Credentials(
        access_key_id=text(given, "AccessKeyId"),
        secret_access_key=Secret(text(given, "SecretKey" if "SecretKey" in given else "SecretAccessKey")),
        session_token=Secret(text(given, "SessionToken")),
        expiration=expiration(given.get("Expiration"), asked, now),
        account_id=holder.account_id,
        role_arn=holder.role_arn,
        packed_policy_size=_size(answer.get("PackedPolicySize")),
        region=region,
        user_id=_user_id(answer.get("AssumedRoleUser")),
    )


def read_time(value: Any) -> datetime:
    """Return a time of an answer: ISO 8601 in XML, seconds since 1970 in JSON (Smithy's timestamp formats).

    Botocore would try every form of date there is, and take `12:00Z` for one of today (T21).

    Raises ValueError or OverflowError.
    """
    if isinstance(value, (int, float)):
        return _EPOCH + timedelta(seconds=value)  # the system's own conversion has errors of its own
    if isinstance(value, str):
        return datetime.fromisoformat(value)
    raise ValueError(f"{value!r:.30} is no time")


def text(given: Mapping[str, Any], name: str) -> str:
    """Return a member that must be there, and that a header or a JSON string can hold."""
    value = given.get(name)
    if not isinstance(value, str) or not value or len(value) > LONGEST_SECRET or not value.isprintable():
        raise bad(f"{name} is missing, or no text of a sane size")
    return value


def expiration(value: object, asked: timedelta, now: datetime) -> datetime:
    """Return the expiry in whole seconds, which is how the doors write it: never later than STS said."""
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise bad("Expiration is missing or no time")
    ends = value.astimezone(UTC).replace(microsecond=0)
    if ends <= now:
        raise bad("Expiration has passed already")
    if ends > now + asked + TOLERANCE:
        raise bad("Expiration lies later than was asked for")
    return ends


def _account(user: object, session: RoleSession, *, told: bool) -> str:
    """Return the account of the assumed role, which must be the role that was asked for."""
    arn = user.get("Arn") if isinstance(user, dict) else None
    assumed, role = _ASSUMED.fullmatch(arn if isinstance(arn, str) else ""), _ROLE.fullmatch(session.role_arn)
    if role is not None and not arn:
        if not told:
            return role[2]
        raise bad("it does not say whose session it is; for a cloud that never does, mend the target's features")
    if assumed is None or role is None:
        raise bad("AssumedRoleUser names no role session")
    partition, account, name = role.groups()
    # Of an assertion only who made it knows what the session is called.
    expected = (partition, account or assumed[2], name, session.session_name or assumed[4])
    if assumed.groups() != expected:
        raise bad(f"AssumedRoleUser is {arn!r:.300}, not the session asked for")
    return sys.intern(assumed[2])  # many sessions are of one account


def _user_id(user: object) -> str | None:
    """Return the id of the session, None where there is none to be believed: it is told, and decides nothing."""
    value = user.get("AssumedRoleId") if isinstance(user, dict) else None
    return value if isinstance(value, str) and len(value) <= LONGEST_USER_ID and value.isprintable() else None


def _size(value: object) -> int | None:
    return value if type(value) is int else None


def bad(detail: str) -> StsUnavailable:
    """Return the refusal of an answer that is not to be believed."""
    return StsUnavailable(Reason.BAD_ANSWER, UNUSABLE, detail=detail)
