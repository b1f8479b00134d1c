"""A main file with ceilings, and a file of scopes beside it that somebody else owns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.config.sound import SOUND, found

if TYPE_CHECKING:
    from pathlib import Path

MAIN, _, SCOPES = SOUND.partition("scopes:\n")
SCOPES = "scopes:\n" + SCOPES
ROLE = "arn:aws:iam::111122223333:role/reports"
POLICY = SOUND[SOUND.index("      policy:") :]
STATEMENT = SOUND[SOUND.index("          - Effect") :]
UNLIMITED = 'roles: ["*"]'


def main_file(*ceilings: str, more: str = "") -> str:
    """Return the sound configuration with ceilings, and its scopes in files of their own."""
    listed = "".join(f"  - {{{one}}}\n" for one in ceilings)
    return f"{MAIN}include: [scopes/*.yaml]\nceilings:\n{listed}{more}"


def scope_file(folder: Path, scopes: str, name: str = "scopes/a.yaml") -> Path:
    """Write a file of scopes."""
    file = folder / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(scopes, "utf-8")
    return file


def messages(folder: Path, said: str, scopes: str = SCOPES, *, more: str = "") -> list[str]:
    """Return field and message of what is found in a file under one ceiling, without the place of the ceiling."""
    scope_file(folder, scopes)
    findings = found(folder, main_file(f'files: "scopes/*.yaml", {said}', more=more))
    return [
        f"{one.field.removeprefix('scopes.reports.')}: {one.message.partition(' (the ceiling at')[0]}"
        for one in findings
    ]


def scopes_with(old: str, new: str) -> str:
    """Return the sound scope with one passage replaced."""
    assert SCOPES.count(old) == 1, old
    return SCOPES.replace(old, new)


def allowing(statement: str) -> str:
    """Return the sound scope with another statement and no parameter."""
    return scopes_with(STATEMENT, f"          - {{Effect: Allow, {statement}}}\n").replace(
        '    parameters:\n      month: {pattern: "[0-9]{4}-[0-9]{2}", default: 2026-01}\n', ""
    )
