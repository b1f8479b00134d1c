"""The decision: may this principal have this scope, by which grant, and as which session.

`Mapping.permit` and `open_session` are what an exchange runs; `explain` runs the same two and tells everything it saw.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from vendor.policy import limits, roles
from vendor.policy.alike import Alike
from vendor.policy.fingerprint import fingerprint
from vendor.policy.lookup import Lookup
from vendor.policy.mint import FederationToken
from vendor.policy.naming import session_name
from vendor.policy.packing import Packing, dropped, lighter
from vendor.policy.parameter import admit_attribute
from vendor.policy.session import Action, RoleSession
from vendor.refusals import AccessDenied, InvalidRequest, Reason, Refusal, ScopeRequired, StsUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Mapping as AbstractMapping
    from datetime import timedelta

    from vendor.identity.principal import AttributeValue, Principal
    from vendor.policy.grant import Scope
    from vendor.policy.parameter import Organization, Parameter

    Accounts = Callable[[Organization], frozenset[str] | None]
    from vendor.refusals import PolicyTooLarge

TOKEN_SCOPE: Final = "token_scope"  # noqa: S105 - a name
"""What a grant fails by when it matches and the token itself is not for the scope."""
MOST_TOLD: Final = 20
"""Grants of which a refusal tells why they did not match."""


class Asked(NamedTuple):
    """What the caller said: a scope or none, parameters as they came, a duration or none.

    `role` is a role's ARN at the door where a role is named and no scope; see `Mapping.settle`.
    """

    scope: str | None
    parameters: AbstractMapping[str, str] = MappingProxyType({})
    duration: timedelta | None = None
    role: str | None = None


class Permission(NamedTuple):
    """A scope that a principal may have.

    `grant` is the index of the grant that matched, None where only `mode: audit` lets the principal through.
    """

    scope: Scope
    grant: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Considered:
    """One grant as explained: the first attribute that failed, what was wanted and what it was; None if it matched."""

    grant: int
    issuer: str
    failed: str | None
    wanted: str | None
    had: AttributeValue | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A whole decision for people to read: no credentials in it.

    `packed` is the percentage of what STS takes that the session is expected to fill, None where that is not known.
    `hourly` tells that the scope gives more, but not while the service is itself the session of a role.
    """

    grants: tuple[Considered, ...]
    permission: Permission | None
    session: RoleSession | None
    refusal: Refusal | None
    packed: int | None = None
    hourly: bool = False

    @property
    def dropped(self) -> tuple[str, ...]:
        """The optional tags that the session goes without."""
        if self.permission is None or self.session is None:
            return ()
        return dropped(self.session, self.permission.scope.session.optional_tags)


def _unlisted(_: Organization) -> frozenset[str] | None:
    return None


