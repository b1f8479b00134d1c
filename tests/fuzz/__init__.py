"""Fuzzing of what reads foreign bytes: `python -m tests.fuzz [--seconds 60] [--target token]`."""

from __future__ import annotations
