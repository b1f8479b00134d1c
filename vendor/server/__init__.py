"""Through which door: HTTP in, HTTP out."""

from __future__ import annotations