class Mapping:
    """The scope-to-role mapping of one configuration generation.

    Permission is decided afresh each time; what a permission is filled to depends on nothing but who asked for what, so
    the latest `capacity` sessions are remembered. `targets` are keyed by name, `issuers` by their URL: what these are
    is among the terms of a session. `packing` is what was learned of sizes, by whichever mapping. `accounts` knows
    those of an organization at this moment, `chained` whether the service is itself the session of a role at a target:
    what it assumes there lasts an hour at most. As long as nobody knows, which is None, it is taken to be one.
    """

    def __init__(
        self,
        *,
        scopes: AbstractMapping[str, Scope],
        generation: int,
        targets: AbstractMapping[str, object] = MappingProxyType({}),
        issuers: AbstractMapping[str, object] = MappingProxyType({}),
        packing: Packing | None = None,
        accounts: Accounts = _unlisted,
        chained: Callable[[str], bool | None] = lambda _target: False,
        capacity: int = 10_000,
    ) -> None:
        self.scopes = scopes
        self.generation = generation
        self._chained = chained
        self._hourly: dict[str, Scope] = {}
        self._longest = {name: _longest_chained(scope) for name, scope in scopes.items()}
        self._targets = targets
        self._issuers = issuers
        self._packing = packing or Packing()
        self._accounts = accounts
        self._terms: dict[tuple[str, str], str] = {}
        self._lookup = Lookup(scopes.values())
        self._opened: OrderedDict[object, RoleSession] = OrderedDict()
        self._capacity = capacity
        self._alike = Alike()

    def permit(self, principal: Principal, name: str | None) -> Permission:
        """Return the permission for the scope named, or for the only one that the principal may have.

        Raises AccessDenied, with one text for unknown and forbidden, or ScopeRequired.
        """
        if name is None:
            return self._only(principal)
        scope = self.scopes.get(name)
        if scope is None:
            raise AccessDenied(Reason.UNKNOWN_SCOPE, detail=f"there is no scope {name!r:.80}")
        permission = _permission(self._given(scope), principal)
        if permission is None:
            raise _denied(scope, principal)
        return permission

    def settle(self, principal: Principal, asked: Asked) -> tuple[Permission, Asked]:
        """Return the permission for what was asked, and what that is in the terms of its scope.

        A role means the one scope that the principal may have for it, or the one that `roles.NAMED` stands before. SDKs
        that name a role name a duration without being told to, so there it is lowered to what the scope gives. Raises
        AccessDenied or ScopeRequired.
        """
        if asked.role is None:
            return self.permit(principal, asked.scope), asked
        permission, parameters = self._of_role(principal, asked.role)
        duration = asked.duration and limits.lowered(asked.duration, permission.scope.session.max_duration)
        return permission, Asked(scope=permission.scope.name, parameters=parameters, duration=duration)

    def permitted(self, principal: Principal) -> list[Permission]:
        """Return the permission for each scope that the principal may have, in the order of the configuration."""
        found = (_permission(self._given(scope), principal) for scope in self._lookup.candidates(principal))
        return [permission for permission in found if permission is not None]

    def open(self, permission: Permission, principal: Principal, asked: Asked) -> RoleSession:
        """Return the session of a permission, without optional tags that will not fit; see `open_session`."""
        listed = [self._accounts(one.organization) for one in permission.scope.parameters if one.organization]
        times = (asked.duration, permission.scope.session.max_duration)
        key = (principal.token_sha256, permission.scope.name, *asked.parameters.items(), *times, *listed)
        session = self._opened.get(key) if principal.token_sha256 else None
        if session is None:
            session = self._open(permission, principal, asked)
            self._opened[key] = session
            if len(self._opened) > self._capacity:
                self._opened.popitem(last=False)
        return self._packing.fitted(session, permission.scope.session.optional_tags)

    def lighten(self, permission: Permission, session: RoleSession, refusal: PolicyTooLarge) -> RoleSession:
        """Return a session with one optional tag less than the one that STS found too large.

        Raises the refusal if none is left that could be left out.
        """
        found = lighter(session, permission.scope.session.optional_tags)
        if found is None:
            raise refusal
        return found

    def explain(self, principal: Principal, asked: Asked) -> Decision:
        """Return the decision that `permit` and `open_session` would come to, and why."""
        permission = session = refusal = None
        try:
            permission, settled = self.settle(principal, asked)
            session = self._open(permission, principal, settled)
            session = self._packing.fitted(session, permission.scope.session.optional_tags)
        except Refusal as refused:
            refusal = refused
        scope = permission.scope if permission else self.scopes.get(asked.scope or "")
        grants = tuple(_consider(scope, index, principal) for index in range(len(scope.grants))) if scope else ()
        packed = self._packing.expected(session) if session else None
        return Decision(
            grants=grants,
            permission=permission,
            session=session,
            refusal=refusal,
            packed=packed,
            hourly=scope is not None and scope is self._hourly.get(scope.name),
        )

    def keeps(self, session: RoleSession) -> bool:
        """Tell whether a session could be opened now as it was: whether the terms on which it was are still these.

        One that is on the way to others is nobody's: it depends on its target alone.
        """
        if not session.scope:
            return fingerprint(self._targets.get(session.target)) == session.terms
        scope = self.scopes.get(session.scope)
        return scope is not None and self.terms(scope, session.issuer) == session.terms

    def renews(self, session: RoleSession, granted: Scope) -> bool:
        """Tell whether a session may be renewed unasked: whether its scope is granted to the same ones as it was."""
        scope = self.scopes.get(session.scope)
        return scope is not None and scope.grants == granted.grants and self.keeps(session)

    def terms(self, scope: Scope, issuer: str) -> str:
        """Return the fingerprint of what the sessions of a scope depend on, for the principals of an issuer's URL.

        That is not to whom the scope is granted, which is decided afresh each time: whoever adds a grant to a scope
        does not want all of its sessions to be minted anew.
        """
        found = self._terms.get((scope.name, issuer))
        if found is None:
            lasting = replace(self.scopes.get(scope.name, scope), grants=(), description="")
            found = fingerprint(lasting, self._targets.get(scope.target), self._issuers.get(issuer))
            self._terms[scope.name, issuer] = found
        return found

    def _given(self, scope: Scope) -> Scope:
        """Return a scope as it can be had at this moment: for an hour at most where a role session assumes its role."""
        most = self._longest[scope.name]
        if scope.session.max_duration <= most or self._chained(scope.target) is False:
            return scope
        found = self._hourly.get(scope.name)
        if found is None:
            lasting = replace(scope.session, duration=min(scope.session.duration, most), max_duration=most)
            found = self._hourly[scope.name] = replace(scope, session=lasting)
        return found

    def _open(self, permission: Permission, principal: Principal, asked: Asked) -> RoleSession:
        self._refuse_unsettled(permission.scope, asked)
        terms = self.terms(permission.scope, principal.issuer_url)
        return open_session(permission, principal, asked, terms=terms, accounts=self._accounts, alike=self._alike)

    def _refuse_unsettled(self, scope: Scope, asked: Asked) -> None:
        """Raise StsUnavailable where it is not known yet whether the duration asked for can be had."""
        if asked.duration is None or scope is not self._hourly.get(scope.name) or self._chained(scope.target):
            return
        if scope.session.max_duration < asked.duration <= self.scopes[scope.name].session.max_duration:
            public = "it is not known yet how long sessions of this scope may last"
            detail = "AWS has not said yet whether the service is the session of a role, which gives an hour"
            raise StsUnavailable(Reason.BASE_IDENTITY, public, detail=detail)

    def _of_role(self, principal: Principal, role: str) -> tuple[Permission, dict[str, str]]:
        """Look at nothing but what the principal may have: a role that others may have reads as one that is not."""
        bound = [
            (permission, roles.bind(permission.scope, role, self._accounts)) for permission in self.permitted(principal)
        ]
        found = [(permission, parameters) for permission, parameters in bound if parameters is not None]
        granted = [one for one in found if one[0].grant is not None] or found
        if len(granted) == 1:
            return granted[0]
        if granted:
            public = f"several scopes of this identity have this role: name one of them as {roles.NAMED}SCOPE"
            raise AccessDenied(Reason.NO_SCOPE_NAMED, public, detail=f"{len(granted)} scopes for {role!r:.300}")
        if role.startswith(roles.NAMED):
            return self.permit(principal, role.removeprefix(roles.NAMED)), {}
        raise AccessDenied(Reason.NO_GRANT, detail=f"no scope of this principal has the role {role!r:.300}")

    def _only(self, principal: Principal) -> Permission:
        granted = [permission for permission in self.permitted(principal) if permission.grant is not None]
        if len(granted) != 1:
            detail = f"{len(granted)} scopes are granted"
            raise ScopeRequired(Reason.NO_SCOPE_NAMED, detail=detail)
        return granted[0]


