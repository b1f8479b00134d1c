"""Matchers: what a grant demands of one attribute. No regular expressions; types must be equal; bytes must be equal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from vendor.identity.principal import ANY_TYPE

if TYPE_CHECKING:
    from vendor.identity.principal import AttributeValue

WILD: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
"""What `*` may stand for: never a separator such as `:` or `/`."""


@dataclass(frozen=True, slots=True)
class Equal:
    """The attribute is this value, of this very type: `true` is not `"true"` is not `1`."""

    value: str | int | bool

    @property
    def types(self) -> frozenset[type]:
        """The types of which a value can satisfy this."""
        return frozenset({type(self.value)})

    def matches(self, value: AttributeValue | None) -> bool:
        """Tell whether the attribute's value satisfies this."""
        return type(value) is type(self.value) and value == self.value

    def __str__(self) -> str:
        return repr(self.value)


@dataclass(frozen=True, slots=True)
class Glob:
    """The attribute is a string of this shape, where `*` stands for one or more of `[A-Za-z0-9._-]`."""

    pattern: str

    @property
    def types(self) -> frozenset[type]:
        """The types of which a value can satisfy this."""
        return frozenset({str})

    def matches(self, value: AttributeValue | None) -> bool:
        """Tell whether the attribute's value satisfies this."""
        return isinstance(value, str) and _fits(self.pattern.split("*"), value)

    def __str__(self) -> str:
        return f"glob {self.pattern!r}"


@dataclass(frozen=True, slots=True)
class Contains:
    """The attribute is a list that holds this string."""

    member: str

    @property
    def types(self) -> frozenset[type]:
        """The types of which a value can satisfy this."""
        return frozenset({tuple})

    def matches(self, value: AttributeValue | None) -> bool:
        """Tell whether the attribute's value satisfies this."""
        return isinstance(value, tuple) and self.member in value

    def __str__(self) -> str:
        return f"contains {self.member!r}"


@dataclass(frozen=True, slots=True)
class Present:
    """The attribute is there and not empty."""

    @property
    def types(self) -> frozenset[type]:
        """The types of which a value can satisfy this."""
        return ANY_TYPE

    def matches(self, value: AttributeValue | None) -> bool:
        """Tell whether the attribute's value satisfies this."""
        return value is not None and value not in ("", ())

    def __str__(self) -> str:
        return "present"


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of these matches; an empty list matches nothing."""

    options: tuple[Equal | Glob | Contains | Present, ...]
    _texts: frozenset[str] = field(init=False, repr=False, compare=False)
    _others: tuple[Equal | Glob | Contains | Present, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Have plain texts, of which there may be hundreds, found by one look."""
        texts = {one.value for one in self.options if isinstance(one, Equal) and type(one.value) is str}
        others = (one for one in self.options if not (isinstance(one, Equal) and type(one.value) is str))
        object.__setattr__(self, "_texts", frozenset(texts))
        object.__setattr__(self, "_others", tuple(others))

    @property
    def types(self) -> frozenset[type]:
        """The types of which a value can satisfy this."""
        return frozenset().union(*(option.types for option in self.options))

    def matches(self, value: AttributeValue | None) -> bool:
        """Tell whether the attribute's value satisfies this."""
        if type(value) is str and value in self._texts:
            return True
        return any(option.matches(value) for option in self._others)

    def __str__(self) -> str:
        return "any of " + ", ".join(map(str, self.options))


Matcher = Equal | Glob | Contains | Present | AnyOf


def _fits(literals: list[str], value: str) -> bool:
    """Match the literals in order, with one or more wild characters between each two; linear in the value's length.

    The leftmost place is always the right one for a literal in the middle: a later one would make the star before it
    cross whatever the earlier one crossed.
    """
    first, *middle = literals
    if not middle:
        return value == first
    last = middle.pop()
    end = len(value) - len(last)
    if not (value.startswith(first) and value.endswith(last)) or end < len(first):
        return False
    position = len(first)
    for literal in middle:
        found = value.find(literal, position + 1, end)
        if found < 0 or not WILD.issuperset(value[position:found]):
            return False
        position = found + len(literal)
    return position < end and WILD.issuperset(value[position:end])
