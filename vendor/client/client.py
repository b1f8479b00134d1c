"""The client: finds the workload's token, asks the service, and believes nothing unread."""

from __future__ import annotations

import json
import os
import re
from datetime import timedelta
from urllib.parse import quote, urlencode

from vendor.client.address import parse_service, proxy_for
from vendor.client.credentials import read_credentials
from vendor.client.deadline import Clock, Deadline
from vendor.client.github import ask_github
from vendor.client.refusals import UsageError
from vendor.client.token import find_token

TYPE_CHECKING = False  # as in address.py
if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

    from vendor.client.address import Address
    from vendor.client.answer import Answer
    from vendor.client.credentials import Credentials

_ASKS = {"Accept": "application/json", "User-Agent": "vend", "Connection": "close"}


class Client:
    """Asks one service for credentials; keeps none of them, and may be shared by threads.

    What is not given comes from the environment: `url` from VENDOR_URL, `ca_file` (PEM, in place of the system's
    authorities) from VENDOR_CA_FILE, the token as `find_token` says. `timeout` seconds cover one whole fetch, tries
    again included. Raises UsageError when the URL cannot be used.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        token_file: str | PathLike[str] | None = None,
        ca_file: str | PathLike[str] | None = None,
        timeout: float = 10.0,
        environ: Mapping[str, str] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._environ = os.environ if environ is None else environ
        self._service = parse_service(_named(url or self._environ.get("VENDOR_URL")))
        self._token_file = token_file
        self._ca_file = os.fspath(ca_file) if ca_file else self._environ.get("VENDOR_CA_FILE") or None
        self._timeout = timeout
        self._clock = clock or Clock()

    def credentials(
        self, scope: str | None = None, *, duration: timedelta | int | None = None, **parameters: str
    ) -> Credentials:
        """Fresh credentials for a scope, narrowed by its parameters, for a duration (an int is seconds).

        Without a scope VENDOR_SCOPE is meant, and without that the one scope that this workload may have. Raises
        Refused, Unreachable, or UsageError when no usable token or scope was given.
        """
        return self.ask(scope, parameters=parameters, duration=duration)

    def ask(
        self,
        scope: str | None,
        *,
        parameters: Mapping[str, str],
        duration: timedelta | int | None = None,
    ) -> Credentials:
        """Do as `credentials` does, for parameters whose names are no keywords or clash with ours."""
        method, target, body = self._request(scope or self._environ.get("VENDOR_SCOPE"), parameters, _seconds(duration))
        deadline = Deadline(self._timeout, self._clock)
        token = self._token(deadline)
        headers = {"Authorization": f"Bearer {token}"} | ({"Content-Type": "application/json"} if body else {})
        answer = self._insist(self._service, method, target, headers, body, deadline=deadline, ca_file=self._ca_file)
        try:
            return read_credentials(answer.read(of=self._service), now=self._clock.now())
        except ValueError as exc:
            raise answer.bad(str(exc)) from exc

    def _request(
        self, scope: str | None, parameters: Mapping[str, str], seconds: int | None
    ) -> tuple[str, str, bytes | None]:
        """Use the JSON door when a scope is named; else the container door, the only one that picks a scope itself."""
        target = f"{self._service.path.rstrip('/')}/v1/credentials"
        wanted = {} if seconds is None else {"duration_seconds": seconds}
        if scope is None:
            query = urlencode({**parameters, **wanted}, errors="surrogateescape")  # as the shell gave it
            return "GET", f"{target}?{query}" if query else target, None
        if not re.fullmatch(r"[a-z0-9][a-z0-9._:-]{0,62}", scope):
            raise UsageError(f"no scope has this name: {scope}")
        return (
            "POST",
            f"{target}/{quote(scope, safe='')}",
            json.dumps({"parameters": dict(parameters), **wanted}).encode(),
        )

    def _token(self, deadline: Deadline) -> str:
        def ask(address: Address, target: str, headers: dict[str, str]) -> Answer:
            # GitHub's address is not the service's: VENDOR_CA_FILE says nothing about it.
            return self._insist(address, "GET", target, headers, None, deadline=deadline, ca_file=None)

        return find_token(
            token_file=self._token_file,
            environ=self._environ,
            ask_github=lambda: ask_github(self._environ, ask=ask),
        )

    def _insist(
        self,
        address: Address,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes | None,
        *,
        deadline: Deadline,
        ca_file: str | None,
    ) -> Answer:
        # Imported here: http.client and ssl are most of what a start costs, and `vend --help` needs neither.
        from vendor.client.retry import insist  # noqa: PLC0415
        from vendor.client.wire import Line  # noqa: PLC0415

        line = Line(address, ca_file=ca_file, proxy=proxy_for(address, self._environ))
        return insist(
            lambda part: line.ask(method, target, headers={**_ASKS, **headers}, body=body, deadline=part),
            deadline=deadline,
        )


def _named(url: str | None) -> str:
    if not url:
        raise UsageError("no service is named: give --url or set VENDOR_URL")
    return url


def _seconds(duration: timedelta | int | None) -> int | None:
    return int(duration.total_seconds()) if isinstance(duration, timedelta) else duration
