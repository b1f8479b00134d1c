"""The targets: each takes any bytes, and raises only when something is wrong with the code that reads them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from multidict import CIMultiDict, CIMultiDictProxy

from tests.fakes import tokens
from tests.fakes.clock import Clock
from tests.fakes.issuer import Issuer
from tests.fakes.keys import POOL, as_jwks
from tests.fuzz import deciding
from tests.identity.corpus import CASES
from tests.identity.corpus.sound import SOUND
from tests.identity.corpus.world import World
from tests.identity.wycheproof import VECTORS
from vendor.credentials import Secret
from vendor.identity import jwks, token
from vendor.identity.issuer import ASYMMETRIC
from vendor.refusals import InvalidRequest, InvalidToken
from vendor.server import wire
from vendor.server.signature import SignatureError, read_signed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SIGNATURE = tokens.encode(b"s" * 64)
FORMS = [
    b"Action=GetCallerIdentity&Version=2011-06-15",
    b"RoleArn=arn%3Aaws%3Aiam%3A%3A000000000000%3Arole%2Freports%3Aread&RoleSessionName=a+b",
    b"a=1&a=2",
]
AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=ASIAEXAMPLE000000000/20260101/eu-west-1/sts/aws4_request,"
    f" SignedHeaders=host;x-amz-date, Signature={'0' * 64}"
)
PRESIGNED = (
    "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=ASIAEXAMPLE000000000%2F20260101%2Feu-west-1%2Fsts%2Faws4_request"
    f"&X-Amz-Date=20260101T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature={'0' * 64}"
)


def parse_text(data: bytes) -> bool:
    """Read a token as it comes from the wire; tell whether it was taken."""
    return _parsed(data.decode("latin-1"))


def parse_segments(data: bytes) -> bool:
    """Read what the segments of a token hold: a header and claims, with a newline between."""
    header, _, claims = data.partition(b"\n")
    return _parsed(f"{tokens.encode(header)}.{tokens.encode(claims)}.{SIGNATURE}")


def parse_keys(data: bytes) -> bool:
    """Read a key set; tell whether it was taken."""
    try:
        found = jwks.parse(data, ASYMMETRIC)
    except jwks.KeySetError:
        return False
    document = json.loads(data)
    assert 0 < len(found.keys) <= len(document["keys"])
    assert all(key.algorithm in ASYMMETRIC for key in found.keys.values())
    return True


def read_form(data: bytes) -> bool:
    """Read the form of a request to STS; what is taken is written back to the same members."""
    try:
        members = wire.read_form(data.decode("latin-1"))
    except InvalidRequest:
        return False
    assert wire.read_form(urlencode(members)) == members
    return bool(members)


def read_signature(data: bytes) -> bool:
    """Read what a request says of its signature: the header, the time and the query, with newlines between."""
    authorization, _, rest = data.decode("latin-1").partition("\n")
    moment, _, query = rest.partition("\n")
    headers = CIMultiDict({"Host": "sts.test", "Authorization": authorization, "X-Amz-Date": moment})
    if "X-Amz-Algorithm" in query:
        del headers["Authorization"]
    try:
        members = wire.read_form(query)
        signed = read_signed(method="POST", path="/", query=members, headers=CIMultiDictProxy(headers), body=data)
    except (InvalidRequest, SignatureError):
        return False
    assert signed is not None
    assert not signed.is_by(Secret("another"))
    signed.is_of(datetime.now(UTC))
    return True


def _parsed(text: str) -> bool:
    """Whatever is taken says what the standard library's reader says, in its only spelling."""
    try:
        read = token.parse(text)
    except InvalidToken:
        return False
    parts = [tokens.decode(part) for part in text.split(".")]
    assert json.loads(parts[1]) == read.claims
    assert json.loads(parts[0])["kid"] == read.key_id
    assert ".".join(map(tokens.encode, parts)) == text
    return True


def seeds() -> dict[str, list[bytes]]:
    """Return what each target begins with: the corpus, the sound tokens and Wycheproof's vectors."""
    texts = [*_made(), *(vector.text for vector in VECTORS.values())]
    segments = [text.split(".") for text in texts if text.isascii() and text.count(".") == 2]
    sets = [vector.key_set() for vector in VECTORS.values()]
    return {
        "token": [text.encode("latin-1") for text in texts if _fits(text)],
        "segments": [b"\n".join(_loose(part) for part in parts[:2]) for parts in segments],
        "form": FORMS,
        "signature": [f"{AUTHORIZATION}\n20260101T000000Z\na=b".encode(), f"\n\n{PRESIGNED}".encode(), b"AWS4\n\n"],
        **deciding.seeds(),
        "keys": [*dict.fromkeys(sets), as_jwks(POOL.borrow("ES256", kid="a"), POOL.borrow("EdDSA", kid="b"))],
    }


def _made() -> Iterator[str]:
    """Make the tokens of the corpus; those of RSA keys need no key of their own here."""
    clock = Clock()
    issuers = {name: Issuer(algorithm=name, clock=clock) for name in {case.algorithm for case in CASES.values()}}
    worlds = {name: World(issuer=issuer, evil=issuers["ES256"]) for name, issuer in issuers.items()}
    yield from (case.make(worlds[case.algorithm]) for case in CASES.values())
    yield from (make(worlds["RS256"]) for make in SOUND.values())


def _fits(text: str) -> bool:
    return len(text) < 2 * token.LONGEST_TOKEN and all(ord(letter) < 256 for letter in text)


def _loose(part: str) -> bytes:
    try:
        return tokens.decode(part)
    except ValueError:
        return part.encode()


TARGETS: dict[str, Callable[[bytes], bool]] = {
    "token": parse_text,
    "segments": parse_segments,
    "keys": parse_keys,
    "form": read_form,
    "signature": read_signature,
    **deciding.TARGETS,
}
