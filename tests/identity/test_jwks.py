"""A JWKS read with distrust: each key taken or dropped by itself, with one algorithm only."""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.keys import POOL, as_jwks, make_key
from vendor.identity import jwks

RSA = POOL.borrow("RS256", kid="key-1")
EC = make_key("ES256", kid="ec")
ED = make_key("EdDSA", kid="ed")
POOL.give_back(RSA)


def document(*members: Any) -> bytes:
    return json.dumps({"keys": list(members)}).encode()


def dropped(member: Any, *algorithms: str) -> tuple[str, ...]:
    """Return why a key beside a sound one was dropped."""
    found = jwks.parse(document(member, RSA.renamed("sound").jwk()), ("RS256", *algorithms))
    assert list(found.keys) == ["sound"]
    return found.dropped


@pytest.mark.parametrize(
    ("algorithm", "shown"),
    [
        ("RS256", "RS256"),
        ("PS512", "RS256"),
        ("ES256", "ES256"),
        ("ES384", "ES384"),
        ("ES512", "ES512"),
        ("EdDSA", "EdDSA"),
    ],
)
def test_a_key_verifies_with_the_one_algorithm_that_it_fits(algorithm: str, shown: str) -> None:
    key = make_key(algorithm, kid="k") if algorithm != "RS256" else RSA.renamed("k")
    order = ("RS256", "PS512", "ES256", "ES384", "ES512", "EdDSA")
    assert jwks.parse(as_jwks(key), order).keys["k"].algorithm == algorithm
    assert jwks.parse(document(key.jwk(alg=None)), order).keys["k"].algorithm == shown


def test_a_key_that_names_no_algorithm_takes_the_issuers_first() -> None:
    member = RSA.jwk(alg=None)
    assert jwks.parse(document(member), ("PS256", "RS256")).keys["key-1"].algorithm == "PS256"
    assert jwks.parse(document(member), ("ES256", "RS256")).keys["key-1"].algorithm == "RS256"


def test_an_ed448_key_is_taken_as_eddsa() -> None:
    point = jwt.utils.base64url_encode(
        bytes.fromhex(
            "5fd7449b59b461fd2ce787ec616ad46a1da1342485a70e1f8a0ea75d80e96778edf124769b46c7061bd6783df1e50f6cd1fa1abeafe8256180"
        )
    ).decode()
    member = {"kty": "OKP", "crv": "Ed448", "x": point, "kid": "k"}
    assert jwks.parse(document(member), ("EdDSA",)).keys["k"].algorithm == "EdDSA"


FITS_NOTHING = "it fits none of the issuer's algorithms"
NOT_READ = "it cannot be read"
PRIVATE = "it is a private or symmetric key"
UNFIT: dict[str, tuple[Any, str]] = {
    "a text": ("key", "it is no object"),
    "null": (None, "it is no object"),
    "a list": ([], "it is no object"),
    "no kid": (RSA.jwk(kid=None), "it has no kid"),
    "an empty kid": (RSA.jwk(kid=""), "it has no kid"),
    "a kid that is a number": ({**RSA.jwk(), "kid": 1}, "it has no kid"),
    "a private key": (RSA.jwk(d="AQAB"), PRIVATE),
    "a part of a private key": (RSA.jwk(qi="AQAB"), PRIVATE),
    "a symmetric key": ({"kty": "oct", "kid": "k", "k": "c2VjcmV0", "alg": "HS256"}, PRIVATE),
    "for encryption": (RSA.jwk(use="enc"), "its use is not sig"),
    "use that is null": ({**RSA.jwk(), "use": None}, "its use is not sig"),
    "key_ops to sign": ({**RSA.jwk(), "key_ops": ["sign"]}, "its key_ops lack verify"),
    "key_ops empty": ({**RSA.jwk(), "key_ops": []}, "its key_ops lack verify"),
    "key_ops a text": ({**RSA.jwk(), "key_ops": "verify"}, "its key_ops lack verify"),
    "another algorithm": (RSA.jwk(alg="RS384"), FITS_NOTHING),
    "an HMAC algorithm": (RSA.jwk(alg="HS256"), FITS_NOTHING),
    "algorithm none": (RSA.jwk(alg="none"), FITS_NOTHING),
    "an algorithm that is a list": (RSA.jwk(alg=["RS256"]), FITS_NOTHING),
    "another kind of key": (EC.jwk(alg=None), FITS_NOTHING),
    "no kty": ({**RSA.jwk(), "kty": None}, FITS_NOTHING),
    "kty that is a list": ({**RSA.jwk(), "kty": ["RSA"]}, FITS_NOTHING),
    "RSA of 1024 bits": (make_key("RS256", kid="weak", bits=1024).jwk(), "RSA of 1024 bits"),
    "no modulus": (RSA.jwk(n=None), NOT_READ),
    "a modulus of nothing": (RSA.jwk(n=""), NOT_READ),
    "a modulus that is a number": (RSA.jwk(n=5), NOT_READ),
    "an exponent of one": (RSA.jwk(e="AQ"), NOT_READ),
    "an even exponent": (RSA.jwk(e="Ag"), NOT_READ),
}


