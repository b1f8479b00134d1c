"""Points of the Edwards curves: all that are keys are sound, and those that anybody can forge for are not (T1)."""

from __future__ import annotations

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from vendor.identity import edwards, jwks

P25519 = 2**255 - 19
P448 = 2**448 - 2**224 - 1
# Every point of a small order, the first five as libsodium refuses them too.
SMALL = {
    "one": (1, 32),
    "two": (P25519 - 1, 32),
    "four": (0, 32),
    "eight": (2707385501144840649318225287225658788936804267575313519463743609750303402022, 32),
    "eight, the other": (55188659117513257062467267217118295137698188065244968500265048394206261417927, 32),
    "one of edwards448": (1, 57),
    "two of edwards448": (P448 - 1, 57),
    "four of edwards448": (0, 57),
}


@given(st.binary(min_size=32, max_size=32))
def test_a_key_of_ed25519_is_sound(seed: bytes) -> None:
    assert edwards.is_sound(Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw())


@given(st.binary(min_size=57, max_size=57))
def test_a_key_of_ed448_is_sound(seed: bytes) -> None:
    assert edwards.is_sound(Ed448PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw())


@pytest.mark.parametrize(("y", "length"), SMALL.values(), ids=SMALL)
@pytest.mark.parametrize("negative", [False, True])
def test_a_point_of_a_small_order_is_not_sound(y: int, length: int, negative: bool) -> None:  # noqa: FBT001
    encoded = bytearray(y.to_bytes(length, "little"))
    encoded[-1] |= 0x80 * negative
    assert not edwards.is_sound(bytes(encoded))


@pytest.mark.parametrize(("y", "length"), SMALL.values(), ids=SMALL)
def test_a_point_of_a_small_order_is_on_its_curve(y: int, length: int) -> None:
    assert edwards._is_on(edwards._CURVES[length], y)


@pytest.mark.parametrize(("p", "length"), [(P25519, 32), (P448, 57)])
def test_a_coordinate_is_smaller_than_the_prime(p: int, length: int) -> None:
    sound = next(y for y in range(2, 20) if edwards.is_sound(y.to_bytes(length, "little")))
    assert not edwards.is_sound((p + sound).to_bytes(length, "little"))


@given(st.integers(min_value=0, max_value=P25519 - 1))
def test_what_lies_on_the_curve_is_what_euler_says(y: int) -> None:
    curve = edwards._CURVES[32]
    square = (1 - y * y) * (curve.a - curve.d * y * y)
    assert edwards._is_on(curve, y) is (pow(square, (P25519 - 1) // 2, P25519) in (0, 1))


def test_half_of_all_coordinates_are_off_the_curve() -> None:
    on = sum(edwards._is_on(edwards._CURVES[57], y) for y in range(1000))
    assert 400 < on < 600


@pytest.mark.parametrize("encoded", [b"", b"\2" * 31, b"\2" * 33, b"\2" * 56])
def test_what_is_of_another_length_is_no_point(encoded: bytes) -> None:
    assert not edwards.is_sound(encoded)


def test_a_signature_that_anybody_can_make_up_finds_no_key() -> None:
    identity = (1).to_bytes(32, "little")
    made_up = identity + bytes(32)  # R is the identity and S is zero: it holds for every message
    key = jwt.PyJWK({"kty": "OKP", "crv": "Ed25519", "x": "AQ" + "A" * 41}, algorithm="EdDSA").key
    assert jwt.get_algorithm_by_name("EdDSA").verify(b"whatever", key, made_up)
    with pytest.raises(jwks.KeySetError, match="of a small order"):
        jwks.parse(b'{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","x":"AQ' + b"A" * 41 + b'"}]}', ("EdDSA",))
