"""The certificate that the webhook shows: signed by a CA of its own, and signed anew long before it ends."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    import ssl
    from datetime import datetime

LIFE: Final = timedelta(days=30)
"""How long a certificate is good for."""
EARLIER: Final = timedelta(hours=1)
"""How long before it is made it begins: the API server's clock may be late."""


class CertificateError(Exception):
    """A CA that cannot sign; the message says why, and shows nothing of its key."""


def sign(*, ca_certificate: bytes, ca_key: bytes, name: str, now: datetime) -> tuple[bytes, bytes, datetime]:
    """Return a certificate chain for a DNS name, its key, and when to make another; CA and results are PEM.

    Raises CertificateError.
    """
    ca, signing = _authority(ca_certificate, ca_key, now)
    key = ec.generate_private_key(ec.SECP256R1())
    ends = min(now + LIFE, ca.not_valid_after_utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])]))
        .issuer_name(ca.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLIER)
        .not_valid_after(ends)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(signing, None if isinstance(signing, ed25519.Ed25519PrivateKey) else hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return certificate.public_bytes(pem) + ca.public_bytes(pem), private, now + (ends - now) * 2 / 3


def _authority(
    certificate: bytes, key: bytes, now: datetime
) -> tuple[x509.Certificate, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey]:
    try:
        ca = x509.load_pem_x509_certificate(certificate)
        signing = serialization.load_pem_private_key(key, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
        raise CertificateError("the CA is no certificate and key in PEM") from exc
    if not isinstance(signing, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey):
        raise CertificateError("the CA's key is none that signs certificates here: RSA, ECDSA or Ed25519")
    if signing.public_key() != ca.public_key():
        raise CertificateError("the CA's key is not that of its certificate")
    if ca.not_valid_after_utc <= now:
        raise CertificateError("the CA's certificate has ended")
    return ca, signing


def show(context: ssl.SSLContext, *, chain: bytes, key: bytes) -> None:
    """Let a context show a chain and prove that it has the key, from the next handshake on.

    Both go by way of memory, as OpenSSL reads files only and there may be none that can be written. Raises OSError.
    """
    with _file(chain) as certificate_path, _file(key) as key_path:
        context.load_cert_chain(str(certificate_path), str(key_path))


class _file:  # noqa: N801 - it reads as a function
    """A file that is nowhere but in memory, for as long as the block lasts."""

    def __init__(self, content: bytes) -> None:
        self._descriptor = os.memfd_create("vendor", os.MFD_CLOEXEC)
        os.write(self._descriptor, content)

    def __enter__(self) -> str:
        return f"/proc/self/fd/{self._descriptor}"

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)
