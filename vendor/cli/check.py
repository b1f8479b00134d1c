"""`vendor check`: says everything that is wrong with a configuration, and with `--live` what AWS has against it."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vendor.cli import given

if TYPE_CHECKING:
    from vendor.config import Configuration
    from vendor.config.findings import Finding
    from vendor.live.proof import Verdict

_EPILOG = (
    "Exit codes: 0 good, 1 something is wrong, 2 usage, 3 STS could not be asked. --live asks with the AWS identity "
    "of the environment, as serving does; the sessions that it makes can do nothing and are thrown away."
)


def add(commands: Any) -> None:
    """Add the command to a parser's commands."""
    command = commands.add_parser(
        "check", help="check a configuration and say everything that is wrong with it", epilog=_EPILOG
    )
    command.add_argument("config", type=Path, metavar="F", nargs="?", help="the configuration file")
    command.add_argument("--explain", metavar="CODE", help="say what a finding's code means, and check nothing")
    command.add_argument(
        "--format",
        choices=("text", "json", "github"),
        default="text",
        help="how findings are written; github: as annotations of GitHub Actions",
    )
    command.add_argument(
        "--lint",
        action=argparse.BooleanOptionalAction,
        help="let an IAM linter look at the policies too, which is done where it is installed (the extra `lint`)",
    )
    command.add_argument("--live", action="store_true", help="prove each scope against AWS: roles, permissions, sizes")
    command.add_argument(
        "--scope", action="append", default=[], metavar="S", help="with --live: prove this scope only; repeatable"
    )
    command.set_defaults(run=_run, misused=command.error)


@dataclass(frozen=True, slots=True)
class _Checked:
    """What there is to tell; `configuration` is None for one that cannot be served, `verdicts` without `--live`."""

    path: Path
    configuration: Configuration | None
    findings: tuple[Finding, ...]
    verdicts: list[Verdict] | None

    @property
    def summary(self) -> str:
        """What is good."""
        made = self.configuration
        return f"{len(made.issuers)} issuers, {len(made.scopes)} scopes" if made else ""

    @property
    def exit_code(self) -> int:
        """0, 1, or 3 if nothing worse is known than that STS could not be asked."""
        from vendor.cli import live  # noqa: PLC0415

        return live.exit_code(self.verdicts or []) if self.configuration else 1


def _run(options: argparse.Namespace) -> int:
    try:
        if options.explain is not None:
            return _explain(options)
        checked = _check(options)
    except given.UnusableError as exc:
        print(exc, file=sys.stderr)
        return given.USAGE
    {"text": _as_text, "json": _as_json, "github": _as_github}[options.format](checked)
    return checked.exit_code


def _explain(options: argparse.Namespace) -> int:
    """Print what a code means.

    Raises UnusableError.
    """
    from vendor.cli import meaning  # noqa: PLC0415

    code = meaning.of_code(options.explain)
    print(meaning.as_json(code) if options.format == "json" else meaning.as_text(code))
    return 0


def _check(options: argparse.Namespace) -> _Checked:
    """Return what is to be told.

    Raises UnusableError.
    """
    from vendor import config  # noqa: PLC0415 - each command loads only what it needs
    from vendor.cli import live  # noqa: PLC0415

    if options.config is None:
        options.misused("name the configuration file F, or a code to --explain")
    if options.scope and not options.live:
        raise given.UnusableError("vendor: --scope is about --live")
    try:
        made = config.load(options.config, environ=os.environ, lint=_lints(options.lint))
    except config.ConfigurationError as exc:
        return _Checked(options.config, None, exc.findings, None)
    verdicts = live.verdicts(made, live.named(made, options.scope)) if options.live else None
    return _Checked(options.config, made, made.warnings, verdicts)


def _lints(wanted: bool | None) -> bool:  # noqa: FBT001 - as the option has it
    """Tell whether the linter is to be asked.

    Raises UnusableError if it should be and is not installed.
    """
    from vendor.config import linting  # noqa: PLC0415

    installed = linting.is_installed()
    if wanted and not installed:
        raise given.UnusableError('vendor: --lint needs the linter: pip install "credential-vendor[lint]"')
    return installed and wanted is not False


def _as_text(checked: _Checked) -> None:
    from vendor.cli import live  # noqa: PLC0415

    for finding in checked.findings:
        print(finding)
    if checked.configuration:
        print(f"{checked.path}: good: {checked.summary}")
    for verdict in checked.verdicts or []:
        print(live.as_text(verdict))


def _as_json(checked: _Checked) -> None:
    from vendor.cli import live  # noqa: PLC0415

    told: dict[str, Any] = {
        "ok": checked.exit_code == 0,
        "findings": [finding.to_dict() for finding in checked.findings],
    }
    if checked.verdicts is not None:
        told["live"] = [live.as_dict(verdict) for verdict in checked.verdicts]
    print(json.dumps(told, indent=2).replace("\x7f", "\\u007f"))


def _as_github(checked: _Checked) -> None:
    from vendor.cli import annotation, live  # noqa: PLC0415

    for finding in checked.findings:
        print(annotation.of_finding(finding))
    for verdict in checked.verdicts or []:
        for severity, message in live.remarks(verdict):
            print(annotation.annotation(severity, message, file=str(checked.path), title=verdict.scope))
    if checked.exit_code == 0:
        print(f"good: {checked.summary}")
