"""Limits: what STS takes, checked before the call, since botocore checks none of it.

Source: each action in the AWS STS API reference, and botocore's STS model.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NoReturn

from vendor.policy.session import Action
from vendor.refusals import InvalidRequest, PolicyTooLarge, Reason, ValueNotAllowed

if TYPE_CHECKING:
    from datetime import datetime

    from vendor.policy.session import RoleSession

SHORTEST: Final = timedelta(seconds=900)
LONGEST: Final = timedelta(seconds=43_200)
LONGEST_CHAINED: Final = timedelta(seconds=3_600)
LONGEST_OF: Final = {
    Action.ROOT: timedelta(seconds=900),
    Action.IDENTITY_TOKEN: timedelta(seconds=3_600),
    Action.COGNITO_IDENTITY: timedelta(seconds=3_600),
}
"""The longest that an action gives, where that is less than the longest of all."""
LONGEST_POLICY: Final = 2_048
MOST_POLICY_ARNS: Final = 10
MOST_TAGS: Final = 50
LONGEST_TAG_KEY: Final = 128
LONGEST_TAG_VALUE: Final = 256
LONGEST_NAME: Final = 64
LONGEST_USER_NAME: Final = 32
MOST_AUDIENCES: Final = 10
NAMED: Final = frozenset({Action.ASSUME_ROLE, Action.WEB_IDENTITY})
"""The actions that are told what the role session is called."""

_NAME: Final = re.compile(r"[A-Za-z0-9_+=,.@-]{2,64}", re.ASCII)
_USER_NAME: Final = re.compile(r"[A-Za-z0-9_+=,.@-]{2,32}", re.ASCII)
_EXTERNAL_ID: Final = re.compile(r"[A-Za-z0-9_+=,.@:/-]{2,1224}", re.ASCII)
TAG_TEXT: Final = re.compile(r"[A-Za-z0-9_.:/=+@ -]*", re.ASCII)
_ROLE: Final = re.compile(r"arn:aws(-us-gov|-cn)?:iam::([0-9]{12})?:role/[A-Za-z0-9_+=,.@/-]{1,576}", re.ASCII)
_ROOT: Final = re.compile(r"arn:aws(-us-gov|-cn)?:iam::[0-9]{12}:root", re.ASCII)
_PROVIDER: Final = re.compile(r"arn:aws(-us-gov|-cn)?:iam::[0-9]{12}:saml-provider/[A-Za-z0-9_.-]{1,128}", re.ASCII)
_NOTHING: Final = re.compile("")
_ROLE_OF: Final = {**dict.fromkeys((Action.ASSUME_ROLE, Action.WEB_IDENTITY, Action.SAML), _ROLE), Action.ROOT: _ROOT}
_NAME_OF: Final = {**dict.fromkeys(NAMED, _NAME), Action.FEDERATION_TOKEN: _USER_NAME}
_POLICY: Final = re.compile(r"[\t\n\r\x20-\xff]{1,2048}")


def check_duration(asked: timedelta, most: timedelta) -> timedelta:
    """Return the duration asked for if STS and the scope both allow it.

    Raises InvalidRequest.
    """
    if not SHORTEST <= asked <= LONGEST:
        raise InvalidRequest(Reason.DURATION, "duration_seconds must be from 900 to 43200")
    if asked > most:
        raise InvalidRequest(Reason.DURATION, f"this scope gives at most {most.total_seconds():.0f} seconds")
    return asked


def lowered(asked: timedelta, most: timedelta) -> timedelta:
    """Return a duration that STS could give, lowered to the most that the scope gives; any other as it is."""
    return min(asked, most) if asked <= LONGEST else asked


def longest(action: Action, *, chained: bool = False) -> timedelta:
    """Return the longest session that an action gives, one for which a role session asks if it is `chained`."""
    most = LONGEST_OF.get(action, LONGEST)
    return min(most, LONGEST_CHAINED) if chained else most


def shortened(session: RoleSession, now: datetime) -> timedelta:
    """Return how long a session that begins now is asked for: its duration, or what is left until `not_after`."""
    if session.not_after is None:
        return session.duration
    return min(session.duration, timedelta(seconds=int((session.not_after - now).total_seconds())))


def check(session: RoleSession) -> RoleSession:
    """Return the session if STS would take every field of it.

    Raises PolicyTooLarge for the policy's size and ValueNotAllowed for anything else.
    """
    if session.policy is not None and len(session.policy) > LONGEST_POLICY:
        detail = f"the filled policy has {len(session.policy)} characters, STS takes {LONGEST_POLICY}"
        raise PolicyTooLarge(Reason.LIMIT, detail=detail)
    if session.policy is not None and not _POLICY.fullmatch(session.policy):
        _refuse("the policy", "a character that STS does not take")
    _check_text("the role", session.role_arn, _ROLE_OF.get(session.action, _NOTHING))
    _check_text("the session name", session.session_name, _NAME_OF.get(session.action, _NOTHING))
    _check_text("the source identity", session.source_identity, _NAME)
    _check_external_id(session.external_id)
    for hop in session.via:
        _check_text("a role on the way", hop.role_arn, _ROLE)
        _check_external_id(hop.external_id)
    if session.provider is not None:
        _check_text("the provider", session.provider.arn, _PROVIDER)
    if session.duration > longest(session.action, chained=session.chained):
        _refuse("the duration", f"{session.duration.total_seconds():.0f} s of {session.action}")
    _check_tags(session.tags)
    if len(session.policy_arns) > MOST_POLICY_ARNS:
        _refuse("the policy ARNs", f"{len(session.policy_arns)}, more than {MOST_POLICY_ARNS}")
    if not {key for key, _ in session.tags}.issuperset(session.transitive_tags):
        _refuse("the transitive tags", "one that is no tag")
    return session


def _check_text(what: str, value: str | None, shape: re.Pattern[str]) -> None:
    if value is not None and not shape.fullmatch(value):
        _refuse(what, f"{value!r:.200}")


def _check_external_id(value: str | None) -> None:
    if value is not None and not _EXTERNAL_ID.fullmatch(value):
        _refuse("the external id", "a shared secret, so it is not shown here")


def _check_tags(tags: tuple[tuple[str, str], ...]) -> None:
    if len(tags) > MOST_TAGS or len({key.lower() for key, _ in tags}) != len(tags):
        _refuse("the tags", "more than 50, or two whose keys differ only in case")
    for key, value in tags:
        if not 1 <= len(key) <= LONGEST_TAG_KEY or len(value) > LONGEST_TAG_VALUE:
            _refuse(f"the tag {key:.200}", "too long")
        if key.lower().startswith("aws:"):
            _refuse(f"the tag {key:.200}", "aws: is AWS's own prefix")
        if not TAG_TEXT.fullmatch(key) or not TAG_TEXT.fullmatch(value):
            _refuse(f"the tag {key:.200}", "a character that STS does not take")


def _refuse(what: str, why: str) -> NoReturn:
    raise ValueNotAllowed(Reason.LIMIT, f"{what} would not be taken by AWS", detail=f"{what}: {why}")
