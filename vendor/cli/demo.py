"""`vendor demo`: an embedded cloud, an issuer and the service, on loopback."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse


def add(commands: Any) -> None:
    """Add the command to a parser's commands."""
    command = commands.add_parser("demo", help="an embedded cloud, an issuer and the service, on loopback")
    command.add_argument("--once", action="store_true", help="show one exchange end to end and exit")
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from vendor import demo  # noqa: PLC0415 - each command loads only what it needs

    return demo.run(once=options.once)
