"""Grants and parameters: the meaning of their shapes."""

from __future__ import annotations

import math
import re
import warnings
from typing import TYPE_CHECKING, Final

from vendor.config import breadth, shape
from vendor.config.codes import Code
from vendor.config.roles import ACCOUNT
from vendor.identity import attributes
from vendor.policy.grant import Grant
from vendor.policy.matcher import AnyOf, Contains, Equal, Glob, Matcher, Present
from vendor.policy.parameter import Organization, Parameter
from vendor.refusals import ValueNotAllowed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vendor.config.document import Document
    from vendor.config.findings import Path
    from vendor.identity.issuer import Issuer

OWN_MEMBERS: Final = frozenset({"duration_seconds"})
"""Query members that mean something to the doors themselves."""

LONGEST_PATTERN: Final = 256
"""Characters of the longest pattern."""
MOST_CHOICES: Final = 16
"""Bits: how much matching may try in the worst case, as the logarithm of its steps; 16 are at most some 20 ms."""
_REPEAT: Final = 5
"""Bits of an unbounded repeat: there are few ways to share out the characters among three of them."""

# What means something else than a reader thinks, or is slow: look-around, groups with a quantifier, back references,
# anchors. Classes and escapes are looked at without what they hold.
_HOLDERS: Final = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]|\\[^1-9AZbB]", re.DOTALL)
_RISKY: Final = re.compile(r"\(\?(?!:)|\)[*+?{]|\\")
_CHOICES: Final = re.compile(r"[*+?|]|\{([0-9]*)(,?)([0-9]*)\}")


def grant(document: Document, at: Path, said: shape.Grant, issuers: Mapping[str, Issuer | None]) -> Grant | None:
    """Return a grant, None with findings if it can match nothing that exists.

    `issuers` holds None for an issuer that is named but broken itself.
    """
    if said.issuer not in issuers:
        document.find(Code.UNKNOWN_ISSUER, (*at, "issuer"), f"there is no issuer {said.issuer}")
        return None
    issuer = issuers[said.issuer]
    before = document.errors
    where: list[tuple[str, Matcher]] = []
    for name, value in said.where.items():
        if issuer is not None:
            _check_name(document, (*at, "where", name), name, issuer)
        matcher = _matcher(document, (*at, "where", name), value)
        if matcher is not None:
            where.append((name, matcher))
    made = Grant(issuer=said.issuer, where=tuple(where))
    if document.errors == before and issuer is not None:
        breadth.check(document, at, made, issuer)
    return made if document.errors == before and issuer is not None else None


def _check_name(document: Document, at: Path, name: str, issuer: Issuer) -> None:
    known = attributes.names(issuer)
    if name in known:
        return
    if attributes.RULES[issuer.kind].open:
        document.find(Code.TAG_IN_GRANT, at, f"{name} is taken for a request tag, which its sender chose", key=True)
    else:
        document.find(
            Code.UNKNOWN_ATTRIBUTE, at, f"{issuer.name} yields no attribute {name}: {', '.join(known)}", key=True
        )


def parameter(document: Document, at: Path, name: str, said: shape.Parameter) -> Parameter | None:
    """Return a parameter, None with findings if it contradicts itself."""
    before = document.errors
    if name in OWN_MEMBERS:
        document.find(Code.TAKEN_NAME, at, f"{name} is a query member already", key=True)
    if said.pattern is not None and said.one_of is not None:
        document.find(Code.CONTRADICTION, at, "expected at most one of pattern and one_of")
    if said.default is not None and said.required:
        document.find(Code.CONTRADICTION, (*at, "required"), "a parameter with a default is not required")
    if said.default is None and said.required is False:
        document.find(Code.CONTRADICTION, (*at, "required"), "a parameter that is not required needs a default")
    if said.accounts is not None and (said.pattern is not None or said.one_of is not None or said.path):
        document.find(Code.CONTRADICTION, at, "accounts are listed by AWS: expected no pattern, one_of or path")
    made = Parameter(
        name=name,
        pattern=ACCOUNT if said.accounts else _pattern(document, (*at, "pattern"), said.pattern),
        one_of=tuple(said.one_of or ()),
        path=said.path,
        default=said.default,
        description=said.description,
        organization=_organization(said.accounts),
    )
    if document.errors == before:
        _check_values(document, at, made)
    return made if document.errors == before else None


