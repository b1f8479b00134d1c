"""Roles: everything that a scope's roles and the service's own identity must be told, and what to look at in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from vendor.trust.fillings import Fillings
from vendor.trust.permissions import permissions
from vendor.trust.statements import LONGEST_BASE, LONGEST_TRUST, base_policy, roles, size, trust_policy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from vendor.identity.issuer import Issuer
    from vendor.policy.grant import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """One role: the scopes that use it, the longest session they give, and its two policies.

    `permissions` is a hint, None where a scope's sessions have all that the role has.
    """

    arn: str
    scopes: tuple[str, ...]
    max_session_seconds: int
    trust_policy: dict[str, Any]
    permissions: dict[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What to apply for one scope, and warnings for whoever applies it."""

    scope: str
    roles: tuple[Role, ...]
    base_policy: dict[str, Any]
    warnings: tuple[str, ...]


def trust(scope: Scope, *, beside: Iterable[Scope], issuers: Mapping[str, Issuer], principal: str) -> Trust:
    """Return what to apply so that `principal` can mint a scope, and all others that the same identity mints.

    `beside` are all scopes that are minted with the identity, this one too. A role's trust policy serves every one of
    them that uses it. Raises TrustError.
    """
    partition = _partition(scope)
    others = [one for one in beside if _partition(one) == partition]
    warnings: list[str] = []
    uses: dict[str, list[Fillings]] = {}
    for one in others:
        for arn, values in roles(one):
            uses.setdefault(arn, []).append(Fillings(scope=one, issuers=issuers, fixed=values))
    made = tuple(_role(arn, uses[arn], principal, warnings) for arn in dict.fromkeys(arn for arn, _ in roles(scope)))
    base = base_policy(others)
    if size(base) > LONGEST_BASE:
        warnings.append(f"the base policy has {size(base)} characters, a managed policy takes {LONGEST_BASE}: split it")
    return Trust(scope=scope.name, roles=made, base_policy=base, warnings=tuple(warnings))


def _role(arn: str, uses: list[Fillings], principal: str, warnings: list[str]) -> Role:
    users = list({use.scope.name: use.scope for use in uses}.values())
    longest = max(scope.session.max_duration for scope in users)
    warnings += [
        f"{arn}: the sessions of {scope.name} can do all that the role can, so its own policy is their only limit"
        for scope in users
        if scope.session.policy is None
    ]
    return Role(
        arn=arn,
        scopes=tuple(scope.name for scope in users),
        max_session_seconds=max(3_600, int(longest.total_seconds())),
        trust_policy=_fitting(arn, uses, principal, warnings),
        permissions=permissions(users),
    )


def _fitting(arn: str, uses: list[Fillings], principal: str, warnings: list[str]) -> dict[str, Any]:
    """Return the narrowest trust policy that IAM takes: one that is too long says less of the values."""
    policy = trust_policy(uses, principal)
    if size(policy) <= LONGEST_TRUST:
        return policy
    wider = trust_policy([replace(use, pinned=False) for use in uses], principal)
    warnings.append(
        f"{arn}: a trust policy with every granted value has {size(policy)} characters and IAM takes {LONGEST_TRUST}; "
        f"this one leaves them open and has {size(wider)}"
    )
    return wider


def _partition(scope: Scope) -> str:
    return str(scope.mint.role).split(":")[1]
