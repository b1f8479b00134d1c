"""A small evaluator of IAM policies for tests, written from IAM's documents alone: it shares no code with the service.

It reads Allow and Deny, Action, Resource and NotResource with wildcards and variables, and the condition operators
StringEquals, StringLike, ArnEquals, ArnLike with IfExists. Source: the IAM user guide's reference of policy elements.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ARN_PARTS: Final = 6
# ${key}, ${key, 'default'}, and the three characters that are written so to stand for themselves.
_VARIABLE: Final = re.compile(r"\$\{(\*|\?|\$|[A-Za-z0-9:/_.-]+)(?:, ?'([^']*)')?\}")


def allows(policy: Mapping[str, Any], action: str, resource: str, context: Mapping[str, str]) -> bool:
    """Tell whether a session limited to this policy, of a role that may do everything, may do this."""
    statements = [one for one in _list(policy["Statement"]) if _applies(one, action, resource, context)]
    effects = {one["Effect"] for one in statements}
    return "Allow" in effects and "Deny" not in effects


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _applies(statement: Mapping[str, Any], action: str, resource: str, context: Mapping[str, str]) -> bool:
    if not any(_is_like(action.lower(), _characters(one.lower())) for one in _list(statement["Action"])):
        return False
    named = statement.get("Resource", statement.get("NotResource"))
    hit = any(_fits(one, resource, context) for one in _list(named))
    if hit is not ("Resource" in statement):
        return False
    return all(
        _condition(operator, context.get(key), _list(wanted), context)
        for operator, keys in statement.get("Condition", {}).items()
        for key, wanted in keys.items()
    )


def _fits(pattern: str, text: str, context: Mapping[str, str]) -> bool:
    read = _read(pattern, context)
    return read is not None and _is_like(text, read)


def _condition(operator: str, had: str | None, wanted: Sequence[str], context: Mapping[str, str]) -> bool:
    if had is None:
        return operator.endswith("IfExists")
    patterns = [read for one in wanted if (read := _read(one, context)) is not None]
    match operator.removesuffix("IfExists"):
        case "StringEquals":
            return any(had == "".join(character for character, _ in one) for one in patterns)
        case "StringLike":
            return any(_is_like(had, one) for one in patterns)
        case "ArnEquals" | "ArnLike":
            return any(_is_arn_like(had, one) for one in patterns)
    raise NotImplementedError(operator)


Character = tuple[str, bool]
"""A character of a pattern, and whether it is a wildcard."""


def _read(pattern: str, context: Mapping[str, str]) -> list[Character] | None:
    """Return the pattern with its variables replaced, None if one has no value: then nothing matches."""
    made: list[Character] = []
    position = 0
    for found in _VARIABLE.finditer(pattern):
        made += _characters(pattern[position : found.start()])
        value = found[1] if found[1] in "*?$" else context.get(found[1], found[2])
        if value is None:
            return None
        made += [(character, False) for character in value]
        position = found.end()
    return made + _characters(pattern[position:])


def _characters(text: str) -> list[Character]:
    return [(character, character in "*?") for character in text]


def _is_like(text: str, pattern: Sequence[Character]) -> bool:
    """Compare with wildcards by a table of what is reachable, position by position: no regular expression."""
    reached = {0}
    for character, wild in pattern:
        if wild and character == "*":
            reached = set(range(min(reached), len(text) + 1)) if reached else reached
        else:
            any_one = wild and character == "?"
            reached = {at + 1 for at in reached if at < len(text) and (any_one or text[at] == character)}
    return len(text) in reached


def _is_arn_like(text: str, pattern: Sequence[Character]) -> bool:
    """Compare part by part: no wildcard of ArnLike crosses one of the first five colons."""
    parts: list[list[Character]] = [[]]
    for one in pattern:
        if one == (":", False) and len(parts) < ARN_PARTS:
            parts.append([])
        else:
            parts[-1].append(one)
    texts = text.split(":", ARN_PARTS - 1)
    return len(texts) == len(parts) == ARN_PARTS and all(map(_is_like, texts, parts))
