"""Secret files that mints name: looked at when they are loaded, read when they are used, never held."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Final

from vendor.config.codes import Code
from vendor.config.files import UnreadableError
from vendor.policy.session import Mfa

if TYPE_CHECKING:
    from vendor.config.findings import Path
    from vendor.config.reading import Reading

LONGEST_SECRET: Final = 4 * 1024
"""Bytes of the largest secret of a device."""
LONGEST_ASSERTION: Final = 128 * 1024
"""Bytes of the largest assertion."""
_SERIAL: Final = re.compile(r"[A-Za-z0-9_+=/:,.@-]{9,256}", re.ASCII)


def device(reading: Reading, at: Path, serial: str | None, secret_file: str | None) -> Mfa | None:
    """Return an MFA device, None if none is said."""
    if serial is None:
        if secret_file is not None:
            reading.find(Code.DEVICE, (*at, "mfa_secret_file"), "mfa_serial is missing: AWS asks for both")
        return None
    if not _SERIAL.fullmatch(serial):
        message = "expected a device's serial number, or its ARN: arn:aws:iam::111122223333:mfa/vendor"
        reading.find(Code.DEVICE, (*at, "mfa_serial"), message)
    if secret_file is None:
        return Mfa(serial, None)
    found = _contents(reading, (*at, "mfa_secret_file"), secret_file, LONGEST_SECRET)
    if found is not None and not _is_base32(found):
        reading.find(Code.DEVICE, (*at, "mfa_secret_file"), "the file holds no secret in base32 as AWS shows it")
    return Mfa(serial, str(reading.around.folder / secret_file))


def assertion_file(reading: Reading, at: Path, said: str | None) -> str | None:
    """Return the path of the service's own assertion, None if none is said; it may come later."""
    if said is None or _is_beyond(reading, at):
        return None
    return str(reading.around.folder / said)


def _contents(reading: Reading, at: Path, said: str, most: int) -> bytes | None:
    if _is_beyond(reading, at):
        return None
    try:
        return reading.around.sources.contents(reading.around.folder / said, most=most)
    except UnreadableError as exc:
        reading.find(Code.DEVICE, at, str(exc))
        return None


def _is_beyond(reading: Reading, at: Path) -> bool:
    """Tell, with a finding, whether a ceiling keeps the scope's file from naming secrets of the service."""
    refusing = next((one for one in reading.around.above if not one.said.references), None)
    if refusing is not None:
        message = f"a secret of the service may not be named here (the ceiling at {refusing.place('references')})"
        reading.find(Code.REFERENCE_BEYOND, at, message)
    return refusing is not None


def _is_base32(raw: bytes) -> bool:
    text = b"".join(raw.split()).upper()
    try:
        return bool(base64.b32decode(text + b"=" * (-len(text) % 8)))
    except binascii.Error:
        return False
