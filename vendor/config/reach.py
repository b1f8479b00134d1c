"""Reach: all that the sessions of a scope could ever be and do, whatever its places are filled with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from vendor.config.ceilings import ACTION
from vendor.policy.template import TemplateError, Text
from vendor.policy.wildcard import filled, language, segmented

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vendor.config import shape
    from vendor.config.findings import Path
    from vendor.config.fragments import Part
    from vendor.config.reading import Reading
    from vendor.policy.wildcard import Piece


@dataclass(frozen=True, slots=True)
class Said:
    """What is said at a path, and all that can become of it; no pieces if it is not what it should be itself."""

    path: Path
    text: str
    pieces: tuple[Piece, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """What a statement allows: these actions or all but these, on these resources or, with `all_but`, on most."""

    part: Part
    actions: tuple[Said, ...]
    not_actions: tuple[Said, ...]
    resources: tuple[Said, ...]
    all_but: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """The reach of one scope: its roles, those on the way too, its longest session, what that allows, and its tags.

    `roleless` are the places of mints that name no role.
    """

    roles: tuple[Said, ...]
    roleless: tuple[Path, ...]
    longest: Said
    allowed: tuple[Allowed, ...]
    tags: Mapping[str, Said]


def reach(reading: Reading) -> Reach:
    """Return the reach of a scope, as far as nothing is wrong with it yet and a ceiling above it asks."""
    session, defaults = reading.said.session, reading.around.defaults.session
    asked = {key for ceiling in reading.around.above for key in ceiling.tags}
    roles = tuple(_roles(reading.said.mint))
    key = "max_duration" if session.max_duration or defaults.max_duration else "duration"
    return Reach(
        roles=tuple(_template(reading, path, role) for path, role in roles if role),
        roleless=tuple(path for path, role in roles if not role),
        longest=Said(("session", key), getattr(session, key) or getattr(defaults, key) or "1h", None),
        allowed=tuple(_allowed(reading, one) for one in reading.statements if one.value["Effect"] == "Allow"),
        tags={
            key: _template(reading, ("session", "tags", key), value)
            for key, value in {**defaults.tags, **session.tags}.items()
            if key in asked
        },
    )


def _roles(mint: shape.Mint) -> Iterator[tuple[Path, str | None]]:
    """Yield every role of a mint with its place, None for a mint that has none."""
    for name in mint.model_fields_set:
        said = getattr(mint, name)
        role = getattr(said, "role", None)
        yield (("mint", name, "role") if role else ("mint", name)), role
        for index, hop in enumerate(getattr(said, "via", ())):
            yield ("mint", name, "via", index, "role"), hop.role


def _allowed(reading: Reading, part: Part) -> Allowed:
    asked = any(ceiling.resources for ceiling in reading.around.above)
    return Allowed(
        part=part,
        actions=tuple(_action(path, text) for path, text in _strings(part, "Action")),
        not_actions=tuple(_action(path, text) for path, text in _strings(part, "NotAction")),
        resources=tuple(_resource(reading, path, text) for path, text in _strings(part, "Resource") if asked),
        all_but="NotResource" in part.value,
    )


def _strings(part: Part, key: str) -> Iterator[tuple[Path, str]]:
    """Yield each string of a member that is one or a list of them, with its path."""
    value = part.value.get(key, [])
    if isinstance(value, str):
        yield (key,), value
    else:
        yield from (((key, index), item) for index, item in enumerate(value))


def _action(path: Path, said: str) -> Said:
    lower = said.lower()
    return Said(path, said, language(lower) if ACTION.fullmatch(lower) else None)


def _resource(reading: Reading, path: Path, said: str) -> Said:
    found = _template(reading, path, said)
    return found if found.pieces is None else replace(found, pieces=segmented(found.pieces))


def _template(reading: Reading, path: Path, said: str) -> Said:
    if "{{" not in said:
        return Said(path, said, language(said))
    try:
        text = Text.parse(said)
    except TemplateError:
        return Said(path, said, None)
    broken = any(reading.declares(name) and name not in reading.parameters for name in text.names())
    return Said(path, str(text), None if broken else filled(text, reading.parameters))
