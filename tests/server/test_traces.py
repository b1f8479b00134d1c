"""Traces over sockets: one for each exchange with its steps, in its caller's trace, at a collector; nothing secret."""

from __future__ import annotations

import asyncio
import json
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.fakes import faults
from tests.fakes.collector import Collector, told
from tests.fakes.sts import SECRET, TOKEN
from tests.server.http import get
from tests.server.sts_client import assume
from tests.service import BASE_IDENTITY, CONFIGURATION, World, served
from vendor.traces import Collector as Named
from vendor.traces import UnspokenError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATH = "/v1/credentials/reports:read"
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def collector() -> AsyncIterator[Collector]:
    async with Collector() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    environ = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_EXPORTER_OTLP_HEADERS": "x-key=CANARY%20key",
        "OTEL_RESOURCE_ATTRIBUTES": "k8s.pod.name=vendor-0,service.name=other,deployment.environment=a%20b",
        "OTEL_SERVICE_NAME": "lender",
    }
    async with World(tmp_path_factory.mktemp("traced"), environ=environ) as running:
        await get(running.service.public, PATH, running.token("batch-1"))  # so that a denial is the denied one's own
        yield running


async def test_an_exchange_is_a_part_of_its_callers_trace_with_a_span_for_each_step(
    world: World, collector: Collector
) -> None:
    answer = await get(world.service.public, PATH, world.token("batch-traced"), traceparent=f"00-{TRACE}-{SPAN}-01")
    assert answer.status == 200
    root = await collector.exchange(answer.headers["x-request-id"])
    spans = {span["name"]: span for span in collector.spans if span["traceId"] == TRACE}
    assert spans.keys() == {"exchange", "authenticate", "decide", "lease", "mint", "record"}
    assert root["parentSpanId"] == SPAN
    assert {spans[name]["parentSpanId"] for name in ("authenticate", "decide", "lease", "record")} == {root["spanId"]}
    assert spans["mint"]["parentSpanId"] == spans["lease"]["spanId"]
    assert told(root) == {
        "request_id": answer.headers["x-request-id"],
        "door": "container",
        "outcome": "issued",
        "scope": "reports:read",
        "issuer": "cluster-a",
        "source": "sts",
    }
    assert told(spans["mint"]) == {"target": "aws", "region": "eu-west-1", "action": "AssumeRole", "result": "ok"}
    for span in spans.values():
        assert int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"]) <= int(root["endTimeUnixNano"]) + 10**6
    assert collector.headers[0]["x-key"] == "CANARY key"
    of = {one["key"]: one["value"]["stringValue"] for one in collector.resources[0]["attributes"]}
    assert of == {
        "service.name": "lender",
        "service.version": version("credential-vendor"),
        "k8s.pod.name": "vendor-0",
        "deployment.environment": "a b",
    }


@pytest.mark.parametrize(
    "parent",
    ["", "nonsense", f"00-{'0' * 32}-{SPAN}-01", f"00-{TRACE}-{'0' * 16}-01", f"ff-{TRACE}-{SPAN}-01", "00-" * 2_000],
    ids=range(6),
)
async def test_without_a_sound_parent_it_is_a_trace_of_its_own(world: World, collector: Collector, parent: str) -> None:
    answer = await get(world.service.public, PATH, world.token("batch-1"), traceparent=parent)
    root = await collector.exchange(answer.headers["x-request-id"])
    assert "parentSpanId" not in root
    assert root["traceId"] not in (TRACE, "0" * 32)
    assert len(root["traceId"]) == 32


async def test_what_the_caller_does_not_keep_is_not_traced(world: World, collector: Collector) -> None:
    other = "1" * 32
    await get(world.service.public, PATH, world.token("batch-1"), traceparent=f"00-{other}-{SPAN}-00")
    answer = await get(world.service.public, PATH, world.token("batch-1"))
    await collector.exchange(answer.headers["x-request-id"])
    assert other not in "".join(collector.bodies)


