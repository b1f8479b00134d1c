"""References: `${env:NAME}` and `${file:PATH}`, allowed only where secrets and endpoints stand."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from vendor.config.codes import Code
from vendor.config.files import UnreadableError
from vendor.config.problems import values

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path as FilePath

    from vendor.config.document import Document
    from vendor.config.files import Sources
    from vendor.config.findings import Path

LONGEST: Final = 64 * 1024
"""Bytes of the largest file that a reference reads."""

_BEGUN: Final = re.compile(r"\$\{(env|file):")
_REFERENCE: Final = re.compile(r"\$\{(env|file):([^}]+)\}")
_ALLOWED: Final = (
    ("issuers", "*", "issuer"),
    ("issuers", "*", "keys", "url"),
    ("issuers", "*", "api_server", "url"),
    ("targets", "*", "endpoint_url"),
    ("targets", "*", "identity", "access_key", "id"),
    ("scopes", "*", "mint", "assume_role", "external_id"),
    ("scopes", "*", "mint", "assume_role", "via", "*", "external_id"),
    ("store", "redis", "url"),
    ("store", "redis", "nodes", "*"),
    ("store", "redis", "password"),
    ("store", "redis", "sentinel", "password"),
    ("listen", "address"),
    ("operations", "address"),
)


def expand(
    document: Document, *, folder: FilePath, environ: Mapping[str, str], sources: Sources, refused: str | None = None
) -> None:
    """Replace every reference in the document's data by what it names.

    Findings never show a value that came from a reference. What cannot be replaced is left out; with `refused`, which
    says why, that is every reference.
    """
    if not document.refers:
        return
    lost: set[Path] = set()
    for path in [path for path in document.keys if _BEGUN.search(str(path[-1]))]:
        document.note(Code.REFERENCE_PLACE, document.keys[path], path, "a reference may not stand in a key")
    for path, value in list(values(document.data)):
        if not isinstance(value, str) or not _BEGUN.search(value):
            continue
        if refused or not _is_allowed(path):
            code = Code.REFERENCE_BEYOND if refused else Code.REFERENCE_PLACE
            document.find(code, path, refused or "a reference may stand only where a secret or an endpoint does")
            lost.add(path)
            continue
        try:
            _put(document.data, path, _replaced(value, folder, environ, sources))
        except _LostError as exc:
            document.find(Code.REFERENCE_LOST, path, str(exc))
            lost.add(path)
    document.leave_out(lost)


class _LostError(Exception):
    """A reference that nothing can replace; the message shows no value."""


def _is_allowed(path: Path) -> bool:
    return any(
        len(path) == len(allowed) and all(want in ("*", have) for want, have in zip(allowed, path, strict=True))
        for allowed in _ALLOWED
    )


def _put(data: Any, path: Path, value: str) -> None:
    for part in path[:-1]:
        data = data[part]
    data[path[-1]] = value


def _replaced(value: str, folder: FilePath, environ: Mapping[str, str], sources: Sources) -> str:
    def named(reference: re.Match[str]) -> str:
        kind, name = reference.groups()
        found = _file(folder / name, sources) if kind == "file" else environ.get(name)
        if found is None:
            raise _LostError(f"the environment has no variable {name}")
        if "{" in found or "}" in found:  # it could be read as a placeholder, and its name be told
            raise _LostError(f"the value of {reference[0]} may not hold braces")
        return found

    if _BEGUN.search(_REFERENCE.sub("", value)):
        raise _LostError("a reference is written ${env:NAME} or ${file:PATH}")
    return _REFERENCE.sub(named, value)


def _file(file: FilePath, sources: Sources) -> str:
    """Return a file's text without the newline that editors leave at its end."""
    try:
        text = sources.contents(file, most=LONGEST).decode("utf-8")
    except UnreadableError as exc:
        raise _LostError(str(exc)) from exc
    except UnicodeDecodeError as exc:
        raise _LostError(f"the file {file} is not UTF-8") from exc
    return text.removesuffix("\n").removesuffix("\r")
