"""The strict parse in front of every library: text -> UnverifiedToken, or a refusal.

PyJWT accepts duplicate members, UTF-16, padding, times as strings and more when the signature is good; nothing of that
reaches it. What is read here is read once and used everywhere (RFC 7515 section 3.1, RFC 7519 section 7.2, RFC 8725).
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from vendor.refusals import InvalidToken, Reason
from vendor.strict_json import StrictJSONError, read_object

LONGEST_TOKEN: Final = 16 * 1024
"""Characters of the longest token that is looked at."""
LONGEST_HEADER: Final = 2 * 1024
"""Bytes of the longest decoded header."""
LATEST_TIME: Final = 253_402_300_799
"""The last second of the year 9999: what a datetime can hold."""

_SHAPE: Final = re.compile(r"[A-Za-z0-9_-]{1,4096}\.[A-Za-z0-9_-]{1,16384}\.[A-Za-z0-9_-]{1,2048}", re.ASCII)
# Which characters a segment of 4n, 4n+1, 4n+2 or 4n+3 may end with, None for any: the bits that they add beyond the
# last whole byte are zero (RFC 4648 section 3.5).
_LAST: Final = (None, "", "AQgw", "AEIMQUYcgkosw048")
# Members that change how the rest must be read (RFC 7515 section 4.1.11, RFC 7797, RFC 7516).
_FORBIDDEN: Final = ("crit", "b64", "enc", "zip")


@dataclass(frozen=True, slots=True, kw_only=True)
class UnverifiedToken:
    """A token that is well formed and proves nothing yet; everything in it is its sender's word.

    `signing_input` and `signature` are the bytes that a key either brought together or did not (RFC 7515 section 5.2).
    `kind` is the header's `typ` in lower case and without `application/`, empty where there is none.
    """

    sha256: str
    signing_input: bytes
    signature: bytes
    algorithm: str
    key_id: str
    kind: str
    issuer: str
    claims: dict[str, Any]


def digest(text: str) -> str:
    """Return the hexadecimal SHA-256 by which a token is remembered and audited, also of what is no token at all."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def parse(text: str) -> UnverifiedToken:
    """Read a compact JWS with a JSON object as its payload.

    Raises InvalidToken.
    """
    if len(text) > LONGEST_TOKEN:
        _refuse("longer than 16 KiB")
    if not _SHAPE.fullmatch(text):
        _refuse("not three base64url segments")
    head, body, signature = text.split(".")
    header = _object(_decoded(head), "header", LONGEST_HEADER)
    claims = _object(_decoded(body), "claims", LONGEST_TOKEN)
    _check_header(header)
    return UnverifiedToken(
        sha256=digest(text),
        signing_input=f"{head}.{body}".encode(),
        signature=_decoded(signature),
        algorithm=_string(header, "alg"),
        key_id=_string(header, "kid"),
        kind=_kind(header),
        issuer=_string(claims, "iss"),
        claims=claims,
    )


def seconds(claims: dict[str, Any], name: str) -> int | None:
    """Return a time claim as whole seconds since the epoch, None if it is missing.

    Raises InvalidToken for anything but a JSON integer of a year that exists.
    """
    value = claims.get(name)
    if value is None and name not in claims:
        return None
    if type(value) is not int or not 0 <= value <= LATEST_TIME:
        raise InvalidToken(Reason.CLAIMS, detail=f"{name} is not a whole number of seconds")
    return value


def _check_header(header: dict[str, Any]) -> None:
    for name in _FORBIDDEN:
        if name in header:
            _refuse(f"the header has {name}")


def _kind(header: dict[str, Any]) -> str:
    """Return `typ`, which is compared without regard to case (RFC 7515 section 4.1.9)."""
    if "typ" not in header:
        return ""
    named = header["typ"]
    kind = named.lower().removeprefix("application/") if isinstance(named, str) and named.isascii() else ""
    if not kind:  # `application/` alone must not read as no type at all
        raise InvalidToken(Reason.TOKEN_TYPE, detail=f"typ is {named!r:.80}")
    return kind


def _decoded(segment: str) -> bytes:
    """Decode base64url, refusing the spare bits that would give one token several spellings."""
    last = _LAST[len(segment) % 4]
    if last is not None and segment[-1] not in last:
        _refuse("a segment is not canonical base64url")
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


def _object(raw: bytes, what: str, longest: int) -> dict[str, Any]:
    if len(raw) > longest:
        _refuse(f"the {what} are too long")
    try:
        return read_object(raw)
    except StrictJSONError as exc:
        _refuse(f"the {what}: {exc}")


def _string(members: dict[str, Any], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str) or not value or not value.isascii() or not value.isprintable():
        _refuse(f"{name} is missing or not printable ASCII")
    return value


def _refuse(detail: str) -> NoReturn:
    raise InvalidToken(Reason.MALFORMED_TOKEN, detail=detail)
