"""Rules: the terms on which one kind of issuer is read, and how claims become attributes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from vendor.identity.issuer import ASYMMETRIC
from vendor.identity.kinds import strangers
from vendor.refusals import InvalidToken, Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vendor.identity.issuer import Issuer
    from vendor.identity.kinds.strangers import Owners
    from vendor.identity.principal import AttributeValue

JWT: Final = frozenset({"", "jwt"})
"""The `typ` of most tokens, in lower case and without `application/`; the empty string stands for none."""

_BETWEEN: Final = re.compile("[^:/]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What the values of an attribute look like.

    `skeleton` matches them with an `x` for everything between their `:` and `/`; it holds for those that begin with
    `prefix`. `example` is for people.
    """

    skeleton: re.Pattern[str]
    example: str
    prefix: str = ""

    def fits(self, text: str) -> bool:
        """Tell whether a text, or a glob, has the `:` and `/` of a value: a `*` never stands for one."""
        return not text.startswith(self.prefix) or self.skeleton.fullmatch(_BETWEEN.sub("x", text)) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What holds for every token of a kind.

    `names` are the attributes of the kind, `read` returns those that a token yields from its issuer, its `sub` and its
    claims, and raises InvalidToken where the claims contradict themselves. `audience` returns whom the token is for,
    and raises InvalidToken where it says two things. `types` are the `typ` and `algorithms` the `alg` that are taken.
    Good tokens often lack the attributes in `optional`; those in `lists` are lists of strings, every other one is a
    string, in `forms` of a certain look and of at most `longest` characters where its issuer sees to that.

    `strangers` returns what names an owner where strangers get tokens of the same issuer: a grant must then name one.
    `open` says that a token may yield more attributes than `names`; what stands below the claims in `chosen` was chosen
    by its sender and proves nothing.
    """

    names: tuple[str, ...]
    read: Callable[[Issuer, str, Mapping[str, Any]], dict[str, AttributeValue]]
    audience: Callable[[Mapping[str, Any]], object]
    optional: frozenset[str] = frozenset()
    types: frozenset[str] = JWT
    algorithms: tuple[str, ...] = ASYMMETRIC
    issued_at_required: bool = True
    lists: frozenset[str] = frozenset()
    forms: Mapping[str, Form] = field(default_factory=lambda: MappingProxyType({}))
    longest: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    strangers: Callable[[str], Owners | None] = strangers.known
    open: bool = False
    chosen: tuple[tuple[str, ...], ...] = ()


def audience(claims: Mapping[str, Any]) -> object:
    """Return `aud` (RFC 7519 section 4.1.3)."""
    return claims.get("aud")


def value(claims: object, path: tuple[str, ...]) -> AttributeValue | None:
    """Return the claim at a path as an attribute, None where there is none or it is of no type that one can have."""
    for member in path:
        if not isinstance(claims, dict):
            return None
        claims = claims.get(member)
    if isinstance(claims, list) and all(isinstance(item, str) for item in claims):
        return tuple(claims)
    return claims if isinstance(claims, str | int | bool) else None


def texts(
    claims: object, paths: Mapping[str, tuple[str, ...]], *, required: frozenset[str] = frozenset()
) -> dict[str, str]:
    """Return the claims at some paths by attribute, each of them printable ASCII and not empty.

    Raises InvalidToken where a required one is missing, or one is there and is no such text.
    """
    found: dict[str, str] = {}
    for name, path in paths.items():
        claim = _member(claims, path)
        if claim is None:
            if name in required:
                raise InvalidToken(Reason.CLAIMS, detail=f"the claim behind {name} is missing")
        elif isinstance(claim, str) and is_identity(claim):
            found[name] = claim
        else:
            raise InvalidToken(Reason.CLAIMS, detail=f"the claim behind {name} is not printable ASCII text")
    return found


def is_identity(text: str) -> bool:
    """Tell whether a text may name somebody: printable ASCII, and not empty."""
    return text != "" and text.isascii() and text.isprintable()


def _member(claims: object, path: tuple[str, ...]) -> object:
    """Return what stands at a path, None for nothing; what stands in the way is no text and is refused as that."""
    for member in path:
        if claims is None:
            return None
        if not isinstance(claims, dict):
            return False
        claims = claims.get(member)
    return claims
