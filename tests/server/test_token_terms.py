"""Tokens that are good once, for named scopes and while they are young, as a served issuer's terms say (T6)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from tests.server.http import get, post
from tests.server.test_refusals import check_refusal
from tests.service import CONFIGURATION, World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.server.http import Answer

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATH = "/v1/credentials/reports:read"
TERMS = "allow_private_addresses: true, one_time_tokens: true, require_token_scope: true, max_token_age: 10m"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    configuration = CONFIGURATION.replace("allow_private_addresses: true", TERMS)
    assert configuration != CONFIGURATION
    async with World(tmp_path_factory.mktemp("terms"), configuration=configuration) as running:
        yield running


def token(world: World, name: str, **claims: Any) -> str:
    """Return a token of this id that is good, but for the claims that are given."""
    return world.token(**{"jti": name, "scope": "openid reports:read", **claims})


async def ask(world: World, given: str) -> tuple[int, str]:
    """Return status and reason of what a token gets."""
    answer = await get(world.service.public, PATH, given)
    if answer.status != 200:
        check_refusal(answer)
    return answer.status, str(world.audit()[-1]["reason"])


async def test_t6_a_token_gets_credentials_once(world: World) -> None:
    given = token(world, "once")
    assert (await ask(world, given))[0] == 200
    assert await ask(world, given) == (401, "replayed")
    assert (await ask(world, token(world, "another")))[0] == 200


async def test_t6_every_use_counts_and_not_the_minting_alone(world: World) -> None:
    given = token(world, "listed")
    assert (await get(world.service.public, "/v1/scopes", given)).status == 200
    assert await ask(world, given) == (401, "replayed")


async def test_a_token_without_an_id_gets_nothing(world: World) -> None:
    assert await ask(world, token(world, "", jti=None)) == (401, "claims")


async def test_a_token_that_is_for_another_scope_gets_nothing(world: World) -> None:
    assert await ask(world, token(world, "s-1", scope="openid")) == (403, "token_scope")
    assert await ask(world, token(world, "s-2", scope=None)) == (403, "token_scope")
    assert await ask(world, token(world, "s-3", scope="reports:read:more")) == (403, "token_scope")
    assert (await ask(world, token(world, "s-4", scope=None, scp=["reports:read"])))[0] == 200


async def test_a_scope_in_the_token_grants_nothing_by_itself(world: World) -> None:
    answer = await get(world.service.public, PATH, world.token("other", jti="s-5", scope="reports:read"))
    assert (answer.status, answer.code, world.audit()[-1]["reason"]) == (403, "access_denied", "no_grant")


async def test_a_token_for_another_scope_reads_as_any_other_denial(world: World) -> None:
    answers = [
        await get(world.service.public, PATH, token(world, "r-1", scope="openid")),
        await get(world.service.public, PATH, world.token("other", jti="r-2", scope="reports:read")),
        await get(world.service.public, "/v1/credentials/nothing", token(world, "r-3")),
    ]
    assert len({(answer.status, answer.code, answer.json["message"]) for answer in answers}) == 1


async def test_scopes_lists_what_the_token_is_for(world: World) -> None:
    async def listed(**claims: Any) -> list[str]:
        answer = await get(world.service.public, "/v1/scopes", token(world, **claims))
        return [scope["name"] for scope in answer.json["scopes"]]

    assert await listed(name="l-1") == ["reports:read"]
    assert await listed(name="l-2", scope="openid") == []


async def test_t6_a_token_that_is_too_old_gets_nothing(world: World) -> None:
    now = int(time.time())
    assert await ask(world, token(world, "old", iat=now - 700, nbf=None)) == (401, "lifetime")
    assert (await ask(world, token(world, "young", iat=now - 500, nbf=None)))[0] == 200


async def test_a_caller_is_told_that_its_token_is_not_for_the_scope(world: World) -> None:
    given = token(world, "e-1", scope="openid profile")
    told = (await post(world.service.public, "/v1/explain", given, {"scope": "reports:read"})).json
    assert (told["allowed"], told["session"]) == (False, None)
    assert told["grants"] == [{"grant": 0, "matches": False, "failed": "token_scope", "had": ["openid", "profile"]}]
    assert told["refusal"] == {
        "code": "access_denied",
        "message": "this identity may not have this scope",
        "reason": None,
        "detail": None,
    }


async def test_a_caller_whose_token_is_for_the_scope_is_told_what_it_would_get(world: World) -> None:
    told = (await post(world.service.public, "/v1/explain", token(world, "e-2"), {"scope": "reports:read"})).json
    assert (told["allowed"], told["grant"]) == (True, 0)


async def explain(world: World, name: str, **attributes: Any) -> Answer:
    operator = world.token("vendor-operator", namespace="platform", jti=name)
    supposed = {"namespace": "analytics", "service_account": "reporter", **attributes}
    asked = {"issuer": "cluster-a", "scope": "reports:read", "attributes": supposed}
    return await post(world.service.operations, "/v1/explain", operator, asked)


async def test_an_operator_is_told_that_a_token_would_have_to_be_for_the_scope(world: World) -> None:
    told = (await explain(world, "o-1")).json
    (grant,) = told["grants"]
    assert (grant["failed"], grant["had"], grant["wanted"]) == ("token_scope", [], "reports:read")
    assert told["refusal"]["reason"] == "token_scope"
    assert told["refusal"]["detail"] == "grant 0: token_scope is (), wanted reports:read"


@pytest.mark.parametrize("said", ["openid reports:read", ["reports:read"]])
async def test_an_operator_may_suppose_what_a_token_is_for(world: World, said: object) -> None:
    assert (await explain(world, f"o-{said}", token_scope=said)).json["allowed"]


async def test_a_grant_that_does_not_match_is_told_before_the_tokens_scope(world: World) -> None:
    told = (await explain(world, "o-9", service_account="other")).json
    assert [grant["failed"] for grant in told["grants"]] == ["service_account"]
    assert told["refusal"]["reason"] == "no_grant"
