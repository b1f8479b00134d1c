"""The record: one Entry for each exchange, from which the audit line and the counters both come."""

from __future__ import annotations

from vendor.audit.entry import GIVES, Door, Entry, Source
from vendor.audit.gap import GAP
from vendor.audit.ledger import LINE, UNHURRIED, WITHHELD, Clock, Ledger, Recording, Sink, SinkError
from vendor.audit.writing import LONGEST_TEXT

__all__ = [
    "GAP",
    "GIVES",
    "LINE",
    "LONGEST_TEXT",
    "UNHURRIED",
    "WITHHELD",
    "Clock",
    "Door",
    "Entry",
    "Ledger",
    "Recording",
    "Sink",
    "SinkError",
    "Source",
]
