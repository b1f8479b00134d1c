"""The wire: what is read out of a request, and the answers that are written."""

from __future__ import annotations

import asyncio
import json
import random
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, unquote_plus

from aiohttp import HttpVersion10, HttpVersion11, web

from vendor.credentials import Secret
from vendor.policy.decision import Asked
from vendor.policy.proof import NO_PROOF, Proof
from vendor.policy.session import Action
from vendor.refusals import (
    InvalidRequest,
    Reason,
    RequestTooLarge,
    UnsupportedMediaType,
)
from vendor.server import errors
from vendor.server.answer import Answer
from vendor.strict_json import StrictJSONError, read_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from vendor.identity.principal import AttributeValue
    from vendor.leases.lease import Lease
    from vendor.refusals import Refusal

LONGEST_BODY: Final = 64 * 1024
"""Bytes of the longest body that is read."""
LONGEST_PROOF: Final = 128 * 1024
"""Bytes of the longest body that may hold an assertion."""
BODY_IN_TIME: Final = 2.0
"""Seconds within which a body must have come."""
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
    if len(parts) > MOST_MEMBERS or not all("=" in part for part in parts):
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
    if token[:7].lower() == "bearer ":
        token = token[7:].strip(BLANK)
    return token or None


def read_duration(seconds: object) -> timedelta:
    """Return a duration given as whole seconds, a number or its decimal digits.

    Raises InvalidRequest; whether the duration is allowed is decided elsewhere.
    """
    if isinstance(seconds, str) and seconds.isascii() and seconds.isdigit() and len(seconds) <= 6:  # noqa: PLR2004
        seconds = int(seconds)
    if type(seconds) is not int or not 0 <= seconds < 1_000_000:  # noqa: PLR2004 - far beyond any that is allowed
        raise InvalidRequest(Reason.DURATION, "duration_seconds must be a whole number from 900 to 43200")
    return timedelta(seconds=seconds)


async def read_body(request: web.BaseRequest, *, proof: bool = False) -> dict[str, Any]:
    """Return the JSON object of a body, empty if there is no body; with `proof` it may be long for an assertion's sake.

    Raises UnsupportedMediaType, RequestTooLarge or InvalidRequest.
    """
    if not request.body_exists:
        return {}
    if request.content_type != "application/json" or (request.charset or "utf-8").lower() != "utf-8":
        raise UnsupportedMediaType(Reason.MEDIA_TYPE)
    raw = await read_raw(request, most=LONGEST_PROOF if proof else LONGEST_BODY)
    if len(raw) > LONGEST_BODY and b'"saml_assertion"' not in raw:
        raise RequestTooLarge(Reason.BODY_TOO_LARGE)
    try:
        return read_object(raw) if raw else {}
    except StrictJSONError as exc:
        raise InvalidRequest(Reason.MALFORMED_REQUEST, f"the body is not strict JSON: {exc}") from exc


def is_coded(request: web.BaseRequest) -> bool:
    """Tell whether a body comes in a transfer coding that is not chunked alone (RFC 9112 section 6.1)."""
    return request.headers.get("Transfer-Encoding", "chunked").lower() != "chunked"


async def read_raw(request: web.BaseRequest, *, most: int = LONGEST_BODY) -> bytes:
    """Return the bytes of a body, `most` of them, in time; a client that waits to be told to send it is told so.

    Raises UnsupportedMediaType, RequestTooLarge or InvalidRequest.
    """
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType(Reason.MEDIA_TYPE, "send the body without a content encoding")
    if is_coded(request):
        raise UnsupportedMediaType(Reason.MEDIA_TYPE, "send the body without a transfer coding but chunked")
    try:
        async with asyncio.timeout(BODY_IN_TIME):
            return await _read_capped(request, most)
    except TimeoutError as exc:
        raise InvalidRequest(Reason.MALFORMED_REQUEST, "the body did not come in time") from exc
    except (web.RequestPayloadError, ConnectionError) as exc:
        raise InvalidRequest(Reason.MALFORMED_REQUEST, "the body broke off") from exc


async def _read_capped(request: web.BaseRequest, most: int) -> bytes:
    body = bytearray()
    if (request.content_length or 0) <= most:
        await _invite(request)
        async for chunk in request.content.iter_any():
            body += chunk
            if len(body) > most:
                break
        else:
            return bytes(body)
    raise RequestTooLarge(Reason.BODY_TOO_LARGE)


async def _invite(request: web.BaseRequest) -> None:
    """Ask for the body where the client waits for that (RFC 9110 section 10.1.1)."""
    if request.version == HttpVersion11 and request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # or an answer would be thought to have begun


