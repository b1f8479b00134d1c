"""Linting: what an IAM linter, which knows AWS's services, has against a statement; told by our codes at our places."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from vendor.config.codes import Code
from vendor.live.specimen import specimen
from vendor.policy.template import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vendor.config.findings import Path
    from vendor.config.fragments import Part
    from vendor.config.reading import Reading
    from vendor.policy.parameter import Parameter

CODES: Final = {
    "UNKNOWN_ACTION": (Code.UNKNOWN_ACTION, "Action"),
    "UNKNOWN_PREFIX": (Code.UNKNOWN_ACTION, "Action"),
    "EXCEPTION": (Code.UNKNOWN_ACTION, "Action"),
    "UNKNOWN_CONDITION_FOR_ACTION": (Code.UNKNOWN_CONDITION, "Condition"),
    "UNKNOWN_OPERATOR": (Code.UNKNOWN_OPERATOR, "Condition"),
    "MISMATCHED_TYPE": (Code.CONDITION_TYPE, "Condition"),
    "MISMATCHED_TYPE_OPERATION_TO_NULL": (Code.CONDITION_TYPE, "Condition"),
    "BAD_PATTERN_FOR_MFA": (Code.MFA_CONDITION, "Condition"),
    "RESOURCE_MISMATCH": (Code.RESOURCE_MISMATCH, "Resource"),
    "RESOURCE_STAR": (Code.RESOURCE_STAR, "Resource"),
    "RESOURCE_EFFECTIVELY_STAR": (Code.RESOURCE_STAR, "Resource"),
    "INVALID_ARN": (Code.RESOURCE_ARN, "Resource"),
}
"""What the linter calls an issue, and the member of a statement that it is about; any other is passed over."""
_MOST_TOLD: Final = 3
_ANY_VALUE: Final = "x"
_ANY_ACCOUNT: Final = "111122223333"


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing that the linter says: about a member of the statement, and one of its texts where it names one."""

    code: Code
    member: str
    text: str | None
    message: str


def is_installed() -> bool:
    """Tell whether there is a linter to ask."""
    return importlib.util.find_spec("parliament") is not None


def check(reading: Reading) -> None:
    """Find what the linter has against the statements of a scope."""
    for part in reading.statements:
        filled = _filled(part.value, reading.parameters)
        for remark in remarks(filled):
            part.find(remark.code, _place(part, filled, remark), remark.message)


def remarks(statement: Mapping[str, Any]) -> Iterator[Remark]:
    """Yield what the linter says of a statement without places."""
    from parliament import analyze_policy_string  # noqa: PLC0415 - it reads all of AWS's actions into memory

    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    for finding in analyze_policy_string(policy).findings:
        if finding.issue in CODES and (message := _message(finding, _written(statement))):
            code, member = CODES[finding.issue]
            yield Remark(code, member, finding.location.get("string"), message)


def _message(finding: Any, written: frozenset[str]) -> str:
    """Return what is said, nothing where it is only about actions that a wildcard stands for: they may not be meant."""
    detail = finding.detail
    if finding.issue == "RESOURCE_MISMATCH":
        meant = [one for one in detail if one["action"].lower() in written]
        return "; ".join(
            f"{one['action']} is for resources such as {one['required_format']}" for one in meant[:_MOST_TOLD]
        )
    if finding.issue in {"RESOURCE_STAR", "RESOURCE_EFFECTIVELY_STAR"}:
        more = f" and {len(detail) - _MOST_TOLD} more" if len(detail) > _MOST_TOLD else ""
        return f"any resource, for actions that could be limited to some: {', '.join(detail[:_MOST_TOLD])}{more}"
    if finding.issue == "UNKNOWN_CONDITION_FOR_ACTION" and detail.rpartition(" ")[2].lower() not in written:
        return ""
    return str(detail or finding.issue.replace("_", " ").lower())


def _written(statement: Mapping[str, Any]) -> frozenset[str]:
    """Return the actions of a statement that are written in full."""
    return frozenset(one.lower() for one in _listed(statement.get("Action", [])))


def _place(part: Part, filled: Mapping[str, Any], remark: Remark) -> Path:
    member = remark.member if remark.member in part.value else f"Not{remark.member}"
    values = _listed(filled[member])
    if isinstance(part.value[member], list) and remark.text in values:
        return member, values.index(remark.text)
    return (member,)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _filled(node: Any, parameters: Mapping[str, Parameter]) -> Any:
    """Return a part of a policy with some admissible value in each place."""
    if isinstance(node, str):
        text = Text.parse(node)
        return text.fill({name: _value(parameters.get(name)) for name in text.names()})
    if isinstance(node, list):
        return [_filled(item, parameters) for item in node]
    return {key: _filled(item, parameters) for key, item in node.items()}


def _value(parameter: Parameter | None) -> str:
    if parameter is None:
        return _ANY_VALUE
    if parameter.one_of:
        return parameter.one_of[0]
    if parameter.organization:
        return _ANY_ACCOUNT
    return parameter.default or (specimen(parameter.pattern.pattern) if parameter.pattern else _ANY_VALUE)
