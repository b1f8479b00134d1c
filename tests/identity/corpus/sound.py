"""Tokens that look odd and are sound: refusing one of these would be a fault as well."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.fakes import tokens
from tests.identity.corpus.signatures import CURVES, ORDERS
from tests.identity.corpus.world import GONE, World, claiming, heading

if TYPE_CHECKING:
    from tests.identity.corpus.world import Maker


def _mirrored(good: bytes) -> bytes:
    """Return the other signature that an ECDSA one can be turned into by anybody: s becomes the order less s."""
    size = CURVES["ES256"]
    s = ORDERS["ES256"] - int.from_bytes(good[size:], "big")
    return good[:size] + s.to_bytes(size, "big")


def _reordered(world: World) -> str:
    claims = dict(reversed(world.issuer.claims().items()))
    return world.raw(payload=json.dumps(claims, indent=2).encode())


def _escaped(world: World) -> str:
    return world.raw(payload=world.claims().replace(b'"sub"', b'"\\u0073ub"'))


def _spread(world: World) -> str:
    return world.raw(header=b" \t\r\n" + world.header() + b"\n", payload=b"\n" + world.claims() + b"\n\n")


def _unescaped(world: World) -> str:
    return world.raw(payload=tokens.write({**world.issuer.claims(), "name": "caf\u00e9 \U0001f511"}))


SOUND: dict[str, Maker] = {
    "an honest one": lambda world: world.token(),
    "no typ": heading(typ=GONE),
    "typ in small letters": heading(typ="jwt"),
    "typ in full": heading(typ="application/jwt"),
    "typ in capitals and in full": heading(typ="APPLICATION/JWT"),
    "cty": heading(cty="JWT"),
    "x5t": heading(x5t="A" * 27),
    "a key of somebody else's in jwk, and our signature": lambda world: world.token({"jwk": world.evil.key.jwk()}),
    "a link to somebody else's keys, and our signature": lambda world: world.token({"jku": world.evil.jwks_url}),
    "a header that nobody knows": heading(**{"urn:example:x": [1, {"y": None}]}),
    "blanks around the JSON": _spread,
    "members in another order, on lines of their own": _reordered,
    "a name with an escape": _escaped,
    "letters beyond ASCII in a claim": _unescaped,
    "the same escaped": claiming(name="caf\u00e9 \U0001f511"),
    "claims that nobody knows": claiming(x=None, y=1.5, z=[True, {"a": -1}], exp2="x"),
    "nesting of 15": claiming(x=json.loads("[" * 14 + "]" * 14)),
    "no nbf": claiming(nbf=GONE),
    "nbf zero": claiming(nbf=0),
    "aud as a text": claiming(aud="vendor"),
    "jti": claiming(jti="0b9b4bdb-5d1c-4a5e-8b0f-2b1d7c9e0a01"),
    "jti that is empty": claiming(jti=""),
    "no pod": claiming(**{"kubernetes.io": {"namespace": "analytics", "serviceaccount": {"name": "reporter"}}}),
    "expired within the leeway": lambda world: world.token(
        claims={"iat": world.now() - 3600, "exp": world.now() - 29, "nbf": GONE}
    ),
    "issued within the leeway": lambda world: world.token(claims={"iat": world.now() + 30, "nbf": world.now() + 30}),
    "the longest life": lambda world: world.token(claims={"exp": world.now() + 86400}),
}
MIRRORED: Maker = lambda world: world.signed(_mirrored)  # noqa: E731 - as the others are
