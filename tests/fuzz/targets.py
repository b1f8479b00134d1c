"""The targets: each takes any bytes, and raises only when something is wrong with the code that reads them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.fakes import tokens
from tests.fakes.clock import Clock
from tests.fakes.issuer import Issuer
from tests.fakes.keys import POOL, as_jwks
from tests.identity.corpus import CASES
from tests.identity.corpus.sound import SOUND
from tests.identity.corpus.world import World
from tests.identity.wycheproof import VECTORS
from vendor.identity import jwks, token
from vendor.identity.issuer import ASYMMETRIC
from vendor.refusals import InvalidToken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SIGNATURE = tokens.encode(b"s" * 64)


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
}
