"""Where is the workload's own token? Looked for afresh at each fetch: platforms replace it under way."""

from __future__ import annotations

import os
import re
from pathlib import Path

from vendor.client.refusals import UsageError

TYPE_CHECKING = False  # as in address.py
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from os import PathLike

PROJECTED = "/var/run/secrets/vendor/token"  # where the service's webhook mounts it
_LARGEST = 16 * 1024  # bytes: the service takes no larger one
_GITHUB = ("ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN")


def find_token(
    *,
    token_file: str | PathLike[str] | None,
    environ: Mapping[str, str],
    ask_github: Callable[[], str],
    projected: str | PathLike[str] = PROJECTED,
) -> str:
    """Return the first token there is, without the white space around it; the places are looked at as they stand here.

    In GitLab CI it is the variable VENDOR_ID_TOKEN, the name to give it under `id_tokens:`. A place that is named but
    holds no token is an error and never passed over. Raises UsageError, which never shows what it found, and names
    every place when there is no token in any.
    """
    if path := token_file or environ.get("VENDOR_TOKEN_FILE"):
        return _read(path)
    if token := environ.get("VENDOR_TOKEN"):
        return a_jwt(token, found="VENDOR_TOKEN")
    if os.access(projected, os.F_OK):
        return _read(projected)
    if all(environ.get(name) for name in _GITHUB):
        return a_jwt(ask_github(), found="the ID token of GitHub Actions")
    if token := environ.get("VENDOR_ID_TOKEN"):
        return a_jwt(token, found="VENDOR_ID_TOKEN")
    raise UsageError(_looked_at(environ, projected))


def _looked_at(environ: Mapping[str, str], projected: str | PathLike[str]) -> str:
    unset = [name for name in _GITHUB if not environ.get(name)]
    github = f"{' and '.join(unset)} {'are' if len(unset) > 1 else 'is'} not set"
    places = (
        "--token-file was not given",
        "VENDOR_TOKEN_FILE and VENDOR_TOKEN are not set",
        f"there is no file {os.fspath(projected)}, where a pod has it mounted",
        f"{github}, which a GitHub job has with `permissions: id-token: write`",
        "VENDOR_ID_TOKEN is not set, which a GitLab job has with `id_tokens: VENDOR_ID_TOKEN: aud: vendor`",
    )
    return f"no token was found: {'; '.join(places)}"


def a_jwt(text: str, *, found: str) -> str:
    """Return the text without the white space around it, if it looks like a signed JWT (RFC 7515 section 7.1).

    What looks so is also safe in a header. Raises UsageError.
    """
    token = text.strip()
    if len(token) > _LARGEST or not re.fullmatch(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", token):
        raise UsageError(f"{found} holds no JWT: three base64url parts with dots between, at most {_LARGEST} bytes")
    return token


def _read(path: str | PathLike[str]) -> str:
    try:
        with Path(path).open("rb") as file:
            content = file.read(2 * _LARGEST)
    except (OSError, ValueError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "no path"
        raise UsageError(f"the token file {path} cannot be read: {reason}") from exc
    return a_jwt(content.decode("ascii", "replace"), found=f"the token file {path}")
