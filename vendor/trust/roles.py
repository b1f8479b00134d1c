"""Roles: everything that a scope's roles and the service's own identity must be told, and what to look at in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from vendor.policy.session import Action
from vendor.trust.fillings import Fillings
from vendor.trust.identity import LONGEST_BASE, base_policy
from vendor.trust.permissions import permissions
from vendor.trust.statements import LONGEST_TRUST, actions, size, trust_policy, unpinned
from vendor.trust.ways import ANY_ACCOUNT, Use, ways

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from vendor.identity.issuer import Issuer
    from vendor.policy.grant import Scope

LONG_TERM: Final = frozenset({Action.SESSION_TOKEN, Action.FEDERATION_TOKEN})
"""What AWS gives to users with long-term keys only."""


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
    """What to apply for one scope, and warnings for whoever applies it.

    `base_policy` is None where the service's own identity needs nothing.
    """

    scope: str
    roles: tuple[Role, ...]
    base_policy: dict[str, Any] | None
    warnings: tuple[str, ...]


def trust(
    scope: Scope, *, beside: Iterable[Scope], issuers: Mapping[str, Issuer], principal: str, partition: str = "aws"
) -> Trust:
    """Return what to apply so that `principal` can mint a scope, and all others that the same identity mints.

    `beside` are all scopes that are minted with the identity, this one too; `partition` is that of what has no role. A
    role's trust policy serves every one of them that uses it. Raises TrustError.
    """
    own = _partition(scope, partition)
    others = [one for one in beside if _partition(one, partition) == own]
    warnings: list[str] = []
    uses: dict[str, list[Use]] = {}
    for one in others:
        for values, steps in ways(one):
            fillings = Fillings(scope=one, issuers=issuers, fixed=values)
            for step in steps:
                uses.setdefault(step.role, []).append(Use(fillings, step))
    asked = dict.fromkeys(step.role for _, steps in ways(scope) for step in reversed(steps))
    made = tuple(_role(arn, uses[arn], principal, warnings) for arn in asked)
    base = base_policy(others, partition=own)
    if base is not None and size(base) > LONGEST_BASE:
        warnings.append(f"the base policy has {size(base)} characters, a managed policy takes {LONGEST_BASE}: split it")
    if scope.mint.action in LONG_TERM:
        warnings.append(f"{scope.name}: the service must have an IAM user's keys, a role's session cannot do this")
    return Trust(scope=scope.name, roles=made, base_policy=base, warnings=tuple(warnings))


def _role(arn: str, uses: list[Use], principal: str, warnings: list[str]) -> Role:
    users = {use.fillings.scope.name: use.fillings.scope for use in uses}
    ending = {use.fillings.scope.name: use.fillings.scope for use in uses if use.step.after is None}
    longest = max((scope.session.max_duration for scope in ending.values()), default=timedelta())
    warnings += [
        f"{arn}: the sessions of {scope.name} can do all that the role can, so its own policy is their only limit"
        for scope in ending.values()
        if scope.session.policy is None
    ]
    warnings += [
        f"{arn}: every subject of {issuer} can assume it with its own token, unless {key} pins some"
        for use in uses
        for issuer, key in unpinned(use)
    ]
    if f"::{ANY_ACCOUNT}:" in arn:
        warnings.append(f"{arn}: stands for one role in each account of the organization")
    return Role(
        arn=arn,
        scopes=tuple(users),
        max_session_seconds=max(3_600, int(longest.total_seconds())),
        trust_policy=_fitting(arn, uses, principal, warnings),
        permissions=_permissions(uses, list(ending.values())),
    )


def _permissions(uses: list[Use], ending: list[Scope]) -> dict[str, Any] | None:
    """Return what a role must be allowed: what its own sessions do, and to assume the next on the way."""
    found = permissions(ending)
    if found is None:
        return None
    for use in uses:
        if use.step.after is not None:
            needed = list(actions(use.fillings.scope, replace(use.step, role=use.step.after, after=None)))
            statement = {"Effect": "Allow", "Action": needed, "Resource": use.step.after}
            found["Statement"] += [statement] if statement not in found["Statement"] else []
    return found


def _fitting(arn: str, uses: list[Use], principal: str, warnings: list[str]) -> dict[str, Any]:
    """Return the narrowest trust policy that IAM takes: one that is too long says less of the values."""
    policy = trust_policy(uses, principal)
    if size(policy) <= LONGEST_TRUST:
        return policy
    wider = trust_policy([Use(replace(use.fillings, pinned=False), use.step) for use in uses], principal)
    warnings.append(
        f"{arn}: a trust policy with every granted value has {size(policy)} characters and IAM takes {LONGEST_TRUST}; "
        f"this one leaves them open and has {size(wider)}"
    )
    return wider


def _partition(scope: Scope, otherwise: str) -> str:
    return otherwise if scope.mint.role is None else str(scope.mint.role).split(":")[1]
