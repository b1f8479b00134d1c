"""A JWKS read with distrust: each key taken or dropped by itself, with one algorithm only (T1, T8)."""

from __future__ import annotations

import json
import sys
import time
import timeit
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jwt.utils import to_base64url_uint

from tests.fakes import tokens
from tests.fakes.keys import POOL, as_jwks, make_key
from vendor.identity import jwks
from vendor.identity.jwk import Dropped, Unfit

if TYPE_CHECKING:
    from tests.fakes.keys import SigningKey

RSA = POOL.borrow("RS256", kid="key-1")
EC = make_key("ES256", kid="ec")
ED = make_key("EdDSA", kid="ed")
POOL.give_back(RSA)
MODULUS = int.from_bytes(tokens.decode(RSA.jwk()["n"]), "big")


def document(*members: Any) -> bytes:
    return json.dumps({"keys": list(members)}).encode()


def rsa(modulus: int = MODULUS, exponent: int = 65537) -> dict[str, Any]:
    shown = {"n": to_base64url_uint(modulus).decode(), "e": to_base64url_uint(exponent).decode()}
    return {"kty": "RSA", "kid": "key-1", **shown}


def dropped(member: Any, *algorithms: str, uses: frozenset[str] = jwks.SIGNATURES) -> Dropped:
    """Return why a key beside a sound one was dropped."""
    found = jwks.parse(document(member, RSA.renamed("sound").jwk()), ("RS256", *algorithms), uses)
    assert list(found.keys) == ["sound"]
    (one,) = found.dropped
    return one


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


