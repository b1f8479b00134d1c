"""A shelf: what was pinned is there after a restart, whole or not at all."""

from __future__ import annotations

import asyncio
import json
import threading
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.clock import Clock
from vendor.leases.notices import Notices
from vendor.leases.shelf import Shelf, ShelfError, Unsealed
from vendor.leases.store import StoreError

HOUR = timedelta(hours=1)


class Kept:
    """A file in memory, which may not be written."""

    def __init__(self) -> None:
        self.raw: bytes | None = None
        self.full = False

    def read(self) -> bytes | None:
        return self.raw

    def write(self, raw: bytes) -> None:
        if self.full:
            raise OSError(28, "No space left on device")
        self.raw = raw


async def begun(kept: Kept, clock: Clock) -> Notices:
    """Return the notices of a process that begins now."""
    shelf = Shelf(kept, clock=clock)
    await shelf.open()
    broken: list[str] = []
    notices = Notices("revocations", clock=clock, changed=lambda: None, broken=broken.append)
    notices.share(shelf, Unsealed())
    await notices.look()
    assert broken == []
    return notices


async def test_what_stands_and_what_was_withdrawn_is_known_after_a_restart() -> None:
    kept, clock = Kept(), Clock()
    notices = await begun(kept, clock)
    assert notices.standing == {}
    for name in ("one", "two"):
        assert await notices.post(name, f"text of {name}", until=clock.now() + HOUR)
    assert await notices.withdraw("two")
    again = await begun(kept, clock)
    assert (again.standing, again.withdrawn) == ({"one": "text of one"}, {"two"})


async def test_what_is_written_is_made_beside_the_loop_that_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    made, writers = json.dumps, list[int]()

    def note(*given: Any, **named: Any) -> str:
        if "indent" in named:
            writers.append(threading.get_ident())
        return made(*given, **named)

    monkeypatch.setattr(json, "dumps", note)
    clock = Clock()
    assert await (await begun(Kept(), clock)).post("one", "text", until=clock.now() + HOUR)
    assert len(writers) == 1
    assert threading.get_ident() not in writers


async def test_what_has_ended_is_kept_no_longer() -> None:
    kept, clock = Kept(), Clock()
    notices = await begun(kept, clock)
    await notices.post("short", "text", until=clock.now() + HOUR)
    clock.advance(3_601)
    await notices.post("long", "text", until=clock.now() + HOUR)
    assert list(json.loads(kept.raw or b"")["notices"]) == ["long"]


async def test_a_file_that_cannot_be_written_is_told_and_tried_again() -> None:
    kept, clock = Kept(), Clock()
    notices = await begun(kept, clock)
    kept.full = True
    assert not await notices.post("one", "text", until=clock.now() + HOUR)
    assert notices.standing == {"one": "text"}
    kept.full = False
    await notices.look()
    assert (await begun(kept, clock)).standing == {"one": "text"}


async def test_many_at_once_are_all_kept() -> None:
    kept, clock = Kept(), Clock()
    notices = await begun(kept, clock)
    posts = (notices.post(str(number), "text", until=clock.now() + HOUR) for number in range(20))
    assert all(await asyncio.gather(*posts))
    assert len((await begun(kept, clock)).standing) == 20


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[]", b"null", b'{"format": 1}', b'{"format": 2, "notices": {}}', b'{"format":1,"notices":{"a":{}}}'],
)
async def test_a_file_that_no_shelf_wrote_is_not_taken_for_an_empty_one(raw: bytes) -> None:
    kept = Kept()
    kept.raw = raw
    with pytest.raises(ShelfError):
        await Shelf(kept, clock=Clock()).open()


async def test_it_waits_as_long_as_it_is_told() -> None:
    shelf = Shelf(Kept(), clock=Clock())
    async with asyncio.timeout(5):
        await shelf.change(0.0)
    kept = Kept()
    kept.full = True
    with pytest.raises(StoreError):
        await Shelf(kept, clock=Clock()).pin("one", b"text", seconds=1.0)
