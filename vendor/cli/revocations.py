"""`vendor revocations`: who is stopped at the moment, until when, by whom and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vendor.cli import operations

if TYPE_CHECKING:
    import argparse

_HEAD = ("ID", "UNTIL", "WHOM", "AWS", "BY", "REASON")


def add(commands: Any) -> None:
    """Add the command to a parser's commands."""
    command = commands.add_parser("revocations", help="list who is stopped", epilog=operations.EXIT_CODES)
    operations.add_options(command)
    command.set_defaults(run=lambda options: operations.run(lambda: _run(options)))


def _run(options: argparse.Namespace) -> int:
    found = list(operations.Operations(options).pages("/v1/revocations", "revocations"))
    if options.format == "json":
        print(operations.as_json({"revocations": found}))
    else:
        print(operations.table(_HEAD, [_row(one) for one in found]) if found else "nobody is stopped")
    return 0


def _row(one: dict[str, Any]) -> tuple[object, ...]:
    whom = [f"{name}={operations.said(one[name])}" for name in operations.WHOM if one.get(name)]
    by = one.get("by") or {}
    denied = "denied" if one.get("deny_policy") else ""
    return (one.get("id"), one.get("until"), " ".join(whom), denied, by.get("subject"), one.get("reason"))
