"""Checks: what must hold of a token, each under a name, so that serving and `vendor token` run the very same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypedDict

from vendor.identity.attributes import RULES
from vendor.refusals import InvalidToken, Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from vendor.identity.issuer import Issuer
    from vendor.identity.kinds.rules import Rules
    from vendor.identity.principal import AttributeValue
    from vendor.identity.token import UnverifiedToken


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is judged: a token, on the terms of the issuer that it names, at a time."""

    token: UnverifiedToken
    issuer: Issuer
    now: datetime

    @property
    def claims(self) -> dict[str, Any]:
        """What the token says."""
        return self.token.claims

    @property
    def rules(self) -> Rules:
        """What holds for every token of the issuer's kind."""
        return RULES[self.issuer.kind]


class Proven(TypedDict, total=False):
    """What a check finds out of the principal."""

    token_expires: datetime
    subject: str
    attributes: Mapping[str, AttributeValue]
    token_scopes: frozenset[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that must hold; `run` returns what it proves, and raises InvalidToken or ExpiredToken.

    Nothing can be said of it where the check that it `needs` has failed.
    """

    name: str
    run: Callable[[Case], Proven]
    needs: str | None = None


def _algorithm(case: Case) -> Proven:
    if case.token.algorithm not in case.issuer.algorithms:
        raise InvalidToken(Reason.ALGORITHM, detail=f"alg is {case.token.algorithm!r:.80}")
    return {}


def _type(case: Case) -> Proven:
    if case.token.kind not in case.rules.types:
        raise InvalidToken(Reason.TOKEN_TYPE, detail=f"typ is {case.token.kind!r:.80}")
    return {}


HEADER: Final = (Check(name="algorithm", run=_algorithm), Check(name="type", run=_type))
"""What is asked of a token before any key is looked for, in this order."""
