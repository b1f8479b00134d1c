"""Sealed: what leaves us for a store that others can read and write, so that they can do neither with what it says.

    1 byte   the version of this form
    1 byte   length of the key's id, and the id (ASCII)
    28 bytes random: 16 that make this value's own key, 12 that are its nonce
    the rest AES-256-GCM of the value (NIST SP 800-38D), everything above and what it is for being authenticated too

Each value has a key of its own, as one key is good for 2^32 random nonces only, which a busy service spends in months.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY_BYTES: Final = 32
"""Bytes of a key."""
LONGEST: Final = 32 * 1024
"""Bytes of the longest sealed value; the doors' longest answer is 10,000."""
_VERSION: Final = 1
_SALT: Final = 16
_NONCE: Final = 12


class SealError(Exception):
    """Bytes that no holder of our keys sealed for this use; the message says what is wrong and shows nothing of it."""


def read_key(raw: bytes) -> bytes:
    """Return the key that a file holds: 32 bytes, or what is them in base64 (RFC 4648, either alphabet).

    Raises ValueError, whose message shows nothing of it.
    """
    if len(raw) == KEY_BYTES and not (raw.isascii() and raw.decode().isprintable()):  # that would be a text
        return raw
    try:
        key = base64.b64decode(raw.strip().replace(b"-", b"+").replace(b"_", b"/"), validate=True)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise ValueError(f"expected {KEY_BYTES} random bytes, as they are or in base64")
    return key


class Ring:
    """The keys: the first one seals, all of them open, so that one can take another's place without a gap.

    `keys` are by their ids, 32 bytes each, the first one first.
    """

    __slots__ = ("_first", "_naming", "_sealing")

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._first = next(iter(keys))
        self._sealing = {name: hmac.digest(key, b"vendor: seal", "sha256") for name, key in keys.items()}
        self._naming = [hmac.digest(key, b"vendor: name", "sha256") for key in keys.values()]

    def names(self, what: bytes) -> list[str]:
        """Return the names that a thing has in the store, one by each key: who has no key learns nothing from them."""
        return [hmac.digest(key, what, "sha256").hex() for key in self._naming]

    def seal(self, plain: bytes, *, use: bytes) -> bytes:
        """Return the bytes sealed with the first key for one use, which is never to be had from them."""
        name = self._first.encode()
        head = bytes((_VERSION, len(name))) + name + secrets.token_bytes(_SALT + _NONCE)
        return head + self._cipher(self._first, head).encrypt(head[-_NONCE:], plain, head + use)

    def open(self, sealed: bytes, *, use: bytes) -> bytes:
        """Return what was sealed for this use.

        Raises SealError.
        """
        if len(sealed) > LONGEST:
            raise SealError("it is larger than anything that is sealed")
        if len(sealed) < 2 or sealed[0] != _VERSION:  # noqa: PLR2004 - the version and the length
            raise SealError("it is of no version that is known")
        size = 2 + sealed[1] + _SALT + _NONCE
        head, name = sealed[:size], sealed[2 : 2 + sealed[1]].decode("ascii", "replace")
        if name not in self._sealing or len(head) < size:
            raise SealError("it is sealed with no key of ours")
        try:
            return self._cipher(name, head).decrypt(head[-_NONCE:], sealed[size:], head + use)
        except InvalidTag as exc:
            raise SealError("it was changed, or sealed for something else") from exc

    def _cipher(self, name: str, head: bytes) -> AESGCM:
        return AESGCM(hmac.digest(self._sealing[name], head[-_SALT - _NONCE : -_NONCE], "sha256"))
