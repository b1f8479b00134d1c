"""Devices: codes of the service's own MFA devices, each used for one mint and no other.

Source: RFC 6238 with the parameters that AWS has: SHA-1, 30 seconds, six digits.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import TYPE_CHECKING, Final

from vendor.credentials import Secret
from vendor.refusals import Overloaded, Reason, StsUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from vendor.policy.session import Mfa

STEP: Final = 30
"""Seconds for which a device shows one code."""


class Devices:
    """The codes of virtual devices, whose secrets `read` takes from their files."""

    def __init__(self, *, read: Callable[[str], bytes]) -> None:
        self._read = read
        self._used: dict[str, int] = {}

    def code(self, mfa: Mfa, now: datetime) -> Secret:
        """Return the code of this moment.

        Raises Overloaded if it was used already, with the seconds until the next one, and StsUnavailable if the
        secret cannot be read.
        """
        step, past = divmod(int(now.timestamp()), STEP)
        if self._used.get(mfa.serial, -1) >= step:
            public = "the MFA device of this scope shows one code in 30 seconds, and this one was used"
            raise Overloaded(Reason.MFA_CODE, public, retry_after=STEP - past)
        code = totp(self._secret(mfa.secret_file or ""), step)
        self._used[mfa.serial] = step
        return Secret(code)

    def _secret(self, path: str) -> bytes:
        try:
            text = b"".join(self._read(path).split()).upper()
            return base64.b32decode(text + b"=" * (-len(text) % 8))
        except (OSError, binascii.Error) as exc:
            detail = f"the secret of an MFA device cannot be read from {path}: {type(exc).__name__}"
            raise StsUnavailable(Reason.BASE_IDENTITY, detail=detail) from exc


def totp(secret: bytes, step: int) -> str:
    """Return the six digits of a step (RFC 4226 section 5.3)."""
    digest = hmac.new(secret, step.to_bytes(8, "big"), hashlib.sha1).digest()
    at = digest[-1] & 15
    number = int.from_bytes(digest[at : at + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"
