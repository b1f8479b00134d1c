"""What a command was given: a configuration, a file, its issuers' keys; and how what cannot be used is said."""

from __future__ import annotations

import os
import sys
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from errno import EBADF
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from vendor.cli.terminal import plain, without_tokens

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from io import BufferedReader

    from vendor.config import Configuration
    from vendor.identity.authentication import TrustedIssuer
    from vendor.identity.issuer import Issuer
    from vendor.identity.keys import IssuerKeys

USAGE: Final = 2
"""The exit code of a command that was given something it cannot use."""
_LONGEST: Final = 64 * 1024  # bytes: four times what is taken of a token, and enough to say that it is too long


class UnusableError(Exception):
    """Something that was named cannot be used; the text is for people and safe for a terminal."""


class Clock:
    """The machine's clocks."""

    def now(self) -> datetime:
        """Return the time as an aware datetime in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds since some fixed moment."""
        return time.monotonic()


def configuration(path: Path) -> Configuration:
    """Return the configuration of a file.

    Raises UnusableError with everything that is wrong with it.
    """
    from vendor import config  # noqa: PLC0415 - each command loads only what it needs

    try:
        return config.load(path, environ=os.environ)
    except config.ConfigurationError as exc:
        raise UnusableError(without_tokens("\n".join(str(finding) for finding in exc.findings))) from exc


def text(file: str) -> str:
    """Return what a file holds without the white space around it, as clients send it; `-` is standard input.

    Raises UnusableError.
    """
    try:
        return _contents(file).decode("utf-8", "surrogateescape").strip()
    except (OSError, ValueError) as exc:
        raise unreadable(file, exc) from exc


def unreadable(file: str, exc: OSError | ValueError) -> UnusableError:
    """Return in one line that a file cannot be read, and why."""
    reason = exc.strerror if isinstance(exc, OSError) else "no path"
    return UnusableError(f"vendor: {plain(without_tokens(file))} cannot be read: {reason}")


def standard_input() -> BufferedReader:
    """Return standard input as bytes.

    Raises OSError when it is closed.
    """
    if sys.stdin is None:
        raise OSError(EBADF, os.strerror(EBADF))
    return cast("BufferedReader", sys.stdin.buffer)


def _contents(file: str) -> bytes:
    if file == "-":
        return standard_input().read(_LONGEST)
    with Path(file).open("rb") as opened:
        return opened.read(_LONGEST)


def colour() -> bool:
    """Tell whether what is printed may be coloured: for a terminal that can, whose user did not decline it."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


@asynccontextmanager
async def trusted(given: Configuration) -> AsyncIterator[dict[str, TrustedIssuer]]:
    """Give the issuers of a configuration, keyed by `iss`, with keys that are fetched when one is looked for.

    Raises UnusableError.
    """
    from vendor.identity.authentication import TrustedIssuer  # noqa: PLC0415

    keys = {issuer.url: _keys(issuer) for issuer in given.issuers.values()}
    try:
        yield {issuer.url: TrustedIssuer(issuer=issuer, keys=keys[issuer.url]) for issuer in given.issuers.values()}
    finally:
        for one in keys.values():
            await one.close()


def _keys(issuer: Issuer) -> IssuerKeys:
    import ssl  # noqa: PLC0415

    from vendor.identity.keys import IssuerKeys  # noqa: PLC0415

    try:
        tls = ssl.create_default_context(cafile=issuer.ca_file)
    except OSError as exc:
        raise UnusableError(f"vendor: {issuer.ca_file!a} holds no certificates that can be read") from exc
    return IssuerKeys(issuer=issuer, clock=Clock(), tls=tls, report=lambda *_: None)
