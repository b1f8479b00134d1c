"""Before a real Prometheus: each panel of each dashboard is given data, each rule is evaluated, exemplars are kept."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from tests.watch.live import LASTS, Watched, filled, watched
from tests.watch.panels import BOARDS, Kind, Panel
from tests.watch.promtool import tool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = [pytest.mark.watch, pytest.mark.asyncio(loop_scope="module")]

PANELS = [(board.name, panel) for board in BOARDS for panel in board.panels]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Watched]:
    tool("prometheus")
    async with watched(tmp_path_factory.mktemp("watched")) as running:
        yield running


def _asked(world: Watched, panel: Panel, query: str) -> list[list[float]]:
    """Return the values of each series."""
    begin, end = world.began, world.began + LASTS
    if panel.kind is Kind.BARS:
        found: Any = world.prometheus.ask("query", query=filled(query), time=end)["result"]
        return [[float(one["value"][1])] for one in found]
    found = world.prometheus.ask("query_range", query=filled(query), start=begin, end=end, step=1)["result"]
    return [[float(value) for _, value in one["values"]] for one in found]


@pytest.mark.parametrize(("board", "panel"), PANELS, ids=lambda one: one if isinstance(one, str) else one.title)
async def test_every_query_of_a_panel_is_given_data(world: Watched, board: str, panel: Panel) -> None:
    for query, _ in panel.queries:
        values = [value for series in _asked(world, panel, query) for value in series]
        assert [value for value in values if math.isfinite(value)], f"{board}: {query}"


MOVES = {
    "Out, by scope",
    "Issued, by source",
    "Renewals",
    "Ended",
    "Remaining life at hand-out",
    "Only mode audit let through",
    "Room in the budget",
    "Share that STS throttles",
    "Regions that are left alone",
    "Latency, median",
    "Packed size, by scope",
    "Refusals, by reason",
    "Token reviews",
    "Accounts of organizations, listed",
    "Revocations in force",
    "Failed",
    "Exchanges",
    "The shared store's answers",
    "Reloads",
}
"""Panels in which the script must be seen: a line at nothing would be data too."""


@pytest.mark.parametrize("panel", [panel for _, panel in PANELS if panel.title in MOVES], ids=lambda panel: panel.title)
async def test_what_happens_is_seen(world: Watched, panel: Panel) -> None:
    for query, _ in panel.queries:
        assert max(value for series in _asked(world, panel, query) for value in series if math.isfinite(value)) > 0


async def test_every_source_door_and_outcome_of_the_store_and_of_sts_was_seen(world: Watched) -> None:
    def values(metric: str, label: str) -> set[str]:
        found = world.prometheus.ask("query", query=f"sum by ({label}) ({metric})")["result"]
        return {one["metric"].get(label, "") for one in found}

    assert values("vendor_credentials_issued_total", "source") == {"sts", "memory", "store"}
    assert values("vendor_exchanges_total", "door") >= {"container", "json", "sts"}
    assert values("vendor_sts_requests_total", "result") >= {"ok", "throttled", "no_answer"}
    assert values("vendor_store_requests_total", "result") >= {"ok", "skipped"}
    assert values("vendor_config_reloads_total", "result") == {"ok", "failed"}


async def test_every_rule_is_evaluated_and_the_throttling_is_an_alert_under_way(world: Watched) -> None:
    rules = [rule for group in world.prometheus.ask("rules")["groups"] for rule in group["rules"]]
    assert len(rules) > 40
    assert [(rule["name"], rule.get("lastError")) for rule in rules if rule["health"] != "ok"] == []
    firing = {rule["name"] for rule in rules if rule.get("state") in ("pending", "firing")}
    assert {"VendorReloadFailed"} <= firing


async def test_exemplars_lead_from_a_bucket_to_the_audit_line(world: Watched) -> None:
    found = world.prometheus.ask(
        "query_exemplars",
        query="vendor_exchange_duration_seconds_bucket",
        start=world.began,
        end=world.began + LASTS,
    )
    seen = {one["labels"]["request_id"] for series in found for one in series["exemplars"]}
    lines = "".join((world.folder / f"replica-{number}" / "audit.jsonl").read_text() for number in range(2))
    assert len(seen) > 10
    assert [one for one in seen if one not in lines] == []
