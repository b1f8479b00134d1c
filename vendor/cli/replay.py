"""`vendor replay`: which recorded decisions would be others under a configuration."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vendor.cli import given, trail
from vendor.cli.terminal import plain, without_tokens

if TYPE_CHECKING:
    import argparse

    from vendor.replay.replaying import Group, Report

_TOLD: Final = {
    "now_refused": "now refused",
    "now_allowed": "now allowed; it was refused",
    "other_session": "another session",
    "other_refusal": "refused otherwise",
    "unknown_issuer": "now refused, as its issuer is unknown",
    "nobody": "refused before it was known who asks",
    "undecided": "refused by what no configuration decides",
    "cut": "a value is cut off in the record",
    "token_scopes": "the token's own scopes were not recorded",
}
_EPILOG = (
    "Exit codes: 0 done, 1 decisions would change and --fail-on-change was given, 2 usage. Files may be compressed by "
    "gzip. What is judged before the decision (tokens, keys) is not in the record, nor is the external id."
)


def add(commands: Any) -> None:
    """Add the command to a parser's commands."""
    command = commands.add_parser(
        "replay", help="show which recorded decisions would change under a configuration", epilog=_EPILOG
    )
    command.add_argument("audit", nargs="+", metavar="AUDIT", help="files of audit lines; - is standard input")
    command.add_argument("--config", type=Path, required=True, metavar="F", help="the configuration to try")
    command.add_argument("--format", choices=("text", "json"), default="text", help="how it is shown")
    command.add_argument("--fail-on-change", action="store_true", help="exit with 1 if any decision would change")
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    try:
        report = _replayed(options)
    except given.UnusableError as exc:
        print(exc, file=sys.stderr)
        return given.USAGE
    print(_as_json(report) if options.format == "json" else _as_text(report))
    return 1 if report.changed and options.fail_on_change else 0


def _replayed(options: argparse.Namespace) -> Report:
    from vendor.policy.decision import Mapping  # noqa: PLC0415 - each command loads only what it needs
    from vendor.policy.parameter import any_account  # noqa: PLC0415
    from vendor.replay.replaying import Replay  # noqa: PLC0415

    configuration = given.configuration(options.config)
    mapping = Mapping(scopes=configuration.scopes, generation=0, accounts=any_account)
    replay = Replay(issuers=configuration.issuers, mapping=mapping)
    for name in options.audit:
        for line in trail.lines(name):
            replay.read(line)
    report = replay.report
    if report.lines and not report.exchanges:
        raise given.UnusableError("vendor: no line is one of an exchange: this is no audit trail")
    return report


def _as_json(report: Report) -> str:
    told = {
        "lines": report.lines,
        "other": report.other,
        "unreadable": report.unreadable,
        "exchanges": report.exchanges,
        "distinct": report.decided,
        "unreplayable": report.unreplayable,
        "unchanged": report.unchanged,
        "changed": report.changed,
        "changes": [
            {
                "scope": group.scope,
                "change": group.change,
                "reason": group.reason,
                "count": group.count,
                "example": group.example,
            }
            for group in _sorted(report)
        ],
    }
    return without_tokens(json.dumps(told, indent=2).replace("\x7f", "\\u007f"))


def _as_text(report: Report) -> str:
    lines = [f"{report.exchanges} exchanges: {report.unchanged} as they were, {report.changed} changed"]
    for group in _sorted(report):
        lines += [
            f"{group.count:>8}  {_safe(group.scope or '(no scope)')}: {_TOLD[group.change]}: {_safe(group.reason)}"
        ]
        lines += [f"{'':10}{line}" for line in _example(group)]
    for why, count in report.unreplayable.items():
        lines.append(f"{count:>8}  cannot be replayed: {_TOLD[why]}")
    if report.unreadable:
        lines.append(f"{report.unreadable:>8}  lines are cut off or no JSON")
    if report.other:
        lines.append(f"{report.other:>8}  lines tell of something else")
    return "\n".join(lines)


def _sorted(report: Report) -> list[Group]:
    return sorted(report.groups.values(), key=lambda group: -group.count)


def _example(group: Group) -> list[str]:
    """Return who it was, and how it was and would be."""
    example = group.example
    who = f"for example {example['issuer']} {example['subject']} at {example['time']}, request {example['request_id']}"
    before, after = example["before"], example["after"]
    if group.change == "other_session":
        told = [f"{name}: {json.dumps(before[name])}, now {json.dumps(after[name])}" for name in after]
    elif group.change == "now_allowed":
        told = [f"now {name}: {json.dumps(after[name])}" for name in ("role", "policy_sha256", "duration_seconds")]
    else:
        told = [str(after["detail"])]
    return [_safe(who), *map(_safe, told)]


def _safe(text: str) -> str:
    return plain(without_tokens(text))
