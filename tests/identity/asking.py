"""Asking for keys: what the tests of keys have in common."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes.issuer import Issuer
from tests.identity import made
from vendor.refusals import InvalidToken, IssuerUnavailable, Reason

if TYPE_CHECKING:
    from aiohttp import web

    from tests.fakes.clock import Clock
    from vendor.identity.keys import IssuerKeys


class Gated(Issuer):
    """An issuer that answers when the gate is open."""

    def __init__(self, *, clock: Clock | None = None) -> None:
        super().__init__(clock=clock)
        self.gate = asyncio.Event()
        self.asked = asyncio.Event()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.set()
        await self.gate.wait()
        return await super().answer(request)


def of(
    issuer: Issuer,
    clock: Clock,
    report: made.Report | None = None,
    *,
    parts: dict[str, Any] | None = None,
    **changes: Any,
) -> IssuerKeys:
    """Return the keys of a running issuer, made of these parts; changes are of what is configured."""
    return made.keys(made.issuer(**{"url": issuer.issuer, **changes}), clock, report, **(parts or {}))


async def unknown(keys: IssuerKeys, key_id: str = "nobody") -> None:
    """See that there is no such key."""
    with pytest.raises(InvalidToken) as caught:
        await keys.find(key_id)
    assert caught.value.reason is Reason.UNKNOWN_KEY


async def unavailable(keys: IssuerKeys, key_id: str = "key-1") -> IssuerUnavailable:
    """Return how a key is refused of which nobody can say whether it exists."""
    with pytest.raises(IssuerUnavailable) as caught:
        await keys.find(key_id)
    assert caught.value.reason is Reason.KEYS_UNAVAILABLE
    assert caught.value.retry_after
    return caught.value


async def behind(keys: IssuerKeys) -> None:
    """Wait for the fetch that is under way behind the caller."""
    assert keys._refreshing._task is not None
    await keys._refreshing._task


async def refreshed(keys: IssuerKeys) -> None:
    """Do what the service does every few seconds, and wait for what comes of it."""
    await keys.load()
    if keys._refreshing._task is not None:
        await keys._refreshing._task
