"""The table of docs/metrics.md, as the metrics themselves tell it; `python -m tests.metrics_page` writes it anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

from tests.fakes.clock import Clock
from tests.service import ROOT
from vendor.leases.expiry import ExpiryLedger
from vendor.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client import Metric

PAGE: Final = ROOT / "docs" / "metrics.md"
HEAD: Final = "| metric | type | labels | what it says |\n|---|---|---|---|\n"


class _Nothing:
    """An organization's accounts, of which there are none."""

    def __init__(self) -> None:
        self.counts: dict[tuple[str, str], Callable[[], float]] = {}
        self.ages: dict[tuple[str, str], Callable[[], float]] = {}


def rows() -> list[str]:
    """Return a row for each metric that a service can have."""
    return sorted(_row(family, labels) for family, labels in _families())


def names() -> set[str]:
    """Return the name of every sample that a service can have."""
    kinds = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"], "gauge": [""]}
    return {family.name + kind for family, _ in _families() for kind in kinds[family.type]}


def _families() -> list[tuple[Metric, tuple[str, ...]]]:
    registry = CollectorRegistry()
    metrics = Metrics(registry, version="0")
    metrics.watch(
        scopes=["scope"],
        expiry=ExpiryLedger(clock=Clock()),
        stale=dict,
        budgets={},
        breakers={},
        healthy={},
        ages={},
        accounts=_Nothing(),
    )
    labels = _labels(metrics)
    return [(family, labels.get(family.name, ("scope",))) for family in registry.collect()]


def page(text: str) -> str:
    """Return the page with its table as it must be."""
    before, after = text.split(HEAD)
    rest = after.split("\n\n", 1)[1]
    return before + HEAD + "\n".join(rows()) + "\n\n" + rest


def _labels(metrics: Metrics) -> dict[str, tuple[str, ...]]:
    """Return the labels of all but those that are collected with the leases, which have a scope and nothing else."""
    known = [one for one in vars(metrics).values() if isinstance(one, MetricWrapperBase)]
    return {one._name: tuple(one._labelnames) for one in known}


def _row(family: Metric, labels: tuple[str, ...]) -> str:
    name = f"{family.name}_total" if family.type == "counter" else family.name
    return f"| `{name}` | {family.type} | {' '.join(labels)} | {family.documentation} |"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
