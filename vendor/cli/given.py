"""What a command was given: a configuration, a file, its issuers' keys; and how what cannot be used is said."""

from __future__ import annotations

import os
import sys
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from errno import EBADF
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from vendor.cli.terminal import plain, without_tokens

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from io import BufferedReader

    from vendor.config import Configuration
    from vendor.identity.authentication import TrustedIssuer
    from vendor.identity.review import Result

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

    A command keeps no keys and asks for no review. Raises UnusableError.
    """
    from vendor.identity.authentication import TrustedIssuer  # noqa: PLC0415
    from vendor.issuers import Issuers  # noqa: PLC0415

    alone = [replace(issuer, keys_cache=None, token_review=False) for issuer in given.issuers.values()]
    try:
        issuers = Issuers(alone, clock=Clock(), observer=_Nobody())
    except OSError as exc:
        raise UnusableError(f"vendor: {exc}") from exc
    try:
        found = issuers.trusted
        yield {one.url: TrustedIssuer(issuer=one, keys=found[one.url].keys) for one in given.issuers.values()}
    finally:
        await issuers.close()


class _Nobody:
    """Is told of fetches, and tells nobody: a command shows what came of them."""

    def keys(self, issuer: str, result: str, detail: str) -> None:
        """Note nothing."""

    def dropped(self, issuer: str, counts: Mapping[str, int]) -> None:
        """Note nothing."""

    def reviewed(self, issuer: str, result: Result) -> None:
        """Note nothing."""
