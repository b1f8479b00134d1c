"""What holds of every token and every key set that anybody could think of (T7, T8), by the same examples each time."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.fakes import tokens
from tests.fakes.clock import Clock
from tests.fakes.issuer import Issuer
from tests.fakes.keys import make_key
from tests.identity import made
from vendor.identity import jwks, token
from vendor.identity.authentication import Authenticator, TrustedIssuer, VerificationKey
from vendor.identity.issuer import ASYMMETRIC
from vendor.refusals import InvalidToken

always = settings(derandomize=True, database=None, deadline=None)

# What the strict parse admits in a text: anything but NUL and lone surrogates.
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
LEAVES = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=8
)
HEADER = {"alg": "RS256", "kid": "key-1"}
MEMBERS = {"alg", "kid", "typ", "crit", "b64", "enc", "zip"}
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=10,
)


def _text(header: bytes, claims: bytes) -> str:
    return f"{tokens.encode(header)}.{tokens.encode(claims)}.{tokens.encode(b's' * 64)}"


def _reads_as_written(text: str) -> None:
    """Check that a token that is taken says what the standard library's reader says, in its only spelling."""
    read = token.parse(text)
    head, body, signature = text.split(".")
    assert json.loads(tokens.decode(body)) == read.claims
    header = json.loads(tokens.decode(head))
    assert (header["alg"], header["kid"], read.claims["iss"]) == (read.algorithm, read.key_id, read.issuer)
    assert read.signing_input == f"{head}.{body}".encode()
    again = (tokens.encode(tokens.decode(part)) for part in (head, body, signature))
    assert ".".join(again) == text
    assert tokens.encode(read.signature) == signature


@always
@given(
    st.dictionaries(TEXTS.filter(lambda name: name not in MEMBERS), VALUES, max_size=3),
    st.dictionaries(TEXTS, VALUES, max_size=5),
    st.booleans(),
)
def test_what_the_parse_takes_it_reads_as_everybody_does(
    header: dict[str, Any],
    claims: dict[str, Any],
    escaped: bool,  # noqa: FBT001
) -> None:
    written = [
        json.dumps(members, ensure_ascii=escaped).encode()
        for members in ({**header, **HEADER}, {**claims, "iss": "https://oidc.example.com"})
    ]
    _reads_as_written(_text(written[0], written[1]))


@settings(always, max_examples=150)
@given(ANY_JSON | st.binary(max_size=30), ANY_JSON | st.binary(max_size=60))
@example({**HEADER}, {"iss": "x"})
@example({**HEADER}, {"iss": "x", "y": [1.5, None, "\ud800"]})
def test_whatever_the_segments_hold_the_parse_takes_or_refuses_it(header: Any, claims: Any) -> None:
    written = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, claims)]
    text = _text(written[0], written[1])
    try:
        token.parse(text)
    except InvalidToken:
        return
    _reads_as_written(text)


@settings(always, max_examples=250)
@given(st.text(max_size=60) | st.text("ab.=_-+\n", max_size=40) | st.from_regex(r"\A[\w-]{0,9}(\.[\w-]{0,9}){0,4}\Z"))
def test_no_text_makes_the_parse_raise_anything_but_a_refusal(text: str) -> None:
    with pytest.raises(InvalidToken):
        token.parse(text)


class Holding:
    """One key under every id."""

    generation = 1

    def __init__(self, key: VerificationKey) -> None:
        self._key = key

    async def find(self, _key_id: str) -> VerificationKey:
        return self._key


def _trusting(algorithm: str) -> tuple[Authenticator, str]:
    """Return an authenticator and a token that it takes."""
    clock = Clock()
    signer = make_key(algorithm)
    fake = Issuer(algorithm="ES256", clock=clock)
    claims = {**fake.claims(), "iss": "https://oidc.example.com"}
    good = tokens.signed(tokens.write({"alg": algorithm, "kid": "key-1"}), tokens.write(claims), key=signer)
    keys = Holding(VerificationKey(algorithm=algorithm, public_key=signer.private.public_key()))
    issuer = made.issuer(url="https://oidc.example.com", algorithms=ASYMMETRIC)
    return Authenticator(issuers={issuer.url: TrustedIssuer(issuer=issuer, keys=keys)}, clock=clock), good


