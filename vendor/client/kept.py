"""Credentials kept on disk between runs of `vend process`, which SDKs start again for nearly every request.

A file is its user's alone (0600 in a folder of 0700); what others could have written is not read. Its name is a digest
of what was asked for and of who asked, so that nobody is handed what another identity was given.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import time
from binascii import a2b_base64
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from vendor.client.alone import alone
from vendor.client.credentials import read_credentials
from vendor.client.refusals import Passing, Unreachable

TYPE_CHECKING = False  # as in address.py
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vendor.client.credentials import Credentials

_LARGEST = 64 * 1024
_LAST = timedelta(minutes=1)  # what is left at least of what is used while the service is away
_LONGEST = 43_200  # seconds that any session lasts: an older file is of no use to anybody
_EACH_RUN = {"iat", "exp", "nbf", "jti", "auth_time"}  # claims that change though the identity stays the same


def folder_of(environ: Mapping[str, str]) -> Path | None:
    """Return where caches belong (XDG Base Directory Specification), None where nothing says whose home this is."""
    cache, home = environ.get("XDG_CACHE_HOME", ""), environ.get("HOME", "")
    if cache.startswith("/"):
        return Path(cache) / "vend"
    return Path(home) / ".cache" / "vend" if home.startswith("/") else None


class Kept:
    """The file for one request of one identity. Where it cannot be kept safely, nothing is kept."""

    def __init__(self, folder: Path, *, token: str, wanted: object) -> None:
        name = sha256(json.dumps([wanted, _identity(token)], sort_keys=True).encode()).hexdigest()
        self._folder = folder
        self._path = folder / f"{name}.json"

    def get(self, fetch: Callable[[], Credentials], *, patience: float) -> Credentials:
        """Return what is kept while enough of its life is left, else what `fetch` returns, which is then kept.

        One process fetches; others wait for it up to `patience` seconds. While the service is away, what is kept is
        used until a minute before its end.
        """
        if not _is_ours(self._folder):
            return fetch()
        with alone(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, patience=patience):
            kept = self._read()
            if kept and _is_fresh(kept):
                return kept
            try:
                fetched = fetch()
            except (Passing, Unreachable):
                if kept and kept.expiration - datetime.now(UTC) > _LAST:
                    return kept
                raise
            self._write(fetched)
            return fetched

    def _read(self) -> Credentials | None:
        with contextlib.suppress(OSError, ValueError, RecursionError):
            opened = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            with os.fdopen(opened, "rb") as file:
                status = os.fstat(opened)
                if status.st_uid == os.geteuid() and not status.st_mode & 0o077:
                    members = json.loads(file.read(_LARGEST))
                    return read_credentials(members, now=datetime.now(UTC)) if isinstance(members, dict) else None
        return None

    def _write(self, credentials: Credentials) -> None:
        """Put them there in one go; a disk that is full is no reason to refuse them to the caller."""
        part = self._path.with_suffix(f".{os.getpid()}")
        with contextlib.suppress(OSError):
            self._sweep()
            part.unlink(missing_ok=True)  # of a run that was killed: process ids come again
            opened = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                with os.fdopen(opened, "w") as file:
                    json.dump(credentials.document(), file)
                part.replace(self._path)
            except OSError:
                part.unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Remove what has ended: tokens change, and with them the names of the files."""
        for path in self._folder.iterdir():
            with contextlib.suppress(OSError):  # another run removed it first, or it is no file of ours
                if time.time() - path.stat().st_mtime > _LONGEST:
                    path.unlink(missing_ok=True)


def _is_ours(folder: Path) -> bool:
    """Tell whether a folder is there, or could be made, that nobody else can write to or look into."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o077


def _is_fresh(credentials: Credentials) -> bool:
    now = datetime.now(UTC)
    return now < credentials.renewal


def _identity(token: str) -> object:
    """Return what a token says of its bearer, without what differs in each token of the same bearer.

    The service has the last word on the token: this only keeps apart what is kept.
    """
    part = token.split(".")[1]
    try:
        claims = json.loads(a2b_base64(part.replace("-", "+").replace("_", "/") + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        claims = None
    if not isinstance(claims, dict) or "sub" not in claims:
        return sha256(token.encode()).hexdigest()
    return {name: value for name, value in claims.items() if name not in _EACH_RUN}
