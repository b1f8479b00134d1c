"""The strict parse: hostile tokens are refused before any library sees them (T7, T8)."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.tokens import encode, twice, write
from vendor.identity import token
from vendor.refusals import Code, InvalidToken, Reason

HEADER = {"alg": "RS256", "kid": "key-1", "typ": "JWT"}
CLAIMS = {"iss": "https://oidc.example.com", "sub": "me", "aud": "vendor", "exp": 2, "iat": 1}
SIGNATURE = encode(b"s" * 256)


def made(header: bytes | None = None, claims: bytes | None = None, signature: str = SIGNATURE) -> str:
    return f"{encode(header or write(HEADER))}.{encode(claims or write(CLAIMS))}.{signature}"


def headed(**changes: Any) -> str:
    """Return a token whose header has these members; None stays as null."""
    return made(header=json.dumps({**HEADER, **changes}).encode())


def without(name: str) -> str:
    return made(header=write({**HEADER, name: None}))


def claiming(**changes: Any) -> str:
    return made(claims=json.dumps({**CLAIMS, **changes}).encode())


def deep(levels: int) -> bytes:
    return b'{"iss":"https://oidc.example.com","x":' + b"[" * levels + b"]" * levels + b"}"


HEAD, BODY, TAIL = made().split(".")
MALFORMED: dict[str, str] = {
    "empty": "",
    "one segment": HEAD,
    "two segments": f"{HEAD}.{BODY}",
    "four segments": f"{HEAD}.{BODY}.{TAIL}.x",
    "five segments, as encrypted tokens have": f"{HEAD}.a.b.{BODY}.{TAIL}",
    "no signature": f"{HEAD}.{BODY}.",
    "no claims": f"{HEAD}..{TAIL}",
    "no header": f".{BODY}.{TAIL}",
    "padding": f"{HEAD}=.{BODY}.{TAIL}",
    "padding of the signature": f"{HEAD}.{BODY}.{TAIL}==",
    "base64 of another alphabet": f"{HEAD}.{BODY}.ab+/",
    "a space in front": f" {made()}",
    "a newline behind": f"{made()}\n",
    "a newline within": f"{HEAD}.\n{BODY}.{TAIL}",
    "a NUL": f"{made()}\0",
    "the word Bearer": f"Bearer {made()}",
    "letters beyond ASCII": f"{HEAD}.{BODY}.\uff41\uff42",
    "a lone surrogate": f"{HEAD}.{BODY}.\ud800",
    "a segment of one character": f"{HEAD}.{BODY}.a",
    "a header of one character": f"a.{BODY}.{TAIL}",
    "spare bits in the signature": f"{HEAD}.{BODY}.{encode(b'x')[:-1]}B",
    "spare bits in the claims": f"{HEAD}.{encode(write(CLAIMS) + b' ' * (-(len(write(CLAIMS)) - 1) % 3))[:-1]}B.{TAIL}",
    "a header that is no JSON": made(header=b"RS256"),
    "a header that is a list": made(header=b"[]"),
    "claims that are a string": made(claims=b'"x"'),
    "claims that are empty": made(claims=b" "),
    "a header member twice": made(header=b'{"alg":"none",' + write(HEADER)[1:]),
    "kid twice, once escaped": made(header=b'{"\\u006bid":"key-2",' + write(HEADER)[1:]),
    "a claim twice": made(claims=twice(CLAIMS, "sub", "admin")),
    "a claim twice deep down": made(claims=b'{"iss":"https://x","k":{"a":[{"b":1,"b":2}]}}'),
    "UTF-16": made(claims=json.dumps(CLAIMS).encode("utf-16")),
    "UTF-16 without a mark": made(claims=json.dumps(CLAIMS).encode("utf-16-le")),
    "UTF-32": made(header=json.dumps(HEADER).encode("utf-32-be")),
    "a byte order mark": made(claims=b"\xef\xbb\xbf" + write(CLAIMS)),
    "bytes that are no UTF-8": made(claims=b'{"iss":"https://x","a":"\xff"}'),
    "a NUL in a claim": claiming(sub="me\0admin"),
    "a NUL in a name": claiming(**{"a\0b": 1}),
    "a lone surrogate in a claim": claiming(sub="\ud800"),
    "a lone surrogate in a name": claiming(**{"\udfff": 1}),
    "NaN": claiming(x=float("nan")),
    "Infinity": claiming(x=float("inf")),
    "a number beyond doubles": made(claims=b'{"iss":"https://x","a":1e999}'),
    "too deep": made(claims=deep(16)),
    "far too deep": made(claims=deep(3000)),
    "an integer of thousands of digits": made(claims=b'{"iss":"https://x","exp":' + b"9" * 5000 + b"}"),
    "too long": made(claims=write({**CLAIMS, "x": "y" * 13_000})),
    "a header that is too long": headed(x="y" * 2048),
    "a header far too long": headed(x="y" * 4000),
    "crit": headed(crit=["exp"]),
    "crit that is empty": headed(crit=[]),
    "crit that is null": headed(crit=None),
    "b64": headed(b64=False),
    "b64 that is true": headed(b64=True),
    "enc": headed(enc="A128GCM"),
    "zip": headed(zip="DEF"),
    "no alg": without("alg"),
    "alg that is null": headed(alg=None),
    "alg that is a list": headed(alg=["RS256"]),
    "alg that is empty": headed(alg=""),
    "no kid": without("kid"),
    "kid that is empty": headed(kid=""),
    "kid that is a number": headed(kid=1),
    "kid beyond ASCII": headed(kid="k\u00e9y"),
    "kid with a newline": headed(kid="key-1\n"),
    "no iss": made(claims=write({"sub": "me"})),
    "iss that is null": claiming(iss=None),
    "iss that is a list": claiming(iss=["https://oidc.example.com"]),
    "iss that is true": claiming(iss=True),
    "iss beyond ASCII": claiming(iss="https://oidc.ex\u0430mple.com"),
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_token_is_refused(text: str) -> None:
    with pytest.raises(InvalidToken) as caught:
        token.parse(text)
    assert (caught.value.code, caught.value.reason) == (Code.INVALID_TOKEN, Reason.MALFORMED_TOKEN)
    assert caught.value.public == "the token is not accepted"
    assert len(caught.value.detail) < 100


@pytest.mark.parametrize("kind", ["", None, 1, ["JWT"], True, "\uff2aWT", "application/", "Application/"])
def test_a_type_that_is_no_ascii_text_is_refused(kind: Any) -> None:
    with pytest.raises(InvalidToken) as caught:
        token.parse(headed(typ=kind))
    assert caught.value.reason is Reason.TOKEN_TYPE


@pytest.mark.parametrize("kind", ["JWT", "jwt", "Jwt", "application/jwt", "APPLICATION/JWT"])
def test_a_type_is_read_in_any_case_and_spelling(kind: str) -> None:
    assert token.parse(headed(typ=kind)).kind == "jwt"


def test_a_token_without_a_type_has_an_empty_one() -> None:
    assert token.parse(without("typ")).kind == ""


def test_a_sound_token_is_read_once_and_proves_nothing_yet() -> None:
    text = made()
    read = token.parse(text)
    assert (read.algorithm, read.key_id, read.issuer) == ("RS256", "key-1", "https://oidc.example.com")
    assert read.claims == CLAIMS
    assert read.signing_input == text.rpartition(".")[0].encode()
    assert base64.urlsafe_b64encode(read.signature).rstrip(b"=").decode() == text.rpartition(".")[2]
    assert read.sha256 == hashlib.sha256(text.encode()).hexdigest()


def test_what_points_to_a_key_of_the_senders_own_is_carried_nowhere() -> None:
    read = token.parse(
        headed(jku="https://evil.example/keys", jwk={"kty": "RSA"}, x5u="https://evil.example", x5c=["x"])
    )
    assert "evil" not in repr({name: getattr(read, name) for name in ("algorithm", "key_id", "issuer", "claims")})


def test_the_caps_are_edges_and_not_beyond() -> None:
    room = token.LONGEST_TOKEN - len(made())
    longest = made(claims=write({**CLAIMS, "x": "y" * (room * 3 // 4 - 10)}))
    padded = longest + "A" * ((token.LONGEST_TOKEN - len(longest)) // 4 * 4)
    assert token.LONGEST_TOKEN - 4 < len(padded) <= token.LONGEST_TOKEN
    assert token.parse(padded).issuer == CLAIMS["iss"]
    with pytest.raises(InvalidToken, match="not accepted"):
        token.parse(padded + "AAAA")
    header = write(HEADER)
    assert token.parse(made(header=header + b" " * (token.LONGEST_HEADER - len(header)))).issuer == CLAIMS["iss"]
    with pytest.raises(InvalidToken):
        token.parse(made(header=header + b" " * (token.LONGEST_HEADER - len(header) + 1)))
    assert token.parse(made(claims=deep(15))).issuer == CLAIMS["iss"]


@pytest.mark.parametrize(
    "value",
    ["1", "1e3", "\uff11", 1.0, 1.5, 1e3, True, False, -1, 10**30, 253_402_300_800, None, [1], {}, ""],
)
def test_a_time_that_is_no_whole_number_of_a_real_year_is_refused(value: Any) -> None:
    with pytest.raises(InvalidToken) as caught:
        token.seconds({"exp": value}, "exp")
    assert caught.value.reason is Reason.CLAIMS


def test_times_are_read_as_they_are_and_a_missing_one_is_none() -> None:
    assert token.seconds({"exp": 0}, "exp") == 0
    assert token.seconds({"exp": 253_402_300_799}, "exp") == token.LATEST_TIME
    assert token.seconds({}, "exp") is None


@given(st.text(max_size=80) | st.text("ab.=_-+\n", max_size=40))
def test_no_text_makes_the_parse_raise_anything_but_a_refusal(text: str) -> None:
    with pytest.raises(InvalidToken):
        token.parse(text)


@given(st.binary(max_size=40), st.binary(max_size=40), st.binary(max_size=9))
def test_no_bytes_in_the_segments_do_either(header: bytes, claims: bytes, signature: bytes) -> None:
    with pytest.raises(InvalidToken):
        token.parse(f"{encode(header)}.{encode(claims)}.{encode(signature)}")


def test_anything_has_a_digest_for_the_audit_line() -> None:
    assert token.digest("") == hashlib.sha256(b"").hexdigest()
    assert token.digest("\udc80") != token.digest("\udc81")