UNFIT: dict[str, tuple[Any, Unfit, str]] = {
    "a text": ("key", Unfit.MALFORMED, "it is no object"),
    "null": (None, Unfit.MALFORMED, "it is no object"),
    "a list": ([], Unfit.MALFORMED, "it is no object"),
    "no kid": (RSA.jwk(kid=None), Unfit.MALFORMED, "it has no kid"),
    "an empty kid": (RSA.jwk(kid=""), Unfit.MALFORMED, "it has no kid"),
    "a kid that is a number": ({**RSA.jwk(), "kid": 1}, Unfit.MALFORMED, "it has no kid"),
    "a kid that is a list": ({**RSA.jwk(), "kid": ["key-1"]}, Unfit.MALFORMED, "it has no kid"),
    "no modulus": (RSA.jwk(n=None), Unfit.MALFORMED, "it cannot be read"),
    "a modulus of nothing": (RSA.jwk(n=""), Unfit.MALFORMED, "it cannot be read"),
    "a modulus that is a number": (RSA.jwk(n=5), Unfit.MALFORMED, "it cannot be read"),
    "an exponent of one": (rsa(exponent=1), Unfit.MALFORMED, "it cannot be read"),
    "an exponent of two": (rsa(exponent=2), Unfit.MALFORMED, "it cannot be read"),
    "an exponent as long as the modulus": (rsa(exponent=MODULUS), Unfit.MALFORMED, "it cannot be read"),
    "an exponent that is a number": (RSA.jwk(e=65537), Unfit.MALFORMED, "it cannot be read"),
    "a point off its curve": (EC.jwk(y=EC.jwk()["x"]), Unfit.MALFORMED, "it cannot be read"),
    "a point that is cut": (EC.jwk(x="AA"), Unfit.MALFORMED, "it cannot be read"),
    "half a point": (EC.jwk(y=None), Unfit.MALFORMED, "it cannot be read"),
    "an Edwards point that is cut": (ED.jwk(x="AA"), Unfit.MALFORMED, "it cannot be read"),
    "a private key": (RSA.jwk(d="AQAB"), Unfit.PRIVATE, "it is a private or symmetric key"),
    "a part of a private key": (RSA.jwk(qi="AQAB"), Unfit.PRIVATE, "it is a private or symmetric key"),
    "a private key for encryption": (RSA.jwk(d="AQAB", use="enc"), Unfit.PRIVATE, "it is a private or symmetric key"),
    "a private half that is null": ({**RSA.jwk(), "d": None}, Unfit.PRIVATE, "it is a private or symmetric key"),
    "a symmetric key": ({"kty": "oct", "kid": "k", "k": "c2V"}, Unfit.PRIVATE, "it is a private or symmetric key"),
    "for encryption": (RSA.jwk(use="enc"), Unfit.USE, "its use is not sig"),
    "for encryption and without a kid": (RSA.jwk(use="enc", kid=None), Unfit.USE, "its use is not sig"),
    "for SPIFFE's tokens": (RSA.jwk(use="jwt-svid"), Unfit.USE, "its use is not sig"),
    "use that is null": ({**RSA.jwk(), "use": None}, Unfit.USE, "its use is not sig"),
    "use that is a list": (RSA.jwk(use=["sig"]), Unfit.USE, "its use is not sig"),
    "key_ops to sign": ({**RSA.jwk(), "key_ops": ["sign"]}, Unfit.USE, "its key_ops lack verify"),
    "key_ops empty": ({**RSA.jwk(), "key_ops": []}, Unfit.USE, "its key_ops lack verify"),
    "key_ops a text": ({**RSA.jwk(), "key_ops": "verify"}, Unfit.USE, "its key_ops lack verify"),
    "another algorithm": (RSA.jwk(alg="RS384"), Unfit.ALGORITHM, "it fits none"),
    "an HMAC algorithm": (RSA.jwk(alg="HS256"), Unfit.ALGORITHM, "it fits none"),
    "algorithm none": (RSA.jwk(alg="none"), Unfit.ALGORITHM, "it fits none"),
    "an algorithm that is a list": (RSA.jwk(alg=["RS256"]), Unfit.ALGORITHM, "it fits none"),
    "an algorithm that is an object": (RSA.jwk(alg={"RS256": 1}), Unfit.ALGORITHM, "it fits none"),
    "an algorithm that is a number": (RSA.jwk(alg=256), Unfit.ALGORITHM, "it fits none"),
    "another kind of key": (EC.jwk(alg="RS256"), Unfit.ALGORITHM, "it fits none"),
    "no kty": ({**RSA.jwk(), "kty": None}, Unfit.ALGORITHM, "it fits none"),
    "kty that is a list": ({**RSA.jwk(), "kty": ["RSA"]}, Unfit.ALGORITHM, "it fits none"),
    "another curve": (EC.jwk(alg=None, crv="P-384"), Unfit.ALGORITHM, "it fits none"),
    "Bitcoin's curve": (EC.jwk(alg=None, crv="secp256k1"), Unfit.ALGORITHM, "it fits none"),
    "a curve that is a list": (EC.jwk(alg=None, crv=["P-256"]), Unfit.ALGORITHM, "it fits none"),
    "the algorithm of another curve": (EC.jwk(alg="ES384"), Unfit.ALGORITHM, "it fits none"),
    "a curve for key agreement": (ED.jwk(alg=None, crv="X25519"), Unfit.ALGORITHM, "it fits none"),
    "an Edwards curve that is a list": (ED.jwk(alg=None, crv=["Ed25519"]), Unfit.ALGORITHM, "it fits none"),
    "an Edwards curve that is an object": (ED.jwk(alg=None, crv={"a": 1}), Unfit.ALGORITHM, "it fits none"),
    "RSA of 1024 bits": (make_key("RS256", kid="weak", bits=1024).jwk(), Unfit.WEAK, "RSA of 1024 bits"),
    "RSA of 2047 bits": (rsa(MODULUS >> 1 | 1), Unfit.WEAK, "RSA of 2047 bits"),
    "an even modulus": (rsa(MODULUS + 1), Unfit.WEAK, "RSA with an even modulus"),
    "an even exponent": (rsa(exponent=65536), Unfit.MALFORMED, "it cannot be read"),
    "an Edwards point off its curve": (
        ED.jwk(x="Ag" + "A" * 41),
        Unfit.WEAK,
        "it is off its curve, or of a small order",
    ),
    "an Edwards point of order one": (
        ED.jwk(x="AQ" + "A" * 41),
        Unfit.WEAK,
        "it is off its curve, or of a small order",
    ),
    "RSA of 12289 bits": (rsa(1 << 12288 | 1), Unfit.TOO_LARGE, "RSA of 12289 bits"),
    "RSA of a million bits": (rsa(1 << 1_000_000 | 1), Unfit.TOO_LARGE, "RSA of 1000001 bits"),
    "an exponent of 65 bits": (rsa(exponent=1 << 64 | 1), Unfit.TOO_LARGE, "RSA with an exponent of 65 bits"),
    "an exponent of 2048 bits": (rsa(exponent=MODULUS - 2), Unfit.TOO_LARGE, "RSA with an exponent of 2048 bits"),
}


@pytest.mark.parametrize(("member", "reason", "detail"), UNFIT.values(), ids=UNFIT)
def test_a_key_that_is_unfit_is_dropped_and_the_others_are_taken(member: Any, reason: Unfit, detail: str) -> None:
    told = dropped(member, "ES256", "EdDSA")
    assert told.reason is reason
    assert told.detail.startswith(detail)


def test_every_reason_is_met_by_some_key() -> None:
    assert {reason for _, reason, _ in UNFIT.values()} | {Unfit.AMBIGUOUS} == set(Unfit)


@pytest.mark.parametrize(
    ("modulus", "exponent"),
    [(MODULUS, 3), (MODULUS, (1 << 63) | 1), ((1 << 12287) | 1, 65537)],
    ids=["3", "long", "large"],
)
def test_an_rsa_key_at_its_limits_is_taken(modulus: int, exponent: int) -> None:
    assert jwks.parse(document(rsa(modulus, exponent)), ("RS256",)).keys


def test_what_is_told_of_a_key_shows_nothing_of_it() -> None:
    told = {str(dropped(member, "ES256", "EdDSA")) for member, _, _ in UNFIT.values()}
    assert not [one for one in told if RSA.jwk()["n"][:8] in one or "AQAB" in one]


