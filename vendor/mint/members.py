"""Members: what the requests of several actions have in common."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from vendor.policy.limits import SHORTEST, shortened
from vendor.refusals import ExpiredToken, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from vendor.policy.session import RoleSession


def present(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members without those that are not there."""
    return {name: value for name, value in members.items() if value not in (None, [])}


def limited(session: RoleSession) -> dict[str, Any]:
    """Return what limits a session."""
    return {"Policy": session.policy, "PolicyArns": [{"arn": arn} for arn in session.policy_arns]}


def tagged(session: RoleSession) -> list[dict[str, str]]:
    """Return a session's tags."""
    return [{"Key": key, "Value": value} for key, value in session.tags]


def seconds(session: RoleSession, now: datetime) -> int:
    """Return for how many seconds a session that begins now is asked for.

    Raises ExpiredToken when it must end with a token that ends too soon.
    """
    left = shortened(session, now)
    if session.not_after is not None and left < SHORTEST:
        public = "the token ends too soon for this scope: renew it and ask again"
        raise ExpiredToken(Reason.LIFETIME, public, detail=f"{left.total_seconds():.0f} s are left of the token")
    return int(left.total_seconds())


def asked(sent: Mapping[str, Any]) -> timedelta:
    """Return the duration that was asked for."""
    return timedelta(seconds=sent["DurationSeconds"])