def _organization(said: shape.Accounts | None) -> Organization | None:
    if said is None:
        return None
    one = said.organization
    return Organization(one.target, tuple(one.parents), tuple(one.tags.items()))


def _check_values(document: Document, at: Path, made: Parameter) -> None:
    """Find a default or a choice that would be refused when it is used."""
    for path, value in (
        *(((*at, "one_of", index), value) for index, value in enumerate(made.one_of)),
        *((((*at, "default"), made.default),) if made.default is not None else ()),
    ):
        try:
            made.admit(value, listed={value} if made.organization else None)
        except ValueNotAllowed:
            message = "this value may not be put into a policy, or does not fit the parameter itself"
            document.find(Code.UNFIT_VALUE, path, message)


def _pattern(document: Document, at: Path, pattern: str | None) -> re.Pattern[str] | None:
    if pattern is None:
        return None
    bare = _HOLDERS.sub(".", pattern)
    if pattern.startswith("^") or pattern.endswith("$"):
        document.find(Code.PATTERN_ANCHORED, at, "the whole value is matched: leave out ^ and $")
    elif _RISKY.search(bare):
        message = "look-around, back references, anchors and a quantifier behind a group are not taken"
        document.find(Code.PATTERN_RISKY, at, message)
    elif len(pattern) > LONGEST_PATTERN or sum(map(_bits, _CHOICES.finditer(bare))) > MOST_CHOICES:
        message = "matching this can take too long: at most three of * and +, and few of ? and |"
        document.find(Code.PATTERN_SLOW, at, message)
    else:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # what Python will read differently one day
                return re.compile(pattern, re.ASCII)
        except (re.error, FutureWarning, OverflowError, RecursionError) as exc:
            document.find(Code.PATTERN_BROKEN, at, f"this is no regular expression: {exc}")
    return None


def _bits(choice: re.Match[str]) -> float:
    """Return how many ways on a quantifier or an alternative opens, as their logarithm."""
    if choice[0] in "?|":
        return 1
    if choice[0] in "*+":
        return _REPEAT
    least, comma, most = choice.groups()
    return math.log2(max(int(most or 256) - int(least or 0) + 1, 1)) if comma else 0


def _matcher(document: Document, at: Path, value: shape.Matcher) -> Matcher | None:
    if not isinstance(value, list):
        return _one(document, at, value)
    found = [_one(document, (*at, index), item) for index, item in enumerate(value)]
    options = tuple(option for option in found if option is not None)
    return AnyOf(options) if len(options) == len(found) else None


def _one(document: Document, at: Path, value: shape.Scalar) -> Equal | Glob | Contains | Present | None:
    if not isinstance(value, shape.MatcherMapping):
        if "{{" in str(value):
            document.find(Code.PLACE_IN_GRANT, at, "a placeholder may not stand in a grant")
        return Equal(value)
    if len(value.model_fields_set) != 1:
        one = ("glob", "contains", "present")
        document.find(Code.EXACTLY_ONE, at, "expected exactly one of glob, contains and present", of=one)
        return None
    if value.glob is not None:
        return _glob(document, (*at, "glob"), value.glob)
    return Present() if value.contains is None else Contains(value.contains)


def _glob(document: Document, at: Path, pattern: str) -> Glob | None:
    if "*" not in pattern:
        document.find(Code.BAD_GLOB, at, "a glob has a *; without one write the value itself")
    elif "**" in pattern:
        document.find(Code.BAD_GLOB, at, "* stands for one or more characters; ** is no more than that")
    elif pattern == "*":
        document.find(Code.STAR_ALONE, at, "a glob of * alone pins nothing; write {present: true} if that is meant")
    else:
        return Glob(pattern)
    return None