async def test_a_refusal_says_in_which_step_and_why_and_a_failed_request_to_sts_is_one(
    world: World, collector: Collector
) -> None:
    first = await get(world.service.public, PATH, world.token(namespace="other"))
    world.sts.fault(faults.error("AccessDenied"))
    answer = await get(world.service.public, PATH, world.token("batch-denied"))
    world.sts.heal()
    assert answer.status == 502
    denied, refused = [await collector.exchange(one.headers["x-request-id"]) for one in (first, answer)]
    assert {name: told(denied)[name] for name in ("outcome", "code", "reason")} == {
        "outcome": "refused",
        "code": "access_denied",
        "reason": "no_grant",
    }
    assert told(refused)["code"] == "role_refused"
    assert denied["status"] == refused["status"] == {"code": 2}
    of_denied = {span["name"]: span["status"] for span in collector.spans if span["traceId"] == denied["traceId"]}
    assert of_denied == {"exchange": {"code": 2}, "authenticate": {}, "decide": {"code": 2}}
    mints = [span for span in collector.named("mint") if span["traceId"] == refused["traceId"]]
    assert {told(span)["result"] for span in mints} == {"role_denied"}


async def test_t23_nothing_secret_is_in_a_trace(world: World, collector: Collector) -> None:
    tokens = [world.token("batch-secret"), *world.issuer.hostile().values(), world.issuer.unknown_kid()]
    for token in tokens:
        await get(world.service.public, PATH, token)
        await assume(world.service.public, token)
    answer = await get(world.service.public, PATH, world.token("batch-1"))
    await collector.exchange(answer.headers["x-request-id"])
    written = "".join(collector.bodies)
    parts = [part for token in tokens for part in token.split(".")[1:] if part]
    secrets = [SECRET, TOKEN, "CANARY", BASE_IDENTITY["AWS_SECRET_ACCESS_KEY"], "ASIA", "batch-", *parts]
    assert [one[:60] for one in secrets if one in written] == []


async def test_a_collector_that_fails_costs_nobody_anything_and_is_logged_once(
    world: World, collector: Collector
) -> None:
    collector.status = 500
    for _ in range(3):
        assert (await get(world.service.public, PATH, world.token("batch-1"))).status == 200
        await asyncio.sleep(1.1)
    collector.status = 200
    assert (await get(world.service.public, PATH, world.token("batch-1"))).status == 200
    async with asyncio.timeout(15):
        while not _logged(world, "traces are sent again"):  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.05)
    assert _logged(world, "traces are not sent") == ["the collector answers 500"]
    assert "CANARY" not in "".join(world.service.log)


def _logged(world: World, event: str) -> list[str]:
    lines = [json.loads(line) for line in world.service.log]
    return [line.get("detail", "-") for line in lines if line["event"] == event]


async def test_what_is_not_spoken_stops_the_start(tmp_path: Path) -> None:
    text = CONFIGURATION.format(audit=tmp_path / "audit.jsonl", issuer="https://127.0.0.1:1", sts="http://127.0.0.1:1")
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    with pytest.raises(RuntimeError, match="traces are sent over http only"):
        async with served(text, tmp_path, environ=environ):
            pass


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318/"}, "http://c:4318/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_SDK_DISABLED": "true"}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_TRACES_EXPORTER": "none"}, None),
        (
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c",
                "OTEL_TRACES_EXPORTER": "otlp",
                "OTEL_TRACES_SAMPLER": "parentbased_always_on",
            },
            "http://c/v1/traces",
        ),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://d/x"},
            "https://d/x",
        ),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"},
            "http://c/v1/traces",
        ),
    ],
)
async def test_the_collector_is_what_opentelemetrys_variables_name(environ: dict[str, str], url: str | None) -> None:
    named = Named.of(environ)
    assert (named and named.url) == url


@pytest.mark.parametrize("url", ["c:4318", "ftp://c", "file:///etc/passwd"])
async def test_a_collector_that_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(UnspokenError):
        Named.of({"OTEL_EXPORTER_OTLP_ENDPOINT": url})


@pytest.mark.parametrize(
    "said", [{"OTEL_TRACES_EXPORTER": "zipkin"}, {"OTEL_TRACES_SAMPLER": "traceidratio"}], ids=["exporter", "sampler"]
)
async def test_an_exporter_and_a_sampler_that_there_are_not_are_refused(said: dict[str, str]) -> None:
    with pytest.raises(UnspokenError, match=next(iter(said))):
        Named.of({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", **said})
