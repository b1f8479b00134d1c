"""The certificate that the webhook shows: signed by a CA of its own, and signed anew long before it ends."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
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
