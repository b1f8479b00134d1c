"""The body of a request: read in time and no further than it may be long, and what its members say."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from aiohttp import HttpVersion11, web

from vendor.credentials import Secret
from vendor.policy.decision import Asked
from vendor.policy.proof import NO_PROOF, Proof
from vendor.refusals import InvalidRequest, Reason, RequestTooLarge, UnsupportedMediaType
from vendor.server.wire import is_coded, read_duration, refuse_tokens
from vendor.strict_json import StrictJSONError, read_object

if TYPE_CHECKING:
    from vendor.identity.principal import AttributeValue

LONGEST_BODY: Final = 64 * 1024
"""Bytes of the longest body that is read."""
LONGEST_PROOF: Final = 128 * 1024
"""Bytes of the longest body that may hold an assertion."""
BODY_IN_TIME: Final = 2.0
"""Seconds within which a body must have come."""


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
