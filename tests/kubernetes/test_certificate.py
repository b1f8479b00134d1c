"""Certificates that the webhook signs for itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed448

from vendor.kubernetes.certificate import LIFE, CertificateError, sign

NOW = datetime.now(UTC).replace(microsecond=0)
CA = trustme.CA()
PEM = CA.cert_pem.bytes()
KEY = CA.private_key_pem.bytes()


def test_a_certificate_is_for_the_name_and_another_is_due_after_two_thirds_of_its_life() -> None:
    chain, key, due = sign(ca_certificate=PEM, ca_key=KEY, name="a.b.svc", now=NOW)
    own, ca = x509.load_pem_x509_certificates(chain)
    names = own.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["a.b.svc"]
    assert own.not_valid_after_utc == NOW + LIFE
    assert due == NOW + LIFE * 2 / 3
    own.verify_directly_issued_by(ca)
    private = serialization.load_pem_private_key(key, None)
    assert private.public_key() == own.public_key()


def test_no_certificate_outlives_its_ca() -> None:
    ends = x509.load_pem_x509_certificate(PEM).not_valid_after_utc
    chain, _, due = sign(ca_certificate=PEM, ca_key=KEY, name="a", now=ends - timedelta(days=3))
    assert x509.load_pem_x509_certificates(chain)[0].not_valid_after_utc == ends
    assert due == ends - timedelta(days=1)


ED448 = ed448.Ed448PrivateKey.generate().private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)


@pytest.mark.parametrize(
    ("certificate", "key", "now", "told"),
    [
        (b"", KEY, NOW, "no certificate and key"),
        (PEM, b"", NOW, "no certificate and key"),
        (PEM, trustme.CA().private_key_pem.bytes(), NOW, "not that of its certificate"),
        (PEM, ED448, NOW, "none that signs"),
        (PEM, KEY, NOW + timedelta(days=365 * 80), "has ended"),
    ],
)
def test_a_ca_that_cannot_sign_is_refused(certificate: bytes, key: bytes, now: datetime, told: str) -> None:
    if told == "has ended":
        now = x509.load_pem_x509_certificate(PEM).not_valid_after_utc
    with pytest.raises(CertificateError, match=told):
        sign(ca_certificate=certificate, ca_key=key, name="a", now=now)
