"""Assertions: what of a SAML response must be known before AWS judges it. Nothing here verifies anything.

Source: SessionNotOnOrAfter in SAML 2.0 core, 2.7.2, and "Configuring SAML assertions" in the IAM user guide.
"""

from __future__ import annotations

import base64
import binascii
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final
from xml.parsers import expat

from vendor.refusals import InvalidRequest, Reason

DEEPEST: Final = 64
"""Elements within each other."""
MOST: Final = 5_000
"""Elements of an assertion."""
_STATEMENT: Final = "urn:oasis:names:tc:SAML:2.0:assertion AuthnStatement"


def read_end(assertion: str) -> datetime | None:
    """Return the earliest SessionNotOnOrAfter, in UTC, None if there is none.

    What is not well-formed is read as far as it is: AWS opens nothing with it. Raises InvalidRequest for what is no
    base64, and for XML that is too much or defines anything of its own.
    """
    try:
        found = _Reading().read(base64.b64decode(assertion, validate=True))
    # Of encodings expat asks Python, which knows some that are none of texts; not every moment is one in UTC too.
    except (binascii.Error, ValueError, LookupError, OverflowError, _RefusedError) as exc:
        public = "saml_assertion is no SAML response"
        raise InvalidRequest(Reason.MISSING_PROOF, public, detail=f"{public}: {type(exc).__name__}") from exc
    return min(found, default=None)


class _RefusedError(Exception):
    """XML that no honest issuer sends."""


class _Reading:
    """One assertion while it is read: no document type, so no entities either."""

    def __init__(self) -> None:
        self._found: list[datetime] = []
        self._depth = self._count = 0

    def read(self, raw: bytes) -> list[datetime]:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartDoctypeDeclHandler = self._refuse
        parser.EntityDeclHandler = self._refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        with suppress(expat.ExpatError):
            parser.Parse(raw, True)  # noqa: FBT003 - expat knows it by its place
        return self._found

    def _refuse(self, *_: object) -> None:
        raise _RefusedError

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._count += 1
        if self._depth > DEEPEST or self._count > MOST:
            raise _RefusedError
        if name == _STATEMENT and "SessionNotOnOrAfter" in attributes:
            self._found.append(_moment(attributes["SessionNotOnOrAfter"]))

    def _end(self, _: str) -> None:
        self._depth -= 1


def _moment(said: str) -> datetime:
    moment = datetime.fromisoformat(said.strip())
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
