"""Collectors: what is asked at the moment of a scrape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from prometheus_client.core import CounterMetricFamily as Counter
from prometheus_client.core import GaugeMetricFamily as Gauge
from prometheus_client.registry import Collector

from vendor.metrics.exposition import SLICE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

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
        """Yield what is out, what has ended, when the next one ends, and whose holder stopped coming back.

        Each of them comes a slice at a time.
        """
        active, ended, stale = self._expiry.active(), self._expiry.expired(), self._stale()
        told = self.scopes | {scope: None for scope, count in active.items() if count}
        yield from _slices("vendor_credentials_active", "Sessions that have not ended.", told, active)
        yield from _slices("vendor_credentials_expired", "Sessions that have ended.", told, ended, Counter)
        ends = self._expiry.next_expiry()
        yield from _slices("vendor_credential_next_expiry_timestamp_seconds", "When the next session ends.", ends, ends)
        documentation = "Leases that are held and whose holder stopped coming back."
        yield from _slices("vendor_stale_holders", documentation, self.scopes, stale)


def _slices(
    name: str,
    documentation: str,
    scopes: Iterable[str],
    values: Mapping[str, float],
    kind: type[Gauge | Counter] = Gauge,
) -> Iterator[Metric]:
    """Yield the values of these scopes, 0 where there is none, in families of `SLICE` samples."""
    family = kind(name, documentation, labels=["scope"])
    for scope in scopes:
        if len(family.samples) == SLICE:
            yield family
            family = kind(name, documentation, labels=["scope"])
        family.add_metric([scope], values.get(scope, 0))
    yield family
