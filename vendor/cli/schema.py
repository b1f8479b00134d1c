"""`vendor schema`: prints what machines are to know of the configuration, or of what a listener answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse

_OF = ("config", "audit", "openapi", "openapi-operators")


def add(commands: Any) -> None:
    """Add the command to a parser's commands."""
    command = commands.add_parser("schema", help="print a JSON Schema, or an OpenAPI document")
    command.add_argument(
        "of",
        nargs="?",
        choices=_OF,
        default="config",
        metavar="|".join(_OF),
        help="the configuration (default), audit lines, or what the public or the operators' listener answers",
    )
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    print(json.dumps(_schema(options.of), indent=2))
    return 0


def _schema(of: str) -> dict[str, Any]:
    """Return what is asked for; each loads only what it needs."""
    if of == "config":
        from vendor import config  # noqa: PLC0415

        return config.json_schema()
    if of == "audit":
        from vendor.cli import audited  # noqa: PLC0415

        return audited.json_schema()
    from vendor.server import openapi  # noqa: PLC0415

    return openapi.of_public() if of == "openapi" else openapi.of_operators()
