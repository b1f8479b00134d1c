"""Does AWS agree? Example sessions of each scope that can do nothing, and what their refusals mean."""

from __future__ import annotations
