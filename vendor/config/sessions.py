"""The session of a scope: what every one of them is limited to."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from vendor.config import fragments, passed, policies, shape
from vendor.config.codes import Code
from vendor.config.problems import values
from vendor.config.reading import check_literal, check_names, read_text
from vendor.policy import limits
from vendor.policy.grant import SessionTemplate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vendor.config.findings import Path
    from vendor.config.reading import Reading
    from vendor.policy.template import PolicyTemplate, Text

SHORT: Final = 1800
"""Seconds below which SDKs, which renew when 15 minutes are left, come back at nearly every use."""

_POLICY_ARN: Final = re.compile(r"arn:aws[a-z-]*:iam::(aws|[0-9]{12}):policy/[\w+=,.@/-]{1,512}", re.ASCII)
_NAME_TEXT: Final = re.compile(r"[A-Za-z0-9_+=,.@-]*", re.ASCII)


def session(reading: Reading) -> SessionTemplate:
    """Return the session's template; what is wrong with it is among the findings."""
    said, defaults = reading.said.session, reading.around.defaults.session
    tags = {**defaults.tags, **said.tags}
    transitive = (said if "transitive_tags" in said.model_fields_set else defaults).transitive_tags
    optional = (said if "optional_tags" in said.model_fields_set else defaults).optional_tags
    duration, max_duration = _durations(reading, said, defaults)
    cap = said.cap_to_token if said.cap_to_token is not None else defaults.cap_to_token
    policy = _policy(reading)
    name = _name(reading, ("session", "name"), said.name or defaults.name)
    at: Path = ("session", "source_identity")
    source_identity = _name(reading, at, said.source_identity or defaults.source_identity, shortest=2)
    return SessionTemplate(
        policy=policy,
        policy_arns=_policy_arns(reading),
        tags=_tags(reading, tags),
        transitive_tags=_transitive(reading, transitive, tags),
        optional_tags=_optional(reading, optional, tags, transitive),
        name=name,
        source_identity=source_identity,
        duration=duration,
        max_duration=max_duration,
        cap_to_token=bool(cap),
    )


def _policy(reading: Reading) -> PolicyTemplate | None:
    said = reading.said.session
    given = {"policy", "policy_file", "unrestricted"} & said.model_fields_set
    if len(given) != 1:
        message = "expected exactly one of policy, policy_file and unrestricted: true"
        reading.find(Code.EXACTLY_ONE, ("session",), message, of=("policy", "policy_file", "unrestricted"))
        return None
    if said.unrestricted:
        return None
    whole = _whole(reading, said)
    made = policies.template(whole, reading.parameters, [one.kind for one in reading.issuers]) if whole else None
    for part, path, text in whole.places() if whole else ():
        check_names(reading, text, path, part.find_used)
    reading.failed = made is None
    reading.statements = whole.statements if whole and made else ()
    return made


def _whole(reading: Reading, said: shape.Session) -> fragments.Whole | None:
    around, at = reading.around, (*reading.at, "session")
    part: fragments.Part | None
    if said.policy_file is None:
        part = fragments.Part(value=said.policy, document=reading.document, at=(*at, "policy"))
    else:
        naming = fragments.Part(value=None, document=reading.document, at=(*at, "policy_file"))
        part = fragments.from_file(around.folder / said.policy_file, naming, around.documents, around.sources)
    named = fragments.Named(document=around.main, policies=around.policies, used=around.used)
    return None if part is None else fragments.assembled(part, named)


def _durations(reading: Reading, said: shape.Session, defaults: shape.SessionDefaults) -> tuple[timedelta, timedelta]:
    most = int(passed.longest(reading.said.mint).total_seconds())
    given, longest = said.duration or defaults.duration, said.max_duration or defaults.max_duration
    usual = min(most, 3600)
    max_duration = shape.seconds(longest or given or f"{usual}s")
    duration = shape.seconds(given) if given else min(usual, max_duration)
    for name, text in (("duration", given), ("max_duration", longest)):
        if text and not limits.SHORTEST.total_seconds() <= shape.seconds(text) <= limits.LONGEST.total_seconds():
            reading.find(Code.DURATION, ("session", name), "STS gives from 900s to 43200s (12h)")
        elif text and shape.seconds(text) > most:
            reading.find(Code.DURATION, ("session", name), f"the mint of this scope gives at most {most}s")
    passed.check_pool(reading, timedelta(seconds=duration))
    if max_duration < duration:
        reading.find(Code.DURATION_ORDER, ("session", "max_duration"), "must not be less than duration")
    if limits.SHORTEST.total_seconds() <= duration < min(SHORT, most):
        message = "SDKs renew below 15 minutes left: under 30m they ask at every use"
        reading.find(Code.SHORT_SESSION, ("session", "duration" if given else "max_duration"), message)
    return timedelta(seconds=duration), timedelta(seconds=max_duration)


