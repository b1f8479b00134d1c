"""What a listener leaves behind."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING, NoReturn

from aiohttp.test_utils import make_mocked_request

from tests.fakes.clock import Clock
from vendor.refusals import InvalidToken, Reason, Refusal
from vendor.server.listener import Listener

if TYPE_CHECKING:
    from vendor.server.listener import Visit


class Silent:
    """Is told and keeps nothing."""

    def refused(self, refusal: Refusal) -> None: ...

    def failed(self, request_id: str, exc: BaseException | None) -> None: ...


class Entry:
    """As the audit's: it holds the refusal that it tells of."""

    refusal: Refusal


async def test_a_refusal_leaves_nothing_to_the_garbage_collector() -> None:
    entries: list[weakref.ref[Entry]] = []

    async def refuse(_visit: Visit) -> NoReturn:
        entry = Entry()
        entries.append(weakref.ref(entry))
        entry.refusal = InvalidToken(Reason.UNKNOWN_KEY)
        raise entry.refusal

    listener = Listener(find=lambda _segments: {"GET": refuse}, observer=Silent(), clock=Clock())
    gc.disable()
    try:
        assert (await listener.answer(make_mocked_request("GET", "/"))).status == 401
        assert [entry() for entry in entries] == [None]
    finally:
        gc.enable()
