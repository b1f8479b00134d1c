"""Tokens that prove nothing: refused, no STS call for any of them, no connection to anybody for a stranger's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes import tokens
from tests.fakes.issuer import Issuer
from tests.server.http import get
from tests.server.test_refusals import check_refusal

if TYPE_CHECKING:
    from tests.service import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATH = "/v1/credentials/reports:read"
HOSTILE = (
    "algorithm none",
    "hmac with the public key",
    "a claim twice",
    "the issuer twice",
    "another issuer",
    "oversize",
)


async def refused(world: World, token: str) -> str:
    """Check that a token is refused with nobody asked, and return the reason in the audit line."""
    asked, fetched = len(world.sts.requests), world.issuer.requests.total()
    answer = await get(world.service.public, PATH, token)
    assert (answer.status, answer.code, answer.json["message"]) == (401, "invalid_token", "the token is not accepted")
    check_refusal(answer)
    assert (len(world.sts.requests), world.issuer.requests.total()) == (asked, fetched)
    line = world.audit()[-1]
    assert line["request_id"] == answer.headers["x-request-id"]
    return str(line["reason"])


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_token_is_refused_and_nobody_is_asked_about_it(world: World, name: str) -> None:
    await get(world.service.public, PATH, world.token())  # by now the keys were fetched
    assert set(world.issuer.hostile()) == set(HOSTILE)
    assert await refused(world, world.issuer.hostile()[name])


async def test_a_tampered_signature_is_refused(world: World) -> None:
    await get(world.service.public, PATH, world.token())
    assert await refused(world, tokens.tampered(world.token())) == "signature"
    assert await refused(world, world.issuer.token(key=world.issuer.stranger())) == "signature"


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"aud": "another"}, "audience"),
        ({"aud": ["vendor", "another"]}, "audience"),
        ({"exp": None}, "claims"),
        ({"iat": None}, "claims"),
        ({"exp": "soon"}, "claims"),
        ({"exp": 4_102_444_800}, "lifetime"),
        ({"nbf": 4_102_444_800}, "not_yet_valid"),
        ({"sub": "system:serviceaccount:kube-system:admin"}, "claims"),
    ],
)
async def test_claims_that_do_not_do_are_refused_with_one_public_text(
    world: World, claims: dict[str, Any], reason: str
) -> None:
    await get(world.service.public, PATH, world.token())
    assert await refused(world, world.issuer.token(claims)) == reason


async def test_an_issuer_that_is_not_configured_is_never_connected_to(world: World) -> None:
    async with Issuer() as stranger:
        assert await refused(world, stranger.token()) == "unknown_issuer"
        assert not stranger.requests


async def test_keys_named_in_a_header_are_never_fetched(world: World) -> None:
    await get(world.service.public, PATH, world.token())
    async with Issuer() as evil:
        named = {"jku": evil.jwks_url, "x5u": f"{evil.url}/x5u", "jwk": {"kty": "RSA"}}
        token = world.issuer.token(header=named, key=world.issuer.stranger())
        assert await refused(world, token) == "signature"
        assert not evil.requests


async def test_unknown_keys_cost_at_most_one_fetch_and_no_sts_call(world: World) -> None:
    await get(world.service.public, PATH, world.token())
    asked, fetched = len(world.sts.requests), world.issuer.requests["/keys"]
    for number in range(5):
        answer = await get(world.service.public, PATH, world.issuer.token(kid=f"unknown-{number}"))
        assert (answer.status, answer.code) == (401, "invalid_token")
    assert world.issuer.requests["/keys"] <= fetched + 1
    assert len(world.sts.requests) == asked
