"""Hostile tokens of the corpus that are hostile to the issuers of the ground too, at a door of HTTP."""

from __future__ import annotations

from typing import Final

from tests.identity.corpus import CASES

# What HTTP itself takes off a field, or what is the field's other form, is no attack at a door.
ALIKE: Final = {f"{blank} {where}" for blank in ("a space", "a tab") for where in ("in front", "behind")} | {
    *("CRLF behind", "shape: Bearer in front", "a kid that the issuer publishes twice")
}
# Nor is what is hostile to an issuer of other terms than these have.
HERE: Final = {name: case for name, case in CASES.items() if not case.changes and name not in ALIKE}
