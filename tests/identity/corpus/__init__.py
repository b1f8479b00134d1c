"""Hostile tokens of our own, each with its name, the threat it stands for, and why it must be refused."""

from __future__ import annotations

from tests.identity.corpus import algorithms, headers, issuers, names, paddings, shapes, signatures, texts, times

_PARTS = (algorithms, headers, shapes, texts, times, issuers, names, signatures, paddings)
CASES = {name: case for part in _PARTS for name, case in part.CASES.items()}
