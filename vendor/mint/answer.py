"""The answer of STS, read with distrust: what is missing, ended or another role's is refused, and nothing is kept."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from botocore.utils import parse_timestamp

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

_ASSUMED: Final = re.compile(r"arn:([a-z-]+):sts::([^:]*):assumed-role/([^/]+)/(.+)")
_ROLE: Final = re.compile(r"arn:([a-z-]+):iam::([^:]*):role/(?:.*/)?([^/]+)")


def read_credentials(
    answer: Mapping[str, Any], *, session: RoleSession, asked: timedelta, now: datetime, region: str
) -> Credentials:
    """Return the credentials of an AssumeRole answer.

    Raises StsUnavailable with reason `bad_answer`.
    """
    given = answer.get("Credentials")
    if not isinstance(given, dict):
        raise _bad("no credentials")
    return Credentials(
        access_key_id=_text(given, "AccessKeyId"),
        secret_access_key=Secret(_text(given, "SecretAccessKey")),
        session_token=Secret(_text(given, "SessionToken")),
        expiration=_expiration(given.get("Expiration"), asked, now),
        account_id=_account(answer.get("AssumedRoleUser"), session),
        role_arn=session.role_arn,
        packed_policy_size=_size(answer.get("PackedPolicySize")),
        region=region,
        user_id=_user_id(answer.get("AssumedRoleUser")),
    )


def read_time(value: Any) -> datetime:
    """Return a time of an answer; AWS writes ISO 8601, for which botocore would call a parser of every date there is.

    Raises ValueError.
    """
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        found: datetime = parse_timestamp(value)
        return found


def _text(given: dict[str, Any], name: str) -> str:
    value = given.get(name)
    if not isinstance(value, str) or not value or len(value) > LONGEST_SECRET or not value.isprintable():
        raise _bad(f"{name} is missing, or no text of a sane size")
    return value


def _expiration(value: object, asked: timedelta, now: datetime) -> datetime:
    """Return the expiry in whole seconds, which is how the doors write it: never later than STS said."""
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise _bad("Expiration is missing or no time")
    expiration = value.astimezone(UTC).replace(microsecond=0)
    if expiration <= now:
        raise _bad("Expiration has passed already")
    if expiration > now + asked + TOLERANCE:
        raise _bad("Expiration lies later than was asked for")
    return expiration


def _account(user: object, session: RoleSession) -> str:
    """Return the account of the assumed role, which must be the role that was asked for."""
    arn = user.get("Arn") if isinstance(user, dict) else None
    assumed, role = _ASSUMED.fullmatch(arn if isinstance(arn, str) else ""), _ROLE.fullmatch(session.role_arn)
    if assumed is None or role is None:
        raise _bad("AssumedRoleUser names no role session")
    partition, account, name = role.groups()
    if assumed.groups() != (partition, account or assumed[2], name, session.session_name):
        raise _bad(f"AssumedRoleUser is {arn!r:.300}, not the session asked for")
    return assumed[2]


def _user_id(user: object) -> str | None:
    """Return the id of the session, None where there is none to be believed: it is told, and decides nothing."""
    value = user.get("AssumedRoleId") if isinstance(user, dict) else None
    return value if isinstance(value, str) and len(value) <= LONGEST_USER_ID and value.isprintable() else None


def _size(value: object) -> int | None:
    return value if type(value) is int else None


def _bad(detail: str) -> StsUnavailable:
    return StsUnavailable(Reason.BAD_ANSWER, UNUSABLE, detail=detail)
