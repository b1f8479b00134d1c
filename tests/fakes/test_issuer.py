"""The fake issuer, read by aiohttp and PyJWT."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import aiohttp
import jwt
import pytest

from tests.fakes import tokens
from tests.fakes.clock import Clock
from tests.fakes.issuer import DISCOVERY, JWKS, OVERSIZE, Issuer
from tests.fakes.keys import make_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ALGORITHMS = ["RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA"]


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with Issuer() as server:
        yield server


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
        yield session


async def _get(http: aiohttp.ClientSession, url: str) -> tuple[int, bytes]:
    async with http.get(url, allow_redirects=False) as answer:
        return answer.status, await answer.read()


async def _key(http: aiohttp.ClientSession, issuer: Issuer, kid: str) -> jwt.PyJWK:
    _, discovery = await _get(http, f"{issuer.issuer}{DISCOVERY}")
    _, keys = await _get(http, json.loads(discovery)["jwks_uri"])
    return jwt.PyJWKSet.from_json(keys.decode())[kid]


def _verified(token: str, key: jwt.PyJWK, *, algorithm: str = "RS256") -> dict[str, Any]:
    return jwt.decode(token, key, algorithms=[algorithm], audience="vendor")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_a_token_verifies_with_the_key_found_by_discovery(algorithm: str, http: aiohttp.ClientSession) -> None:
    async with Issuer(algorithm=algorithm, path="/id/AAA") as issuer:
        key = await _key(http, issuer, "key-1")
        claims = _verified(issuer.token(), key, algorithm=algorithm)
    assert claims["iss"] == issuer.issuer
    assert claims["kubernetes.io"]["serviceaccount"]["name"] == "reporter"
    assert issuer.requests == {DISCOVERY: 1, JWKS: 1}


async def test_claims_and_header_can_be_replaced_and_removed(issuer: Issuer) -> None:
    token = issuer.token({"sub": "someone", "nbf": None}, {"typ": None, "extra": ["x"]}, kid="named")
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["sub"] == "someone"
    assert "nbf" not in claims
    header = json.loads(tokens.decode(token.split(".")[0]))
    assert header == {"alg": "RS256", "kid": "named", "extra": ["x"]}


async def test_times_are_those_of_its_clock() -> None:
    clock = Clock()
    issued_at = Issuer(clock=clock, algorithm="ES256").claims()["iat"]
    assert issued_at == clock.now().timestamp()


@pytest.mark.parametrize(("keep_old", "kids"), [(True, ["key-1", "key-2"]), (False, ["key-2"])])
async def test_rotation_signs_with_a_new_key(
    issuer: Issuer, http: aiohttp.ClientSession, *, keep_old: bool, kids: list[str]
) -> None:
    issuer.rotate(keep_old=keep_old)
    _, body = await _get(http, issuer.jwks_url)
    assert [key["kid"] for key in json.loads(body)["keys"]] == kids
    assert _verified(issuer.token(), await _key(http, issuer, "key-2"))


async def test_two_issuers_share_kids_but_never_keys() -> None:
    async with Issuer() as one, Issuer() as other:
        assert one.key.kid == other.key.kid
        assert one.key.jwk()["n"] != other.key.jwk()["n"]


async def test_a_key_is_published_without_its_private_half(issuer: Issuer) -> None:
    assert set(issuer.key.jwk()) == {"kty", "n", "e", "kid", "alg", "use"}


@pytest.mark.parametrize(("fault", "status"), [("down", 500), ("redirect", 302), ("html", 200)])
async def test_a_fault_shows_on_both_paths(
    issuer: Issuer, http: aiohttp.ClientSession, fault: str, status: int
) -> None:
    issuer.fault = fault
    for path in (DISCOVERY, JWKS):
        answered, body = await _get(http, f"{issuer.url}{path}")
        assert answered == status
        with pytest.raises(ValueError, match="Expecting value"):
            json.loads(body)


async def test_a_fault_can_be_kept_to_one_path(issuer: Issuer, http: aiohttp.ClientSession) -> None:
    issuer.fault, issuer.fault_paths = "down", (JWKS,)
    assert (await _get(http, f"{issuer.url}{DISCOVERY}"))[0] == 200
    assert (await _get(http, issuer.jwks_url))[0] == 500


async def test_an_unknown_fault_is_a_mistake_of_the_test(issuer: Issuer) -> None:
    with pytest.raises(ValueError, match="no fault is called 'dwon'"):
        issuer.fault = "dwon"


async def test_it_can_hang(issuer: Issuer) -> None:
    issuer.fault = "hang"
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.05)) as http:
        with pytest.raises(TimeoutError):
            await _get(http, issuer.jwks_url)


async def test_discovery_can_name_another_issuer(issuer: Issuer, http: aiohttp.ClientSession) -> None:
    issuer.fault = "wrong_issuer"
    _, body = await _get(http, f"{issuer.url}{DISCOVERY}")
    assert json.loads(body)["issuer"] != issuer.issuer


async def test_the_key_set_can_be_oversize_cut_many_or_any_bytes(issuer: Issuer, http: aiohttp.ClientSession) -> None:
    issuer.fault = "oversize"
    _, body = await _get(http, issuer.jwks_url)
    assert len(body) > OVERSIZE
    assert json.loads(body)["keys"]
    issuer.fault = "cut"
    with pytest.raises(ValueError, match=r"delimiter|Unterminated"):
        json.loads((await _get(http, issuer.jwks_url))[1])
    issuer.fault = None
    issuer.publish_copies(101)
    assert len(json.loads((await _get(http, issuer.jwks_url))[1])["keys"]) == 101
    issuer.jwks_body = b"\xff"
    assert (await _get(http, issuer.jwks_url))[1] == b"\xff"


async def test_hostile_tokens_are_hostile_in_the_way_they_say(issuer: Issuer) -> None:
    hostile = issuer.hostile()
    algorithms = {name: jwt.get_unverified_header(token)["alg"] for name, token in hostile.items()}
    assert algorithms["algorithm none"] == "none"
    assert algorithms["hmac with the public key"] == "HS256"
    twice = tokens.decode(hostile["a claim twice"].split(".")[1])
    assert twice.count(b'"sub":') == 2
    assert len(hostile["oversize"]) > 16 * 1024
    assert jwt.get_unverified_header(issuer.unknown_kid())["kid"] == "unknown"
    assert not issuer.requests


async def test_tokens_of_a_stranger_or_tampered_with_do_not_verify(issuer: Issuer, http: aiohttp.ClientSession) -> None:
    key = await _key(http, issuer, "key-1")
    for token in (issuer.token(key=issuer.stranger()), tokens.tampered(issuer.token())):
        with pytest.raises(jwt.InvalidSignatureError):
            _verified(token, key)


def test_there_is_no_symmetric_signing_key() -> None:
    with pytest.raises(ValueError, match="no asymmetric algorithm"):
        make_key("HS256")
