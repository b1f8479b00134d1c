"""The part of the composition root that is about listening: where a listener is reached, and what it shows in TLS."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from vendor.files import Changes
from vendor.process import end
from vendor.server.site import Site, follow, tls_context

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from vendor.config.values import Listen, Operations, Tls
    from vendor.observer import Observer
    from vendor.process import SystemClock
    from vendor.server.listener import Listener


@asynccontextmanager
async def listening(
    listener: Listener,
    at: Listen | Operations,
    *,
    clock: SystemClock,
    observer: Observer,
    tls: Tls | None = None,
    drain: float = 0.0,
) -> AsyncIterator[str]:
    """Have a listener reached at a URL for as long as the block lasts; then it is drained, see `vendor.server.site`.

    Raises OSError for an address that is taken, and for files that are no use.
    """
    site = Site(listener, host=at.host, port=at.port, clock=clock, drain=drain)
    changes = Changes(*tls.files) if tls else None  # from before the files are read
    async with AsyncExitStack() as stack:
        url = await site.open(tls_context(tls) if tls else None)
        stack.push_async_callback(site.close)
        if tls and changes:
            following = follow(site, tls, changes, told=partial(observer.certificate, tls.certificate))
            stack.push_async_callback(end, asyncio.create_task(following))
        yield url