@pytest.mark.parametrize(("member", "why"), UNFIT.values(), ids=UNFIT)
def test_a_key_that_is_unfit_is_dropped_and_the_others_are_taken(member: Any, why: str) -> None:
    (told,) = dropped(member)
    assert told.startswith(why)


@pytest.mark.parametrize(
    ("member", "why"),
    [
        (EC.jwk(y=EC.jwk()["x"]), NOT_READ),
        (EC.jwk(x="AA"), NOT_READ),
        (EC.jwk(alg=None, crv="P-384"), FITS_NOTHING),
        (EC.jwk(alg=None, crv="secp256k1"), FITS_NOTHING),
        (EC.jwk(alg=None, crv=["P-256"]), FITS_NOTHING),
        (EC.jwk(alg="ES384"), FITS_NOTHING),
        (ED.jwk(alg=None, crv="X25519"), FITS_NOTHING),
        (ED.jwk(alg=None, crv=["Ed25519"]), FITS_NOTHING),
        (ED.jwk(alg=None, crv={"a": 1}), FITS_NOTHING),
        (ED.jwk(x="AA"), NOT_READ),
    ],
)
def test_a_key_off_its_curve_is_dropped(member: Any, why: str) -> None:
    (told,) = dropped(member, "ES256", "EdDSA")
    assert told.startswith(why)


def test_keys_of_one_kid_are_all_dropped() -> None:
    other = make_key("ES256", kid="key-1")
    found = jwks.parse(as_jwks(RSA, other, EC), ("RS256", "ES256"))
    assert list(found.keys) == ["ec"]
    assert found.dropped == ("its kid stands twice",) * 2


def test_a_set_with_no_usable_key_is_an_error_that_says_why() -> None:
    with pytest.raises(jwks.KeySetError, match="no usable key; its use is not sig; it has no kid"):
        jwks.parse(document(RSA.jwk(use="enc"), RSA.jwk(kid=None)), ("RS256",))
    with pytest.raises(jwks.KeySetError, match=r"no usable key$"):
        jwks.parse(document(), ("RS256",))


def test_the_reasons_of_a_large_bad_set_are_few() -> None:
    with pytest.raises(jwks.KeySetError) as caught:
        jwks.parse(document(*[None] * 100), ("RS256",))
    assert str(caught.value).count("it is no object") == 5


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "not JSON"),
        (b"<html>", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"keys":' + b"9" * 5000 + b"}", "not JSON"),
        (b"[]", "no list of keys"),
        (b"null", "no list of keys"),
        (b"{}", "no list of keys"),
        (b'{"keys":{}}', "no list of keys"),
        (b'{"keys":null}', "no list of keys"),
    ],
)
def test_what_is_no_key_set_is_an_error(raw: bytes, why: str) -> None:
    with pytest.raises(jwks.KeySetError, match=why):
        jwks.parse(raw, ("RS256",))


def test_a_hundred_keys_are_read_and_one_more_is_not() -> None:
    copies = [RSA.renamed(f"key-{number}") for number in range(101)]
    assert len(jwks.parse(as_jwks(*copies[:100]), ("RS256",)).keys) == 100
    with pytest.raises(jwks.KeySetError, match="more than 100 keys"):
        jwks.parse(as_jwks(*copies), ("RS256",))


def test_a_set_of_256_kib_is_read_and_a_larger_one_is_not() -> None:
    raw = as_jwks(RSA)
    assert jwks.parse(raw + b" " * (jwks.LONGEST - len(raw)), ("RS256",)).keys
    with pytest.raises(jwks.KeySetError, match="larger than 256 KiB"):
        jwks.parse(raw + b" " * (jwks.LONGEST - len(raw) + 1), ("RS256",))


JUNK = st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.lists(st.text(max_size=2), max_size=2)
MEMBERS: st.SearchStrategy[Any] = st.dictionaries(
    st.sampled_from(["kty", "crv", "kid", "alg", "use", "key_ops", "n", "e", "x", "y"]),
    JUNK | st.sampled_from(["RSA", "EC", "OKP", "P-256", "Ed25519", "AQAB", "sig", "RS256"]) | st.just({}),
)


@given(st.lists(MEMBERS | JUNK, max_size=3))
def test_no_key_makes_the_reading_raise_anything_but_its_own_error(members: list[Any]) -> None:
    with pytest.raises(jwks.KeySetError):
        jwks.parse(document(*members), ("RS256", "ES256", "EdDSA"))