TRUSTING = {name: _trusting(name) for name in ("RS256", "ES256", "EdDSA")}
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@pytest.mark.parametrize("algorithm", TRUSTING)
@settings(always, max_examples=125)
@given(
    st.floats(0, 1, exclude_max=True),
    st.sampled_from(ALPHABET) | st.sampled_from(".= \n\0\u00e9"),
    st.sampled_from("rid"),
)
async def test_a_token_with_one_character_changed_is_refused(
    algorithm: str, where: float, letter: str, how: str
) -> None:
    authenticator, good = TRUSTING[algorithm]
    place = int(where * len(good))
    changed = {
        "r": good[:place] + letter + good[place + 1 :],
        "i": good[:place] + letter + good[place:],
        "d": good[:place] + good[place + 1 :],
    }[how]
    if changed == good:
        assert (await authenticator.authenticate(good)).issuer == "cluster-a"
        return
    with pytest.raises(InvalidToken):
        await authenticator.authenticate(changed)


@pytest.mark.parametrize("algorithm", TRUSTING)
async def test_every_last_character_of_a_segment_has_one_spelling(algorithm: str) -> None:
    authenticator, good = TRUSTING[algorithm]
    ends = [place - 1 for place, letter in enumerate(f"{good}.") if letter == "."]
    for place in ends:
        for letter in ALPHABET.replace(good[place], ""):
            with pytest.raises(InvalidToken):
                await authenticator.authenticate(good[:place] + letter + good[place + 1 :])


PUBLISHED = [make_key(name, kid=f"key-{number}").jwk() for number, name in enumerate(("RS256", "ES256", "EdDSA"))]
NAMES = sorted({name for member in PUBLISHED for name in member} | {"key_ops", "d", "k", "x5c", "oth"})
JUNK = st.sampled_from(
    [
        *(None, True, 0, -1, 1.5, 10**400, "", "=", "AA", "AQAB", "\ud800", "\0", [], [1], ["verify"], {}, {"a": 1}),
        *("RSA", "EC", "OKP", "oct", "P-256", "P-384", "secp256k1", "Ed25519", "Ed448", "X25519"),
        *("sig", "enc", "RS256", "HS256", "none"),
    ]
)


@settings(always, max_examples=200)
@given(
    st.lists(
        st.tuples(st.sampled_from(PUBLISHED), st.dictionaries(st.sampled_from(NAMES), JUNK | ANY_JSON, max_size=3)),
        max_size=3,
    )
)
def test_a_key_set_with_junk_in_its_keys_is_read_or_refused_and_nothing_else(members: list[Any]) -> None:
    found = _parsed({"keys": [{**good, **junk} for good, junk in members]})
    if found is not None:
        assert {key.algorithm for key in found.keys.values()} <= set(ASYMMETRIC)
        assert found.keys.keys() <= {good["kid"] for good, _ in members} | {
            junk["kid"] for _, junk in members if isinstance(junk.get("kid"), str)
        }


@settings(always, max_examples=100)
@given(ANY_JSON | st.fixed_dictionaries({"keys": st.lists(ANY_JSON, max_size=4)}))
def test_any_json_is_a_key_set_or_is_refused(document: Any) -> None:
    assert _parsed(document) is None


@settings(always, max_examples=100)
@given(st.binary(max_size=60) | st.text('{}[]":,keys0.e-\\u', max_size=40).map(str.encode))
def test_any_bytes_are_a_key_set_or_are_refused(raw: bytes) -> None:
    with pytest.raises(jwks.KeySetError):
        jwks.parse(raw, ASYMMETRIC)


def _parsed(document: Any) -> jwks.KeySet | None:
    try:
        return jwks.parse(json.dumps(document).encode(), ASYMMETRIC)
    except jwks.KeySetError:
        return None
