"""What a caller may know: its own scopes, and what would be decided for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.server.http import get, post
from tests.server.test_refusals import check_refusal

if TYPE_CHECKING:
    from tests.service import World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("explain")]


async def test_a_caller_is_told_its_scopes_with_parameters_and_durations(world: World) -> None:
    answer = await get(world.service.public, "/v1/scopes", world.token())
    (scope,) = answer.json["scopes"]
    assert (scope["name"], scope["description"]) == ("reports:read", "Read one team's monthly reports")
    assert scope["parameters"]["month"]["default"] == "2026-01"
    assert (scope["duration_seconds"], scope["max_duration_seconds"]) == (3600, 14_400)
    assert b"arn:" not in answer.body


async def test_who_may_have_nothing_is_told_of_nothing(world: World) -> None:
    answer = await get(world.service.public, "/v1/scopes", world.token(namespace="other"))
    assert (answer.status, answer.json) == (200, {"scopes": []})


async def test_a_caller_is_told_what_would_be_decided_for_it(world: World) -> None:
    asked = {"scope": "reports:read", "parameters": {"month": "2026-03"}, "duration_seconds": 900}
    answer = await post(world.service.public, "/v1/explain", world.token(), asked)
    told = answer.json
    assert (answer.status, told["allowed"], told["scope"]) == (200, True, "reports:read")
    assert told["session"]["policy"]["Statement"][0]["Resource"] == "arn:aws:s3:::reports/analytics/2026-03/*"
    assert told["session"]["duration_seconds"] == 900
    assert told["principal"]["attributes"]["service_account"] == "reporter"
    assert b"CANARY" not in answer.body


async def test_a_refused_caller_is_told_which_of_its_attributes_failed_and_not_what_was_wanted(world: World) -> None:
    answer = await post(world.service.public, "/v1/explain", world.token("other"), {"scope": "reports:read"})
    told = answer.json
    assert (told["allowed"], told["session"]) == (False, None)
    assert told["grants"] == [{"grant": 0, "matches": False, "failed": "service_account", "had": "other"}]
    assert told["refusal"]["code"] == "access_denied"
    assert b"batch-" not in answer.body


async def test_nobody_explains_for_another(world: World) -> None:
    asked = {"scope": "reports:read", "attributes": {"namespace": "analytics"}, "issuer": "cluster-a"}
    answer = await post(world.service.public, "/v1/explain", world.token(namespace="other"), asked)
    assert (answer.status, answer.code) == (400, "invalid_request")


async def test_an_explanation_mints_nothing(world: World) -> None:
    asked, told = len(world.sts.requests), len(world.audit())
    await post(world.service.public, "/v1/explain", world.token("batch-explain"), {"scope": "reports:read"})
    assert (len(world.sts.requests), len(world.audit())) == (asked, told)


async def test_a_token_is_needed_for_both(world: World) -> None:
    for answer in (await get(world.service.public, "/v1/scopes"), await post(world.service.public, "/v1/explain")):
        assert (answer.status, answer.code) == (401, "missing_token")
        check_refusal(answer)


async def test_neither_takes_a_query(world: World) -> None:
    token = world.token()
    asks = (get(world.service.public, "/v1/scopes?a=b", token), post(world.service.public, "/v1/explain?a=b", token))
    assert [(await ask).code for ask in asks] == ["invalid_request"] * 2
