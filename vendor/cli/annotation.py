"""Annotations: findings as workflow commands of GitHub Actions, which shows them beside the lines of a change.

Source: GitHub Docs, "Workflow commands for GitHub Actions", and the escaping of its own toolkit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vendor.cli.terminal import without_tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vendor.config.codes import Severity
    from vendor.config.findings import Finding

_DATA: Final[Mapping[int, str]] = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY: Final[Mapping[int, str]] = {**_DATA, **str.maketrans({":": "%3A", ",": "%2C"})}


def of_finding(finding: Finding) -> str:
    """Return a finding as an annotation of its place."""
    told = finding.to_dict()
    title = " ".join(str(told[name]) for name in ("code", "field") if told.get(name))
    place = {"file": finding.file, "line": str(finding.line), "col": str(finding.column), "title": title}
    return annotation(finding.severity, finding.message, **place)


def annotation(severity: Severity, message: str, **properties: str) -> str:
    """Return a workflow command on one line: no text can end it, or begin another one."""
    said = ",".join(f"{name}={_shown(value).translate(_PROPERTY)}" for name, value in properties.items())
    return f"::{severity} {said}::{_shown(message).translate(_DATA)}"


def _shown(text: str) -> str:
    """Return a text as any runner's log can take it: a name out of the file may hold anything."""
    return "".join(
        one if one.isprintable() or one in "\r\n" else one.encode("unicode_escape").decode()
        for one in without_tokens(text)
    )
