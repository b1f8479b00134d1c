"""Fakes that are real servers on loopback, so the real SDKs and HTTP clients are what is tested."""

from __future__ import annotations
