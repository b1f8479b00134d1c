from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import jwt
import pytest

from vendor.demo.issuer import Issuer
from vendor.demo.signing import Pod, SigningKey, issue


async def fetch(url: str) -> dict[str, Any]:
    async with aiohttp.ClientSession() as session, session.get(url, allow_redirects=False) as answer:
        assert answer.status == 200
        found: dict[str, Any] = await answer.json()
        return found


async def published(issuer: Issuer) -> dict[str, jwt.PyJWK]:
    discovery = await fetch(f"{issuer.url}/.well-known/openid-configuration")
    jwks = await fetch(discovery["jwks_uri"])
    return {key["kid"]: jwt.PyJWK(key) for key in jwks["keys"]}


def verified(token: str, keys: dict[str, jwt.PyJWK], issuer: Issuer) -> dict[str, Any]:
    key = keys[jwt.get_unverified_header(token)["kid"]]
    found: dict[str, Any] = jwt.decode(token, key, algorithms=["RS256"], audience="vendor", issuer=issuer.url)
    return found


async def test_a_token_holds_against_the_keys_that_discovery_leads_to() -> None:
    async with Issuer() as issuer:
        token = issuer.token(namespace="analytics", service_account="reporter", pod="reporter-0")
        claims = verified(token, await published(issuer), issuer)
    assert claims["sub"] == "system:serviceaccount:analytics:reporter"
    assert claims["aud"] == ["vendor"]
    assert claims["exp"] - claims["iat"] == 3600
    assert claims["kubernetes.io"]["pod"]["name"] == "reporter-0"
    assert claims["kubernetes.io"]["serviceaccount"]["name"] == "reporter"
    assert set(claims["kubernetes.io"]) == {"namespace", "node", "pod", "serviceaccount"}


async def test_discovery_names_the_issuer_that_the_tokens_name() -> None:
    async with Issuer() as issuer:
        discovery = await fetch(f"{issuer.url}/.well-known/openid-configuration")
        assert discovery["issuer"] == issuer.url


async def test_after_a_rotation_old_and_new_tokens_both_hold() -> None:
    async with Issuer() as issuer:
        old = issuer.token(namespace="analytics", service_account="reporter")
        issuer.rotate()
        new = issuer.token(namespace="analytics", service_account="reporter")
        keys = await published(issuer)
        assert verified(old, keys, issuer)["sub"] == verified(new, keys, issuer)["sub"]
    assert jwt.get_unverified_header(old)["kid"] != jwt.get_unverified_header(new)["kid"]


async def test_what_is_published_holds_no_private_member() -> None:
    async with Issuer() as issuer:
        jwks = await fetch(f"{issuer.url}/keys")
    assert all(set(key) == {"use", "kty", "kid", "alg", "n", "e"} for key in jwks["keys"])


async def test_requests_are_counted_by_path() -> None:
    async with Issuer() as issuer:
        await published(issuer)
        await fetch(f"{issuer.url}/keys")
        assert issuer.requests == {"/.well-known/openid-configuration": 1, "/keys": 2}


async def test_the_clock_is_the_one_handed_in() -> None:
    then = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)
    issuer = Issuer(clock=lambda: then)
    token = issuer.token(namespace="a", service_account="b", lifetime=timedelta(minutes=10))
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (claims["iat"], claims["exp"]) == (int(then.timestamp()), int(then.timestamp()) + 600)


async def test_extra_claims_replace_the_usual_ones() -> None:
    token = Issuer().token(namespace="a", service_account="b", extra={"aud": "other", "labels": {"team": "x"}})
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (claims["aud"], claims["labels"]) == ("other", {"team": "x"})


async def test_the_port_is_free_again_afterwards() -> None:
    async with Issuer() as issuer:
        url = issuer.url
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.get(url)


def test_the_header_has_the_members_kubernetes_writes_and_no_others() -> None:
    token = issue(key=SigningKey.generate(kid="k"), claims={"sub": "x"})
    assert jwt.get_unverified_header(token) == {"alg": "RS256", "kid": "k"}


def test_the_uids_of_a_pod_follow_from_its_names() -> None:
    pod = Pod(namespace="analytics", service_account="reporter")
    assert pod.claims() == Pod(namespace="analytics", service_account="reporter").claims()
    assert pod.claims() != Pod(namespace="payments", service_account="reporter").claims()


def test_a_key_never_shows_its_private_half() -> None:
    assert "private" not in repr(SigningKey.generate(kid="k"))
