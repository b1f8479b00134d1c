"""Roles: which scope a role's ARN means, for doors at which callers name a role as their SDKs know it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vendor.policy.template import Name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vendor.policy.grant import Scope
    from vendor.policy.parameter import Organization

    Accounts = Callable[[Organization], frozenset[str] | None]

NAMED: Final = "arn:aws:iam::000000000000:role/"
"""What stands before the name of a scope where an ARN is wanted: no account at AWS has this number."""


def bind(scope: Scope, role: str, accounts: Accounts) -> dict[str, str] | None:
    """Return the parameters with which the scope assumes this role, None if there are none.

    Only parameters with listed values stand in a role; each place takes the first value with which the rest fits.
    """
    listed = {one.name: one.one_of for one in scope.parameters}
    listed |= {one.name: tuple(accounts(one.organization) or ()) for one in scope.parameters if one.organization}
    return None if scope.mint.role is None else _bind(scope.mint.role.parts, role, listed, {})


def _bind(
    parts: tuple[str | Name, ...], rest: str, listed: Mapping[str, tuple[str, ...]], bound: dict[str, str]
) -> dict[str, str] | None:
    if not parts:
        return bound if not rest else None
    part, *others = parts
    name = part.name if isinstance(part, Name) else None
    options = (part,) if isinstance(part, str) else (bound[part.name],) if part.name in bound else listed[part.name]
    for option in options:
        if rest.startswith(option):
            known = bound if name is None else {**bound, name: option}
            found = _bind(tuple(others), rest.removeprefix(option), listed, known)
            if found is not None:
                return found
    return None
