"""Problems: what stands between a scope and AWS, said so that whoever owns the role can mend it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import TYPE_CHECKING, Final

from vendor.refusals import PolicyTooLarge, Reason, RoleRefused, StsThrottled, StsUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vendor.policy.session import RoleSession
    from vendor.refusals import Refusal


@unique
class Kind(StrEnum):
    """What is wrong, in a word that tools may rely on."""

    NO_EXAMPLE = "no_example"
    NOT_ASSUMED = "not_assumed"
    ON_THE_WAY = "on_the_way"
    EXTERNAL_ID = "external_id"
    TAG_SESSION = "tag_session"
    SET_SOURCE_IDENTITY = "set_source_identity"
    DURATION = "duration"
    MAX_DURATION = "max_duration"
    POLICY = "policy"
    PACKED_SIZE = "packed_size"
    ROLE_REFUSED = "role_refused"
    REGION_DISABLED = "region_disabled"
    BASE_IDENTITY = "base_identity"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One problem: `message` is ours, `said` the words of AWS, empty where it was not asked."""

    kind: Kind
    message: str
    said: str = ""


ACTIONS: Final[Mapping[str, Kind]] = {
    "sts:TagSession": Kind.TAG_SESSION,
    "sts:SetSourceIdentity": Kind.SET_SOURCE_IDENTITY,
}
"""The actions beside AssumeRole itself that a session may need."""

_ACTION: Final = re.compile(r"not authorized to perform: (sts:[A-Za-z]+)")
_BOTH: Final = "the role's trust policy and the service's own policy must both allow it"
_PLAIN: Final[Mapping[Reason, tuple[Kind, str]]] = {
    Reason.BASE_IDENTITY: (Kind.BASE_IDENTITY, "AWS does not accept the identity that vendor itself was given here"),
    Reason.REGION_DISABLED: (Kind.REGION_DISABLED, "no region of the target is enabled in the account"),
    Reason.POLICY_REJECTED: (Kind.POLICY, "AWS does not accept the request, most likely its policy or policy ARNs"),
    Reason.PACKED_SIZE: (Kind.PACKED_SIZE, "policy, policy ARNs and tags are packed to more than AWS takes"),
}


def is_denied(refusal: Refusal) -> bool:
    """Tell whether a permission is missing, or a role: AWS does not tell one from the other."""
    return refusal.reason is Reason.ROLE_DENIED and refusal.detail.startswith("AccessDenied")


def is_final(refusal: Refusal) -> bool:
    """Tell whether the role or the request is refused, rather than STS or our own identity out of order."""
    return isinstance(refusal, RoleRefused | PolicyTooLarge)


def named_action(refusal: Refusal) -> str | None:
    """Return the action that AWS says is not allowed, None where it names none beside AssumeRole."""
    found = _ACTION.search(refusal.detail)
    return found[1] if found and found[1] in ACTIONS else None


def missing(action: str, session: RoleSession, refusal: Refusal) -> Problem:
    """Return that an action is not allowed, and what it is needed for."""
    if action == "sts:TagSession":
        needed = f"the tags {', '.join(key for key, _ in session.tags)}" if session.tags else "tags of our own session"
    else:
        needed = "the source identity" if session.source_identity else "the source identity of our own session"
    return Problem(kind=ACTIONS[action], message=f"{action} is missing, for {needed}: {_BOTH}", said=refusal.detail)


def not_assumed(session: RoleSession, refusal: Refusal) -> Problem:
    """Return all that AWS may mean when it lets nobody in."""
    others = [
        *(["the external id"] if session.external_id else []),
        *(["the tags"] if session.tags else []),
        *(["the source identity"] if session.source_identity else []),
        "the session name",
    ]
    message = (
        "the role does not exist, does not trust the service's identity, or the service may not sts:AssumeRole it; or "
        f"the trust policy wants something else of {', '.join(others)}"
    )
    return Problem(kind=Kind.NOT_ASSUMED, message=message, said=refusal.detail)


def on_the_way(number: int, session: RoleSession, refusal: Refusal) -> Problem:
    """Return that a role on the way cannot be assumed."""
    before = "the service's identity" if number == 1 else "the role before it"
    message = (
        f"role {number} on the way, {session.role_arn}, does not exist, does not trust {before}, or {before} may not "
        "sts:AssumeRole it; or its trust policy wants something else"
    )
    return Problem(kind=Kind.ON_THE_WAY, message=message, said=refusal.detail)


def external_id(refusal: Refusal) -> Problem:
    """Return that the role lets in who brings no external id, and not who brings ours."""
    message = "the external id is not accepted: the role can be assumed without one"
    return Problem(kind=Kind.EXTERNAL_ID, message=message, said=refusal.detail)


def too_long(kind: Kind, seconds: int, refusal: Refusal) -> Problem:
    """Return that sessions as long as the scope says cannot be had."""
    said = "max_duration" if kind is Kind.MAX_DURATION else "duration"
    message = (
        f"no session of {seconds} s ({said}) can be had: the role's MaxSessionDuration is shorter, or the service runs "
        "on a role session itself, which AWS caps at 3600 s"
    )
    return Problem(kind=kind, message=message, said=refusal.detail)


def of(refusal: Refusal) -> Problem:
    """Return what any other refusal means."""
    if refusal.reason in _PLAIN:
        kind, message = _PLAIN[refusal.reason]
    elif isinstance(refusal, StsUnavailable | StsThrottled):
        kind, message = Kind.UNREACHABLE, refusal.public
    elif isinstance(refusal, RoleRefused):
        kind, message = Kind.ROLE_REFUSED, "AWS refuses the role"
    else:
        return Problem(kind=Kind.NO_EXAMPLE, message=f"no example session can be made: {refusal.detail}")
    return Problem(kind=kind, message=message, said=refusal.detail)
