"""`vendor`: the service and its operators' commands, one module each."""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
import traceback
from typing import TYPE_CHECKING, Any

from vendor.cli import (
    check,
    demo,
    explain,
    leases,
    probe,
    replay,
    revocations,
    revoke,
    schema,
    serve,
    token,
    trust_policy,
    webhook,
    who,
)
from vendor.cli.terminal import plain, without_tokens
from vendor.client.streams import settle

if TYPE_CHECKING:
    from typing import NoReturn

EXTRA = 'vendor needs the service\'s libraries: pip install "credential-vendor[server]"'


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit code: 0 done, 1 refused or failed, 2 usage, 3 out of reach."""
    settle()
    if importlib.util.find_spec("aiohttp") is None:
        print(EXTRA, file=sys.stderr)
        return 1
    try:
        return _run(arguments)
    except KeyboardInterrupt:
        return 130
    except OSError as exc:
        # Our output cannot be written; Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(exc, BrokenPipeError):  # who read it has gone, and knows
            print(f"vendor: {exc}", file=sys.stderr)
    except Exception as exc:  # noqa: BLE001 - no traceback reaches a user: what it quotes may be a secret
        at = traceback.extract_tb(exc.__traceback__)[-1]
        told = f"this should not have happened: {type(exc).__name__}, {at.filename}:{at.lineno}"
        print(f"vendor: {told}", file=sys.stderr)
    return 1


def _run(arguments: list[str] | None) -> int:
    try:
        options = _parser().parse_args(arguments)
        return int(options.run(options))
    except ModuleNotFoundError as exc:
        if (exc.name or "").startswith("vendor"):
            raise
        print(f"{EXTRA} ({exc.name} is missing)", file=sys.stderr)
        return 1
    finally:
        sys.stdout.flush()  # also what argparse has printed, which then exits


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say what is wrong without repeating a token that was typed where a file's name belongs."""
        super().error(plain(without_tokens(message)))


def _parser() -> _Parser:
    parser = _Parser(
        prog="vendor", description="Takes a workload's JWT and vends least-privilege, short-lived AWS credentials."
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    deciding = (check, explain, replay, trust_policy, token, schema)
    for command in (serve, *deciding, leases, who, revoke, revocations, probe, webhook, demo):
        command.add(commands)
    return parser


class _Version(argparse.Action):
    """Looks the version up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import version  # noqa: PLC0415 - only when asked for

        print(f"vendor {version('credential-vendor')}")
        parser.exit()
