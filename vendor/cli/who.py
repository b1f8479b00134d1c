"""`vendor who`: whose key is this? From the running service, or from audit files when it knows no longer."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from vendor.cli import given, operations, trail

if TYPE_CHECKING:
    import argparse

_KEY: Final = re.compile(r"[A-Za-z0-9_]{4,128}", re.ASCII)
_TOLD: Final = (
    "access_key_id",
    "issuer",
    "subject",
    "attributes",
    "scope",
    "target",
    "role",
    "session_name",
    "source_identity",
    "minted",
    "expiration",
    "first_handed_out",
    "last_handed_out",
    "hand_outs",
    "held",
    "revocation",
)


_APART: Final = ("issuer", "subject")  # attributes too, and shown before them


def add(commands: Any) -> None:
    """Add the command to a parser's commands."""
    command = commands.add_parser(
        "who", help="tell whose key an access key id is", epilog=f"{operations.EXIT_CODES} A key of nobody is refused."
    )
    command.add_argument("access_key_id", metavar="ASIA…", help="the access key id, as CloudTrail shows it")
    command.add_argument(
        "--audit",
        nargs="+",
        metavar="FILE",
        help="look into audit files instead, compressed or not; - is standard input",
    )
    operations.add_options(command)
    command.set_defaults(run=lambda options: operations.run(lambda: _run(options)))


def _run(options: argparse.Namespace) -> int:
    key = options.access_key_id
    if not _KEY.fullmatch(key):
        raise given.UnusableError("vendor: that is no access key id: ASIA and letters and digits")
    if options.audit:
        held = find(key, options.audit)
    else:
        held = [operations.Operations(options).get(operations.at("leases", key))]
    if not held:
        print(f"nobody was handed {key} in these files")
        return 1
    if options.format == "json":
        print(operations.as_json(held[0] if len(held) == 1 else held))
    else:
        print("\n".join(operations.pairs({name: _shown(one.get(name)) for name in _TOLD}) for one in held))
    return 0


def find(key: str, files: list[str]) -> list[dict[str, Any]]:
    """Return who was handed a key by audit files: one in the field, as no two principals share a session.

    Raises UnusableError.
    """
    found: dict[tuple[object, ...], dict[str, Any]] = {}
    lines = [line for name in files for raw in trail.lines(name) if (line := _line(raw, key)) is not None]
    withheld = {line.get("request_id") for line in lines if line["event"] == "withheld"}
    for line in lines:
        if line.get("outcome") == "issued" and line.get("request_id") not in withheld:
            who = tuple(str(line.get(member)) for member in ("issuer", "subject", "scope", "role"))
            _note(found.setdefault(who, {}), line)
    return list(found.values())


def _line(raw: bytes, key: str) -> dict[str, Any] | None:
    """Return a line in which the key was handed out, or withheld after all, None for any other."""
    if key.encode() not in raw:
        return None
    try:
        line = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    told = isinstance(line, dict) and line.get("event") in ("exchange", "withheld")
    return line if told and line.get("access_key_id") == key else None


def _note(known: dict[str, Any], line: dict[str, Any]) -> None:
    """Note another hand-out: lines of several replicas come in no order."""
    time = str(line.get("time"))
    if time >= known.get("last_handed_out", ""):
        known |= {name: line[name] for name in _TOLD if name in line}
        known["last_handed_out"] = time
    known["first_handed_out"] = min(time, known.get("first_handed_out", time))
    known["hand_outs"] = known.get("hand_outs", 0) + 1


def _shown(value: object) -> object:
    if isinstance(value, dict):
        return "  ".join(f"{name}={_plain(item)}" for name, item in value.items() if name not in _APART)
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
