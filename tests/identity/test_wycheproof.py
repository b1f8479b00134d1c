"""Wycheproof's vectors, each with the verdict that we mean (T1, T7): theirs, but for the differences told here."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.fakes.clock import Clock
from tests.fakes.tokens import encode, write
from tests.identity import made, wycheproof
from tests.identity.wycheproof import VECTORS, Vector
from vendor.identity import authentication, jwks, token
from vendor.identity.authentication import Authenticator, TrustedIssuer
from vendor.identity.issuer import ASYMMETRIC
from vendor.refusals import InvalidToken, Reason

# PyJWT warns of weak keys; that they are refused must not hang on a warning.
pytestmark = [
    pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning"),
    pytest.mark.untraced,
]

ISSUER = "https://oidc.example.com"
CLAIMS = encode(write({"iss": ISSUER}))

SYMMETRIC = "an HMAC proves nothing to who only knows public keys: symmetric keys and algorithms are never taken"
EMPTY = "an empty payload holds no claims"
TWO_ALGORITHMS = "one key, one algorithm: the key says PS256 and the token PS384"
MISSPELT = "the key's alg is ES521, which no specification names"
ENCRYPTED = "an encrypted token is no signed one, and we hold no key to open it"
ROCA = "a modulus made by the library that CVE-2017-15361 is about is not recognised: its issuer published the key"
DIFFERENCES: dict[str, str] = {
    "json_web_signature 1 acceptsValid": SYMMETRIC,
    "json_web_signature 259 emptyPayload": EMPTY,
    "json_web_signature 264 emptyPayload": EMPTY,
    "json_web_signature 268 emptyPayload": EMPTY,
    "json_web_signature 272 emptyPayload": EMPTY,
    "json_web_signature 320 emptyPayload": EMPTY,
    "json_web_signature 325 emptyPayload": EMPTY,
    "json_web_signature 346 Figure20": TWO_ALGORITHMS,
    "json_web_signature 347 Figure27": MISSPELT,
    "json_web_signature 348 Figure35": SYMMETRIC,
    "json_web_signature 350 Figure20": TWO_ALGORITHMS,
    "json_web_signature 351 Figure27": MISSPELT,
    "json_web_signature 352 Figure35": SYMMETRIC,
    "json_web_signature 357 ValidMac": SYMMETRIC,
    "json_web_signature 358 ValidEdgeCaseMac": SYMMETRIC,
    "json_web_signature 359 ValidEdgeCaseMac": SYMMETRIC,
    "json_web_signature 372 InvalidCharacterInsertedInHeader": SYMMETRIC,
    "json_web_signature 373 InvalidCharacterInsertedInPayload": SYMMETRIC,
    "json_web_signature 376 ValidSpacesInJsonHeader": SYMMETRIC,
    "json_web_signature 377 ValidWhiteSpaceInJsonHeader": SYMMETRIC,
    "json_web_key 2 acceptsValid": SYMMETRIC,
    "json_web_key 7 rejectsKeyWithRocaVulnerability": ROCA,
    "json_web_key 13 long_key": SYMMETRIC,
    "json_web_key 14 long_key": SYMMETRIC,
    "json_web_key 15 long_key": SYMMETRIC,
    "json_web_crypto 46 rejectsKeyWithRocaVulnerability": ROCA,
    "json_web_crypto 50 acceptsValid": ENCRYPTED,
    "json_web_crypto 67 acceptsValid": ENCRYPTED,
}


def takes(vector: Vector) -> bool:
    """Tell whether shape, header, key and signature of a vector hold, whatever its payload is.

    Their payloads are no claims, which the strict parse refuses; so it reads others in their place, and reads theirs in
    the place of a signature.
    """
    head, dot, rest = vector.text.partition(".")
    body, _, signature = rest.partition(".")
    try:
        token.parse(f"{head}.{CLAIMS}.{body}")
        read = token.parse(f"{head}{dot}{CLAIMS if body else body}.{signature}" if dot in rest else vector.text)
        key = jwks.parse(vector.key_set(), ASYMMETRIC).keys.get(read.key_id)
        if key is None:
            return False
        authentication.check_signature(replace(read, signing_input=f"{head}.{body}".encode()), key)
    except (InvalidToken, jwks.KeySetError):
        return False
    return True


@pytest.mark.parametrize("name", VECTORS)
def test_our_verdict_is_theirs_or_the_difference_is_explained(name: str) -> None:
    assert (takes(VECTORS[name]) is VECTORS[name].valid) is (name not in DIFFERENCES)


def test_every_difference_is_one_of_a_vector_that_exists() -> None:
    assert DIFFERENCES.keys() <= VECTORS.keys()
    assert len(VECTORS) == len(list(wycheproof.read())) == 463


def test_we_are_more_lenient_in_nothing_but_what_we_say() -> None:
    lenient = {reason for name, reason in DIFFERENCES.items() if not VECTORS[name].valid}
    assert lenient == {ROCA}


def test_valid_vectors_are_taken_for_all_that_is_asymmetric() -> None:
    assert sum(takes(vector) for vector in VECTORS.values() if vector.valid) == 27


class Published:
    """The keys of a vector as its issuer publishes them."""

    generation = 1

    def __init__(self, vector: Vector) -> None:
        self._vector = vector

    async def find(self, key_id: str) -> Any:
        return jwks.parse(self._vector.key_set(), ASYMMETRIC).keys[key_id]


@pytest.mark.parametrize("name", VECTORS)
async def test_no_vector_is_anybodys_identity(name: str) -> None:
    vector = VECTORS[name]
    trusted = TrustedIssuer(issuer=made.issuer(url=ISSUER, algorithms=ASYMMETRIC), keys=Published(vector))
    with pytest.raises(InvalidToken) as caught:
        await Authenticator(issuers={ISSUER: trusted}, clock=Clock()).authenticate(vector.text)
    assert caught.value.reason is Reason.MALFORMED_TOKEN