def open_session(
    permission: Permission,
    principal: Principal,
    asked: Asked,
    *,
    terms: str,
    accounts: Accounts = _unlisted,
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
    return {parameter.name: _parameter(parameter, given, accounts) for parameter in scope.parameters}


def _parameter(parameter: Parameter, given: AbstractMapping[str, str], accounts: Accounts) -> str:
    value = given.get(parameter.name, parameter.default)
    if value is None:
        raise InvalidRequest(Reason.MISSING_PARAMETER, f"this scope needs the parameter {parameter.name}")
    return parameter.admit(value, listed=accounts(parameter.organization) if parameter.organization else None)


def _duration(scope: Scope, asked: timedelta | None) -> timedelta:
    return scope.session.duration if asked is None else limits.check_duration(asked, scope.session.max_duration)


def _longest_chained(scope: Scope) -> timedelta:
    """Return the longest session of a scope where the service is itself the session of a role."""
    return limits.longest(scope.mint.action, chained=scope.mint.action is Action.ASSUME_ROLE)


def _permission(scope: Scope, principal: Principal) -> Permission | None:
    if _token_is_for(scope, principal):
        for index, grant in enumerate(scope.grants):
            if grant.failed(principal) is None:
                return Permission(scope=scope, grant=index)
    relaxed = not scope.enforced and any(grant.issuer == principal.issuer for grant in scope.grants)
    return Permission(scope=scope, grant=None) if relaxed else None


def _token_is_for(scope: Scope, principal: Principal) -> bool:
    return principal.token_scopes is None or scope.name in principal.token_scopes


def _consider(scope: Scope, index: int, principal: Principal) -> Considered:
    grant = scope.grants[index]
    failed = grant.failed(principal)
    # A grant can ask for the attribute issuer too, and fail by either.
    foreign = principal.issuer != grant.issuer
    wanted: object = grant.issuer if foreign else dict(grant.where).get(failed or "")
    had = None if failed is None else principal.attributes.get(failed)
    if failed is None and not _token_is_for(scope, principal):
        failed, wanted, had = TOKEN_SCOPE, scope.name, tuple(sorted(principal.token_scopes or ()))
    return Considered(
        grant=index, issuer=grant.issuer, failed=failed, wanted=None if wanted is None else str(wanted), had=had
    )


def _denied(scope: Scope, principal: Principal) -> AccessDenied:
    """Say for each of the first grants which attribute failed; made only when somebody is refused."""
    seen = [_consider(scope, index, principal) for index in range(min(len(scope.grants), MOST_TOLD))]
    told = "; ".join(f"grant {one.grant}: {one.failed} is {one.had!r:.200}, wanted {one.wanted}" for one in seen)
    reason = Reason.TOKEN_SCOPE if any(one.failed == TOKEN_SCOPE for one in seen) else Reason.NO_GRANT
    return AccessDenied(reason, detail=told)
