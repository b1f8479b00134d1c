"""Parameters of STS: in a form or in a query, each known to somebody or refused."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from vendor.refusals import InvalidRequest, Reason
from vendor.server import body, sts_errors, wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vendor.server.listener import Visit

VERSION: Final = "2011-06-15"
"""The only version of STS that there is."""

_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,63}", re.ASCII)
_SECONDS: Final = re.compile(r"[0-9]{1,6}", re.ASCII)


class Parameters:
    """The parameters of one request, each of which must be taken by somebody, and the body that they came in."""

    def __init__(self, members: dict[str, str], query: Mapping[str, str], body: bytes) -> None:
        self._members = members
        self.query = query
        self.body = body

    def take_action(self) -> str:
        """Return what is asked for.

        Raises NoAction, or UnknownAction for any other version of STS than the only one that there is.
        """
        action, version = self._members.pop("Action", None), self._members.pop("Version", None)
        if action is None:
            raise sts_errors.NoAction(Reason.MISSING_PARAMETER)
        if version != VERSION:
            raise sts_errors.UnknownAction(Reason.MALFORMED_REQUEST)
        return action

    def said(self, name: str) -> str | None:
        """Return a parameter, which is still to be taken."""
        return self._members.get(name)

    def take(self, name: str, shape: re.Pattern[str]) -> str:
        """Return a parameter that must be there and be of this shape.

        Raises InvalidRequest in the words of STS.
        """
        value = self._members.pop(name, None)
        at = f"'{name[0].lower()}{name[1:]}' failed to satisfy constraint"
        if value is None:
            public = f"1 validation error detected: Value null at {at}: Member must not be null"
            raise InvalidRequest(Reason.MISSING_PARAMETER, public)
        if not shape.fullmatch(value):
            raise InvalidRequest(Reason.MALFORMED_REQUEST, f"1 validation error detected: Value at {at}")
        return value

    def take_duration(self) -> timedelta | None:
        """Return the duration asked for, None where none is.

        Raises InvalidRequest unless it is a whole number; whether it is allowed is decided elsewhere.
        """
        if "DurationSeconds" not in self._members:
            return None
        return timedelta(seconds=int(self.take("DurationSeconds", _SECONDS)))

    def drop(self, prefix: str) -> None:
        """Leave out the parameters whose names begin so."""
        self._members = {name: value for name, value in self._members.items() if not name.startswith(prefix)}

    def refuse_others(self) -> None:
        """Raise InvalidRequest for what was not taken: a policy or tags that are passed over would be believed in."""
        if self._members:
            name = min(self._members)
            told = name if _NAME.fullmatch(name) else "of this name"
            public = f"the parameter {told} is not taken here: what a session may do is said by its scope alone"
            raise InvalidRequest(Reason.UNDECLARED_PARAMETER, public)


async def read_parameters(visit: Visit, *, most: int) -> Parameters:
    """Return the parameters of the query and of the body, of which the body's are meant where both say something.

    Raises UnsupportedMediaType, RequestTooLarge or InvalidRequest.
    """
    query = wire.read_form(visit.target.query)
    raw = await body.read_raw(visit.request, most=most) if visit.request.body_exists else b""
    try:
        form = wire.read_form(raw.decode())
    except UnicodeDecodeError as exc:
        raise InvalidRequest(Reason.MALFORMED_REQUEST, "the body is not UTF-8") from exc
    return Parameters({**query, **form}, query, raw)
