"""The part of the composition root that is about readiness: whether somebody can be served, and why nobody can."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from vendor.identity.keys import RETRY_PAUSE

if TYPE_CHECKING:
    from vendor.audit import Ledger
    from vendor.generations import Generations


class Readiness:
    """Whether anybody can be served: without any keys no token is believed, without audit lines all are refused."""

    def __init__(self, generations: Generations, ledger: Ledger) -> None:
        self._generations = generations
        self._ledger = ledger
        self._why_not: str | None = "starting"

    def why_not(self) -> str | None:
        """Return why nobody can be served, None if somebody can."""
        if self._why_not is not None:
            return self._why_not
        if not self._generations.serving.issuers.serve:
            return "no issuer's keys can be had"
        unwritten = self._ledger.why_not
        return None if unwritten is None else f"no audit line can be written: {unwritten}"

    def drain(self) -> None:
        """Be ready no more."""
        self._why_not = "draining"

    async def follow(self) -> None:
        """Be ready once every issuer's keys were asked for, and go on for ever to fetch those that did not come."""
        await self._generations.serving.issuers.load()
        if self._why_not == "starting":
            self._why_not = None
        while True:
            await asyncio.sleep(RETRY_PAUSE)
            await self._generations.serving.issuers.load()
