"""Principal: who was proven to be asking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

AttributeValue = str | int | bool | tuple[str, ...]
"""What a claim may be once it is an attribute: a JSON string, integer or boolean, or a list of strings."""
ANY_TYPE: Final[frozenset[type]] = frozenset({str, int, bool, tuple})


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A workload whose token was verified; only `vendor.identity.authentication` makes one.

    `issuer` is the issuer's name in the configuration, `issuer_url` its `iss`, `subject` the token's `sub`.
    `attributes` holds at least `issuer` and `subject`. `token_expires` is the token's `exp`, `token_sha256` the digest
    by which the audit trail names the token (hexadecimal). `token_scopes` are the scopes that the token itself is for,
    None where its issuer does not limit it by them. `aws_claims_sha256` is the digest of the claims that AWS may
    read beside the subject where it is shown the token, None if there are none.
    """

    issuer: str
    issuer_url: str
    subject: str
    attributes: Mapping[str, AttributeValue]
    token_expires: datetime
    token_sha256: str
    token_scopes: frozenset[str] | None = None
    aws_claims_sha256: str | None = None
