"""T1: signatures that the issuer's own RSA key could have made, of other paddings than the algorithm's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from tests.fakes import tokens
from tests.identity.corpus.world import Case, World
from vendor.refusals import Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.identity.corpus.world import Maker


def _rsa(sign: Callable[[rsa.RSAPrivateKey, bytes], bytes]) -> Maker:
    """Sign with the issuer's RSA key in a way of one's own."""

    def make(world: World) -> str:
        head, body, _ = world.segments()
        private: Any = world.issuer.key.private
        return f"{head}.{body}.{tokens.encode(sign(private, f'{head}.{body}'.encode()))}"

    return make


def _digest(message: bytes) -> bytes:
    whole = hashes.Hash(hashes.SHA256())
    whole.update(message)
    return whole.finalize()


def _unreduced(private: rsa.RSAPrivateKey, message: bytes) -> bytes:
    """Add the modulus to a good signature: the same number to who reduces it first."""
    numbers = private.private_numbers()
    good = int.from_bytes(private.sign(message, padding.PKCS1v15(), hashes.SHA256()), "big")
    return (good + numbers.public_numbers.n).to_bytes(private.key_size // 8 + 1, "big")


def _raw(private: rsa.RSAPrivateKey, block: bytes) -> bytes:
    """Return what raises to a block of our choice: a padding that no library writes."""
    numbers = private.private_numbers()
    return pow(int.from_bytes(block, "big"), numbers.d, numbers.public_numbers.n).to_bytes(256, "big")


PREFIX = bytes.fromhex("3031300d060960864801650304020105000420")
"""What stands before a SHA-256 digest in PKCS #1 (RFC 8017 section 9.2)."""


def _block(between: bytes, behind: bytes = b"") -> Callable[[rsa.RSAPrivateKey, bytes], bytes]:
    def sign(private: rsa.RSAPrivateKey, message: bytes) -> bytes:
        tail = PREFIX + _digest(message) + behind
        return _raw(private, b"\0\1" + between.ljust(256 - 3 - len(tail), b"\xff") + b"\0" + tail)

    return sign


def _short_block(private: rsa.RSAPrivateKey, message: bytes) -> bytes:
    """Leave garbage behind the digest, as Bleichenbacher's forgery of 2006 does."""
    head = b"\0\1" + b"\xff" * 8 + b"\0" + PREFIX + _digest(message)
    return _raw(private, head.ljust(256, b"\0"))


RSA: dict[str, Callable[[rsa.RSAPrivateKey, bytes], bytes]] = {
    "PKCS #1 of SHA-1": lambda key, message: key.sign(message, padding.PKCS1v15(), hashes.SHA1()),  # noqa: S303
    "PKCS #1 of SHA-384": lambda key, message: key.sign(message, padding.PKCS1v15(), hashes.SHA384()),
    "PKCS #1 of SHA-512": lambda key, message: key.sign(message, padding.PKCS1v15(), hashes.SHA512()),
    "PKCS #1 of the digest's digest": lambda key, message: key.sign(
        _digest(_digest(message)), padding.PKCS1v15(), Prehashed(hashes.SHA256())
    ),
    "PSS of SHA-256": lambda key, message: key.sign(
        message, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256()
    ),
    "not reduced": _unreduced,
    "garbage behind the digest": _short_block,
    "garbage in the padding": _block(b"\xff" * 8 + b"x"),
    "zeros in the padding": _block(bytes(32)),
    "a digest with a byte behind": _block(b"", b"\0"),
    "no padding at all": lambda key, message: _raw(key, _digest(message)),
    "of nothing": lambda key, _message: key.sign(b"", padding.PKCS1v15(), hashes.SHA256()),
    "of the header alone": lambda key, message: key.sign(
        message.partition(b".")[0], padding.PKCS1v15(), hashes.SHA256()
    ),
    "of the payload alone": lambda key, message: key.sign(
        message.partition(b".")[2], padding.PKCS1v15(), hashes.SHA256()
    ),
    "of the decoded payload": lambda key, message: key.sign(
        tokens.decode(message.decode().partition(".")[2]), padding.PKCS1v15(), hashes.SHA256()
    ),
}
PSS: dict[str, Callable[[rsa.RSAPrivateKey, bytes], bytes]] = {
    "PKCS #1": lambda key, message: key.sign(message, padding.PKCS1v15(), hashes.SHA256()),
    "no salt": lambda key, message: key.sign(message, padding.PSS(padding.MGF1(hashes.SHA256()), 0), hashes.SHA256()),
    "a short salt": lambda key, message: key.sign(
        message, padding.PSS(padding.MGF1(hashes.SHA256()), 20), hashes.SHA256()
    ),
    "the longest salt": lambda key, message: key.sign(
        message, padding.PSS(padding.MGF1(hashes.SHA256()), 222), hashes.SHA256()
    ),
    "a mask of SHA-512": lambda key, message: key.sign(
        message, padding.PSS(padding.MGF1(hashes.SHA512()), 32), hashes.SHA256()
    ),
    "a digest of SHA-384": lambda key, message: key.sign(
        message, padding.PSS(padding.MGF1(hashes.SHA384()), 48), hashes.SHA384()
    ),
}


CASES: dict[str, Case] = {
    **{f"RS256: {name}": Case("T1", Reason.SIGNATURE, _rsa(sign), "RS256") for name, sign in RSA.items()},
    **{f"PS256: {name}": Case("T1", Reason.SIGNATURE, _rsa(sign), "PS256") for name, sign in PSS.items()},
}
