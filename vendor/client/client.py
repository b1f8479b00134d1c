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
from vendor.client.token import a_jwt, find_token

TYPE_CHECKING = False  # as in address.py
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from os import PathLike
    from typing import TypeVar

    from vendor.client.address import Address
    from vendor.client.answer import Answer
    from vendor.client.console import SignIn
    from vendor.client.credentials import Credentials
    from vendor.client.identity import IdentityToken
    from vendor.client.scope import Scope

    Read = TypeVar("Read")

TIMEOUT = 10.0
"""Seconds for a whole fetch where nobody says how many."""
_ASKS = {"Accept": "application/json", "User-Agent": "vend", "Connection": "close"}


class Client:
    """Asks one service for credentials; keeps none of them, and may be shared by threads.

    What is not given comes from the environment: `url` from VENDOR_URL, `ca_file` (PEM, in place of the system's
    authorities) from VENDOR_CA_FILE, the token as `find_token` says, unless `token` is the JWT itself. `timeout`
    seconds cover one whole fetch, tries again included; without it that is 10, and 2 where nothing is there to answer.
    Raises UsageError when the URL cannot be used.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        token_file: str | PathLike[str] | None = None,
        token: str | None = None,
        ca_file: str | PathLike[str] | None = None,
        timeout: float | None = None,
        environ: Mapping[str, str] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._environ = os.environ if environ is None else environ
        self._service = parse_service(_named(url or self._environ.get("VENDOR_URL")))
        self._token_file = token_file
        self._given = token
        self._ca_file = os.fspath(ca_file) if ca_file else self._environ.get("VENDOR_CA_FILE") or None
        self._timeout = TIMEOUT if timeout is None else timeout
        self._insists = timeout is not None
        self._clock = clock or Clock()

    @property
    def origin(self) -> str:
        """Where the service is: its URL as far as it may stand in a message."""
        return f"{self._service}{self._service.path.rstrip('/')}"

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
        proof: Mapping[str, str] | None = None,
    ) -> Credentials:
        """Do as `credentials` does, for parameters whose names are no keywords or clash with ours.

        `proof` is what some scopes want besides the token: `mfa_code`, `saml_assertion`.
        """
        return self._lend(scope, parameters, duration, proof, self._credentials)

    def document(
        self,
        scope: str | None,
        *,
        parameters: Mapping[str, str],
        duration: timedelta | int | None = None,
        proof: Mapping[str, str] | None = None,
    ) -> dict[str, str]:
        """Return the service's answer as it is, secrets included: credentials, or a token that AWS has signed."""
        from vendor.client.identity import read_identity_token  # noqa: PLC0415  # most fetches need it not

        def read(members: dict[str, object]) -> dict[str, str]:
            if members.get("Type") == "JWT":
                return read_identity_token(members, now=self._clock.now()).document()
            return self._credentials(members).document()

        return self._lend(scope, parameters, duration, proof, read)

    def identity_token(
        self, scope: str | None = None, *, duration: timedelta | int | None = None, **parameters: str
    ) -> IdentityToken:
        """Return a token that AWS has signed, from a scope that gives one. Raises as `credentials` does."""
        from vendor.client.identity import read_identity_token  # noqa: PLC0415  # as above

        def read(members: dict[str, object]) -> IdentityToken:
            return read_identity_token(members, now=self._clock.now())

        return self._lend(scope, parameters, duration, None, read)

    def _credentials(self, members: dict[str, object]) -> Credentials:
        return read_credentials(members, now=self._clock.now())

    def _lend(
        self,
        scope: str | None,
        parameters: Mapping[str, str],
        duration: timedelta | int | None,
        proof: Mapping[str, str] | None,
        read: Callable[[dict[str, object]], Read],
    ) -> Read:
        named = self.scope_or_default(scope)
        wanted = {} if duration is None else {"duration_seconds": _seconds(duration)}
        if named is not None:
            return self._post("credentials", named, {"parameters": dict(parameters), **wanted, **(proof or {})}, read)
        if proof:
            raise UsageError(f"name a scope: {' and '.join(proof)} can be sent for a named one only")
        # The container door is the only one that picks a scope itself; what the shell gave stays the bytes it gave.
        query = urlencode({**parameters, **wanted}, errors="surrogateescape")
        return self._call("GET", f"/v1/credentials?{query}" if query else "/v1/credentials", None, read)

    def scopes(self) -> list[Scope]:
        """Return the scopes that this workload may have. Raises as `credentials` does."""
        from vendor.client.scope import read_scopes  # noqa: PLC0415  # most fetches need it not

        return self._call("GET", "/v1/scopes", None, read_scopes)

    def console(
        self,
        scope: str | None = None,
        *,
        parameters: Mapping[str, str] | None = None,
        duration: timedelta | int | None = None,
    ) -> SignIn:
        """Return a URL that opens the AWS console with what a scope allows. Raises as `credentials` does."""
        from vendor.client.console import read_sign_in  # noqa: PLC0415  # as above

        named = self.scope_or_default(scope)
        if named is None:
            raise UsageError("name the scope to open the console with")
        wanted = {} if duration is None else {"duration_seconds": _seconds(duration)}
        # A link is signed in two steps by two services of AWS, which the service gives longer than any SDK would wait.
        told = {"parameters": dict(parameters or {}), **wanted}
        return self._post("console", named, told, read_sign_in, each=self._timeout)

    def scope_or_default(self, scope: str | None) -> str | None:
        """Return the scope that is meant, None for the only one there may be. Raises UsageError for no name at all."""
        named = scope or self._environ.get("VENDOR_SCOPE") or None
        if named is not None and not re.fullmatch(r"[a-z0-9][a-z0-9._:-]{0,62}", named):
            raise UsageError(f"no scope has this name: {named}")
        return named

    def token(self, deadline: Deadline | None = None) -> str:
        """Return the workload's token of this moment. Raises UsageError, Refused or Unreachable."""
        until = deadline or Deadline(self._timeout, self._clock)

        def ask(address: Address, target: str, headers: dict[str, str]) -> Answer:
            # GitHub's address is not the service's: VENDOR_CA_FILE says nothing about it.
            return self._insist(address, "GET", target, headers, None, deadline=until, ca_file=None)

        if self._given is not None:
            return a_jwt(self._given, found="the token that was given")
        return find_token(
            token_file=self._token_file,
            environ=self._environ,
            ask_github=lambda: ask_github(self._environ, ask=ask),
        )

    def _post(
        self,
        door: str,
        scope: str,
        members: Mapping[str, object],
        read: Callable[[dict[str, object]], Read],
        each: float | None = None,
    ) -> Read:
        return self._call("POST", f"/v1/{door}/{quote(scope, safe='')}", json.dumps(members).encode(), read, each)

    def _call(
        self,
        method: str,
        target: str,
        body: bytes | None,
        read: Callable[[dict[str, object]], Read],
        each: float | None = None,
    ) -> Read:
        """Ask at a door and return what its answer says once it is read. Raises Refused, Unreachable, UsageError."""
        deadline = Deadline(self._timeout, self._clock)
        headers = {"Authorization": f"Bearer {self.token(deadline)}"}
        headers |= {"Content-Type": "application/json"} if body else {}
        path = self._service.path.rstrip("/") + target
        answer = self._insist(
            self._service, method, path, headers, body, deadline=deadline, ca_file=self._ca_file, each=each
        )
        members = answer.read(of=self._service)
        try:
            return read(members)
        except ValueError as exc:
            raise answer.bad(str(exc)) from exc

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
        each: float | None = None,
    ) -> Answer:
        # Imported here: http.client and ssl are most of what a start costs, and `vend --help` needs neither.
        from vendor.client.retry import ATTEMPT, NOBODY, insist  # noqa: PLC0415
        from vendor.client.wire import Line  # noqa: PLC0415

        line = Line(address, ca_file=ca_file, proxy=proxy_for(address, self._environ))
        return insist(
            lambda part: line.ask(method, target, headers={**_ASKS, **headers}, body=body, deadline=part),
            deadline=deadline,
            nobody=deadline if self._insists else deadline.within(NOBODY),
            each=each or ATTEMPT,
        )


def _named(url: str | None) -> str:
    if not url:
        raise UsageError("no service is named: give --url or set VENDOR_URL")
    return url


def _seconds(duration: timedelta | int) -> int:
    return int(duration.total_seconds()) if isinstance(duration, timedelta) else duration
