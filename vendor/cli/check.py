"""`vendor check`: says everything that is wrong with a configuration."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse


def add(commands: Any) -> None:
    """Add the command to a parser's commands."""
    command = commands.add_parser("check", help="check a configuration and say everything that is wrong with it")
    command.add_argument("config", type=Path, metavar="F", help="the configuration file")
    command.add_argument("--format", choices=("text", "json"), default="text", help="how findings are written")
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from vendor import config  # noqa: PLC0415 - each command loads only what it needs

    try:
        configuration = config.load(options.config, environ=os.environ)
    except config.ConfigurationError as exc:
        findings, good = exc.findings, False
        summary = ""
    else:
        findings, good = configuration.warnings, True
        summary = f"{len(configuration.issuers)} issuers, {len(configuration.scopes)} scopes"
    if options.format == "json":
        print(json.dumps({"ok": good, "findings": [finding.to_dict() for finding in findings]}, indent=2))
        return 0 if good else 1
    for finding in findings:
        print(finding)
    if good:
        print(f"{options.config}: good: {summary}")
    return 0 if good else 1
