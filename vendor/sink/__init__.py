"""The audit sink: lines that are appended to a file or to stdout."""

from __future__ import annotations

from vendor.sink.lines import LONGEST_GATHERED, PATIENCE, TURNS, LineSink

__all__ = ["LONGEST_GATHERED", "PATIENCE", "TURNS", "LineSink"]
