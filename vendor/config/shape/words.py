"""What all shapes are made of: names, durations, and which type of a value means what."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, StringConstraints, WithJsonSchema

_DURATION: Final = re.compile(r"(0|[1-9][0-9]{0,6})([smhd])", re.ASCII)
_EXPECTED: Final = "expected a duration such as 15m, 1h or 900s"
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_ATTRIBUTE: Final = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)
_WORD: Final = re.compile(r"[A-Za-z0-9._-]{1,32}", re.ASCII)
_SCOPE: Final = re.compile(r"[a-z0-9][a-z0-9._:-]{0,62}", re.ASCII)


def seconds(duration: str) -> int:
    """Return the seconds of a duration such as `15m`, `1h` or `900s`.

    Raises ValueError.
    """
    found = _DURATION.fullmatch(duration)
    if found is None:
        raise ValueError(_EXPECTED)
    return int(found[1]) * _SECONDS[found[2]]


def _duration(value: str) -> str:
    if not seconds(value):
        raise ValueError(_EXPECTED)
    return value


def _tolerance(value: str) -> str:
    seconds(value)
    return value


def _attribute(value: str) -> str:
    if not _ATTRIBUTE.fullmatch(value):
        raise ValueError("expected a name of lower-case letters, digits and _, beginning with a letter")
    return value


def _scope(value: str) -> str:
    if not _SCOPE.fullmatch(value):
        raise ValueError("expected a name of at most 63 lower-case letters, digits and . _ : -")
    return value


def _word(value: str) -> str:
    if not _WORD.fullmatch(value):
        raise ValueError("expected at most 32 letters, digits and . _ -")
    return value


def _true(value: bool) -> bool:  # noqa: FBT001 - what is validated
    if not value:
        raise ValueError("only true can be said here")
    return value


def _kind(value: object) -> str | None:
    """Return which member of a union a value is for, by its YAML type alone."""
    for tag, kind in (("flag", bool), ("number", int), ("text", str), ("list", list), ("mapping", dict)):
        if isinstance(value, kind):
            return tag
    return None


By = Discriminator(_kind, custom_error_type="kind", custom_error_message="a value of another type is expected here")
Text = Annotated[str, StringConstraints(min_length=1)]
Duration = Annotated[
    str,
    AfterValidator(_duration),
    WithJsonSchema({"type": "string", "pattern": "^[1-9][0-9]{0,6}[smhd]$", "examples": ["15m", "1h", "900s"]}),
]
Tolerance = Annotated[
    str,
    AfterValidator(_tolerance),
    WithJsonSchema({"type": "string", "pattern": "^(0|[1-9][0-9]{0,6})[smhd]$", "examples": ["30s", "0s"]}),
]
"""A duration that may be none at all."""
AttributeName = Annotated[str, AfterValidator(_attribute)]
ScopeName = Annotated[str, AfterValidator(_scope)]
Word = Annotated[str, AfterValidator(_word)]
OnlyTrue = Annotated[bool, AfterValidator(_true)]


class Shape(BaseModel):
    """A mapping of known keys."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
