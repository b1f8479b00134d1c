"""`vendor revoke`: stops whom it names, in the service at once and, if it is wanted, in AWS too."""

from __future__ import annotations

import json
import re
import secrets
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from vendor.cli import given, operations
from vendor.cli.denying import Denying

if TYPE_CHECKING:
    import argparse

_ATTRIBUTE: Final = re.compile(r"([a-z][a-z0-9_]{0,62})(:?=)(.+)", re.ASCII | re.DOTALL)
_UNKEPT: Final = "vendor: one process alone knows of this for now: other replicas do not, and a restart forgets it"
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_EPILOG: Final = (
    "What is given must all hold; attributes as in a grant: namespace=analytics, or in JSON "
    'service_account:=\'{"glob":"batch-*"}\'. The service stops them at once. AWS honours the sessions that are out '
    "until their end unless it denies them: --apply attaches the policy for that to their roles (iam:PutRolePolicy, "
    "with the AWS identity of the environment), --print-deny-policy prints it for whoever may. "
    f"{operations.EXIT_CODES}"
)


def add(commands: Any) -> None:
    """Add the command to a parser's commands."""
    command = commands.add_parser("revoke", help="stop a scope, a principal, or the holder of a key", epilog=_EPILOG)
    command.add_argument("--scope", metavar="S", help="everybody in this scope")
    command.add_argument("--principal", metavar="SUB", help="this principal: the subject of its token")
    command.add_argument("--issuer", metavar="NAME", help="principals of this issuer only")
    command.add_argument(
        "--attribute", action="append", default=[], metavar="NAME=VALUE", help="who has this; NAME:=JSON for a matcher"
    )
    command.add_argument("--access-key-id", metavar="ASIA…", help="who holds this key, in its scope")
    command.add_argument("--lift", metavar="ID", help="let those on whom this revocation stops; what AWS denies too")
    how_long = command.add_mutually_exclusive_group()
    how_long.add_argument("--until", metavar="TIME", help="YYYY-MM-DDTHH:MM:SSZ")
    how_long.add_argument("--for", dest="lasts", metavar="D", help="30m, 12h (the default), 7d")
    command.add_argument("--reason", metavar="TEXT", help="why; operators and the audit trail are told")
    command.add_argument("--id", metavar="ID", help="its name, to try again by (default: a random one)")
    denied = command.add_mutually_exclusive_group()
    denied.add_argument("--print-deny-policy", action="store_true", help="print what makes AWS deny the sessions too")
    denied.add_argument("--apply", action="store_true", help="attach that to their roles")
    command.add_argument(
        "--role", action="append", default=[], metavar="ARN", help="deny sessions of this role too; repeatable"
    )
    command.add_argument(
        "--whole-role", action="store_true", help="deny all sessions of the roles that there are, also those of others"
    )
    operations.add_options(command)
    command.set_defaults(run=lambda options: operations.run(lambda: _run(options)))


def _run(options: argparse.Namespace) -> int:
    whom = _whom(options)
    denying = Denying(options)
    if options.lift is not None:
        if whom or options.print_deny_policy:
            raise given.UnusableError("vendor: --lift stands alone: it undoes all of a revocation")
        return _lift(options, denying)
    if not whom:
        raise given.UnusableError(
            "vendor: name whom to stop: --scope, --principal, --issuer, --attribute or --access-key-id"
        )
    return _revoke(options, whom, denying)


def _lift(options: argparse.Namespace, denying: Denying) -> int:
    code = denying.lift(operations.Operations(options), options.lift)
    if code == 0 and options.format == "json":
        print(operations.as_json(denying.told))
    elif code == 0:
        denying.tell_lifted(options.lift)
    return code


def _revoke(options: argparse.Namespace, whom: dict[str, Any], denying: Denying) -> int:
    said = {**whom, "id": options.id or secrets.token_hex(8), "until": _until(options)}
    said |= {"reason": options.reason} if options.reason else {}
    said |= {"deny_policy": True, "roles": options.role} if options.apply else {}
    service = operations.Operations(options)
    made = service.post("/v1/revocations", said)
    if not made.get("kept"):
        print(_UNKEPT, file=sys.stderr)
    code = 0
    if options.apply or options.print_deny_policy:
        code = denying.deny(service, made)
    if options.print_deny_policy:
        _tell(made, stream=sys.stderr)
    elif options.format == "json":
        print(operations.as_json({**made, **denying.told}))
    else:
        _tell(made, stream=sys.stdout)
        denying.tell()
    return code


def _whom(options: argparse.Namespace) -> dict[str, Any]:
    named = {name: getattr(options, name) for name in ("scope", "principal", "issuer", "access_key_id")}
    whom = {name: value for name, value in named.items() if value is not None}
    attributes: dict[str, Any] = {}
    for said in options.attribute:
        found = _ATTRIBUTE.fullmatch(said)
        if found is None:
            raise given.UnusableError("vendor: an attribute is written NAME=VALUE, or NAME:=JSON")
        if found[1] in attributes:
            raise given.UnusableError(f"vendor: the attribute {found[1]} stands twice; NAME:=[…] lists values")
        attributes[found[1]] = found[3] if found[2] == "=" else _json(found[1], found[3])
    return whom | ({"attributes": attributes} if attributes else {})


def _json(name: str, text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise given.UnusableError(f"vendor: the attribute {name}: what stands behind := is no JSON") from exc


def _until(options: argparse.Namespace) -> str:
    if options.until is not None:
        return str(options.until)
    found = re.fullmatch(r"([1-9][0-9]{0,5})([smhd])", options.lasts or "12h", re.ASCII)
    if found is None:
        raise given.UnusableError("vendor: --for reads 30m, 12h or 7d")
    until = datetime.now(UTC) + timedelta(seconds=int(found[1]) * _UNITS[found[2]])
    return until.strftime("%Y-%m-%dT%H:%M:%SZ")


def _tell(made: dict[str, Any], *, stream: Any) -> None:
    until, name = operations.safe(made.get("until")), operations.safe(made.get("id"))
    print(f"stopped until {until}: revocation {name}", file=stream)
    print(operations.pairs({name: operations.said(made.get(name)) for name in operations.WHOM}), file=stream)
    number, last = made.get("sessions"), operations.safe(made.get("last_expiration"))
    known = f"{number}; AWS honours them until {last} unless it denies them" if number else "none that is known"
    print(f"sessions of theirs that are out: {known}", file=stream)
