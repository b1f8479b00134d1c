"""What a caller may know: its own scopes, and what would be decided for it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.server.http import get, post
from tests.server.test_refusals import check_refusal
from tests.service import CONFIGURATION, World
from vendor.cli import main

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.asyncio(loop_scope="module")


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


async def test_a_caller_is_not_told_how_many_grants_others_have_before_its_own(tmp_path: Path) -> None:
    other = 'issuers:\n  other: {{issuer: "https://other.example.com", audience: vendor, kind: kubernetes}}\n'
    others = "    grants:\n" + "".join(
        f"      - {{{{issuer: other, where: {{{{namespace: {one}}}}}}}}}\n" for one in "ab"
    )
    shown = CONFIGURATION.replace("issuers:\n", other).replace("    grants:\n", others)
    async with World(tmp_path, configuration=shown) as world:
        for account, allowed in (("reporter", True), ("other", False)):
            asked: dict[str, Any] = {"scope": "reports:read"}
            told = (await post(world.service.public, "/v1/explain", world.token(account), asked)).json
            assert (told["grant"], [one["grant"] for one in told["grants"]]) == (0 if allowed else None, [0])
            operator = world.token("vendor-operator", namespace="platform")
            asked |= {"issuer": "cluster-a", "attributes": {"namespace": "analytics", "service_account": account}}
            whole = (await post(world.service.operations, "/v1/explain", operator, asked)).json
            assert (whole["grant"], [one["grant"] for one in whole["grants"]]) == (2 if allowed else None, [0, 1, 2])


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


async def test_a_caller_is_told_what_set_the_duration_the_chain_and_what_is_worth_a_warning(world: World) -> None:
    told = (await post(world.service.public, "/v1/explain", world.token(), {"scope": "reports:read"})).json
    session = told["session"]
    assert (session["duration_rule"], session["chain"], told["warnings"]) == ("duration", [session["role"]], [])
    asked = {"scope": "reports:read", "duration_seconds": 900}
    told = (await post(world.service.public, "/v1/explain", world.token(), asked)).json
    assert told["session"]["duration_rule"] == "asked"
    assert [warning.partition(":")[0] for warning in told["warnings"]] == ["SDKs renew below 15 minutes left"]


@pytest.mark.parametrize("service_account", ["reporter", "other"])
async def test_the_command_and_the_operators_door_tell_the_same(
    world: World, service_account: str, capsys: pytest.CaptureFixture[str]
) -> None:
    attributes = {"namespace": "analytics", "service_account": service_account}
    asked = {"scope": "reports:read", "issuer": "cluster-a", "attributes": attributes}
    operator = world.token("vendor-operator", namespace="platform")
    answer = await post(world.service.operations, "/v1/explain", operator, asked)
    given = ["--scope", "reports:read", "--attributes", json.dumps({**attributes, "issuer": "cluster-a"})]
    command = ["explain", str(world.folder / "vendor.yaml"), *given, "--format", "json"]
    assert await asyncio.to_thread(main, command) == (0 if service_account == "reporter" else 1)
    assert json.loads(capsys.readouterr().out) == answer.json
