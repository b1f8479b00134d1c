"""The part of the composition root that is about readiness: whether somebody can be served, and why nobody can."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from vendor.identity.keys import RETRY_PAUSE

if TYPE_CHECKING:
    from vendor.generations import Generations


class Readiness:
    """Whether the generation that serves can serve: without any keys no token is believed."""

    def __init__(self, generations: Generations) -> None:
        self._generations = generations
        self._why_not: str | None = "starting"

    def why_not(self) -> str | None:
        """Return why nobody can be served, None if somebody can."""
        if self._why_not is None and not self._generations.serving.issuers.serve:
            return "no issuer's keys can be had"
        return self._why_not

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
