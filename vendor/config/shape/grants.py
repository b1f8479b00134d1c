"""To whom something is granted."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, Tag

from vendor.config.shape.words import AttributeName, By, OnlyTrue, Shape, Text


class MatcherMapping(Shape):
    """A matcher that is more than equality; exactly one of its keys."""

    glob: Text | None = None
    contains: Text | None = None
    present: OnlyTrue | None = None


Scalar = Annotated[
    Annotated[str, Tag("text")]
    | Annotated[int, Tag("number")]
    | Annotated[bool, Tag("flag")]
    | Annotated[MatcherMapping, Tag("mapping")],
    By,
]
Matcher = Annotated[
    Annotated[str, Tag("text")]
    | Annotated[int, Tag("number")]
    | Annotated[bool, Tag("flag")]
    | Annotated[MatcherMapping, Tag("mapping")]
    | Annotated[list[Scalar], Field(min_length=1), Tag("list")],
    By,
]


class Grant(Shape):
    """Tokens of an issuer whose attributes match."""

    issuer: Text
    where: Annotated[dict[AttributeName, Matcher], Field(min_length=1)]
