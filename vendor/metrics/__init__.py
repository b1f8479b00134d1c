"""Every metric, on a given registry. Labels come from the configuration and closed sets only, never from a token."""

from __future__ import annotations

from vendor.metrics.metrics import Metrics

__all__ = ["Metrics"]
