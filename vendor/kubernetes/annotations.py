"""Annotations of a service account: what its pods are to ask for, and how."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlencode

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX: Final = "vendor.dev/"
KNOWN: Final = ("scope", "parameters", "duration-seconds", "mode", "audience", "skip-containers", "inject")
"""What may stand behind the prefix; `inject` may stand on a pod as well."""
_SCOPE: Final = re.compile(r"[a-z0-9][a-z0-9._:-]{0,62}", re.ASCII)
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)
_AUDIENCE: Final = re.compile(r"[!-~]{1,200}", re.ASCII)
LONGEST: Final = 2_000
"""Characters of the longest value that is looked at."""


@unique
class Mode(StrEnum):
    """How a pod's SDK asks."""

    AGENT = "agent"
    """The agent of its node, in plain http over a link-local address."""
    DIRECT = "direct"
    """The service itself, over https."""
    STS = "sts"
    """The service, as if it were STS: AssumeRoleWithWebIdentity."""


class AnnotationError(Exception):
    """An annotation that cannot be followed; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the pods of a service account are to ask for; `query` is encoded, empty for none."""

    scope: str
    query: str
    mode: Mode
    audience: str
    skipped: frozenset[str]


def read_annotations(annotations: Mapping[str, str], *, mode: Mode, audience: str) -> Wanted | None:
    """Return what a service account asks for, None if it asks for nothing.

    Raises AnnotationError for anything that would not do what its author means.
    """
    said = {name.removeprefix(PREFIX): value for name, value in annotations.items() if name.startswith(PREFIX)}
    if "scope" not in said or said.get("inject") == "false":
        return None
    for name, value in said.items():
        if name not in KNOWN:
            raise AnnotationError(f"{PREFIX}{name} is not known; there are {', '.join(KNOWN)}")
        if len(value) > LONGEST:
            raise AnnotationError(f"{PREFIX}{name} is too long")
    return Wanted(
        scope=_matching("scope", said["scope"], _SCOPE),
        query=_query(said.get("parameters", ""), said.get("duration-seconds")),
        mode=_mode(said.get("mode", mode)),
        audience=_matching("audience", said.get("audience", audience), _AUDIENCE),
        skipped=frozenset(name.strip() for name in said.get("skip-containers", "").split(",")),
    )


def _matching(name: str, value: str, pattern: re.Pattern[str]) -> str:
    if not pattern.fullmatch(value):
        raise AnnotationError(f"{PREFIX}{name} is no {name}: {value!r:.80}")
    return value


def _mode(value: str) -> Mode:
    try:
        return Mode(value)
    except ValueError as exc:
        raise AnnotationError(f"{PREFIX}mode must be one of {', '.join(Mode)}, not {value!r:.80}") from exc


def _query(parameters: str, seconds: str | None) -> str:
    """Return `month=2026-03&team=a`, as it is written in the annotation, encoded for a URL."""
    try:
        pairs = parse_qsl(
            parameters, keep_blank_values=True, strict_parsing=bool(parameters), errors="strict", max_num_fields=32
        )
    except ValueError as exc:  # UnicodeDecodeError is one
        raise AnnotationError(f"{PREFIX}parameters must read name=value&name=value, not {parameters!r:.80}") from exc
    names = [name for name, _ in pairs] + ([] if seconds is None else ["duration_seconds"])
    if len(set(names)) != len(names) or not all(_NAME.fullmatch(name) for name in names):
        raise AnnotationError(f"{PREFIX}parameters has a name twice, or one that is none: {parameters!r:.80}")
    if seconds is not None:
        if not (seconds.isascii() and seconds.isdigit() and len(seconds) <= 5):  # noqa: PLR2004 - 43200 at most
            raise AnnotationError(f"{PREFIX}duration-seconds must be a whole number, not {seconds!r:.80}")
        pairs.append(("duration_seconds", seconds))
    return urlencode(pairs)
