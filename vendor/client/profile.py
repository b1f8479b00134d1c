"""`vend file`: keeps one profile of an AWS credentials file fresh, and leaves all else in it as it stands."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from vendor.client.alone import alone
from vendor.client.refusals import AccessDenied, Refused, Unreachable, UsageError

TYPE_CHECKING = False  # as in address.py
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping

    from vendor.client.credentials import Credentials

_OURS = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token", "vendor_expiration")
_SOURCES = re.compile(
    r"aws_access_key_id|credential_process|credential_source|role_arn|sso_\w+|web_identity_token_file|login_session"
)
_HEADER = re.compile(r"\s*\[\s*([^]\n]+?)\s*\]")
_AGAIN = timedelta(seconds=15)  # after a failure
_PATIENCE = 5.0  # seconds for which another run that writes into the same folder is waited for
_LOOK = 5.0  # seconds after which clock and signals are looked at: a machine may have slept, a signal just missed it


def keep_fresh(
    fetch: Callable[[], Credentials],
    options: argparse.Namespace,
    *,
    environ: Mapping[str, str],
    say: Callable[[str], object],
) -> int:
    """Write a profile and renew it until SIGTERM, or once. A first failure ends it, a later one only if it is for good.

    Raises Refused, Unreachable or UsageError.
    """
    path = _path(options.path, environ)
    ending = not options.once and threading.current_thread() is threading.main_thread()
    if ending:
        _end_with(128 + signal.SIGTERM)
    credentials = fetch()
    write(path, options.profile, credentials)
    if options.once:
        return 0
    if ending:
        _end_with(0)
    say(f"profile {options.profile} of {path} is kept fresh; it ends {credentials.expiration:%Y-%m-%dT%H:%M:%SZ}")
    while True:
        _wait_until(credentials.renewal)
        try:
            credentials = fetch()
            write(path, options.profile, credentials)
        except AccessDenied:
            raise
        except (Refused, Unreachable, UsageError) as exc:
            say(f"{exc}; what stands in {path} ends {credentials.expiration:%Y-%m-%dT%H:%M:%SZ}")
            _wait_until(datetime.now(UTC) + _AGAIN)


def _end_with(code: int) -> None:
    """End at SIGTERM with this code, whatever is under way: what is written is written in one go."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(code))


def _wait_until(moment: datetime) -> None:
    # At least a second: what is handed out while STS is away is due again at once.
    time.sleep(1)
    while (left := (moment - datetime.now(UTC)).total_seconds()) > 0:
        time.sleep(min(left, _LOOK))


def write(path: Path, profile: str, credentials: Credentials) -> None:
    """Put credentials into a profile, in one go, in a file that is its user's alone. Raises UsageError."""
    document = credentials.document()
    values = [document[name] for name in ("AccessKeyId", "SecretAccessKey", "Token", "Expiration")]
    lines = [f"{name} = {value}" for name, value in zip(_OURS, values, strict=True)]
    path = path.resolve()  # a link stays one
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with alone(path.parent, os.O_RDONLY | os.O_DIRECTORY, patience=_PATIENCE):
            _put(path, edit(_read(path) if path.exists() else "", profile, lines))
    except (OSError, UnicodeDecodeError) as exc:
        raise UsageError(f"{path} cannot be written: {getattr(exc, 'strerror', None) or 'it is not UTF-8'}") from exc


def _put(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.unlink(missing_ok=True)  # of a run that was killed: process ids come again
    opened = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(opened, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(opened)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def edit(text: str, profile: str, lines: list[str]) -> str:
    """Return a credentials file with `lines` as a profile's keys, its other lines and all other profiles as they were.

    Raises UsageError where the profile stands twice, or holds keys that we did not write: those may be the only ones.
    """
    if not re.fullmatch(r"[^\[\]\x00-\x1f\x7f]+", profile) or profile != profile.strip():
        raise UsageError(f"no profile has this name: {profile}")
    before, section, after = _split(text, profile)
    held = _keys(section)
    if "aws_access_key_id" in held and "vendor_expiration" not in held:
        raise UsageError(f"profile {profile} holds keys that vend did not write: remove them, or choose another name")
    head, *rest = section or [f"[{profile}]\n"]
    if not section and before and before[-1].strip():
        before.append("\n")
    return "".join((*before, head, *(f"{line}\n" for line in lines), *_without_ours(rest), *after))


def has_keys(path: Path, profile: str) -> bool:
    """Tell whether a profile of a file tells SDKs of credentials; of a file that cannot be read, not."""
    try:
        _, section, _ = _split(_read(path), profile)
    except (OSError, ValueError):  # UsageError is one
        return False
    return any(_SOURCES.fullmatch(key) for key in _keys(section))


def _read(path: Path) -> str:
    with path.open(encoding="utf-8", newline="") as file:  # line ends as they are
        return file.read()


def _split(text: str, profile: str) -> tuple[list[str], list[str], list[str]]:
    """Return the lines before a profile, its own with its header, and those behind."""
    # A line ends where SDKs see its end and nowhere else: `splitlines` knows ends that may stand within a comment.
    lines = re.findall(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+", text)
    if lines and not lines[-1].endswith(("\n", "\r")):
        lines[-1] += "\n"
    headers = [(at, found[1]) for at, line in enumerate(lines) if (found := _HEADER.match(line))]
    starts = [at for at, name in headers if name == profile]
    if len(starts) > 1:
        raise UsageError(f"profile {profile} stands twice in the file")
    if not starts:
        return lines, [], []
    end = next((at for at, _ in headers if at > starts[0]), len(lines))
    return lines[: starts[0]], lines[starts[0] : end], lines[end:]


def _keys(section: list[str]) -> set[str]:
    return {key for line in section[1:] if (key := _key(line))}


def _key(line: str) -> str | None:
    found = re.match(r"([^\s#;=:\[][^=:]*?)\s*[=:]", line)
    return found[1].lower() if found else None


def _without_ours(lines: list[str]) -> list[str]:
    """Leave out our keys, and the lines indented beneath them."""
    kept, dropping = [], False
    for line in lines:
        if key := _key(line):
            dropping = key in _OURS
        elif not line[:1].isspace() or not line.strip():
            dropping = False
        if not dropping:
            kept.append(line)
    return kept


def _path(given: str | None, environ: Mapping[str, str]) -> Path:
    named = given or environ.get("AWS_SHARED_CREDENTIALS_FILE")
    if named:
        return Path(named).expanduser()
    if not environ.get("HOME"):
        raise UsageError("name the file: --path, or set HOME")
    return Path(environ["HOME"]) / ".aws" / "credentials"
