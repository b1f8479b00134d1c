"""Audit lines against their published schema, by as much of JSON Schema as that uses; all else is an error."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from vendor.cli.audited import json_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
_SAYS: Final = {"$schema", "title", "description"}


def check(lines: Iterable[str | bytes]) -> int:
    """Return how many lines there are; raises AssertionError for one that is not as the schema says."""
    schema = json_schema()
    by_event = {one["title"]: one for one in schema["oneOf"]}
    count = 0
    for count, line in enumerate(lines, 1):  # noqa: B007 - the last one is returned
        read = json.loads(line)
        of = by_event[read["event"]]
        assert read.keys() <= of["properties"].keys(), read.keys() - of["properties"].keys()
        _check(read, of, read["event"])
    return count


def _check(value: Any, schema: dict[str, Any], at: str) -> None:
    for keyword, says in schema.items():
        if keyword in _SAYS:
            continue
        assert _HOLDS[keyword](value, says), f"{at}: {value!r:.200} is against {keyword} {says!r:.200}"
    for name, inner, one in _inner(value, schema):
        _check(inner, one, f"{at}.{name}")


def _inner(value: Any, schema: dict[str, Any]) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """Yield what is in a value, with the schema that is for it."""
    named = schema.get("properties", {})
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in named or "additionalProperties" in schema:
                yield name, inner, named.get(name) or schema["additionalProperties"]
    elif isinstance(value, list) and "items" in schema:
        for number, inner in enumerate(value):
            yield str(number), inner, schema["items"]


def _is(value: Any, kind: str) -> bool:
    return isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


_HOLDS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "type": lambda value, says: any(_is(value, kind) for kind in ([says] if isinstance(says, str) else says)),
    "const": lambda value, says: bool(value == says),
    "enum": lambda value, says: value in says,
    "maxLength": lambda value, says: not isinstance(value, str) or len(value) <= says,
    "pattern": lambda value, says: not isinstance(value, str) or re.search(says, value, re.ASCII) is not None,
    "minimum": lambda value, says: value is None or value >= says,
    "required": lambda value, says: set(says) <= value.keys(),
    "items": lambda _value, _says: True,
    "properties": lambda _value, _says: True,
    "additionalProperties": lambda _value, _says: True,
}