def _tags(reading: Reading, said: Mapping[str, str]) -> tuple[tuple[str, Text], ...]:
    at: Path = ("session", "tags")
    if len(said) > limits.MOST_TAGS:
        reading.find(Code.TOO_MANY, at, f"at most {limits.MOST_TAGS} tags")
    if len({key.lower() for key in said}) != len(said):
        reading.find(Code.TAG_CASE, at, "two tags differ only in case, which STS refuses")
    made: list[tuple[str, Text]] = []
    for key, value in said.items():
        if key.lower().startswith("aws:"):
            reading.find(Code.TAG_KEY, (*at, key), "aws: is AWS's own prefix", key=True)
        elif len(key) > limits.LONGEST_TAG_KEY or not limits.TAG_TEXT.fullmatch(key):
            message = "expected a tag key of at most 128 letters, digits, spaces and . _ : / = + @ -"
            reading.find(Code.TAG_KEY, (*at, key), message, key=True)
        text = read_text(reading, (*at, key), value)
        if text is not None:
            check_literal(reading, (*at, key), text, limits.TAG_TEXT, longest=limits.LONGEST_TAG_VALUE)
            made.append((key, text))
    return tuple(made)


def _transitive(reading: Reading, said: list[str], tags: Mapping[str, str]) -> tuple[str, ...]:
    for index, key in enumerate(said):
        if key not in tags and (*reading.at, "session", "tags", key) not in reading.document.keys:
            reading.find(Code.UNKNOWN_TAG, ("session", "transitive_tags", index), f"there is no tag {key}")
    return tuple(said)


def _optional(reading: Reading, said: list[str], tags: Mapping[str, str], transitive: list[str]) -> tuple[str, ...]:
    """Return the tags that may be left out; what is no tag, or what something relies on, is found."""
    at: Path = ("session", "optional_tags")
    for index, key in enumerate(said):
        if key not in tags and (*reading.at, "session", "tags", key) not in reading.document.keys:
            reading.find(Code.UNKNOWN_OPTIONAL, (*at, index), f"there is no tag {key}")
        elif key in transitive:
            message = f"the tag {key} is transitive: roles further on rely on it"
            reading.find(Code.OPTIONAL_NEEDED, (*at, index), message)
        elif any(_reads(text, key) for text in _texts(reading)):
            reading.find(Code.OPTIONAL_NEEDED, (*at, index), f"the policy reads aws:PrincipalTag/{key}")
    return tuple(said)


def _reads(text: str, key: str) -> bool:
    """Tell whether a text is the condition key of a session tag, or has a variable that stands for its value."""
    return re.search(rf"aws:PrincipalTag/{re.escape(key)}( *[,}}]|$)", text, re.IGNORECASE) is not None


def _texts(reading: Reading) -> Iterator[str]:
    """Yield every text of the session policy, its keys too."""
    for part in reading.statements:
        for path, value in values(part.value):
            yield from (one for one in (*path, value) if isinstance(one, str))


def _policy_arns(reading: Reading) -> tuple[str, ...]:
    said, at = reading.said.session.policy_arns, ("session", "policy_arns")
    if len(said) > limits.MOST_POLICY_ARNS:
        reading.find(Code.TOO_MANY, at, f"at most {limits.MOST_POLICY_ARNS} policy ARNs")
    for index, arn in enumerate(said):
        if not _POLICY_ARN.fullmatch(arn):
            reading.find(
                Code.POLICY_ARN, (*at, index), "expected a managed policy's ARN: arn:aws:iam::aws:policy/ReadOnlyAccess"
            )
    return tuple(said)


def _name(reading: Reading, at: Path, said: str | None, *, shortest: int = 1) -> Text | None:
    text = read_text(reading, at, said)
    if text is not None:
        check_literal(reading, at, text, _NAME_TEXT, shortest=shortest, longest=limits.LONGEST_NAME)
    return text