def test_keys_of_one_kid_are_all_dropped() -> None:
    others = (make_key("ES256", kid="key-1"), make_key("ES256", kid="key-1"))
    found = jwks.parse(as_jwks(RSA, *others, EC), ("RS256", "ES256"))
    assert list(found.keys) == ["ec"]
    assert found.dropped == (Dropped(Unfit.AMBIGUOUS, "its kid stands twice"),) * 3


def test_a_key_that_stands_twice_over_is_one_key() -> None:
    found = jwks.parse(document(RSA.jwk(), RSA.jwk(x5t="again"), RSA.jwk(alg=None)), ("RS256",))
    assert list(found.keys) == ["key-1"]
    assert found.dropped == ()


@pytest.mark.parametrize("changes", [{"use": "enc"}, {"alg": "RSA-OAEP"}, {"key_ops": ["encrypt"]}, {"n": "AQAB"}])
@pytest.mark.parametrize("first", [True, False])
def test_an_unfit_key_that_shares_its_kid_with_a_sound_one_is_dropped_alone(
    changes: dict[str, Any],
    first: bool,  # noqa: FBT001
) -> None:
    members = [{**make_key("RS256").jwk(), **changes}, RSA.jwk()]
    found = jwks.parse(document(*(members if first else reversed(members))), ("RS256",))
    assert found.keys["key-1"].public_key == RSA.private.public_key()
    assert len(found.dropped) == 1


def test_in_a_spiffe_bundle_keys_for_tokens_are_taken_and_x509_authorities_dropped() -> None:
    bundle = document(
        RSA.jwk(kid="a", use="jwt-svid"),
        RSA.jwk(kid="b"),
        RSA.jwk(kid="c", use=None),
        RSA.jwk(kid=None, use="x509-svid"),
    )
    found = jwks.parse(bundle, ("RS256",), jwks.SPIFFE)
    assert list(found.keys) == ["a", "b", "c"]
    assert found.dropped == (Dropped(Unfit.USE, "its use is not jwt-svid or sig"),)


def test_dropped_keys_are_counted_for_each_reason() -> None:
    found = jwks.parse(document(RSA.jwk(), RSA.jwk(use="enc"), RSA.jwk(use="x"), RSA.jwk(d="x")), ("RS256",))
    counted = jwks.count(found.dropped)
    assert counted == {**dict.fromkeys((reason.value for reason in Unfit), 0), "use": 2, "private": 1}


def test_a_set_with_no_usable_key_is_an_error_that_says_why() -> None:
    with pytest.raises(jwks.KeySetError, match="no usable key; its use is not sig; it has no kid"):
        jwks.parse(document(RSA.jwk(use="enc"), RSA.jwk(kid=None)), ("RS256",))
    with pytest.raises(jwks.KeySetError, match=r"no usable key$"):
        jwks.parse(document(), ("RS256",))


def test_the_reasons_of_a_large_bad_set_are_few() -> None:
    with pytest.raises(jwks.KeySetError) as caught:
        jwks.parse(document(*[None] * 100), ("RS256",))
    assert str(caught.value) == "no usable key; it is no object"
    assert caught.value.dropped == (Dropped(Unfit.MALFORMED, "it is no object"),) * 100


def test_the_different_reasons_that_are_told_are_few() -> None:
    members = [member for member, _, _ in UNFIT.values()]
    with pytest.raises(jwks.KeySetError) as caught:
        jwks.parse(document(*members), ("ES512",))
    assert str(caught.value).count(";") == 5


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_a_hundred_keys_are_read_in_ten_milliseconds(algorithm: str) -> None:
    raw = as_jwks(*(make(algorithm, number) for number in range(100)))
    assert len(jwks.parse(raw, (algorithm,)).keys) == 100
    taken = min(timeit.repeat(lambda: jwks.parse(raw, (algorithm,)), number=1, repeat=10, timer=time.thread_time))
    bound = 0.01 if sys.gettrace() is None else 0.1  # measuring coverage takes most of the time
    assert taken < bound, f"{taken * 1000:.1f} ms"


def make(algorithm: str, number: int) -> SigningKey:
    """Return one of many keys; RSA ones are one key under many names."""
    return RSA.renamed(f"key-{number}") if algorithm == "RS256" else make_key(algorithm, kid=f"key-{number}")


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b'{"keys":[],"keys":[]}', "a member stands twice"),
        (as_jwks(RSA).replace(b'"kid"', b'"kid":"other","kid"'), "a member stands twice"),
        (as_jwks(RSA).decode().encode("utf-16"), "not JSON"),
        (b"\xef\xbb\xbf" + as_jwks(RSA), "not JSON"),
        (b'{"keys":NaN}', "NaN"),
        (b'{"keys":' + b"[" * 16 + b"]" * 16 + b"}", "nested too deep"),
        (b"", "not JSON"),
        (b"<html>", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"keys":' + b"9" * 5000 + b"}", "not JSON"),
        (b"[]", "not an object"),
        (b"null", "not an object"),
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
