"""Revocations in writing: the one JSON form that operators, the audit trail and replicas read and write."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from vendor.leases.revocation import Revocation
from vendor.policy.matcher import AnyOf, Contains, Equal, Glob, Matcher, Present

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_OPTIONS: Final = 100
"""Options of one list."""
LONGEST: Final = 2_048
"""Characters of the longest text."""


class UnreadableError(ValueError):
    """What is written is no revocation; the message says why and may be shown to who wrote it."""


def write(revocation: Revocation) -> dict[str, Any]:
    """Return a revocation as JSON has it."""
    issuer, subject = revocation.by
    return {
        "id": revocation.id,
        "scope": revocation.scope,
        "issuer": revocation.issuer,
        "issuer_url": revocation.issuer_url,
        "principal": revocation.subject,
        "attributes": {name: _written(matcher) for name, matcher in revocation.where},
        "access_key_id": revocation.access_key_id,
        "reason": revocation.reason,
        "by": {"issuer": issuer, "subject": subject},
        "made": timestamp(revocation.made),
        "until": timestamp(revocation.until),
        "roles": list(revocation.roles),
        "deny_policy": revocation.denied,
    }


def read(members: Mapping[str, Any]) -> Revocation:
    """Return the revocation that `write` wrote.

    Raises UnreadableError.
    """
    by, roles, denied = members.get("by"), members.get("roles"), members.get("deny_policy")
    if not isinstance(by, dict) or not isinstance(roles, list) or not isinstance(denied, bool):
        raise UnreadableError("no revocation")
    return Revocation(
        id=_needed(members, "id"),
        scope=text_of(members, "scope"),
        issuer=text_of(members, "issuer"),
        issuer_url=text_of(members, "issuer_url"),
        subject=text_of(members, "principal"),
        where=read_where(members.get("attributes")),
        access_key_id=text_of(members, "access_key_id"),
        reason=read_reason(members),
        by=(_needed(by, "issuer"), _needed(by, "subject")),
        made=read_moment(_needed(members, "made")),
        until=read_moment(_needed(members, "until")),
        roles=tuple(str(role) for role in roles),
        denied=denied,
    )


def text_of(members: Mapping[str, Any], name: str) -> str | None:
    """Return a text, None if it is not there or null.

    Raises UnreadableError for anything else, and for an empty one: it would stop nobody or everybody.
    """
    value = members.get(name)
    if value is not None and not (isinstance(value, str) and 0 < len(value) <= LONGEST):
        raise UnreadableError(f"{name} must be a string of at most {LONGEST} characters that is not empty")
    return value


def read_reason(members: Mapping[str, Any]) -> str:
    """Return why, which need not be said.

    Raises UnreadableError.
    """
    return "" if members.get("reason") == "" else text_of(members, "reason") or ""


def read_moment(text: str) -> datetime:
    """Return a moment of the form YYYY-MM-DDTHH:MM:SSZ.

    Raises UnreadableError.
    """
    moment = None
    with suppress(ValueError):
        moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    if moment is None or timestamp(moment) != text:  # it may be written otherwise, and never is
        raise UnreadableError("a time reads YYYY-MM-DDTHH:MM:SSZ")
    return moment


def timestamp(moment: datetime) -> str:
    """Return a UTC moment as it is written."""
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def read_where(value: object) -> tuple[tuple[str, Matcher], ...]:
    """Return what is demanded of attributes, written as in a grant.

    Raises UnreadableError.
    """
    if not isinstance(value, dict):
        raise UnreadableError("attributes must be an object: of each attribute a value, a list of them, or a matcher")
    return tuple((name, _matcher(name, said)) for name, said in value.items())


def _needed(members: Mapping[str, Any], name: str) -> str:
    value = text_of(members, name)
    if value is None:
        raise UnreadableError(f"{name} is missing")
    return value


def _matcher(name: str, said: object) -> Matcher:
    if isinstance(said, list):
        if not 0 < len(said) <= MOST_OPTIONS:
            raise UnreadableError(f"attribute {name:.63}: a list has at least one item and at most {MOST_OPTIONS}")
        return AnyOf(tuple(_one(name, item) for item in said))
    return _one(name, said)


def _one(name: str, said: object) -> Equal | Glob | Contains | Present:
    if isinstance(said, str | int | bool):
        return Equal(said)
    match said:
        case {"glob": str(pattern), **rest} if not rest and _is_glob(pattern):
            return Glob(pattern)
        case {"contains": str(member), **rest} if not rest:
            return Contains(member)
        case {"present": True, **rest} if not rest:
            return Present()
    known = 'a string, an integer, a boolean, a list of these, or one of {"glob"}, {"contains"}, {"present": true}'
    raise UnreadableError(f"attribute {name:.63} must be {known}")


def _is_glob(pattern: str) -> bool:
    return "*" in pattern and "**" not in pattern and pattern != "*"


def _written(matcher: Matcher) -> Any:
    match matcher:
        case Equal(value):
            return value
        case Glob(pattern):
            return {"glob": pattern}
        case Contains(member):
            return {"contains": member}
        case AnyOf(options):
            return [_written(option) for option in options]
    return {"present": True}
