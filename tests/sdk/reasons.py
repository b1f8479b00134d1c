"""Why a client cannot come through a door; each was tried."""

from __future__ import annotations

from typing import Final

CANNOT: Final[dict[tuple[str, str], str]] = {}
