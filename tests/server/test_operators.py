"""The operators' listener: metrics and probes for machines, explanations for operators only."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from tests.server.http import Answer, Connection, exchange, get, post, request
from tests.server.test_refusals import check_refusal

if TYPE_CHECKING:
    from tests.service import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATH = "/v1/credentials/reports:read"
REPORTER = {"namespace": "analytics", "service_account": "reporter"}


def operator(world: World) -> str:
    return world.token("vendor-operator", namespace="platform")


async def explain(world: World, **asked: Any) -> Answer:
    document = {"issuer": "cluster-a", "scope": "reports:read", "attributes": REPORTER, **asked}
    return await post(world.service.operations, "/v1/explain", operator(world), document)


async def metrics(world: World) -> dict[str, float]:
    """Return each sample by its name and labels."""
    answer = await get(world.service.operations, "/metrics")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain")
    families = text_string_to_metric_families(answer.body.decode())
    samples = [sample for family in families for sample in family.samples]
    return {f"{s.name}{{{','.join(f'{k}={v}' for k, v in sorted(s.labels.items()))}}}": s.value for s in samples}


async def test_metrics_count_what_was_issued_and_refused(world: World) -> None:
    before = await metrics(world)
    token = world.token("batch-metrics")
    await get(world.service.public, PATH, token)
    await get(world.service.public, PATH, token)
    await get(world.service.public, f"{PATH}?month=*", token)
    await get(world.service.public, "/nothing")
    after = await metrics(world)

    def more(sample: str) -> float:
        return after[sample] - before.get(sample, 0)

    assert more("vendor_credentials_issued_total{action=AssumeRole,scope=reports:read,source=sts}") == 1
    assert more("vendor_credentials_issued_total{action=AssumeRole,scope=reports:read,source=memory}") == 1
    assert more("vendor_exchanges_total{door=container,outcome=issued,scope=reports:read}") == 2
    assert more("vendor_exchanges_total{door=container,outcome=refused,scope=reports:read}") == 1
    assert more("vendor_refusals_total{code=value_not_allowed,reason=value}") == 1
    assert more("vendor_refusals_total{code=not_found,reason=no_such_path}") == 1
    assert more("vendor_sts_requests_total{action=AssumeRole,region=eu-west-1,result=ok,target=aws}") == 1
    assert after["vendor_credentials_active{scope=reports:read}"] >= 1
    assert after["vendor_config_generation{}"] == 1


async def test_t25_labels_never_come_from_a_caller(world: World) -> None:
    await get(world.service.public, "/v1/credentials/CALLERS-scope", world.token("CALLERS-account"))
    await get(world.service.public, f"{PATH}?CALLERS-name=CALLERS-value", world.token())
    await get(world.service.public, PATH, world.issuer.token({"iss": "https://CALLERS-issuer"}))
    assert "CALLERS" not in str(await metrics(world))


async def test_the_probes_of_a_service_that_can_serve(world: World) -> None:
    for path in ("/healthz", "/readyz"):
        answer = await get(world.service.operations, path)
        assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")


@pytest.mark.parametrize("path", ["/v1/credentials/reports:read", "/v1/credentials", "/v1/scopes", "/nothing"])
async def test_nothing_of_the_public_listener_is_here(world: World, path: str) -> None:
    answer = await get(world.service.operations, path, operator(world))
    assert (answer.status, answer.code) == (404, "not_found")
    check_refusal(answer)


async def test_who_is_no_operator_gets_no_explanation(world: World) -> None:
    nobody = await post(world.service.operations, "/v1/explain")
    workload = await post(world.service.operations, "/v1/explain", world.token())
    forged = await post(world.service.operations, "/v1/explain", world.issuer.hostile()["algorithm none"])
    assert [(answer.status, answer.code) for answer in (nobody, workload, forged)] == [
        (401, "missing_token"),
        (403, "access_denied"),
        (401, "invalid_token"),
    ]
    for answer in (nobody, workload, forged):
        check_refusal(answer)


async def test_an_operator_is_told_what_would_be_sent_but_never_the_external_id(world: World) -> None:
    answer = await explain(world, parameters={"month": "2026-03"}, duration_seconds=900)
    told = answer.json
    assert (answer.status, told["allowed"], told["grant"]) == (200, True, 0)
    session = told["session"]
    assert session["role"] == "arn:aws:iam::111122223333:role/reports"
    assert session["policy"]["Statement"][0]["Resource"] == "arn:aws:s3:::reports/analytics/2026-03/*"
    assert (session["tags"], session["duration_seconds"]) == ({"namespace": "analytics"}, 900)
    assert session["external_id"] is True
    assert b"CANARY" not in answer.body


async def test_an_operator_is_told_which_attribute_failed_and_what_was_wanted(world: World) -> None:
    told = (await explain(world, attributes={"namespace": "analytics", "service_account": "other"})).json
    assert not told["allowed"]
    (grant,) = told["grants"]
    assert (grant["failed"], grant["had"]) == ("service_account", "other")
    assert "reporter" in grant["wanted"]
    assert (told["refusal"]["code"], told["refusal"]["reason"]) == ("access_denied", "no_grant")


async def test_the_issuer_may_stand_among_the_attributes_as_for_the_command(world: World) -> None:
    apart = await explain(world)
    among = await explain(world, issuer=None, attributes={"issuer": "cluster-a", **REPORTER})
    assert (among.status, among.json["allowed"], among.json) == (200, True, apart.json)


@pytest.mark.parametrize(
    "asked",
    [
        {"issuer": None, "attributes": {"issuer": "nobody"}},
        {"issuer": None, "attributes": {"issuer": ["cluster-a"]}},
        {"issuer": "nobody"},
        {"issuer": None},
        {"issuer": 1},
        {"scope": []},
        {"attributes": []},
        {"attributes": {"namespace": 1.5}},
        {"attributes": {"namespace": {}}},
        {"attributes": {"namespace": ["a", 1]}},
        {"attributes": {"namespace": None}},
        {"token": "x"},
    ],
)
async def test_a_malformed_question_is_refused(world: World, asked: dict[str, Any]) -> None:
    answer = await explain(world, **asked)
    assert (answer.status, answer.code) == (400, "invalid_request")


async def test_an_explanation_asks_nobody_and_leaves_no_audit_line(world: World) -> None:
    await explain(world)  # by now the keys were fetched
    asked, told, fetched = len(world.sts.requests), len(world.audit()), world.issuer.requests.total()
    await explain(world, attributes={"namespace": "analytics", "service_account": "batch-explained"})
    assert (len(world.sts.requests), len(world.audit()), world.issuer.requests.total()) == (asked, told, fetched)


@pytest.mark.parametrize("method", ["HEAD", "POST", "DELETE"])
async def test_a_probe_has_one_method(world: World, method: str) -> None:
    answer = await exchange(world.service.operations, request("/readyz", method=method))
    assert (answer.status, answer.headers["allow"]) == (405, "GET")


async def test_metrics_count_the_tasks_of_the_loop(world: World) -> None:
    async with await Connection.open(world.service.operations) as idle:
        await idle.send(request("/healthz"))
        await idle.read()
        more = (await metrics(world))["vendor_event_loop_tasks{}"]
    await asyncio.sleep(0.1)
    assert 5 < (await metrics(world))["vendor_event_loop_tasks{}"] < more


async def test_metrics_say_in_openmetrics_which_request_it_was(world: World) -> None:
    await asyncio.sleep(1.1)  # of quick exchanges one in a second is kept, and others have just asked in this world
    answer = await get(world.service.public, PATH, world.token("batch-exemplar"))
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    scraped = await exchange(world.service.operations, request("/metrics", headers=accept))
    assert scraped.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    told = openmetrics(scraped.body.decode())  # type: ignore[no-untyped-call]
    families = {family.name: family for family in told}
    seen = [one.exemplar.labels for one in families["vendor_exchange_duration_seconds"].samples if one.exemplar]
    assert {"request_id": answer.headers["x-request-id"]} in seen
