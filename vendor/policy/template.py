"""Templates: text and policies with `{{ name }}` in them, compiled once and filled as structures, never as text."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

from vendor.refusals import Reason, ValueNotAllowed

_PLACEHOLDER: Final = re.compile(r"\{\{ *([a-z][a-z0-9_]*) *\}\}")
# What gives a policy its shape: JSON's own characters, IAM's wildcards and the beginning of its variables.
_MARKS: Final = re.compile(r'["{}\\*?$]+')
_ENCODE: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode

JSON = Any
"""A parsed JSON value: dict, list, str, int, float, bool or None."""


class TemplateError(ValueError):
    """A template that cannot be compiled; the text says why."""


@dataclass(frozen=True, slots=True)
class Name:
    """The place of one value."""

    name: str


@dataclass(frozen=True, slots=True)
class Text:
    """A string with places in it."""

    parts: tuple[str | Name, ...]

    @classmethod
    def parse(cls, source: str) -> Text:
        """Compile a string.

        Raises TemplateError for braces that are no placeholder.
        """
        if "{{" not in source and "}}" not in source:  # most have no place, and there may be very many
            return cls((source,) if source else ())
        pieces = _PLACEHOLDER.split(source)
        parts = tuple(Name(piece) if odd % 2 else piece for odd, piece in enumerate(pieces) if piece)
        if any("{{" in part or "}}" in part for part in parts if isinstance(part, str)):
            raise TemplateError("a placeholder is written {{ name }}, the name in lower case with digits and _")
        return cls(parts)

    def names(self) -> tuple[str, ...]:
        """Return the names of the places, in order, repeated if they are."""
        return tuple(part.name for part in self.parts if isinstance(part, Name))

    def fill(self, values: Mapping[str, str]) -> str:
        """Return the string with each place filled; every name must be among `values`."""
        return "".join(values[part.name] if isinstance(part, Name) else part for part in self.parts)

    def __str__(self) -> str:
        return "".join(f"{{{{ {part.name} }}}}" if isinstance(part, Name) else part for part in self.parts)


@dataclass(frozen=True, slots=True)
class PolicyTemplate:
    """A session policy with places, as a parsed structure whose fillable strings are `Text`.

    Placeholders stand only in values of Resource, NotResource and Condition; `parse` refuses them anywhere else.
    `marks` are the characters that give its text a shape, in order.
    """

    compiled: JSON
    marks: str

    @classmethod
    def parse(cls, source: JSON) -> PolicyTemplate:
        """Compile a policy document.

        Raises TemplateError for a placeholder where none may stand, inside a policy variable too.
        """
        compiled = _compile(source, fillable=False)
        blank = dict.fromkeys((name for text in _texts(compiled) for name in text.names()), "")
        return cls(compiled, _marks(_ENCODE(_fill(compiled, blank))))

    def names(self) -> frozenset[str]:
        """Return the names of all places."""
        return frozenset(name for text in self.texts() for name in text.names())

    def texts(self) -> Iterator[Text]:
        """Yield every string that has a place in it."""
        return _texts(self.compiled)

    def fill(self, values: Mapping[str, str]) -> str:
        """Return the filled policy as canonical JSON: minimal separators, members in the author's order.

        Raises ValueNotAllowed if the filled policy has another shape than its template: one statement, action or
        resource more, a wildcard or a variable more. The closed character set makes that impossible: this is the
        second lock on the same door (T11).
        """
        filled = _ENCODE(_fill(self.compiled, values))
        if _marks(filled) != self.marks:
            raise ValueNotAllowed(Reason.STRUCTURE, detail="the filled policy does not have the shape of its template")
        return filled


def _compile(node: JSON, *, fillable: bool) -> JSON:
    if isinstance(node, str):
        text = Text.parse(node)
        if not text.names():
            return node
        if not fillable:
            raise TemplateError(f"a placeholder may stand only in Resource, NotResource and Condition values: {node!r}")
        if _names_a_variable(text):
            raise TemplateError(f"a placeholder may not stand inside a policy variable: {node!r}")
        return text
    if isinstance(node, list):
        return [_compile(item, fillable=fillable) for item in node]
    if isinstance(node, dict):
        for key in node:
            if "{{" in key:
                raise TemplateError(f"a placeholder may not stand in a key: {key!r}")
        return {
            key: _compile(item, fillable=fillable or key in {"Resource", "NotResource", "Condition"})
            for key, item in node.items()
        }
    return node


def _names_a_variable(text: Text) -> bool:
    """Tell whether a value would choose which variable IAM reads."""
    before = ""
    for part in text.parts:
        if isinstance(part, Name) and before.rfind("${") > before.rfind("}"):
            return True
        before += part if isinstance(part, str) else ""
    return False


def _texts(node: JSON) -> Iterator[Text]:
    if isinstance(node, Text):
        yield node
    elif isinstance(node, list | dict):
        for item in node.values() if isinstance(node, dict) else node:
            yield from _texts(item)


def _fill(node: JSON, values: Mapping[str, str]) -> JSON:
    if isinstance(node, Text):
        return node.fill(values)
    if isinstance(node, list):
        return [_fill(item, values) for item in node]
    if isinstance(node, dict):
        return {key: _fill(item, values) for key, item in node.items()}
    return node


def _marks(text: str) -> str:
    return "".join(_MARKS.findall(text))
