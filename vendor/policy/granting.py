"""Granting: by which grant a principal may have a scope, and by what of it each grant failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from vendor.refusals import AccessDenied, Reason

if TYPE_CHECKING:
    from vendor.identity.principal import AttributeValue, Principal
    from vendor.policy.grant import Scope

TOKEN_SCOPE: Final = "token_scope"  # noqa: S105 - a name
"""What a grant fails by when it matches and the token itself is not for the scope."""
MOST_TOLD: Final = 20
"""Grants of which a refusal tells why they did not match."""


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


def permitted(scope: Scope, principal: Principal) -> Permission | None:
    """Return the permission of the first grant that matches, or that of `mode: audit`, None if there is neither."""
    if _token_is_for(scope, principal):
        for index, grant in enumerate(scope.grants):
            if grant.failed(principal) is None:
                return Permission(scope=scope, grant=index)
    relaxed = not scope.enforced and any(grant.issuer == principal.issuer for grant in scope.grants)
    return Permission(scope=scope, grant=None) if relaxed else None


def _token_is_for(scope: Scope, principal: Principal) -> bool:
    return principal.token_scopes is None or scope.name in principal.token_scopes


def consider(scope: Scope, index: int, principal: Principal) -> Considered:
    """Return by what a grant failed, and what it wanted."""
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


def denied(scope: Scope, principal: Principal) -> AccessDenied:
    """Say for each of the first grants which attribute failed; made only when somebody is refused."""
    seen = [consider(scope, index, principal) for index in range(min(len(scope.grants), MOST_TOLD))]
    told = "; ".join(f"grant {one.grant}: {one.failed} is {one.had!r:.200}, wanted {one.wanted}" for one in seen)
    reason = Reason.TOKEN_SCOPE if any(one.failed == TOKEN_SCOPE for one in seen) else Reason.NO_GRANT
    return AccessDenied(reason, detail=told)
