"""What a workload may have: scopes as the service tells them, read strictly, kept for people and programs."""

from __future__ import annotations

from datetime import timedelta

TYPE_CHECKING = False  # as in address.py
if TYPE_CHECKING:
    from collections.abc import Mapping


class Parameter:
    """How a caller may narrow a scope: by `one_of` these values, or by one that its `pattern` matches.

    `default` is None where a value must be given.
    """

    __slots__ = ("default", "description", "one_of", "pattern")

    def __init__(self, members: Mapping[str, object]) -> None:
        self.description = _text(members, "description") or ""
        self.pattern = _text(members, "pattern")
        self.default = _text(members, "default")
        listed = members.get("one_of")
        self.one_of = tuple(map(str, listed)) if isinstance(listed, list) else ()


class Scope:
    """A scope that this workload may have: its name, what it is for, how it may be narrowed, how long it lasts."""

    __slots__ = ("description", "duration", "max_duration", "name", "parameters")

    def __init__(self, members: Mapping[str, object]) -> None:
        self.name = _text(members, "name") or ""
        self.description = _text(members, "description") or ""
        self.duration = _seconds(members, "duration_seconds")
        self.max_duration = _seconds(members, "max_duration_seconds")
        told = members.get("parameters")
        pairs = told.items() if isinstance(told, dict) else ()
        self.parameters = {str(name): Parameter(value) for name, value in pairs if isinstance(value, dict)}

    def __repr__(self) -> str:
        return f"Scope({self.name!r})"


def read_scopes(members: Mapping[str, object]) -> list[Scope]:
    """Scopes out of an answer's members. Raises ValueError when it is no list of named scopes."""
    listed = members.get("scopes")
    if not isinstance(listed, list) or not all(isinstance(each, dict) and each.get("name") for each in listed):
        raise ValueError("scopes is no list of named scopes")
    return [Scope(each) for each in listed]


def _text(members: Mapping[str, object], name: str) -> str | None:
    value = members.get(name)
    if value is None or isinstance(value, str):
        return value
    raise ValueError(f"{name} of a scope is no text")


def _seconds(members: Mapping[str, object], name: str) -> timedelta | None:
    value = members.get(name)
    return timedelta(seconds=value) if isinstance(value, int) else None
