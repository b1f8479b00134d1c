"""The wire: what is read out of a request, and the answers that are written."""

from __future__ import annotations

import random
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, unquote_plus

from aiohttp import HttpVersion10, HttpVersion11, web

from vendor.refusals import (
    InvalidRequest,
    Reason,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vendor.policy.decision import Asked


MOST_MEMBERS: Final = 64
"""Query members that are read."""
BLANK: Final = " \t\r\n"
"""What may stand around a token. Python's own strip would take off what looks blank in any script."""

# The head of a JWT and the beginning of its claims, which are JSON objects in base64url (RFC 7515 section 3).
_TOKEN: Final = re.compile(r"eyJ[A-Za-z0-9_-]+\.eyJ", re.ASCII)


def new_request_id() -> str:
    """Return 64 random bits as hexadecimal; they need only be told apart, not be unguessable."""
    return f"{random.getrandbits(64):016x}"


class Target:
    """Where a request points: the decoded segments of the path, and the query as it was sent.

    `asked` is for the door that reads both to keep what they ask for.
    """

    __slots__ = ("_members", "asked", "query", "segments")

    def __init__(self, segments: tuple[str, ...], query: str) -> None:
        self.segments = segments
        self.query = query
        self.asked: Asked | None = None
        self._members: dict[str, str] | None = None

    def members(self) -> dict[str, str]:
        """Return the members of the query, each of which may stand once; the caller may take them apart.

        Raises InvalidRequest.
        """
        if self._members is None:
            members = read_form(self.query)
            refuse_tokens((*members, *members.values()))
            self._members = members
        return dict(self._members)

    def refuse_query(self) -> None:
        """Raise InvalidRequest if there is a query, where none is declared."""
        if self.query:
            raise InvalidRequest(Reason.MALFORMED_REQUEST, "this path takes no query")


def read_target(raw: str) -> Target:
    """Return where a request points.

    Raises InvalidRequest for anything but a target in origin form (RFC 9112 section 3.2.1).
    """
    if not raw.startswith("/") or "#" in raw:
        raise InvalidRequest(Reason.MALFORMED_REQUEST, "the request target must be a path")
    path, _, query = raw.partition("?")
    try:
        segments = tuple(unquote(segment, errors="strict") for segment in path[1:].split("/"))
    except UnicodeDecodeError as exc:
        raise InvalidRequest(Reason.MALFORMED_REQUEST, "the path is not UTF-8") from exc
    refuse_tokens(segments)
    return Target(segments, query)


def check_version(request: web.BaseRequest) -> None:
    """Raise InvalidRequest for anything but HTTP/1.0 and 1.1."""
    if request.version not in (HttpVersion11, HttpVersion10):
        raise InvalidRequest(Reason.MALFORMED_REQUEST, "only HTTP/1.1 is spoken here")


def read_form(form: str) -> dict[str, str]:
    """Return the members of a query, or of a body that is written as one; each may stand once.

    Raises InvalidRequest.
    """
    if not form:
        return {}
    parts = form.split("&")
    if len(parts) > MOST_MEMBERS or not all(part.find("=") > 0 for part in parts):
        raise InvalidRequest(Reason.MALFORMED_REQUEST, "the query is malformed")
    try:
        pairs = [(_decoded(name), _decoded(value)) for name, _, value in (part.partition("=") for part in parts)]
    except UnicodeDecodeError as exc:
        raise InvalidRequest(Reason.MALFORMED_REQUEST, "the query is not UTF-8") from exc
    members = dict(pairs)
    if len(members) != len(pairs):
        raise InvalidRequest(Reason.MALFORMED_REQUEST, "a query member stands twice")
    return members


def _decoded(text: str) -> str:
    return unquote_plus(text, errors="strict")


def refuse_tokens(texts: Iterable[str]) -> None:
    """Raise InvalidRequest if a JWT stands where an audit line would write it down."""
    if any("eyJ" in text and _TOKEN.search(text) for text in texts):
        raise InvalidRequest(Reason.MALFORMED_REQUEST, "a token belongs in the Authorization header, nowhere else")


def read_token(request: web.BaseRequest) -> str | None:
    """Return the JWT of the Authorization header, alone as SDKs send it or behind `Bearer`; None if there is none.

    Raises InvalidRequest if there are several such headers.
    """
    sent = request.headers.getall("Authorization", [])
    if len(sent) > 1:
        raise InvalidRequest(Reason.SEVERAL_TOKENS, "there must be one Authorization header")
    token = sent[0].strip(BLANK) if sent else ""
    scheme, _, rest = token.partition(" ")
    if scheme.lower() == "bearer":
        token = rest.strip(BLANK)
    return token or None


def read_digits(text: str) -> timedelta:
    """Return a duration given as the decimal digits of whole seconds. Raises as `read_duration` does."""
    digits = text.isascii() and text.isdigit() and len(text) <= 6  # noqa: PLR2004 - int() takes other scripts, and time
    return read_duration(int(text) if digits else None)


def read_duration(seconds: object) -> timedelta:
    """Return a duration given as a whole number of seconds.

    Raises InvalidRequest; whether the duration is allowed is decided elsewhere.
    """
    if type(seconds) is not int or not 0 <= seconds < 1_000_000:  # noqa: PLR2004 - far beyond any that is allowed
        raise InvalidRequest(Reason.DURATION, "duration_seconds must be a whole number from 900 to 43200")
    return timedelta(seconds=seconds)


def is_coded(request: web.BaseRequest) -> bool:
    """Tell whether a body comes in a transfer coding that is not chunked alone (RFC 9112 section 6.1)."""
    return request.headers.get("Transfer-Encoding", "chunked").lower() != "chunked"
