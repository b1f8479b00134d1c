"""`vendor probe`: tries what must be refused, and what must not, at a running service.

A service that grants too much makes no noise of its own. Run again and again, this does.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from vendor.client import Client, Credentials

_EPILOG: Final = (
    "The service and the token are found as `vend` finds them: --url or VENDOR_URL, VENDOR_CA_FILE, --token-file or "
    "VENDOR_TOKEN_FILE and so on. A token that was tampered with and a scope that nobody has are tried as "
    "well. Exit codes: 0 all as it must be, 1 something is not, 2 usage, 3 the service cannot be reached."
)
_NOBODYS: Final = "vendor-probe.no-such-scope"
_DENIED: Final = "access_denied"


class Tried(NamedTuple):
    """One thing that was tried: what came of it, and whether that is what must come."""

    what: str
    wanted: str
    came: str
    good: bool


def add(commands: Any) -> None:
    """Add the command to a parser's commands."""
    command = commands.add_parser("probe", help="try what must be refused at a running service", epilog=_EPILOG)
    command.add_argument("--refused", metavar="S", action="append", default=[], help="a scope that must be refused")
    command.add_argument("--granted", metavar="S", action="append", default=[], help="a scope that must be granted")
    command.add_argument("--url", metavar="URL", help="where the service is")
    command.add_argument("--token-file", metavar="T", help="the file that holds the token")
    command.add_argument("--format", choices=("text", "json"), default="text", help="how it is shown")
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from vendor.client import Client, Unreachable, UsageError  # noqa: PLC0415 - each command loads what it needs

    def client(token: str | None = None) -> Client:
        return Client(options.url, token_file=None if token else options.token_file, token=token)

    try:
        tried = list(_try(client, refused=options.refused, granted=options.granted))
    except UsageError as exc:
        print(f"vendor: {exc}", file=sys.stderr)
        return 2
    except Unreachable as exc:
        print(f"vendor: {exc}", file=sys.stderr)
        return 3
    good = all(one.good for one in tried)
    if options.format == "json":
        print(json.dumps({"good": good, "tried": [one._asdict() for one in tried]}, indent=2))
    else:
        for one in tried:
            print(f"{'ok  ' if one.good else 'BAD '} {one.what}: {one.came}" + ("" if one.good else f", {one.wanted}"))
    return 0 if good else 1


def _try(client: Callable[..., Client], *, refused: list[str], granted: list[str]) -> Iterator[Tried]:
    own = client()
    token = own.token()
    for scope in (*refused, _NOBODYS):
        came = _ask(own, scope)
        yield Tried(f"scope {scope}", f"must be {_DENIED}", came, came == _DENIED)
    came = _ask(client(_tampered(token)), (refused or granted or [_NOBODYS])[0])
    yield Tried("a token that was tampered with", "must be invalid_token", came, came == "invalid_token")
    for scope in granted:
        came = _ask(own, scope)
        yield Tried(f"scope {scope}", "must be granted", came, came == "granted")


def _ask(client: Client, scope: str) -> str:
    """Return `granted`, or the code of the refusal. Raises Unreachable or UsageError."""
    from vendor.client import Refused  # noqa: PLC0415

    try:
        _: Credentials = client.credentials(scope)
    except Refused as exc:
        return exc.code
    return "granted"


def _tampered(token: str) -> str:
    """Return the token with another signature of the same length."""
    head, _, signature = token.rpartition(".")
    middle = len(signature) // 2
    other = "A" if signature[middle] != "A" else "B"
    return f"{head}.{signature[:middle]}{other}{signature[middle + 1 :]}"
