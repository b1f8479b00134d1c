"""What is secret in the tests, found wherever a service wrote it.

Whatever is secret bears the word CANARY: keys and tokens of the fake STS, external ids, the base identity, passwords
and keys of the store. Tokens of callers are known by how they begin, and their signatures because the fake issuers
`plant` them. Each served world is looked through when it ends (`tests.service`), and each answer when it comes
(`tests.server.http`).
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

WORD: Final = b"CANARY"
_ENOUGH: Final = 60
"""Characters by which a part of a token is known; shorter ones may be anything."""
_LONG: Final = re.compile(rb"[A-Za-z0-9_-]{%d,}" % _ENOUGH)
_PLANTED: Final[set[bytes]] = set()


def _shapes() -> Iterator[bytes]:
    """Return the word as it stands in base64, from each of its three places, and in hexadecimal digits."""
    yield WORD.hex().encode()
    for before in range(3):
        first, last = -(-before * 8 // 6), (before + len(WORD)) * 8 // 6
        yield base64.b64encode(bytes(before) + WORD)[first:last]


# A header or claims of a token, wherever they stand (RFC 7515 section 3); a private key in PEM (RFC 7468).
_SECRET: Final = re.compile(
    rb"%s[\w-]*|%s|eyJ[A-Za-z0-9_-]{20,}|PRIVATE KEY-----" % (WORD, b"|".join(map(re.escape, _shapes()))), re.ASCII
)


def plant(token: str) -> None:
    """Note the signature of a token that is about to be sent to somebody."""
    _PLANTED.update(_parts([token.rpartition(".")[2].encode("utf-8", "replace")]))


def find(written: bytes, *, sent: Iterable[bytes] = ()) -> set[bytes]:
    """Return the beginning of each secret that stands here, and of each long word of what was `sent`."""
    words = set(_parts([written]))
    return {*_SECRET.findall(written), *(words & _PLANTED), *words.intersection(_parts(sent))}


def check(*written: str | bytes, sent: Iterable[bytes] = ()) -> None:
    """Raise AssertionError if a secret stands in any of these."""
    raw = (one if isinstance(one, bytes) else one.encode("utf-8", "surrogateescape") for one in written)
    text = b"\n".join(raw)
    found = find(text, sent=sent)
    assert found == set(), f"secrets were told: { {one: _where(text, one) for one in found} }"


def _where(text: bytes, secret: bytes) -> bytes:
    """Return what stands before a secret and behind it."""
    at = text.find(secret)
    return text[max(0, at - 300) : at + len(secret) + 100]


def _parts(texts: Iterable[bytes]) -> Iterator[bytes]:
    return (word[:_ENOUGH] for text in texts for word in _LONG.findall(text))
