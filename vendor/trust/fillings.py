"""Fillings: IAM patterns that cover everything a place can be filled with, by any of a scope's grants.

A pattern may cover more than can be, never less: whoever is granted a scope today must not be refused by the role.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Final

from vendor.identity import attributes
from vendor.identity.issuer import Kind
from vendor.policy import naming
from vendor.policy.matcher import AnyOf, Equal, Glob
from vendor.policy.parameter import PLAIN
from vendor.policy.template import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from vendor.identity.issuer import Issuer
    from vendor.policy.grant import Grant, Scope
    from vendor.policy.matcher import Matcher

ANYTHING: Final = "*"
MOST: Final = 16
"""Patterns for one value; where there would be more, one that covers them all stands instead."""
_OF_A_POD: Final = Text.parse("{{ namespace }}.{{ service_account }}")
_OF_OTHERS: Final = Text.parse("{{ subject }}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fillings:
    """What the places of a scope can be filled with. `fixed` are parameters whose value is given, those of a role.

    With `pinned` false every other place counts as open to anything.
    """

    scope: Scope
    issuers: Mapping[str, Issuer]
    fixed: Mapping[str, str] = field(default_factory=dict)
    pinned: bool = True

    def of(self, text: Text) -> tuple[str, ...]:
        """Return patterns one of which matches whatever the text is filled to."""
        found = [filled for grant in self._grants() for filled in self._filled(text, grant, admitted=True)]
        return _fewest(found or [text.fill(dict.fromkeys(text.names(), ANYTHING))])

    def of_issuer(self, issuer: str, text: Text) -> tuple[str, ...]:
        """Return patterns one of which matches whatever a claim of an issuer's tokens is."""
        grants = [one for one in self.scope.grants if one.issuer == issuer] if self.scope.enforced else [None]
        return _fewest(filled for grant in grants for filled in self._filled(text, grant, admitted=False))

    def of_session_name(self) -> tuple[str, ...]:
        """Return patterns one of which matches whatever the session is called."""
        given = self.scope.session.name
        heads = []
        for grant in self._grants():
            text = given or self._readable(grant)
            heads += [_head(filled) for filled in self._filled(text, grant, admitted=given is not None)]
        digest = "?" * naming.DIGEST_LENGTH
        return _fewest(f"{head}-{digest}" for head in heads or [ANYTHING])

    def _grants(self) -> tuple[Grant | None, ...]:
        """Return the ways to the scope; None is one that is open to every identity."""
        return self.scope.grants if self.scope.enforced else (None,)

    def _readable(self, grant: Grant | None) -> Text:
        """Return what a session is called when the scope does not say; see `vendor.policy.naming`."""
        issuer = self.issuers.get(grant.issuer) if grant else None
        if issuer is None:
            return Text((ANYTHING,))
        if issuer.kind is Kind.KUBERNETES:
            return _OF_A_POD
        as_of_a_pod = set(_OF_A_POD.names()) <= set(attributes.names(issuer)) or attributes.RULES[issuer.kind].open
        return Text((ANYTHING,)) if as_of_a_pod else _OF_OTHERS

    def _filled(self, text: Text, grant: Grant | None, *, admitted: bool) -> list[str]:
        names = tuple(dict.fromkeys(text.names()))
        choices = [self._choices(name, grant, admitted=admitted) for name in names]
        number = 1
        for options in choices:
            number *= len(options)
        if number > MOST:
            choices = [[ANYTHING]] * len(names)
        return [text.fill(dict(zip(names, chosen, strict=True))) for chosen in product(*choices)]

    def _choices(self, name: str, grant: Grant | None, *, admitted: bool) -> list[str]:
        """Return what one place can be filled with; nothing if all that the grant asks for is never admitted."""
        if name in self.fixed:
            return [self.fixed[name]]
        declared = next((one for one in self.scope.parameters if one.name == name), None)
        if not self.pinned or (declared is not None and not declared.one_of) or (declared is None and grant is None):
            return [ANYTHING]
        if declared is not None:
            return list(declared.one_of)
        return _of_attribute(name, grant, admitted=admitted) if grant else [ANYTHING]


def _of_attribute(name: str, grant: Grant, *, admitted: bool) -> list[str]:
    if name == "issuer":
        return [grant.issuer]
    found = [_of_matcher(matcher) for wanted, matcher in grant.where if wanted == name]
    options = found[0] if found else [("", "")]
    if admitted:
        return [ANYTHING.join(one) for one in options if all(map(PLAIN.issuperset, one))]
    return [ANYTHING.join(naming.fit(part) for part in one) for one in options]


def _of_matcher(matcher: Matcher) -> list[tuple[str, ...]]:
    """Return what satisfies a matcher, as literals between which anything may stand."""
    if isinstance(matcher, AnyOf):
        return [found for option in matcher.options for found in _of_matcher(option)]
    if isinstance(matcher, Equal):
        return [(str(matcher.value),)]
    return [tuple(matcher.pattern.split("*"))] if isinstance(matcher, Glob) else [("", "")]


def _head(filled: str) -> str:
    """Return the pattern of a session name's head, of which the end may be cut off."""
    literal, star, _ = filled.partition(ANYTHING)
    return naming.fit(literal)[: naming.HEAD_LENGTH] + star


def _fewest(patterns: Iterable[str]) -> tuple[str, ...]:
    """Return the patterns without those that another one covers."""
    found = list(dict.fromkeys(re.sub(r"\*+", "*", pattern) for pattern in patterns))
    kept = [one for one in found if not any(one != other and _covers(other, one) for other in found)]
    return tuple(kept)


def _covers(wide: str, narrow: str) -> bool:
    """Tell whether one pattern matches all that another does; never wrongly yes: a `*` counts as the text `*`."""
    return re.fullmatch(".*".join(map(re.escape, wide.split("*"))), narrow, re.DOTALL) is not None
