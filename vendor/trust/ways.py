"""Ways: the roles that lead to a scope's sessions, step by step, for each choice that its callers have."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vendor.policy.grant import Scope
    from vendor.policy.template import Text
    from vendor.trust.fillings import Fillings

MOST_ROLES: Final = 200
"""Roles that one scope may have."""
ANY_ACCOUNT: Final = "*"
"""Stands for the accounts of an organization, which come and go."""


class TrustError(Exception):
    """Nothing can be said of a scope; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One role on a way.

    `before` is the role that assumes it, None for whoever begins; `after` the role that it assumes, None for the last.
    """

    role: str
    external_id: Text | None
    before: str | None
    after: str | None


class Use(NamedTuple):
    """A scope's use of a role."""

    fillings: Fillings
    step: Step


def ways(scope: Scope) -> list[tuple[Mapping[str, str], tuple[Step, ...]]]:
    """Return each way to a role of the scope, with the parameters that choose it; none where it has no role.

    Raises TrustError if they are too many to list.
    """
    mint = scope.mint
    if mint.role is None:
        return []
    hops = [*((hop.role, hop.external_id) for hop in mint.via), (mint.role, mint.external_id)]
    names = tuple(dict.fromkeys(name for role, _ in hops for name in role.names()))
    listed = {one.name: one.one_of or (ANY_ACCOUNT,) for one in scope.parameters}
    number = 1
    for name in names:
        number *= len(listed[name])
    if number > MOST_ROLES:
        raise TrustError(f"the scope {scope.name} has {number} roles, more than {MOST_ROLES}")
    chosen = (dict(zip(names, values, strict=True)) for values in product(*(listed[name] for name in names)))
    return [(values, _steps(hops, values)) for values in chosen]


def _steps(hops: list[tuple[Text, Text | None]], values: Mapping[str, str]) -> tuple[Step, ...]:
    roles = [role.fill(values) for role, _ in hops]
    return tuple(
        Step(role=role, external_id=external_id, before=before, after=after)
        for role, (_, external_id), before, after in zip(
            roles, hops, [None, *roles[:-1]], [*roles[1:], None], strict=True
        )
    )