def read_asked(members: dict[str, Any], *, scope: str | None) -> Asked:
    """Return what the members of a body ask for; every one of them must be known by now.

    Raises InvalidRequest.
    """
    parameters, seconds = members.pop("parameters", {}), members.pop("duration_seconds", None)
    if members:
        raise InvalidRequest(Reason.UNDECLARED_PARAMETER, f"the body has no member {min(members):.63}")
    if not isinstance(parameters, dict) or not all(isinstance(value, str) for value in parameters.values()):
        raise InvalidRequest(Reason.MALFORMED_REQUEST, "parameters must be an object of strings")
    refuse_tokens((*parameters, *parameters.values()))
    return Asked(scope=scope, parameters=parameters, duration=None if seconds is None else read_duration(seconds))


def read_proof(members: dict[str, Any]) -> Proof:
    """Take what the caller brought for AWS out of a body's members.

    Raises InvalidRequest for anything but strings.
    """
    brought = {name: pop_text(members, name) for name in ("saml_assertion", "mfa_code")}
    if not any(value is not None for value in brought.values()):
        return NO_PROOF
    return Proof(**{name: None if value is None else Secret(value) for name, value in brought.items()})


def read_attributes(value: object) -> dict[str, AttributeValue]:
    """Return attributes as an operator writes them.

    Raises InvalidRequest unless it is an object of strings, integers, booleans and lists of strings.
    """
    if not isinstance(value, dict):
        raise InvalidRequest(Reason.MALFORMED_REQUEST, "attributes must be an object")
    return {name: _attribute(name, item) for name, item in value.items()}


def _attribute(name: str, value: object) -> AttributeValue:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    if isinstance(value, str | int | bool):
        return value
    public = f"attribute {name:.63} must be a string, an integer, a boolean or a list of strings"
    raise InvalidRequest(Reason.MALFORMED_REQUEST, public)


def pop_text(members: dict[str, Any], name: str) -> str | None:
    """Take a text out of a body's members, None if it is not there.

    Raises InvalidRequest for anything but a string.
    """
    value = members.pop(name, None)
    if value is not None and not isinstance(value, str):
        raise InvalidRequest(Reason.MALFORMED_REQUEST, f"{name} must be a string")
    return value


def write_refusal(refusal: Refusal, request_id: str, more: Mapping[str, str] | None = None) -> Answer:
    """Return the answer of a refusal: its public text only."""
    body = errors.body(refusal.code, refusal.public, request_id)
    return Answer(errors.STATUS[refusal.code], body, request_id, {**errors.headers(refusal), **(more or {})})


def write_defect(request_id: str) -> Answer:
    """Return the answer to a defect of ours, which says nothing but where to look."""
    body = errors.body("internal_error", errors.DEFECT, request_id)
    return Answer(500, body, request_id)


def credentials_document(lease: Lease) -> dict[str, str]:
    """Return the container credentials document that all SDKs read: strings only, times with `Z`.

    Account and role are left out where AWS does not say whose credentials these are.
    """
    credentials = lease.credentials
    known = {"AccountId": credentials.account_id, "RoleArn": credentials.role_arn}
    return {
        "Code": "Success",
        "Type": "AWS-HMAC",
        "LastUpdated": timestamp(lease.minted),
        "AccessKeyId": credentials.access_key_id,
        "SecretAccessKey": credentials.secret_access_key.reveal(),
        "Token": credentials.session_token.reveal(),
        "Expiration": timestamp(credentials.expiration),
        **{name: value for name, value in known.items() if value},
    }


def twin_document(lease: Lease) -> dict[str, str]:
    """Return the JSON door's document: the same and what helps a client that knows this service.

    A token that AWS signed comes in a document of its own type, in which no SDK could find credentials.
    """
    return {
        **(_token_document if lease.session.action is Action.IDENTITY_TOKEN else credentials_document)(lease),
        "RefreshAfter": timestamp(lease.refresh_after),
        "Scope": lease.session.scope,
        "SessionName": lease.session.session_name,
    }


def console_document(lease: Lease, link: str) -> dict[str, str]:
    """Return the console door's document."""
    return {"Url": link, "Expiration": timestamp(lease.credentials.expiration), "Scope": lease.session.scope}


def _token_document(lease: Lease) -> dict[str, str]:
    credentials = lease.credentials
    return {
        "Code": "Success",
        "Type": "JWT",
        "LastUpdated": timestamp(lease.minted),
        "Token": credentials.session_token.reveal(),
        "Expiration": timestamp(credentials.expiration),
    }


def dump(document: Any) -> bytes:
    """Return a document as JSON bytes."""
    return json.dumps(document, separators=(",", ":")).encode()


def timestamp(moment: datetime) -> str:
    """Return a UTC moment as `YYYY-MM-DDTHH:MM:SSZ`, the one form that every SDK parses."""
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
