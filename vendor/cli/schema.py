"""`vendor schema`: prints the JSON Schema of the configuration."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse


def add(commands: Any) -> None:
    """Add the command to a parser's commands."""
    commands.add_parser("schema", help="print the JSON Schema of the configuration").set_defaults(run=_run)


def _run(_options: argparse.Namespace) -> int:
    from vendor import config  # noqa: PLC0415 - each command loads only what it needs

    print(json.dumps(config.json_schema(), indent=2))
    return 0
