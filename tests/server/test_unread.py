"""Requests for credentials of which a door cannot read all: refused as others are, and written down as others are."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from tests.server.http import exchange, get, request
from tests.server.sts_client import asked, assume, send
from vendor.identity.token import digest
from vendor.replay.recorded import Unreplayable, read_recorded

if TYPE_CHECKING:
    from typing import Any

    from tests.server.http import Answer
    from tests.service import World

pytestmark = pytest.mark.asyncio(loop_scope="module")
SCOPE = "/v1/credentials/reports:read"


def _written(world: World, answer: Answer, door: str) -> dict[str, Any]:
    line = world.audit()[-1]
    assert (line["request_id"], line["door"]) == (answer.headers["x-request-id"], door)
    assert (line["outcome"], line["access_key_id"], line["issuer"]) == ("refused", None, None)
    assert read_recorded(line) is Unreplayable.NOBODY
    return line


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("month=2026-03&month=2026-03", "malformed_request"),
        ("month", "malformed_request"),
        ("=2026-03", "malformed_request"),
        ("month=%ff", "malformed_request"),
        ("month=2026-03&", "malformed_request"),
        ("duration_seconds=soon", "duration"),
    ],
)
async def test_a_query_that_cannot_be_read(world: World, query: str, reason: str) -> None:
    token = world.token()
    answer = await get(world.service.public, f"{SCOPE}?{query}", token)
    assert (answer.status, answer.code) == (400, "invalid_request")
    line = _written(world, answer, "container")
    assert (line["code"], line["reason"], line["scope"]) == ("invalid_request", reason, "reports:read")
    assert (line["parameters"], line["token_sha256"]) == ({}, digest(token))


@pytest.mark.parametrize(("method", "door"), [("GET", "container"), ("POST", "json")])
async def test_two_tokens(world: World, method: str, door: str) -> None:
    raw = request(SCOPE, world.token(), method=method).replace(b"\r\n\r\n", b"\r\nAuthorization: another\r\n\r\n")
    answer = await exchange(world.service.public, raw)
    assert (answer.status, answer.code) == (400, "invalid_request")
    line = _written(world, answer, door)
    assert (line["reason"], line["token_sha256"]) == ("several_tokens", None)


@pytest.mark.parametrize(("path", "door"), [(SCOPE, "json"), ("/v1/console/reports:read", "console")])
async def test_a_query_beside_a_body(world: World, path: str, door: str) -> None:
    answer = await exchange(world.service.public, request(f"{path}?month=2026-03", world.token(), method="POST"))
    assert (answer.status, answer.code) == (400, "invalid_request")
    assert _written(world, answer, door)["scope"] == "reports:read"


async def test_what_a_caller_of_sts_may_not_ask_for(world: World) -> None:
    token = world.token()
    said = await assume(world.service.public, token, Policy="{}")
    assert said.error == (400, "ValidationError")
    line = _written(world, said.answer, "sts")
    assert (line["reason"], line["token_sha256"]) == ("undeclared_parameter", digest(token))
    assert line["asked_role"] == asked(None)["RoleArn"]
    said = await assume(world.service.public, None)
    assert (said.error, _written(world, said.answer, "sts")["reason"]) == (
        (400, "ValidationError"),
        "missing_parameter",
    )


async def test_an_assertion_without_a_token(world: World) -> None:
    form = asked(None, Action="AssumeRoleWithSAML", RoleSessionName=None, SAMLAssertion="YQ==")
    form["PrincipalArn"] = "arn:aws:iam::111122223333:saml-provider/p"
    said = await send(world.service.public, urlencode(form))
    assert said.error == (400, "InvalidIdentityToken")
    assert _written(world, said.answer, "sts")["code"] == "missing_token"


async def test_no_token_that_stands_elsewhere_is_written_down(world: World) -> None:
    token = world.token()
    await get(world.service.public, f"{SCOPE}?month={token}", token)
    await assume(world.service.public, token, RoleArn=token)
    for line in world.audit()[-2:]:
        assert token not in str(line)
        assert line["code"] == "invalid_request"


async def test_each_is_counted_once(world: World) -> None:
    name = 'vendor_refusals_total{code="invalid_request",reason="several_tokens"} '

    async def counted() -> float:
        page = (await get(world.service.operations, "/metrics")).body.decode()
        return sum(float(line.removeprefix(name)) for line in page.splitlines() if line.startswith(name))

    before = await counted()
    await exchange(
        world.service.public, request(SCOPE).replace(b"\r\n\r\n", b"\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n")
    )
    assert await counted() == before + 1
