"""Hostile tokens against an authenticator and a running issuer: each is refused for what is wrong with it.

T1, T2, T3, T5, T6, T7, T8, T15 and T16: nothing but the issuer's own key set is ever asked for, and no other exception
than a refusal is seen.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes.clock import Clock
from tests.fakes.issuer import DISCOVERY, JWKS
from tests.identity import made
from tests.identity.corpus import CASES
from tests.identity.corpus.signatures import ALGORITHMS
from tests.identity.corpus.sound import MIRRORED, SOUND
from vendor.identity.issuer import Kind
from vendor.identity.token import digest
from vendor.refusals import Code, ExpiredToken, InvalidToken, Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.fakes.issuer import Issuer
    from tests.identity.corpus.world import Case, World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.untraced]

_HEARD: list[set[int]] = []


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    """Note the port of each connection, and -1 for each name that is looked up."""
    if _HEARD and event == "socket.connect" and isinstance(arguments[1], tuple):
        _HEARD[-1].add(arguments[1][1])
    elif _HEARD and event == "socket.getaddrinfo" and arguments[0] != "127.0.0.1":
        _HEARD[-1].add(-1)


sys.addaudithook(_hear)


@contextmanager
def connections() -> Iterator[set[int]]:
    """Collect what this process connects to in the meantime."""
    _HEARD.append(set())
    try:
        yield _HEARD[-1]
    finally:
        _HEARD.pop()


@pytest.mark.parametrize("name", CASES)
async def test_a_hostile_token_is_refused_for_what_is_wrong_with_it(
    name: str, world_of: Callable[[Case], World]
) -> None:
    case = CASES[name]
    world = world_of(case)
    text = case.make(world)
    changes = {"algorithms": (case.algorithm,), **case.changes}
    authenticator = made.trusting(world.issuer, clock=Clock(), **changes)
    with connections() as connected, pytest.raises((InvalidToken, ExpiredToken)) as caught:
        await authenticator.authenticate(text)
    assert (caught.value.reason, caught.value.public) == (case.reason, type(caught.value).told)
    assert len(caught.value.detail) < 300
    assert authenticator.recall(digest(text)) is None
    assert connected == (set() if case.cold else {_port(world.issuer)})
    assert world.issuer.requests == ({} if case.cold else {DISCOVERY: 1, JWKS: 1})
    assert not world.evil.requests


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_what_the_hostile_tokens_were_made_of_is_taken(algorithm: str, worlds: dict[str, World]) -> None:
    world = worlds[algorithm]
    world.issuer.jwks_body = None
    for kind in (Kind.KUBERNETES, Kind.GENERIC):
        authenticator = made.trusting(world.issuer, clock=Clock(), algorithms=(algorithm,), kind=kind)
        assert (await authenticator.authenticate(world.token())).issuer == "a"
        assert (await authenticator.authenticate(world.signed(lambda good: good))).issuer == "a"


@pytest.mark.parametrize("name", SOUND)
async def test_a_token_that_only_looks_odd_is_taken(name: str, worlds: dict[str, World]) -> None:
    world = worlds["RS256"]
    world.issuer.jwks_body = None
    world.evil.requests.clear()
    authenticator = made.trusting(world.issuer, clock=Clock())
    assert (await authenticator.authenticate(SOUND[name](world))).attributes["service_account"] == "reporter"
    assert not world.evil.requests


async def test_a_mirrored_signature_is_the_same_tokens_of_another_digest(worlds: dict[str, World]) -> None:
    world = worlds["ES256"]
    world.issuer.jwks_body = None
    authenticator = made.trusting(world.issuer, clock=Clock(), algorithms=("ES256",))
    text = MIRRORED(world)
    assert (await authenticator.authenticate(text)).token_sha256 == digest(text)


async def test_the_corpus_speaks_of_every_threat_that_a_token_can_carry_and_of_every_reason() -> None:
    assert {case.threat for case in CASES.values()} == {"T1", "T2", "T3", "T5", "T6", "T7", "T8", "T15", "T16"}
    assert {case.reason for case in CASES.values()} == {
        *(Reason.MALFORMED_TOKEN, Reason.UNKNOWN_ISSUER, Reason.ALGORITHM, Reason.TOKEN_TYPE, Reason.UNKNOWN_KEY),
        *(Reason.SIGNATURE, Reason.AUDIENCE, Reason.CLAIMS, Reason.LIFETIME, Reason.NOT_YET_VALID, Reason.EXPIRED),
    }
    assert len(CASES) > 1000


async def test_only_what_was_signed_and_has_ended_is_called_expired() -> None:
    assert Code.EXPIRED_TOKEN is ExpiredToken.code
    assert [name for name, case in CASES.items() if case.reason is Reason.EXPIRED] == [
        "exp zero",
        "all times zero",
        "exp minus nothing",
        "exp long before iat",
        "expired",
        "expired for a day less a second",
        "expired for years",
        "expired, and not yet begun",
    ]


def _port(issuer: Issuer) -> int:
    return int(issuer.url.rpartition(":")[2])
