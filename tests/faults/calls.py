"""What is sent: requests of principals that may, and what an attacker sends in their midst."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from tests.fakes import tokens
from tests.faults.traffic import Call
from tests.server.http import request
from tests.server.test_edge import GARBLED
from vendor.identity.token import LONGEST_TOKEN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.fakes.keys import SigningKey
    from tests.fleet import Fleet
    from tests.service import World

PATH = "/v1/credentials/reports:read?month=2026-03"


def of(world: World | Fleet, names: Iterable[str], *, key: SigningKey | None = None) -> list[Call]:
    """Return a request of each of these service accounts, with a token of its own under `key` or the current one."""
    return [
        _call(world.token(name) if key is None else _signed(world, name, key), f"analytics.{name}") for name in names
    ]


def of_pods(world: World, names: Iterable[str], *, uid: str) -> list[Call]:
    """Return a request of a pod of each of these service accounts; all of the pods have this uid."""
    return [_call(world.token(name, **_pod(name, uid)), f"analytics.{name}") for name in names]


def names(prefix: str, count: int) -> list[str]:
    """Return this many names of service accounts that the scope is granted to."""
    return [f"batch-{prefix}-{number}" for number in range(count)]


def unknown_kids(world: World, count: int) -> list[Call]:
    """Return well-formed requests, each of which names a key that nobody has."""
    payload = tokens.encode(tokens.write(world.issuer.claims()))
    return [_hostile(world.issuer.header(kid=f"unknown-{_text(12)}"), payload) for _ in range(count)]


def bad_signatures(world: World, count: int, *, kid: str | None = None, size: int = 256) -> list[Call]:
    """Return requests with a known key's id and a signature that is nobody's: each costs the service a verification."""
    payload = tokens.encode(tokens.write(world.issuer.claims()))
    header = world.issuer.header(kid=kid or world.issuer.key.kid)
    return [_hostile(header, payload, size=size) for _ in range(count)]


def largest(world: World, names: Iterable[str]) -> list[Call]:
    """Return a request of each of these service accounts, with a token as long as one may be."""
    room = LONGEST_TOKEN - len(world.token("x" * 30, padding="")) - 8
    return [_call(world.token(name, padding="x" * (room * 3 // 4)), f"analytics.{name}") for name in names]


def garbage(world: World, count: int) -> list[Call]:
    """Return malformed tokens, tokens of strangers and what is no HTTP, none of which needs a key to be refused."""
    hostile = list(world.issuer.hostile().values())
    junk = list(GARBLED.values())
    header, claims = world.issuer.header(), world.issuer.claims()
    payload = tokens.encode(tokens.write(claims))
    return [
        call
        for number in range(count // 9)
        for call in (
            _call(_text(1 + number % 900)),
            _call(f"{_text(40)}.{_text(300)}.{_text(342)}"),
            _call(hostile[number % len(hostile)]),
            _call(f"Bearer {_text(30)}"),
            _hostile(header, tokens.encode(tokens.write({**claims, "iss": f"https://{_text(9)}.example"}))),
            _hostile({**header, "alg": "HS256"}, payload),
            _hostile({**header, "typ": "logout+jwt"}, payload),
            Call(request(f"/v1/{_text(9)}/reports:read", _text(30))),
            Call(junk[number % len(junk)]),
        )
    ]


def _pod(name: str, uid: str) -> dict[str, Any]:
    account = {"name": name, "uid": "u-1"}
    return {"kubernetes.io": {"namespace": "analytics", "serviceaccount": account, "pod": {"name": name, "uid": uid}}}


def _call(token: str, principal: str | None = None) -> Call:
    return Call(request(PATH, token), principal)


def _hostile(header: dict[str, object], payload: str, *, size: int = 256) -> Call:
    return _call(f"{tokens.encode(tokens.write(header))}.{payload}.{tokens.encode(os.urandom(size))}")


def _signed(world: World | Fleet, name: str, key: SigningKey) -> str:
    bound = {"namespace": "analytics", "serviceaccount": {"name": name, "uid": "u-1"}}
    claims = {"sub": f"system:serviceaccount:analytics:{name}", "kubernetes.io": bound}
    return world.issuer.token(claims, key=key)


def _text(length: int) -> str:
    """Return text that nobody has seen, of the characters of base64url."""
    return tokens.encode(os.urandom(length))[:length]
