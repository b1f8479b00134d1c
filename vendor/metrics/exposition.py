"""Exposition: all metrics as text, a little at a time: ten thousand scopes have more lines than others may wait for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.openmetrics import exposition as openmetrics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from prometheus_client import Metric
    from prometheus_client.registry import Collector

SLICE: Final = 200
"""Samples that are collected in one go; of these, twice as many at most are written in one, in a millisecond or two."""
_OPEN: Final = "application/openmetrics-text"
_HEAD: Final = 2
"""Lines before the samples of a family, its HELP and its TYPE: none of ours has a unit."""


class Form(NamedTuple):
    """One form of the text; `end` is what the library puts behind all of it."""

    content_type: str
    write: Callable[[Collector], bytes]
    end: bytes


_PLAIN_TEXT: Final = Form(CONTENT_TYPE_LATEST, generate_latest, b"")
_OPEN_METRICS: Final = Form(openmetrics.CONTENT_TYPE_LATEST, openmetrics.generate_latest, b"# EOF\n")


def form(accept: str) -> Form:
    """Return OpenMetrics for whoever accepts it, Prometheus's own text if not: only in the former are exemplars."""
    accepted = (one.partition(";")[0].strip().lower() for one in accept.split(","))
    return _OPEN_METRICS if _OPEN in accepted else _PLAIN_TEXT


def pieces(collectors: Iterable[Collector], written: Form) -> Iterator[bytes]:
    """Yield the text of these, about `SLICE` samples at a time; what is counted meanwhile may be in it or not.

    The library's `_created` series must be disabled: in its own text they are families of their own.
    """
    piece, count = bytearray(), 0
    for collector in collectors:
        before = ""
        for family in _slices(collector) if isinstance(collector, MetricWrapperBase) else collector.collect():
            text = written.write(_One(family)).removesuffix(written.end)
            piece += text.split(b"\n", _HEAD)[_HEAD] if family.name == before else text
            before, count = family.name, count + len(family.samples)
            if count >= SLICE:
                yield bytes(piece)
                piece, count = bytearray(), 0
    yield bytes(piece) + written.end


class _One:
    """A collector of this and nothing else."""

    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> Iterable[Metric]:
        return [self._family]


def _slices(metric: MetricWrapperBase) -> Iterator[Metric]:
    """Yield what `metric.collect()` returns, in families of `SLICE` samples."""
    family = metric._get_metric()  # type: ignore[no-untyped-call]  # noqa: SLF001 - the library itself collects all at once
    for sample in metric._samples():  # noqa: SLF001 - as above
        if len(family.samples) == SLICE:
            yield family
            family = metric._get_metric()  # type: ignore[no-untyped-call]  # noqa: SLF001 - as above
        family.add_sample(metric._name + sample.name, *sample[1:])  # noqa: SLF001 - as above
    yield family
