"""What can be typed after `vend`, told by `--help` and by the shells' completion."""

from __future__ import annotations

import argparse
import sys

from vendor.client.deadline import DURATIONS, read_duration
from vendor.client.refusals import UsageError, readable
from vendor.client.shell import SHELLS

TYPE_CHECKING = False  # as in address.py
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

PURPOSES = {
    "get": "print the service's answer as JSON",
    "env": 'print export lines, for eval "$(vend env SCOPE)"',
    "exec": "run a command that fetches credentials by itself, and always fresh ones: vend exec SCOPE -- COMMAND…",
    "process": "print what the AWS setting credential_process wants, kept on disk between runs",
    "file": "keep a profile of an AWS credentials file fresh",
    "agent": "serve credentials to the programs of this machine: the container protocol and IMDSv2",
    "scopes": "print what this workload may have",
    "console": "print a URL that opens the AWS console; whoever has it is signed in",
    "completion": "print what makes a shell complete vend's words",
}


COMMAND_BEHIND = "name the command to run behind --: vend exec SCOPE -- COMMAND…"
"""What whoever runs `vend exec` without one is told."""


class _Version(argparse.Action):
    """Looks the version up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        """Print it and exit; a checkout that is not installed has none."""
        from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

        try:
            told = f"vend {version('credential-vendor')}"
        except PackageNotFoundError:
            told = "vend, not installed"
        parser._print_message(f"{told}\n", sys.stdout)  # noqa: SLF001  # as argparse prints its own
        parser.exit()


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say what is wrong without repeating a token that was typed in the wrong place."""
        super().error(readable(message))


def read_options(argv: Sequence[str]) -> argparse.Namespace:
    """Read what was typed; of `exec`, what stands behind `--` is `program` and untouched. Exits 2 for usage."""
    words = list(argv)
    program: list[str] | None = None
    if words[:1] == ["exec"] and "--" in words:
        at = words.index("--")
        words, program = words[:at], words[at + 1 :]
    whole = parser()
    options, unknown = whole.parse_known_args(words)
    if unknown and options.command == "exec" and program is None:
        raise UsageError(COMMAND_BEHIND)
    if unknown:
        whole.error(f"unrecognized arguments: {' '.join(unknown)}")
    options.program = program
    return options


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    whole = _Parser(
        prog="vend",
        description="Exchange this workload's token for AWS credentials that last a while.",
        epilog="Exit codes: 0 done, 1 refused, 2 usage, 3 the service cannot be reached. "
        "exec ends as its command ends.",
    )
    whole.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_Parser)
    for name, purpose in PURPOSES.items():
        # No abbreviations: `--token` must not become `--token-file`, and a token the name of a file.
        command = commands.add_parser(name, help=purpose, description=purpose, allow_abbrev=False)
        if name == "completion":
            command.add_argument("shell", choices=("bash", "zsh", "fish"))
            continue
        _add_service(command)
        if name == "agent":
            _add_agent(command)
        elif name == "scopes":
            _add_listing(command)
        else:
            _add_scope(command)
            _add_own(name, command)
    return whole


def _add_service(command: argparse.ArgumentParser) -> None:
    command.add_argument("--url", help="the service (default: VENDOR_URL)")
    command.add_argument("--ca-file", help="PEM file of the authority to trust (default: VENDOR_CA_FILE, the system's)")
    command.add_argument(
        "--token-file",
        help="default: VENDOR_TOKEN_FILE, VENDOR_TOKEN, the projected file, GitHub Actions, GitLab CI",
    )
    command.add_argument(
        "--timeout",
        type=duration,
        metavar="10s",
        help="when to give up (default: 10s, 2s where nothing is there to answer)",
    )


def _add_scope(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "scope", nargs="?", metavar="SCOPE", help="default: VENDOR_SCOPE, or the one scope you may have"
    )
    command.add_argument(
        "--param",
        "--parameter",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="narrow the grant; may be repeated",
    )
    command.add_argument(
        "--duration", type=duration, metavar="1h", help="how long they should last: 3600, 900s, 15m, 1h"
    )


def _add_own(name: str, command: argparse.ArgumentParser) -> None:
    match name:
        case "get":
            command.add_argument("--mfa-code", metavar="123456", help="for a scope that wants one")
            command.add_argument("--saml-assertion", metavar="FILE", help="base64, for a scope that wants one")
        case "env":
            command.add_argument("--shell", choices=SHELLS, default="sh", help="whose lines (default: sh)")
        case "exec":
            command.usage = "vend exec [options] [SCOPE] -- COMMAND…"
            command.add_argument(
                "--token-in-environment",
                action="store_true",
                help="give the endpoint's token in a variable too, for tools of the Go SDK v1, which read no file",
            )
        case "process":
            command.add_argument("--no-cache", action="store_true", help="ask the service each time, keep nothing")
        case "file":
            command.add_argument("--profile", required=True, metavar="NAME", help="whose keys to write")
            command.add_argument("--path", help="default: AWS_SHARED_CREDENTIALS_FILE, or ~/.aws/credentials")
            command.add_argument("--once", action="store_true", help="write once and end")
        case "console":
            command.add_argument("--open", action="store_true", help="open it in a browser")


def _add_listing(command: argparse.ArgumentParser) -> None:
    how = command.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="print one line of JSON")
    how.add_argument("--names", action="store_true", help="print the names alone")


def _add_agent(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "scopes", nargs="*", metavar="SCOPE[?NAME=VALUE&…]", help="kept ready; the first is IMDS's (default: as above)"
    )
    command.add_argument(
        "--listen",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="127.0.0.1:9911 (the default), 169.254.170.23:80, [fd00:ec2::23]:80 or unix:/path; may be repeated",
    )
    command.add_argument(
        "--add-address",
        action="store_true",
        help="add a link-local address to the loopback interface where it is not; needs NET_ADMIN",
    )
    command.add_argument(
        "--pass-through",
        action="store_true",
        help="ask with each caller's own token and never with ours: for a node that serves its pods",
    )
    command.add_argument(
        "--allow-uid",
        action="append",
        type=int,
        default=[],
        metavar="UID",
        help="whose programs are served besides our own user's; may be repeated",
    )
    command.add_argument(
        "--token-file-out", metavar="FILE", help="write a random token there and serve who sends it, whatever the user"
    )
    command.add_argument("--imdsv1", action="store_true", help="answer IMDS without a session token too")
    command.add_argument("--region", help="what IMDS says (default: AWS_REGION, AWS_DEFAULT_REGION)")


def parameters(pairs: Sequence[str]) -> dict[str, str]:
    """Read `NAME=VALUE` pairs. Raises UsageError."""
    read: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not name or not equals:
            raise UsageError(f"--param reads NAME=VALUE, not {pair}")
        if name in read:
            raise UsageError(f"--param {name} is given twice")
        read[name] = value
    return read


def duration(text: str) -> int:
    """Read a duration in seconds."""
    seconds = read_duration(text)
    if seconds is None:
        raise argparse.ArgumentTypeError(f"a duration reads {DURATIONS}")
    return seconds
