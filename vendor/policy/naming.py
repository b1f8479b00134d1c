"""Session names: stable for a principal, readable in CloudTrail, never shared by two principals."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING, Final

from vendor.policy.limits import LONGEST_NAME

if TYPE_CHECKING:
    from vendor.identity.principal import Principal

DIGEST_LENGTH: Final = 16
"""Characters of the digest at the end of a name."""
HEAD_LENGTH: Final = LONGEST_NAME - DIGEST_LENGTH - 1
"""Characters that are kept of what is readable before it."""
_DIGEST_BYTES: Final = 10
_UNFIT: Final = re.compile(r"[^A-Za-z0-9_=,.@-]+", re.ASCII)


def session_name(principal: Principal, head: str | None = None, *, longest: int = LONGEST_NAME) -> str:
    """Return a readable head and, behind `-`, 80 bits of a digest of issuer and subject (T22).

    The head is the one given, otherwise what names the workload: `namespace.service_account`, or the subject.
    """
    ends = ending(principal.issuer_url, principal.subject)
    return f"{fit(head or _readable(principal))[: longest - len(ends)]}{ends}"


def ending(issuer_url: str, subject: str) -> str:
    """Return what the name of every session of a principal ends in, and of no other's: `-` and 80 bits of a digest."""
    issuer = issuer_url.encode()
    raw = hashlib.sha256(len(issuer).to_bytes(4, "big") + issuer + subject.encode()).digest()
    return f"-{base64.b32encode(raw[:_DIGEST_BYTES]).decode().lower()}"


def fit(text: str) -> str:
    """Return a text with `-` for whatever a session name cannot hold."""
    return _UNFIT.sub("-", text)


def _readable(principal: Principal) -> str:
    attributes = principal.attributes
    if "namespace" in attributes and "service_account" in attributes:
        return f"{attributes['namespace']}.{attributes['service_account']}"
    return principal.subject
