"""`vendor leases`: which sessions are out, and whose they are."""

from __future__ import annotations

import argparse
import sys
from itertools import islice
from typing import Any

from vendor.cli import operations

_HEAD = ("ACCESS KEY ID", "SCOPE", "ISSUER", "PRINCIPAL", "EXPIRES", "LAST HANDED OUT", "TIMES", "")


def add(commands: Any) -> None:
    """Add the command to a parser's commands."""
    command = commands.add_parser(
        "leases", help="list the sessions that are out, and whose they are", epilog=operations.EXIT_CODES
    )
    command.add_argument("--scope", metavar="S", help="of this scope")
    command.add_argument("--principal", metavar="SUB", help="of this principal: the subject of its token")
    command.add_argument("--issuer", metavar="NAME", help="of principals of this issuer")
    command.add_argument("--revocation", metavar="ID", help="of those whom this revocation stops")
    command.add_argument("--limit", type=_limit, default=1_000, metavar="N", help="at most so many (default: 1000)")
    operations.add_options(command)
    command.set_defaults(run=lambda options: operations.run(lambda: _run(options)))


def _limit(text: str) -> int:
    """Read how many are wanted: with none or fewer "no session is out" would be no answer."""
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) > 0):  # noqa: PLR2004 - far beyond any
        raise argparse.ArgumentTypeError("a limit is a whole number from 1")
    return int(text)


def _run(options: argparse.Namespace) -> int:
    service = operations.Operations(options)
    wanted = {name: getattr(options, name) for name in ("scope", "principal", "issuer", "revocation")}
    found = list(islice(service.pages("/v1/leases", "leases", **wanted), options.limit + 1))
    leases = found[: options.limit]
    if options.format == "json":
        print(operations.as_json({"leases": leases, "more": len(found) > len(leases)}))
        return 0
    print(operations.table(_HEAD, [_row(lease) for lease in leases]) if leases else "no session is out")
    if len(found) > len(leases):
        print(f"vendor: there are more than {options.limit}; --limit shows them", file=sys.stderr)
    return 0


def _row(lease: dict[str, Any]) -> tuple[object, ...]:
    names = ("access_key_id", "scope", "issuer", "subject", "expiration", "last_handed_out", "hand_outs")
    return (*(lease.get(name) for name in names), "stopped" if lease.get("revocation") else "")
