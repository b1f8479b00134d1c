"""The service's own metrics as numbers."""

from __future__ import annotations

from typing import Final

from prometheus_client.parser import text_string_to_metric_families

LAG: Final = "vendor_event_loop_lag_seconds"


class Scrape:
    """One scrape of the service."""

    def __init__(self, text: str) -> None:
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        self._values = [(sample.name, sample.labels, sample.value) for sample in samples]

    @property
    def series(self) -> int:
        """How many series there are."""
        return len(self._values)

    def value(self, name: str, **labels: str) -> float:
        """Return the sum of all series of this name that have these labels."""
        return sum(value for known, has, value in self._values if known == name and labels.items() <= has.items())

    def by(self, name: str, label: str, **labels: str) -> dict[str, float]:
        """Return the sums of a metric's series by the values of one label, for the series that have the others."""
        values = {has[label] for known, has, _ in self._values if known == name and labels.items() <= has.items()}
        return {value: self.value(name, **{**labels, label: value}) for value in sorted(values)}

    def slower(self, seconds: float, since: Scrape) -> tuple[int, int]:
        """Return how often the loop woke later than this since another scrape, and how often it woke at all."""
        late, woken = (self._woken(seconds, since), self._woken(None, since))
        return woken - late, woken

    def _woken(self, within: float | None, since: Scrape) -> int:
        if within is None:
            return int(self.value(f"{LAG}_count") - since.value(f"{LAG}_count"))
        return int(self.value(f"{LAG}_bucket", le=str(within)) - since.value(f"{LAG}_bucket", le=str(within)))
