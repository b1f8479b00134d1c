"""Proof: what the caller itself brought that STS wants to see. It decides nothing and is part of no key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from vendor.credentials import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What the caller brought: its own token, a SAML assertion in base64, a code of its MFA device."""

    token: Secret | None = None
    saml_assertion: Secret | None = None
    mfa_code: Secret | None = None


NO_PROOF: Final = Proof()
"""What a renewal has, for which nobody is there to bring anything."""
