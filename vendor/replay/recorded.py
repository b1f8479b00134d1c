"""Recorded exchanges: what an audit line holds of a decision, read as if anybody could have written it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum, unique
from typing import TYPE_CHECKING, Any, Final

from vendor.audit import LONGEST_TEXT
from vendor.refusals import Code, Reason

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vendor.identity.principal import AttributeValue

LONGEST: Final = timedelta(days=12)
"""A duration beyond any that a door takes."""
DECIDED: Final = frozenset(
    {
        Code.ACCESS_DENIED,
        Code.SCOPE_REQUIRED,
        Code.INVALID_REQUEST,
        Code.VALUE_NOT_ALLOWED,
        Code.POLICY_TOO_LARGE,
    }
)
"""Codes of the refusals that a configuration decides."""
AT_THE_DOOR: Final = frozenset({Reason.MALFORMED_REQUEST, Reason.MISSING_PROOF, Reason.NOT_AT_THIS_DOOR})
"""Reasons among them that depend on what else a request brought, and where to."""


class UnreadableError(Exception):
    """A line that is cut off, or is no JSON of an exchange's shape."""


@unique
class Unreplayable(StrEnum):
    """Why an exchange cannot be decided once more."""

    NOBODY = "nobody"
    UNDECIDED = "undecided"
    CUT = "cut"
    TOKEN_SCOPES = "token_scopes"  # noqa: S105 - a name


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One exchange: who asked for what, and the line's own members, which say what came of it.

    `dropped` are the tags that STS could not pack. `key` is the same for exchanges that any one configuration decides
    alike.
    """

    issuer: str
    attributes: Mapping[str, AttributeValue]
    scope: str | None
    parameters: Mapping[str, str]
    duration: timedelta | None
    token_scopes: frozenset[str] | None
    role: str | None
    dropped: tuple[str, ...]
    line: Mapping[str, Any]
    key: bytes

    @property
    def allowed(self) -> bool:
        """Tell whether a session was opened, whatever became of it at STS."""
        return self.line.get("role") is not None


def read_line(raw: bytes) -> dict[str, Any] | None:
    """Return the members of an exchange's line, None for a line that tells of something else.

    Raises UnreadableError.
    """
    try:
        line = json.loads(raw)
    except (ValueError, RecursionError) as exc:
        raise UnreadableError from exc
    if not isinstance(line, dict):
        raise UnreadableError
    return line if line.get("event") == "exchange" else None


def read_recorded(line: dict[str, Any]) -> Recorded | Unreplayable:
    """Return what a line holds of a decision, or why that is not enough.

    Raises UnreadableError.
    """
    if line.get("issuer") is None:
        return Unreplayable.NOBODY
    if line.get("role") is None and (_optional(line, "code") not in DECIDED or line.get("reason") in AT_THE_DOOR):
        return Unreplayable.UNDECIDED
    issuer, scope = _text(line["issuer"]), _optional(line, "scope")
    attributes, parameters = _object(line, "attributes"), _object(line, "parameters")
    seconds, scopes = line.get("asked_duration_seconds"), line.get("token_scopes")
    named = scope if line.get("scope_named") is not False else None
    role = _optional(line, "asked_role")
    asked = [issuer, attributes, scope, named is None, role, parameters, seconds, scopes]
    if any(len(text) >= LONGEST_TEXT for text in _texts(asked)):
        return Unreplayable.CUT
    return Recorded(
        issuer=issuer,
        attributes={name: _attribute(value) for name, value in attributes.items()},
        scope=named,
        parameters={name: _text(value) for name, value in parameters.items()},
        duration=None if seconds is None else _duration(seconds),
        token_scopes=None if scopes is None else frozenset(_listed(scopes)),
        role=role,
        dropped=_listed(line.get("dropped_tags") or []),
        line=line,
        key=_key(asked),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise UnreadableError
    return value


def _optional(line: Mapping[str, Any], name: str) -> str | None:
    value = line.get(name)
    return None if value is None else _text(value)


def _object(line: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = line.get(name)
    if not isinstance(value, dict):
        raise UnreadableError
    return value


def _listed(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise UnreadableError
    return tuple(map(_text, value))


def _attribute(value: object) -> AttributeValue:
    return value if isinstance(value, str | int | bool) else _listed(value)


def _duration(seconds: object) -> timedelta:
    if type(seconds) is not int or not 0 <= seconds < LONGEST.total_seconds():
        raise UnreadableError
    return timedelta(seconds=seconds)


def _texts(value: object) -> Iterator[str]:
    """Yield every text in a value that was read from JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for item in (*value, *value.values()) if isinstance(value, dict) else value:
            yield from _texts(item)


def _key(asked: list[Any]) -> bytes:
    written = json.dumps(asked, ensure_ascii=False, sort_keys=True)
    try:
        return hashlib.blake2b(written.encode(), digest_size=16).digest()
    except UnicodeEncodeError as exc:  # a lone surrogate, which no token of ours holds
        raise UnreadableError from exc
