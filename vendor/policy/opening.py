"""Opening: the session that a permission is filled to, with what is known of the principal and what it asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vendor.policy import limits
from vendor.policy.alike import Alike
from vendor.policy.mint import FederationToken
from vendor.policy.naming import session_name
from vendor.policy.parameter import admit_attribute
from vendor.policy.session import RoleSession
from vendor.refusals import InvalidRequest, Reason

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Mapping as AbstractMapping
    from datetime import timedelta

    from vendor.identity.principal import Principal
    from vendor.policy.decision import Asked
    from vendor.policy.grant import Scope
    from vendor.policy.granting import Permission
    from vendor.policy.parameter import Organization, Parameter

    Accounts = Callable[[Organization], frozenset[str] | None]


def unlisted(_: Organization) -> frozenset[str] | None:
    """Return no accounts, as where none are listed."""
    return None


def open_session(
    permission: Permission,
    principal: Principal,
    asked: Asked,
    *,
    terms: str,
    accounts: Accounts = unlisted,
    alike: Alike | None = None,
) -> RoleSession:
    """Return the session of a permission, with every place filled and every limit of STS checked.

    What it has in common with other sessions is `alike`, so that it is held but once.
    Raises InvalidRequest, ValueNotAllowed, PolicyTooLarge, or StsUnavailable where accounts are not known yet.
    """
    scope = permission.scope
    values = _Values(principal, _parameters(scope, asked.parameters, accounts))
    session, same = scope.session, alike or Alike()
    return limits.check(
        RoleSession(
            terms=terms,
            issuer=principal.issuer_url,
            subject=principal.subject,
            scope=scope.name,
            target=scope.target,
            action=scope.mint.action,
            **scope.mint.fill(values),
            session_name=_session_name(scope, principal, values),
            policy=same.one(session.policy.fill(values)) if session.policy else None,
            policy_arns=session.policy_arns,
            tags=same.one(tuple((key, value.fill(values)) for key, value in session.tags)),
            transitive_tags=session.transitive_tags,
            source_identity=session.source_identity.fill(values) if session.source_identity else None,
            duration=_duration(scope, asked.duration),
            not_after=principal.token_expires if session.cap_to_token else None,
        )
    )


def _session_name(scope: Scope, principal: Principal, values: _Values) -> str:
    """Return what the session is called; nothing where AWS takes no name, or the assertion says it."""
    if isinstance(scope.mint, FederationToken):
        return session_name(principal, scope.mint.name.fill(values), longest=limits.LONGEST_USER_NAME)
    if scope.mint.action not in limits.NAMED:
        return ""
    return session_name(principal, scope.session.name.fill(values) if scope.session.name else None)


class _Values(dict[str, str]):
    """The values that may be filled: parameters as admitted, attributes admitted when they are first needed."""

    def __init__(self, principal: Principal, parameters: AbstractMapping[str, str]) -> None:
        super().__init__(parameters)
        self._attributes = principal.attributes

    def __missing__(self, name: str) -> str:
        value = self[name] = admit_attribute(name, self._attributes.get(name))
        return value


def _parameters(scope: Scope, given: AbstractMapping[str, str], accounts: Accounts) -> dict[str, str]:
    undeclared = given.keys() - {parameter.name for parameter in scope.parameters}
    if undeclared:
        public = f"this scope has no parameter {min(undeclared):.63}"
        raise InvalidRequest(Reason.UNDECLARED_PARAMETER, public)
    return {parameter.name: admit(parameter, given, accounts) for parameter in scope.parameters}


def admit(parameter: Parameter, given: AbstractMapping[str, str], accounts: Accounts) -> str:
    """Return the value of a parameter, if it is given or has a default, and may be put into a policy.

    Raises InvalidRequest, ValueNotAllowed, or StsUnavailable where accounts are not known yet.
    """
    value = given.get(parameter.name, parameter.default)
    if value is None:
        raise InvalidRequest(Reason.MISSING_PARAMETER, f"this scope needs the parameter {parameter.name}")
    return parameter.admit(value, listed=accounts(parameter.organization) if parameter.organization else None)


def _duration(scope: Scope, asked: timedelta | None) -> timedelta:
    return scope.session.duration if asked is None else limits.check_duration(asked, scope.session.max_duration)
