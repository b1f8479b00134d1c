"""Collectors: what is asked, or counted, at the moment of a scrape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from prometheus_client import Metric


class Expiry(Protocol):
    """Knows what is out, by scope."""

    def active(self) -> Mapping[str, int]:
        """Return the number of sessions that have not ended."""
        ...

    def expired(self) -> Mapping[str, int]:
        """Return the number of sessions that have ended."""
        ...

    def next_expiry(self) -> Mapping[str, float]:
        """Return the earliest end as seconds since the epoch."""
        ...


class Out(Collector):
    """Asks the expiry ledger and the leases at each scrape, so that an end needs no timer to be seen.

    A scope that is configured no longer is told of until its last session has ended.
    """

    def __init__(self, expiry: Expiry, stale: Callable[[], Mapping[str, int]]) -> None:
        self._expiry = expiry
        self._stale = stale
        self.scopes: dict[str, None] = {}

    def collect(self) -> Iterable[Metric]:
        """Yield what is out, what has ended, when the next one ends, and whose holder stopped coming back."""
        active = GaugeMetricFamily("vendor_credentials_active", "Sessions that have not ended.", labels=["scope"])
        expired = CounterMetricFamily("vendor_credentials_expired", "Sessions that have ended.", labels=["scope"])
        expiry = GaugeMetricFamily(
            "vendor_credential_next_expiry_timestamp_seconds", "When the next session ends.", labels=["scope"]
        )
        stale = GaugeMetricFamily(
            "vendor_stale_holders", "Leases that are held and whose holder stopped coming back.", labels=["scope"]
        )
        counts, ended = self._expiry.active(), self._expiry.expired()
        for scope in self.scopes | {scope: None for scope, count in counts.items() if count}:
            active.add_metric([scope], counts.get(scope, 0))
            expired.add_metric([scope], ended.get(scope, 0))
        for scope, moment in self._expiry.next_expiry().items():
            expiry.add_metric([scope], moment)
        counts = self._stale()
        for scope in self.scopes:
            stale.add_metric([scope], counts.get(scope, 0))
        yield from (active, expired, expiry, stale)


class Waiting(Collector):
    """Counts what waits before anything is collected, and has no series of its own."""

    def __init__(self, count: Callable[[], None]) -> None:
        self._count = count

    def collect(self) -> Iterable[Metric]:
        """Count, and yield nothing."""
        self._count()
        return ()
