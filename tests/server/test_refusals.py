"""Every refusal that the public listener has so far: its status, its body and its headers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.server.http import Answer, exchange, get, request

if TYPE_CHECKING:
    from tests.service import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATH = "/v1/credentials/reports:read"
MEMBERS = {"code", "message", "Code", "Message", "request_id"}
# What is refused, how it is asked for, and the code and status that must come.
ASKED = [
    ("a method that is not there", {"method": "PUT"}, "method_not_allowed", 405),
    ("a path that is not there", {"path": "/v2/credentials/reports:read"}, "not_found", 404),
    ("a path that STS does not have", {"path": "/sts/x"}, "not_found", 404),
    ("the operators' metrics", {"path": "/metrics"}, "not_found", 404),
    ("the operators' probe", {"path": "/healthz"}, "not_found", 404),
    ("the operators' readiness", {"path": "/readyz"}, "not_found", 404),
    ("the operators' leases", {"path": "/v1/leases"}, "not_found", 404),
    ("no token", {"token": None}, "missing_token", 401),
    ("an empty token", {"token": ""}, "missing_token", 401),
    ("no JWT", {"token": "Basic Zm9vOmJhcg=="}, "invalid_token", 401),
    ("an undeclared parameter", {"path": f"{PATH}?a=b"}, "invalid_request", 400),
    ("a value that may not be filled", {"path": f"{PATH}?month=*"}, "value_not_allowed", 403),
    ("a scope that is not there", {"path": "/v1/credentials/nothing"}, "access_denied", 403),
    ("a field longer than 32 KiB", {"token": "a" * 33_000}, "header_too_large", 431),
    ("a line longer than 32 KiB", {"path": f"{PATH}?month={'1' * 33_000}"}, "header_too_large", 431),
    ("too many fields", {"headers": {f"X-{number}": "1" for number in range(70)}}, "header_too_large", 431),
    ("a body that is no JSON", {"method": "POST", "body": b"{"}, "invalid_request", 400),
    ("a body that is too large", {"method": "POST", "body": b" " * 70_000}, "request_too_large", 413),
    (
        "a form",
        {"method": "POST", "body": b"a=b", "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
        "unsupported_media_type",
        415,
    ),
]


@pytest.mark.parametrize(("asked", "code", "status"), [case[1:] for case in ASKED], ids=[case[0] for case in ASKED])
async def test_a_refusal_says_which_in_two_spellings(
    world: World, asked: dict[str, object], code: str, status: int
) -> None:
    raw = request(**{"path": PATH, "token": world.token(), **asked})  # type: ignore[arg-type]
    answer = await exchange(world.service.public, raw)
    assert (answer.status, answer.code) == (status, code)
    check_refusal(answer)


def check_refusal(answer: Answer) -> None:
    body, headers = answer.json, answer.headers
    assert body.keys() == MEMBERS
    assert (body["code"], body["message"]) == (body["Code"], body["Message"])
    assert body["message"]
    assert body["request_id"] == headers["x-request-id"]
    assert headers["content-type"] == "application/json"
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert ("www-authenticate" in headers) == (answer.status == 401)
    assert ("retry-after" in headers) == (answer.status in {429, 503})
    assert ("allow" in headers) == (answer.status == 405)
    assert "location" not in headers


async def test_a_refused_exchange_has_an_audit_line_under_its_request_id(world: World) -> None:
    answer = await get(world.service.public, f"{PATH}?month=*", world.token())
    line = world.audit()[-1]
    assert line["request_id"] == answer.headers["x-request-id"]
    assert (line["outcome"], line["code"], line["reason"]) == ("refused", "value_not_allowed", "value")
    assert line["access_key_id"] is None


@pytest.mark.parametrize("sent", [None, "", "Bearer", "bearer "])
async def test_a_missing_token_is_told_what_to_set(world: World, sent: str | None) -> None:
    answer = await get(world.service.public, PATH, sent)
    assert (answer.status, answer.code) == (401, "missing_token")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE" in answer.json["message"]


async def test_an_expired_token_is_called_so_only_when_its_signature_holds(world: World) -> None:
    now = int(world.issuer.claims()["iat"])
    past: dict[str, Any] = {"iat": now - 7200, "nbf": now - 7200, "exp": now - 3600}
    expired = await get(world.service.public, PATH, world.token(**past))
    forged = await get(world.service.public, PATH, world.issuer.token(past, key=world.issuer.stranger()))
    assert (expired.status, expired.code) == (401, "expired_token")
    assert (forged.status, forged.code) == (401, "invalid_token")
    assert 'error="invalid_token"' in expired.headers["www-authenticate"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("HEAD", PATH, "GET, POST"),
        ("OPTIONS", PATH, "GET, POST"),
        ("DELETE", PATH, "GET, POST"),
        ("PATCH", PATH, "GET, POST"),
        ("TRACE", PATH, "GET, POST"),
        ("HEAD", "/v1/credentials", "GET"),
        ("POST", "/v1/credentials", "GET"),
        ("POST", "/v1/scopes", "GET"),
        ("HEAD", "/v1/scopes", "GET"),
        ("GET", "/v1/explain", "POST"),
    ],
)
async def test_only_the_listed_methods_exist_and_none_of_the_others_mints(
    world: World, method: str, path: str, allowed: str
) -> None:
    asked, told = len(world.sts.requests), len(world.audit())
    answer = await exchange(world.service.public, request(path, world.token(f"batch-{method}"), method=method))
    assert (answer.status, answer.headers["allow"]) == (405, allowed)
    assert (len(world.sts.requests), len(world.audit())) == (asked, told)


@pytest.mark.parametrize("path", ["//v1/credentials", "/v1//credentials", "/v1/scopes/", "/V1/credentials", "/STS"])
async def test_there_are_no_redirects_to_what_was_nearly_meant(world: World, path: str) -> None:
    answer = await get(world.service.public, path, world.token())
    assert (answer.status, answer.code) == (404, "not_found")


@pytest.mark.parametrize("below", ["/b", "/b/c", "//", "%2Fb", "/../reports:write", "/reports:read"])
async def test_below_a_scope_is_no_scope_and_never_not_found(world: World, below: str) -> None:
    answer = await get(world.service.public, PATH + below, world.token())
    assert (answer.status, answer.code) == (403, "access_denied")


@pytest.mark.parametrize("below", ["", "/b"])
async def test_whoever_brings_no_token_hears_that_first(world: World, below: str) -> None:
    assert (await get(world.service.public, PATH + below)).code == "missing_token"


async def test_a_slash_behind_a_scope_does_not_matter(world: World) -> None:
    plain, slash = [await get(world.service.public, path, world.token()) for path in (PATH, f"{PATH}/")]
    assert (slash.status, slash.body) == (200, plain.body)
