"""The operators' listener of a running service, as the commands ask it."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from vendor.cli import given
from vendor.cli.terminal import plain, without_tokens

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Mapping

EXIT_CODES: Final = (
    "Exit codes: 0 done, 1 refused, 2 usage, 3 the service cannot be reached. The listener speaks plain http: reach it "
    "on this machine, as by kubectl port-forward, or behind https."
)
WHOM: Final = ("access_key_id", "scope", "issuer", "principal", "attributes")
"""What a revocation names whom it stops by."""
_PATIENCE: Final = 10.0  # seconds for one answer, tries again included


def add_options(command: argparse.ArgumentParser) -> None:
    """Add what says where the service is and who asks, and how what it answers is shown."""
    command.add_argument("--url", help="the operators' listener (default: VENDOR_OPERATIONS_URL)")
    command.add_argument("--ca-file", help="PEM file of the authority to trust (default: VENDOR_CA_FILE, the system's)")
    command.add_argument(
        "--token-file",
        help="an operator's; default: VENDOR_TOKEN_FILE, VENDOR_TOKEN, the projected file, GitHub Actions, GitLab CI",
    )
    command.add_argument("--format", choices=("text", "json"), default="text", help="how it is shown")


class Operations:
    """Asks the operators' listener with an operator's token.

    Every method raises Refused, Unreachable or UsageError of `vendor.client`.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        from vendor.client.address import parse_service  # noqa: PLC0415 - each command loads only what it needs
        from vendor.client.client import Client  # noqa: PLC0415
        from vendor.client.refusals import UsageError  # noqa: PLC0415

        url = options.url or os.environ.get("VENDOR_OPERATIONS_URL")
        if not url:
            raise UsageError("no service is named: give --url or set VENDOR_OPERATIONS_URL")
        self._service = parse_service(url)
        self._ca_file = options.ca_file or os.environ.get("VENDOR_CA_FILE") or None
        self._client = Client(url, token_file=options.token_file, ca_file=self._ca_file)

    def get(self, path: str, **query: str | None) -> dict[str, Any]:
        """Return what is at a path."""
        said = urlencode({name: value for name, value in query.items() if value is not None})
        return self._ask("GET", f"{path}?{said}" if said else path, None)

    def post(self, path: str, members: Mapping[str, Any]) -> dict[str, Any]:
        """Return what came of sending these."""
        return self._ask("POST", path, json.dumps(members).encode())

    def delete(self, path: str) -> dict[str, Any]:
        """Return what was at a path and is no longer."""
        return self._ask("DELETE", path, None)

    def pages(self, path: str, name: str, **query: str | None) -> Iterator[dict[str, Any]]:
        """Yield the items of a list, page by page."""
        after: str | None = None
        while True:
            page = self.get(path, after=after, **query)
            yield from page.get(name, [])
            after = page.get("next")
            if after is None:
                return

    def _ask(self, method: str, target: str, body: bytes | None) -> dict[str, Any]:
        from vendor.client.address import proxy_for  # noqa: PLC0415 - each command loads only what it needs
        from vendor.client.deadline import Clock, Deadline  # noqa: PLC0415
        from vendor.client.retry import NOBODY, insist  # noqa: PLC0415
        from vendor.client.wire import Line  # noqa: PLC0415

        deadline = Deadline(_PATIENCE, Clock())
        headers = {"Authorization": f"Bearer {self._client.token(deadline)}", "Accept": "application/json"}
        headers |= {"User-Agent": "vendor", "Connection": "close"}
        headers |= {"Content-Type": "application/json"} if body else {}
        line = Line(self._service, ca_file=self._ca_file, proxy=proxy_for(self._service, os.environ))
        path = self._service.path.rstrip("/") + target
        answer = insist(
            lambda part: line.ask(method, path, headers=headers, body=body, deadline=part),
            deadline=deadline,
            nobody=deadline.within(NOBODY),
        )
        created = 201
        return answer.members if answer.status == created else answer.read(of=self._service)


def at(*segments: str) -> str:
    """Return a path of these segments, whatever they hold."""
    return "/".join(("/v1", *(quote(segment, safe="") for segment in segments)))


def run(command: Callable[[], int]) -> int:
    """Run a command and return its exit code; what went wrong is told in one line."""
    from vendor.client.refusals import Refused, Unreachable, UsageError  # noqa: PLC0415 - each command loads what it needs

    try:
        return command()
    except (given.UnusableError, UsageError) as exc:
        return _say(exc, given.USAGE)
    except Unreachable as exc:
        return _say(exc, 3)
    except Refused as exc:
        return _say(exc, 1)


def _say(exc: Exception, code: int) -> int:
    print(safe(f"vendor: {str(exc).removeprefix('vendor: ')}"), file=sys.stderr)
    return code


def as_json(told: object) -> str:
    """Return JSON that a terminal can take."""
    return without_tokens(json.dumps(told, indent=2).replace("\x7f", "\\u007f"))


def safe(text: object) -> str:
    """Return a text that a terminal can take."""
    return plain(without_tokens(str(text)))


def said(value: object) -> str | None:
    """Return a value as it is told to people: JSON where it is no text, None for nothing."""
    return value if isinstance(value, str) else json.dumps(value) if value else None


def table(head: tuple[str, ...], rows: list[tuple[object, ...]]) -> str:
    """Return rows for people, in columns."""
    shown = [head, *(tuple(map(safe, row)) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    padded = ("  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)) for row in shown)
    return "\n".join(line.rstrip() for line in padded)


def pairs(told: Mapping[str, object]) -> str:
    """Return named values for people, one a line, without those that are none."""
    known = {name: value for name, value in told.items() if value not in (None, [], {}, "")}
    width = max(map(len, known), default=0)
    return "\n".join(f"  {safe(name):{width}}  {safe(value)}" for name, value in known.items())
