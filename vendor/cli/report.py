"""Reports of inspected tokens, for people and for tools."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from vendor.cli.terminal import plain, without_tokens
from vendor.identity.findings import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from vendor.identity.findings import Finding
    from vendor.identity.inspection import Inspection

_COLOURS: Final = {Verdict.PASSED: "32", Verdict.REFUSED: "31", Verdict.UNSAID: "33"}
_TIMES: Final = frozenset({"exp", "iat", "nbf", "auth_time"})
_LATEST: Final = 253_402_300_799  # the last second that a datetime can hold


def as_json(inspection: Inspection) -> str:
    """Return an inspection as JSON in ASCII."""
    refusal = inspection.refusal
    told = {
        "sha256": inspection.sha256,
        "refused": refusal is not None,
        "code": refusal and refusal.code,
        "reason": refusal and refusal.reason,
        "issuer": inspection.issuer,
        "header": _shown(inspection.header),
        "claims": _shown(inspection.claims),
        "checks": [_finding(finding) for finding in inspection.findings],
        "attributes": None if inspection.attributes is None else _shown(dict(inspection.attributes)),
    }
    return json.dumps(told, indent=2)


def as_text(inspection: Inspection, *, now: datetime, colour: bool) -> str:
    """Return an inspection as lines for people."""
    unread = [("", "cannot be read")]
    attributes = "attributes" if inspection.refusal is None else "attributes, unproven"
    parts = {
        "header, unverified": _members(inspection.header, now) if inspection.header is not None else unread,
        "claims, unverified": _members(inspection.claims, now) if inspection.claims is not None else unread,
        "checks": [_line(finding, colour=colour) for finding in inspection.findings],
        attributes: [(name, _value(value)) for name, value in (inspection.attributes or {}).items()],
    }
    lines = [f"token {inspection.sha256} (its SHA-256)"]
    for title, members in parts.items():
        lines += [title, *_aligned(members)] if members else []
    return "\n".join([*lines, _verdict(inspection)])


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "check": finding.check,
        "result": finding.verdict,
        "code": finding.refusal and finding.refusal.code,
        "reason": finding.refusal and finding.refusal.reason,
        "detail": _shown(finding.detail),
    }


def _shown(value: Any) -> Any:
    """Return a claim without the tokens that some issuers put into theirs: they are good elsewhere."""
    if isinstance(value, dict):
        return {_shown(name): _shown(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(member) for member in value]
    return without_tokens(value) if isinstance(value, str) else value


def _members(members: Mapping[str, Any], now: datetime) -> list[tuple[str, str]]:
    return [(plain(_shown(name)), _value(value) + _when(name, value, now)) for name, value in members.items()]


def _value(value: Any) -> str:
    return plain(json.dumps(_shown(value)))


def _when(name: str, value: Any, now: datetime) -> str:
    """Return what a time means to people."""
    if name not in _TIMES or type(value) is not int or not 0 <= value <= _LATEST:
        return ""
    moment = datetime.fromtimestamp(value, UTC)
    seconds = round((moment - now).total_seconds())
    said = f"in {_span(seconds)}" if seconds > 0 else f"{_span(-seconds)} ago"
    return f"  ({moment:%Y-%m-%dT%H:%M:%SZ}, {said})"


def _span(seconds: int) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= 2 * size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _line(finding: Finding, *, colour: bool) -> tuple[str, str]:
    verdict = f"{finding.verdict:<11}"
    said = f"\x1b[{_COLOURS[finding.verdict]}m{verdict}\x1b[0m" if colour else verdict
    reason = f"{finding.refusal.reason}: " if finding.refusal else ""
    return finding.check, f"{said}  {plain(_shown(reason + finding.detail))}".rstrip()


def _aligned(members: Iterable[tuple[str, str]]) -> list[str]:
    listed = list(members)
    width = max(len(name) for name, _ in listed)
    return [f"  {name:<{width}}  {value}" if width else f"  {value}" for name, value in listed]


def _verdict(inspection: Inspection) -> str:
    refusal = inspection.refusal
    if refusal is not None:
        return f"refused: {refusal.code}, {refusal.reason}"
    if inspection.issuer is None:
        return "nothing speaks against its shape and times; with --config the rest is judged"
    unsaid = [finding.check for finding in inspection.findings if finding.verdict is Verdict.UNSAID]
    return "taken" if not unsaid else f"nothing speaks against it; not checked: {', '.join(unsaid)}"
