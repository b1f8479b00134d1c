"""`vendor serve`: serves a configuration."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse


def add(commands: Any) -> None:
    """Add the command to a parser's commands."""
    command = commands.add_parser("serve", help="serve a configuration")
    command.add_argument("--config", type=Path, required=True, metavar="F", help="the configuration file")
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # it asks for a reload, which is no reason to end before there is one
    from vendor import config, cores, serve  # noqa: PLC0415 - each command loads only what it needs

    cores.forbid()  # before the first secret is read

    try:
        configuration = config.load(options.config, environ=os.environ)
    except config.ConfigurationError as exc:
        for finding in exc.findings:
            print(finding, file=sys.stderr)
        return 1
    return serve.run(configuration)
