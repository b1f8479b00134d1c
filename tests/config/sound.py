"""A sound configuration, and rules that are shown by breaking it in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from vendor.config import Configuration, ConfigurationError, load

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from vendor.config import Finding

MARK = "^^"
SOUND = """\
version: 1
listen:
  address: 127.0.0.1:8080
operations:
  address: 127.0.0.1:9090
issuers:
  cluster:
    issuer: https://oidc.example.com/id/AAA
    audience: vendor
    kind: kubernetes
  batch:
    issuer: https://sso.example.com/batch
    audience: vendor
    kind: generic
    attributes: {team: [labels, team]}
targets:
  aws: {regions: [eu-west-1, eu-central-1]}
  own: {endpoint_url: "http://127.0.0.1:9000", regions: [garage]}
scopes:
  reports:
    description: Reports
    grants:
      - issuer: cluster
        where: {namespace: analytics}
    parameters:
      month: {pattern: "[0-9]{4}-[0-9]{2}", default: 2026-01}
    target: aws
    mint:
      assume_role:
        role: arn:aws:iam::111122223333:role/reports
    session:
      policy:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Action: s3:GetObject
            Resource: arn:aws:s3:::reports/{{ namespace }}/{{ month }}/*
"""


class Rule(NamedTuple):
    """A rule as a sentence, and what breaks it: `new` for `old`, with ^^ or the passage `at` where that is found."""

    says: str
    old: str
    new: str
    field: str
    message: str
    at: str = ""


def rules(*given: tuple[str, ...]) -> dict[str, Rule]:
    """Return rules by their sentences."""
    return {one[0]: Rule(*one) for one in given}


def loaded(
    folder: Path, text: str | bytes, environ: Mapping[str, str] | None = None, *, lint: bool = False
) -> Configuration:
    """Return the configuration of a text."""
    file = folder / "vendor.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load(file, environ=environ or {}, lint=lint)


def found(
    folder: Path, text: str | bytes, environ: Mapping[str, str] | None = None, *, lint: bool = False
) -> tuple[Finding, ...]:
    """Return every finding of a text: errors, or the warnings if there is no error."""
    try:
        return loaded(folder, text, environ, lint=lint).warnings
    except ConfigurationError as exc:
        return exc.findings


def told(folder: Path, text: str | bytes, environ: Mapping[str, str] | None = None) -> list[str]:
    """Return every finding of a text without its file and code: `line:column: field: message`."""
    return [uncoded(one).removeprefix(f"{one.file}:") for one in found(folder, text, environ)]


def uncoded(finding: Finding) -> str:
    """Return a finding without its code, of which `rules/codes.txt` tells."""
    return str(finding).removesuffix(f" [{finding.code}]")


def changed(old: str, new: str) -> str:
    """Return the sound configuration with one passage replaced."""
    assert SOUND.count(old) == 1, old
    return SOUND.replace(old, new)


def broken(rule: Rule) -> str:
    """Return the sound configuration with the rule broken."""
    return changed(rule.old, rule.new).replace(MARK, "")


def assert_told(folder: Path, rule: Rule, code: str, severity: str = "error", *, lint: bool = False) -> None:
    """Assert that breaking the rule is all that is found, at its place and with its code."""
    text = changed(rule.old, rule.new)
    findings = found(folder, broken(rule), lint=lint)
    before = text.partition(rule.at or MARK)[0]
    place = before.count("\n") + 1, len(before) - before.rfind("\n")
    assert [(one.line, one.column, one.field, one.severity) for one in findings] == [(*place, rule.field, severity)], [
        str(one) for one in findings
    ]
    assert findings[0].message.startswith(rule.message)
    assert findings[0].code == code
