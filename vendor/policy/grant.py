"""Grants and scopes: the mapping from who asks to what may be had."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import timedelta

    from vendor.identity.principal import Principal
    from vendor.policy.matcher import Matcher
    from vendor.policy.mint import Mint
    from vendor.policy.parameter import Parameter
    from vendor.policy.template import PolicyTemplate, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One way to a scope: tokens of `issuer` whose attributes satisfy every condition of `where`."""

    issuer: str
    where: tuple[tuple[str, Matcher], ...]

    def failed(self, principal: Principal) -> str | None:
        """Return the name of the first attribute that does not match, None if all do."""
        if principal.issuer != self.issuer:
            return "issuer"
        attributes = principal.attributes
        for name, matcher in self.where:
            if not matcher.matches(attributes.get(name)):
                return name
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTemplate:
    """What every session of a scope is limited to.

    Without `policy` the session has all that the role has; the configuration then had to say `unrestricted: true`.
    `optional_tags` are left out, the first of them first, where STS cannot pack them all. `duration` is given when none
    is asked for; `max_duration` is the most that may be asked for.
    """

    policy: PolicyTemplate | None
    policy_arns: tuple[str, ...]
    tags: tuple[tuple[str, Text], ...]
    transitive_tags: tuple[str, ...]
    optional_tags: tuple[str, ...] = ()
    name: Text | None
    source_identity: Text | None
    duration: timedelta
    max_duration: timedelta
    cap_to_token: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """One scope: who may have it, what the caller may say, and the session that comes of it.

    `enforced` false (mode: audit) lets every identity through whose issuer a grant names, and records that it would be
    refused.
    """

    name: str
    description: str
    grants: tuple[Grant, ...]
    parameters: tuple[Parameter, ...]
    target: str
    mint: Mint
    session: SessionTemplate
    enforced: bool
