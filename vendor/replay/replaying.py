"""Replaying: what another configuration would have decided, and how that differs from what was recorded."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum, unique
from typing import TYPE_CHECKING, Any, Final

from vendor.identity.authentication import suppose
from vendor.policy.decision import Asked
from vendor.policy.opening import open_session
from vendor.policy.parameter import any_account
from vendor.refusals import Code, InvalidToken, Reason, Refusal
from vendor.replay.recorded import Recorded, UnreadableError, Unreplayable, read_line, read_recorded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vendor.identity.issuer import Issuer
    from vendor.policy.decision import Mapping as ScopeMapping
    from vendor.policy.granting import Permission
    from vendor.policy.session import RoleSession

_NEVER: Final = datetime.max.replace(tzinfo=UTC)


@unique
class Change(StrEnum):
    """What would be different."""

    NOW_REFUSED = "now_refused"
    NOW_ALLOWED = "now_allowed"
    OTHER_SESSION = "other_session"
    OTHER_REFUSAL = "other_refusal"
    UNKNOWN_ISSUER = "unknown_issuer"


@dataclass(slots=True, kw_only=True)
class Group:
    """Exchanges of one scope that would change alike; `example` is the first of them."""

    scope: str | None
    change: Change
    reason: str
    example: dict[str, Any]
    count: int = 0


@dataclass(slots=True, kw_only=True)
class Report:
    """What came of a replay, in numbers of lines; `decided` is how many different decisions were made for it."""

    lines: int = 0
    other: int = 0
    unreadable: int = 0
    exchanges: int = 0
    unchanged: int = 0
    decided: int = 0
    unreplayable: dict[Unreplayable, int] = field(default_factory=dict)
    groups: dict[tuple[str | None, Change, str], Group] = field(default_factory=dict)

    @property
    def changed(self) -> int:
        """The number of exchanges that would be decided otherwise."""
        return sum(group.count for group in self.groups.values())


@dataclass(frozen=True, slots=True)
class _Decided:
    """What a configuration says: a session and whether only `mode: audit` lets it be, or a refusal."""

    session: dict[str, Any] | None
    refusal: Refusal | None


class Replay:
    """Decides recorded exchanges once more; those that cannot differ are decided once."""

    def __init__(self, *, issuers: Mapping[str, Issuer], mapping: ScopeMapping) -> None:
        self._issuers = issuers
        self._mapping = mapping
        self._decided: dict[bytes, _Decided | Unreplayable] = {}
        self.report = Report()

    def read(self, raw: bytes) -> None:
        """Take one line of an audit trail into the report, whatever it holds."""
        report = self.report
        report.lines += 1
        try:
            line = read_line(raw)
            recorded = None if line is None else read_recorded(line)
        except UnreadableError:
            report.unreadable += 1
            return
        if recorded is None:
            report.other += 1
            return
        report.exchanges += 1
        decided = recorded if isinstance(recorded, Unreplayable) else self._decide(recorded)
        if isinstance(decided, Unreplayable):
            report.unreplayable[decided] = report.unreplayable.get(decided, 0) + 1
        elif isinstance(recorded, Recorded):
            self._compare(recorded, decided)

    def _compare(self, recorded: Recorded, decided: _Decided) -> None:
        found = _difference(recorded, decided)
        if found is None:
            self.report.unchanged += 1
        else:
            self._note(recorded, *found)

    def _decide(self, recorded: Recorded) -> _Decided | Unreplayable:
        decided = self._decided.get(recorded.key)
        if decided is None:
            decided = self._decided[recorded.key] = self._decide_afresh(recorded)
            self.report.decided += 1
        return decided

    def _decide_afresh(self, recorded: Recorded) -> _Decided | Unreplayable:
        issuer = self._issuers.get(recorded.issuer)
        if issuer is None:
            return _Decided(None, InvalidToken(Reason.UNKNOWN_ISSUER, detail=f"no issuer {recorded.issuer!r:.80}"))
        if issuer.require_token_scope and recorded.token_scopes is None:
            return Unreplayable.TOKEN_SCOPES
        principal = suppose(
            issuer, recorded.attributes, token_expires=_NEVER, token_scopes=recorded.token_scopes or frozenset()
        )
        asked = Asked(
            scope=recorded.scope, parameters=recorded.parameters, duration=recorded.duration, role=recorded.role
        )
        try:
            permission, settled = self._mapping.settle(principal, asked)
            session = open_session(permission, principal, settled, terms="", accounts=any_account)
        except Refusal as refusal:
            return _Decided(None, refusal)
        return _Decided(_told(permission, session), None)

    def _note(self, recorded: Recorded, change: Change, reason: str, before: Any, after: Any) -> None:
        scope = recorded.line.get("scope")
        group = self.report.groups.get((scope, change, reason))
        if group is None:
            known = {
                name: recorded.line.get(name) for name in ("time", "request_id", "issuer", "subject", "parameters")
            }
            example = {**known, "before": before, "after": after}
            group = Group(scope=scope, change=change, reason=reason, example=example)
            self.report.groups[scope, change, reason] = group
        group.count += 1


def _told(permission: Permission, session: RoleSession) -> dict[str, Any]:
    """Return a session by the members of the audit line; when it must end depends on the token of each line."""
    return {
        "would_refuse": permission.grant is None,
        "target": session.target,
        "action": session.action,
        "via": [hop.role_arn for hop in session.via],
        "role": session.role_arn,
        "session_name": session.session_name,
        "source_identity": session.source_identity,
        "duration_seconds": int(session.duration.total_seconds()),
        "not_after": session.not_after,
        "policy_sha256": session.policy_sha256,
        "policy_arns": list(session.policy_arns),
        "tags": dict(session.tags),
        "transitive_tags": list(session.transitive_tags),
        "optional_tags": permission.scope.session.optional_tags,
    }


def _difference(recorded: Recorded, decided: _Decided) -> tuple[Change, str, Any, Any] | None:
    """Return what changes, in one word and for whom it groups, and how it was and would be; None if nothing does."""
    line, refusal = recorded.line, decided.refusal
    was = {"code": line.get("code"), "reason": line.get("reason")}
    if refusal is None:
        if not recorded.allowed:
            return Change.NOW_ALLOWED, str(line.get("reason")), was, _session(recorded, decided)
        return _of_sessions(recorded, _session(recorded, decided))
    now = {"code": refusal.code, "reason": refusal.reason, "detail": refusal.detail}
    if refusal.reason is Reason.UNKNOWN_ISSUER:
        return Change.UNKNOWN_ISSUER, recorded.issuer, was, now
    if recorded.allowed:
        return Change.NOW_REFUSED, refusal.reason, was, now
    # Callers program against the code; the reason behind it is the operators' own.
    same = line.get("code") == refusal.code
    return None if same else (Change.OTHER_REFUSAL, f"{Code(line['code'])}, now {refusal.code}", was, now)


def _session(recorded: Recorded, decided: _Decided) -> dict[str, Any]:
    session = dict(decided.session or {})
    # What STS could not pack then, it could not now.
    left_out = {*session.pop("optional_tags")}.intersection(recorded.dropped)
    session["tags"] = {key: value for key, value in session["tags"].items() if key not in left_out}
    session["not_after"] = recorded.line.get("token_expires") if session["not_after"] else None
    return session


def _of_sessions(recorded: Recorded, now: dict[str, Any]) -> tuple[Change, str, Any, Any] | None:
    """Compare the members that the line has: an older one may have fewer."""
    line = recorded.line
    other = [name for name, value in now.items() if name in line and line[name] != value]
    if not other:
        return None
    return (
        Change.OTHER_SESSION,
        ", ".join(other),
        {name: line[name] for name in other},
        {name: now[name] for name in other},
    )
