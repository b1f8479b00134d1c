"""Wildcards: what can become of a text that IAM reads, or of one with places in it, as a language.

`*` stands for any characters, for none too, `:` and `/` among them; `?` for exactly one.
Source: Action and Resource in the IAM user guide's reference of policy elements.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from vendor.policy.parameter import NEVER, PLAIN
from vendor.policy.template import Name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vendor.policy.parameter import Parameter
    from vendor.policy.template import Text

SEGMENTS: Final = 5
"""Colons of an ARN before its resource: `arn:partition:service:region:account:resource`."""

# A variable that does not end is read to the end of the text: that is more than IAM can make of it, never less.
_PIECES: Final = re.compile(r"(?:\*|\$\{[^}]*\}?)+|\?|[^*?$]+|\$")


@dataclass(frozen=True, slots=True)
class Characters:
    """These characters, or with `others` all but these."""

    listed: frozenset[str]
    others: bool = False

    def __contains__(self, character: str) -> bool:
        return (character in self.listed) != self.others


ANY: Final = Characters(frozenset(), others=True)
"""Every character there is."""
NO_COLON: Final = Characters(frozenset(":"), others=True)
"""What stands within one segment of an ARN."""


@dataclass(frozen=True, slots=True)
class Span:
    """Characters of a kind: exactly one, or `many`; with `empty` perhaps none."""

    characters: Characters
    many: bool = True
    empty: bool = False


STAR: Final = Span(ANY, empty=True)
"""What `*` stands for."""
Piece = str | tuple[str, ...] | Span
"""A text as it stands, any one of some texts, or a span of characters."""
AnyPiece = TypeVar("AnyPiece", bound=Piece)


def language(pattern: str) -> tuple[str | Span, ...]:
    """Return what a pattern matches; a policy variable such as `${aws:username}` may become anything."""
    return tuple(_piece(found) for found in _PIECES.findall(pattern))


def _piece(found: str) -> str | Span:
    if found == "?":
        return Span(ANY, many=False)
    return STAR if found.startswith(("*", "${")) else found


def filled(text: Text, parameters: Mapping[str, Parameter]) -> tuple[Piece, ...]:
    """Return what can become of a pattern with places, each filled with whatever may ever be put there.

    A name that is no parameter's is an attribute's. Each place is taken for itself, though one name may stand twice.
    """
    found: list[Piece] = []
    for part in text.parts:
        found += [_place(parameters.get(part.name))] if isinstance(part, Name) else language(part)
    return tuple(found)


def _place(parameter: Parameter | None) -> Piece:
    if parameter is None:
        return Span(Characters(PLAIN))
    if parameter.one_of:
        return parameter.one_of
    slash = frozenset("/")
    if parameter.pattern is None:
        return Span(Characters(PLAIN | slash if parameter.path else PLAIN))
    return Span(Characters(NEVER if parameter.path else NEVER | slash, others=True))


def segmented(whole: Sequence[AnyPiece]) -> tuple[AnyPiece | Span, ...]:
    """Return what the pattern of an ARN is meant to match: before the resource no wildcard crosses a colon.

    IAM lets one at the end of a segment do so, but who wrote `arn:aws:iot:*:111122223333:*` meant one account. What is
    within patterns in this reading is so in the other as well: what a wildcard crosses there, another one takes in.
    """
    if sum(piece.count(":") for piece in whole if isinstance(piece, str)) < SEGMENTS:
        return tuple(whole)
    made: list[AnyPiece | Span] = []
    colons = 0
    for piece in whole:
        narrow = isinstance(piece, Span) and piece.characters == ANY and colons < SEGMENTS
        made.append(Span(NO_COLON, piece.many, piece.empty) if narrow and isinstance(piece, Span) else piece)
        colons += piece.count(":") if isinstance(piece, str) else 0
    return tuple(made)
