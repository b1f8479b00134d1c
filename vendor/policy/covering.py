"""Covering: whether one grant lets in everybody that another one does, whoever that may be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vendor.policy.inclusion import Patterns
from vendor.policy.matcher import WILD, AnyOf, Contains, Equal, Glob, Present
from vendor.policy.wildcard import Characters, Span

if TYPE_CHECKING:
    from vendor.policy.grant import Grant
    from vendor.policy.matcher import Matcher

    One = Equal | Glob | Contains | Present

_STAR: Final = Span(Characters(WILD))


def covers(wide: Grant, narrow: Grant) -> bool:
    """Tell whether whoever satisfies the narrow grant satisfies the wide one too; never wrongly yes."""
    if wide.issuer != narrow.issuer:
        return False
    asked: dict[str, Matcher] = {"issuer": Equal(narrow.issuer), **dict(narrow.where)}
    return all(name in asked and _covers(matcher, asked[name]) for name, matcher in wide.where)


def _covers(wide: Matcher, narrow: Matcher) -> bool:
    """Tell whether every value that the narrow matcher takes is taken by the wide one."""
    if isinstance(narrow, AnyOf):
        return all(_covers(wide, option) for option in narrow.options)
    if isinstance(narrow, Equal):
        return wide.matches(narrow.value)
    options = wide.options if isinstance(wide, AnyOf) else (wide,)
    # Whatever a glob, a member or a presence asks for is not empty.
    if narrow in options or Present() in options:
        return True
    if not isinstance(narrow, Glob):
        return False
    patterns = [_language(one) for one in options if isinstance(one, Glob)]
    return Patterns.of(patterns).hold(_language(narrow)) if patterns else False


def _language(glob: Glob) -> tuple[str | Span, ...]:
    """Return what a glob matches: its literals, and between each two of them one or more wild characters."""
    first, *others = glob.pattern.split("*")
    pieces: list[str | Span] = [first]
    for literal in others:
        pieces += [_STAR, literal]
    return tuple(piece for piece in pieces if piece != "")
