"""Identity: what the service's own identity must be allowed, so that it can mint scopes, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from vendor.policy.mint import FederationToken, IdentityToken, Root
from vendor.policy.session import Action
from vendor.trust.fillings import Fillings
from vendor.trust.statements import VERSION, actions
from vendor.trust.ways import ANY_ACCOUNT, ways

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vendor.policy.grant import Scope

LONGEST_BASE: Final = 6_144
"""Characters that IAM takes of a managed policy, but for white space."""


def base_policy(scopes: Iterable[Scope], *, partition: str) -> dict[str, Any] | None:
    """Return what the service's own identity needs to mint these scopes, None where it needs nothing.

    A token or an assertion opens its role by itself, and a user's own session needs no permission.
    """
    listed = list(scopes)
    statements = [*_of_roles(listed)]
    for scope in listed:
        statements += [one for one in _of_others(scope, partition) if one not in statements]
    return {"Version": VERSION, "Statement": statements} if statements else None


def _of_roles(scopes: list[Scope]) -> Iterator[dict[str, Any]]:
    by_action: dict[str, set[str]] = {}
    for scope in scopes:
        for _, (first, *_) in ways(scope) if scope.mint.action is Action.ASSUME_ROLE else ():
            for action in actions(scope, first):
                by_action.setdefault(action, set()).add(first.role)
    by_roles: dict[tuple[str, ...], list[str]] = {}
    for action, named in by_action.items():
        by_roles.setdefault(tuple(sorted(named)), []).append(action)
    for roles, needed in by_roles.items():
        yield {"Effect": "Allow", "Action": needed, "Resource": list(roles)}


def _of_others(scope: Scope, partition: str) -> Iterator[dict[str, Any]]:
    mint, tagged = scope.mint, bool(scope.session.tags)
    if isinstance(mint, FederationToken):
        needed = ["sts:GetFederationToken", *(["sts:TagSession"] if tagged else [])]
        yield {"Effect": "Allow", "Action": needed, "Resource": f"arn:{partition}:sts::*:federated-user/*"}
    elif isinstance(mint, Root):
        fillings = Fillings(scope=scope, issuers={})
        accounts = [ANY_ACCOUNT if "*" in one else one for one in fillings.of(mint.account)]
        yield {
            "Effect": "Allow",
            "Action": "sts:AssumeRoot",
            "Resource": [f"arn:{mint.partition}:iam::{account}:root" for account in accounts],
            "Condition": {"StringEquals": {"sts:TaskPolicyArn": mint.task_policy}},
        }
    elif isinstance(mint, IdentityToken):
        needed = ["sts:GetWebIdentityToken", *(["sts:TagGetWebIdentityToken"] if tagged else [])]
        yield {
            "Effect": "Allow",
            "Action": needed,
            "Resource": "*",
            "Condition": {
                "ForAllValues:StringEquals": {"sts:IdentityTokenAudience": list(mint.audience)},
                "StringEquals": {"sts:SigningAlgorithm": mint.algorithm},
            },
        }
