"""`vendor token`: shows what is in a token, and what serving would say to it. It never shows the token itself."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vendor.cli import given

if TYPE_CHECKING:
    import argparse

    from vendor.config import Configuration
    from vendor.identity.inspection import Inspection

_EPILOG = (
    "Exit codes: 0 nothing speaks against the token, 1 it would be refused, 2 usage. Without --config only shape and "
    "times are judged."
)


def add(commands: Any) -> None:
    """Add the command to a parser's commands."""
    command = commands.add_parser("token", help="show what is in a token and whether it would be taken", epilog=_EPILOG)
    command.add_argument("file", metavar="FILE", help="the file that holds the token; - is standard input")
    command.add_argument("--config", type=Path, metavar="F", help="the configuration whose issuers judge it")
    command.add_argument("--format", choices=("text", "json"), default="text", help="how it is shown")
    command.add_argument("--offline", action="store_true", help="fetch no keys; the signature may go unchecked")
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from vendor.cli import report  # noqa: PLC0415 - each command loads only what it needs

    try:
        configuration = given.configuration(options.config) if options.config else None
        inspection = asyncio.run(_inspect(given.text(options.file), configuration, offline=options.offline))
    except given.UnusableError as exc:
        print(exc, file=sys.stderr)
        return given.USAGE
    if options.format == "json":
        print(report.as_json(inspection))
    else:
        print(report.as_text(inspection, now=datetime.now(UTC), colour=given.colour()))
    return 0 if inspection.refusal is None else 1


async def _inspect(text: str, configuration: Configuration | None, *, offline: bool) -> Inspection:
    from vendor.identity.inspection import inspect  # noqa: PLC0415

    if configuration is None:
        return await inspect(text, issuers=None, now=datetime.now(UTC), offline=offline)
    async with given.trusted(configuration) as issuers:
        return await inspect(text, issuers=issuers, now=datetime.now(UTC), offline=offline)
