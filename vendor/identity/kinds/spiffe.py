"""SPIFFE: JWT-SVIDs, whose `sub` is the SPIFFE ID of the workload.

Source: SPIFFE, "The SPIFFE Identity and Verifiable Identity Document" and "The JWT-SVID".
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from vendor.identity.issuer import ASYMMETRIC
from vendor.identity.kinds.rules import JWT, Form, Rules, audience
from vendor.refusals import InvalidToken, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vendor.identity.issuer import Issuer
    from vendor.identity.principal import AttributeValue

LONGEST: Final = 2048
"""Bytes of the longest SPIFFE ID (section 2.3)."""

_TRUST_DOMAIN: Final = re.compile(r"[a-z0-9._-]{1,255}", re.ASCII)
# One spelling for each ID: no escapes, no segments that are empty or lead elsewhere (sections 2.1 and 2.2).
_ID: Final = re.compile(r"spiffe://([a-z0-9._-]{1,255})((?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._-]+)+)", re.ASCII)


def is_trust_domain(text: str) -> bool:
    """Tell whether a text is the name of a trust domain."""
    return _TRUST_DOMAIN.fullmatch(text) is not None


def _read(issuer: Issuer, subject: str, _claims: Mapping[str, Any]) -> dict[str, AttributeValue]:
    """Return the parts of the SPIFFE ID; the path begins with a slash, as it does in every library."""
    parts = _ID.fullmatch(subject) if len(subject) <= LONGEST else None
    if parts is None:
        raise InvalidToken(Reason.CLAIMS, detail="sub is not the SPIFFE ID of a workload")
    if issuer.trust_domain not in {None, parts[1]}:
        raise InvalidToken(Reason.CLAIMS, detail=f"trust_domain is {parts[1]}, which this issuer does not speak for")
    return {"trust_domain": parts[1], "path": parts[2]}


RULES: Final = Rules(
    names=("trust_domain", "path"),
    read=_read,
    audience=audience,
    types=JWT | {"jose"},
    algorithms=tuple(name for name in ASYMMETRIC if name != "EdDSA"),
    issued_at_required=False,
    forms=MappingProxyType(
        {
            "subject": Form(skeleton=re.compile("x://x(/x)+"), example="spiffe://TRUST-DOMAIN/PATH"),
            "trust_domain": Form(skeleton=re.compile("x"), example="example.org"),
            "path": Form(skeleton=re.compile("(/x)+"), example="/ns/NAME/sa/NAME"),
        }
    ),
)
