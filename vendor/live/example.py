"""Examples: a session of a scope as somebody would get it to whom one of its grants applies.

Where a grant leaves open who that is, it is `vendor-check`; CloudTrail shows that name.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from vendor.identity.attributes import RULES
from vendor.identity.authentication import suppose
from vendor.live.specimen import specimen
from vendor.policy.decision import Asked, Mapping
from vendor.policy.granting import Permission
from vendor.policy.matcher import AnyOf, Contains, Equal, Glob
from vendor.policy.parameter import PLAIN, any_account
from vendor.refusals import InvalidRequest, Reason, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Mapping as AbstractMapping
    from datetime import datetime

    from vendor.identity.issuer import Issuer
    from vendor.identity.principal import AttributeValue
    from vendor.policy.grant import Grant, Scope
    from vendor.policy.matcher import Matcher
    from vendor.policy.parameter import Parameter
    from vendor.policy.session import RoleSession
    from vendor.policy.template import Text

ANYBODY: Final = "vendor-check"
"""What stands wherever anything may."""


def example(scope: Scope, issuers: AbstractMapping[str, Issuer], *, now: datetime) -> RoleSession:
    """Return a session of the first grant that one can be made of, bound to no token.

    Raises the Refusal of the last grant if there is none.
    """
    refusals: list[Refusal] = []
    for number, grant in enumerate(scope.grants):
        try:
            return _session(scope, number, issuers[grant.issuer], now)
        except Refusal as refusal:
            refusals.append(refusal)
    raise refusals[-1]


def _session(scope: Scope, number: int, issuer: Issuer, now: datetime) -> RoleSession:
    principal = suppose(issuer, _attributes(scope, scope.grants[number], issuer), token_expires=now)
    asked = Asked(scope=scope.name, parameters={one.name: _value(one) for one in scope.parameters})
    mapping = Mapping(scopes={scope.name: scope}, generation=0, accounts=any_account)
    opened = mapping.open(Permission(scope=scope, grant=number), principal, asked)
    return replace(opened, not_after=None)


def _attributes(scope: Scope, grant: Grant, issuer: Issuer) -> dict[str, AttributeValue]:
    """Return what the grant asks for, and something for all else that is filled in or that every token says."""
    rules = RULES[issuer.kind]
    named = [name for text in _texts(scope) for name in text.names()]
    always = [name for name in rules.names if name not in rules.optional | rules.lists]
    open_ones: dict[str, AttributeValue] = dict.fromkeys(["subject", *named, *always], ANYBODY)
    return {**open_ones, **{name: _satisfying(matcher) for name, matcher in grant.where}}


def _texts(scope: Scope) -> Iterator[Text]:
    session = scope.session
    yield from scope.mint.texts()
    yield from (text for text in (session.name, session.source_identity) if text)
    yield from (text for _, text in session.tags)
    yield from session.policy.texts() if session.policy else ()


def _satisfying(matcher: Matcher) -> AttributeValue:
    """Return a value that satisfies a matcher, if there is a choice one that may be put into a policy."""
    if isinstance(matcher, AnyOf):
        found = [_satisfying(option) for option in matcher.options]
        return next((one for one in found if isinstance(one, str) and PLAIN.issuperset(one)), (*found, "")[0])
    if isinstance(matcher, Equal):
        return matcher.value
    if isinstance(matcher, Contains):
        return (matcher.member,)
    return matcher.pattern.replace("*", ANYBODY) if isinstance(matcher, Glob) else ANYBODY


def _value(parameter: Parameter) -> str:
    """Return a value for a parameter; whether it is admitted is judged where a caller's would be."""
    if parameter.default is not None:
        return parameter.default
    if parameter.organization is not None:
        public = f"give the parameter {parameter.name} a default: nobody asked AWS here which accounts there are"
        raise InvalidRequest(Reason.MISSING_PARAMETER, public)
    if parameter.one_of:
        return parameter.one_of[0]
    return ANYBODY if parameter.pattern is None else specimen(parameter.pattern.pattern)
