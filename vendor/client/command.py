"""`vend`: the client as a command."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from pathlib import Path

from vendor.client.client import Client
from vendor.client.refusals import Refused, Unreachable, UsageError, readable
from vendor.client.shell import SHELLS, export_lines

TYPE_CHECKING = False  # as in address.py
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import NoReturn

_CODES: dict[type[Exception], int] = {Refused: 1, UsageError: 2, Unreachable: 3}
_INTERRUPTED, _CLOSED = 130, 141
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}


def main(argv: Sequence[str] | None = None, *, environ: Mapping[str, str] | None = None) -> int:
    """Run `vend` and return its exit code: 0 done, 1 refused, 2 usage, 3 the service cannot be reached.

    Also 130 when interrupted and 141 when nobody reads the output any more, as shells count them.
    """
    try:
        return _print(_run(_parser().parse_args(argv), environ))
    except (Refused, UsageError, Unreachable) as exc:
        return _say(str(exc), _CODES[type(exc)])
    except KeyboardInterrupt:
        return _INTERRUPTED
    except Exception as exc:  # noqa: BLE001  # no traceback reaches a user
        return _say(f"this should not have happened: {type(exc).__name__}", 1)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say what is wrong without repeating a token that was typed in the wrong place."""
        super().error(readable(message))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="vend",
        description="Exchange this workload's token for AWS credentials that last a while.",
        epilog="Exit codes: 0 done, 1 refused, 2 usage, 3 the service cannot be reached.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_Parser)
    for name, purpose in {
        "get": "print the service's answer as JSON",
        "env": 'print export lines, for eval "$(vend env SCOPE)"',
        "process": "print what the AWS setting credential_process wants",
    }.items():
        # No abbreviations: `--token` must not become `--token-file`, and a token the name of a file.
        command = commands.add_parser(name, help=purpose, description=purpose, allow_abbrev=False)
        _add_options(command)
        if name == "env":
            command.add_argument("--shell", choices=SHELLS, default="sh", help="whose lines (default: sh)")
    return parser


def _add_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "scope", nargs="?", metavar="SCOPE", help="default: VENDOR_SCOPE, or the one scope you may have"
    )
    command.add_argument("--url", help="the service (default: VENDOR_URL)")
    command.add_argument("--ca-file", help="PEM file of the authority to trust (default: VENDOR_CA_FILE, the system's)")
    command.add_argument(
        "--token-file",
        help="default: VENDOR_TOKEN_FILE, VENDOR_TOKEN, the projected file, GitHub Actions, GitLab CI",
    )
    command.add_argument(
        "--param", action="append", default=[], metavar="NAME=VALUE", help="narrow the grant; may be repeated"
    )
    command.add_argument(
        "--duration", type=_duration, metavar="1h", help="how long they should last: 3600, 900s, 15m, 1h"
    )
    command.add_argument("--timeout", type=_duration, default=10, metavar="10s", help="when to give up (default: 10s)")


def _run(options: argparse.Namespace, environ: Mapping[str, str] | None) -> str:
    client = Client(
        options.url, token_file=options.token_file, ca_file=options.ca_file, timeout=options.timeout, environ=environ
    )
    credentials = client.ask(options.scope, parameters=_parameters(options.param), duration=options.duration)
    match options.command:
        case "env":
            return export_lines(credentials, shell=options.shell)
        case "process":
            return json.dumps(_for_process(credentials.document()))
        case _:
            return json.dumps(credentials.document(), indent=2 if sys.stdout.isatty() else None)


def _for_process(document: Mapping[str, str]) -> dict[str, object]:
    """Write for credential_process: SDKs refuse a Version that is text, and sign without a session token called Token.

    Source: AWS SDKs and Tools Reference Guide, "Process credential provider".
    """
    names = {"AccessKeyId": "AccessKeyId", "SecretAccessKey": "SecretAccessKey", "Token": "SessionToken"}
    names |= {"Expiration": "Expiration", "AccountId": "AccountId"}
    return {"Version": 1} | {theirs: document[ours] for ours, theirs in names.items() if document.get(ours)}


def _parameters(pairs: Sequence[str]) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not name or not equals:
            raise UsageError(f"--param reads NAME=VALUE, not {pair}")
        if name in parameters:
            raise UsageError(f"--param {name} is given twice")
        parameters[name] = value
    return parameters


def _duration(text: str) -> int:
    found = re.fullmatch(r"([1-9][0-9]{0,6})([smh]?)", text)
    if not found:
        raise argparse.ArgumentTypeError("a duration reads 3600, 900s, 15m or 1h")
    return int(found[1]) * _UNITS[found[2]]


def _say(line: str, code: int) -> int:
    sys.stderr.write(f"vend: {readable(line)}\n")
    return code


def _print(text: str) -> int:
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except OSError as exc:
        # What is still buffered would be written, and fail again with a traceback, when the interpreter ends.
        with Path(os.devnull).open("wb") as nothing:
            os.dup2(nothing.fileno(), sys.stdout.fileno())
        return _CLOSED if isinstance(exc, BrokenPipeError) else _say(f"the output cannot be written: {exc.strerror}", 1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
