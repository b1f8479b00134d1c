"""The webhook's metrics."""

from __future__ import annotations

from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, disable_created_metrics, generate_latest
from prometheus_client import Counter as Metric

RESULTS: Final = ("injected", "unchanged", "failed", "malformed", "overloaded", "defect")
"""What can become of a review."""


class Counter:
    """Counts reviews by what became of them; see `vendor.kubernetes.webhook.Counter`."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        name, told = "vendor_webhook_reviews", "Pods that the API server asked about, by what became of them."
        self._reviews = Metric(name, told, ["result"], registry=self._registry)
        for result in RESULTS:
            self._reviews.labels(result)

    def reviewed(self, result: str) -> None:
        """Count one review."""
        self._reviews.labels(result).inc()

    def expose(self) -> tuple[bytes, str]:
        """Return the exposition and its content type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST
