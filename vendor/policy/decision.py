"""The decision: may this principal have this scope, by which grant, and as which session.

`Mapping.permit` and `open_session` are what an exchange runs; `explain` runs the same two and tells everything it saw.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from vendor.policy import limits, roles
from vendor.policy.alike import Alike
from vendor.policy.fingerprint import fingerprint
from vendor.policy.granting import consider, denied, permitted
from vendor.policy.lookup import Lookup
from vendor.policy.opened import Opened
from vendor.policy.opening import admit, open_session, unlisted
from vendor.policy.packing import Packing, dropped, lighter
from vendor.policy.session import Action, RoleSession
from vendor.refusals import AccessDenied, Reason, Refusal, ScopeRequired, StsUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Mapping as AbstractMapping
    from datetime import timedelta

    from vendor.identity.principal import Principal
    from vendor.policy.grant import Scope
    from vendor.policy.granting import Considered, Permission
    from vendor.policy.opened import Holder
    from vendor.policy.opening import Accounts
    from vendor.refusals import PolicyTooLarge


class Asked(NamedTuple):
    """What the caller said: a scope or none, parameters as they came, a duration or none.

    `role` is a role's ARN at the door where a role is named and no scope; see `Mapping.settle`.
    """

    scope: str | None
    parameters: AbstractMapping[str, str] = MappingProxyType({})
    duration: timedelta | None = None
    role: str | None = None


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


class Mapping:
    """The scope-to-role mapping of one configuration generation.

    Permission is decided afresh each time; what a permission is filled to depends on nothing but who asked for what, so
    it is remembered; see `Opened`. `targets` are keyed by name, `issuers` by their URL: what these are
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
        accounts: Accounts = unlisted,
        chained: Callable[[str], bool | None] = lambda _target: False,
        opened: Opened | None = None,
    ) -> None:
        self.scopes = scopes
        self.generation = generation
        self._chained = chained
        self._hourly: dict[str, Scope] = {}
        self._longest = {name: _longest_chained(scope) for name, scope in scopes.items()}
        self._listed = {
            name: found
            for name, scope in scopes.items()
            if (found := [parameter for parameter in scope.parameters if parameter.organization])
        }
        self._targets = targets
        self._issuers = issuers
        self._packing = packing or Packing()
        self._accounts = accounts
        self._terms: dict[tuple[str, str], str] = {}
        self._lookup = Lookup(scopes.values())
        self._opened = opened or Opened()
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
        permission = permitted(self._given(scope), principal)
        if permission is None:
            raise denied(scope, principal)
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
        found = (permitted(self._given(scope), principal) for scope in self._lookup.candidates(principal))
        return [permission for permission in found if permission is not None]

    def open(
        self, permission: Permission, principal: Principal, asked: Asked, *, holder: Holder | None = None
    ) -> RoleSession:
        """Return the session of a permission, without optional tags that will not fit; see `open_session`.

        One that was opened before, and that the `holder` has still, is not filled again.
        """
        scope = permission.scope
        times = (asked.duration, scope.session.max_duration)
        known = (principal.token_sha256, scope.name, *asked.parameters.items(), *times)
        session = self._opened.find(known, principal.issuer_url, holder) if principal.token_sha256 else None
        if session is None:
            session = self._open(permission, principal, asked)
            if principal.token_sha256:  # whom an operator supposes has none, and never comes back
                self._opened.add(known, session)
        else:
            for parameter in self._listed.get(scope.name, ()):  # an account may have left its list meanwhile
                admit(parameter, asked.parameters, self._accounts)
        return self._packing.fitted(session, scope.session.optional_tags)

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
        grants = tuple(consider(scope, index, principal) for index in range(len(scope.grants))) if scope else ()
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
            raise ScopeRequired(Reason.NO_SCOPE_NAMED, public, detail=f"{len(granted)} scopes for {role!r:.300}")
        if role.startswith(roles.NAMED):
            return self.permit(principal, role.removeprefix(roles.NAMED)), {}
        raise AccessDenied(Reason.NO_GRANT, detail=f"no scope of this principal has the role {role!r:.300}")

    def _only(self, principal: Principal) -> Permission:
        granted = [permission for permission in self.permitted(principal) if permission.grant is not None]
        if len(granted) != 1:
            detail = f"{len(granted)} scopes are granted"
            raise ScopeRequired(Reason.NO_SCOPE_NAMED, detail=detail)
        return granted[0]


def _longest_chained(scope: Scope) -> timedelta:
    """Return the longest session of a scope where the service is itself the session of a role."""
    return limits.longest(scope.mint.action, chained=scope.mint.action is Action.ASSUME_ROLE)
