"""Reloading: when the files are read again, and what is told of what came of it."""

from __future__ import annotations

import asyncio
from typing import Any, Self

import pytest

from tests.fakes.clock import Clock
from vendor import reloading
from vendor.config import ConfigurationError, Finding
from vendor.config.apart import UnfinishedError
from vendor.config.codes import Code
from vendor.reloading import RefusedError, Reloading

FINDINGS = [Finding("vendor.yaml", line, 1, "", "is wrong", Code.NOT_YAML) for line in (1, 2, 3)]


class Files:
    """Files that change when they are told to."""

    def __init__(self) -> None:
        self.state = self.read = 0
        self.writing = 0

    def changed(self) -> bool:
        return self.state != self.read

    def now(self) -> int:
        if self.writing:
            self.writing -= 1
            self.state += 1
        return self.state


class World:
    """A Reloading and what it did."""

    def __init__(self, **found: Any) -> None:
        self.files = Files()
        self.found: list[Any] = [found]
        self.fails: Exception | None = None
        self.switched: list[Any] = []
        self.told: list[tuple[str, ...]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.loads = 0
        self.reloading = Reloading(
            self.files,
            load=self._load,
            switch=self._switch,
            told=self.told.append,
            clock=Clock(),
            look=0.005,
        )

    async def _load(self) -> Any:
        self.loads += 1
        self.files.read = self.files.state
        await self.gate.wait()
        if isinstance(self.found[-1], UnfinishedError):
            raise self.found[-1]
        return self.files, self.found[-1]

    async def _switch(self, configuration: Any) -> None:
        if self.fails is not None:
            raise self.fails
        self.switched.append(configuration)

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self.reloading.follow())
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def until(self, count: int) -> None:
        async with asyncio.timeout(5):
            while len(self.told) < count:  # noqa: ASYNC110 - the code under test has no event for it
                await asyncio.sleep(0.002)


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reloading, "SETTLE", 0.03)
    monkeypatch.setattr(reloading, "RETRY", 0.01)


async def test_nothing_is_read_while_nothing_changes() -> None:
    async with World() as world:
        await asyncio.sleep(0.05)
        assert world.loads == 0


async def test_several_changes_in_quick_succession_make_one_reload() -> None:
    async with World() as world:
        for _ in range(8):
            world.files.state += 1
            await asyncio.sleep(0.004)
        await world.until(1)
        await asyncio.sleep(0.05)
        assert (world.loads, len(world.switched), world.told) == (1, 1, [()])


async def test_files_that_never_settle_are_read_all_the_same() -> None:
    async with World() as world:
        world.files.writing = 10_000
        world.files.state = 1
        await world.until(1)


async def test_who_asks_while_the_files_are_read_has_them_read_again() -> None:
    async with World() as world:
        world.gate.clear()
        world.reloading.ask()
        await asyncio.sleep(0.02)
        world.reloading.ask()
        world.reloading.ask()
        world.gate.set()
        await world.until(2)
        await asyncio.sleep(0.03)
        assert world.loads == 2


async def test_what_is_wrong_is_told_in_full_and_remarked_in_one_line_until_it_is_mended() -> None:
    async with World() as world:
        good = world.found[-1]
        world.found.append(ConfigurationError(FINDINGS))
        world.reloading.ask()
        await world.until(1)
        assert world.told == [tuple(map(str, FINDINGS))]
        assert world.reloading.remark
        assert world.reloading.remark.endswith(f"{FINDINGS[0]} (and 2 more)")
        world.found.append(good)
        world.reloading.ask()
        await world.until(2)
        assert world.told[-1] == ()
        assert world.switched == [good]
        assert [world.reloading.remark] == [None]


@pytest.mark.parametrize("fails", [RefusedError("a change of listen needs a restart"), OSError("no certificates")])
async def test_what_cannot_take_its_place_is_told_too(fails: Exception) -> None:
    async with World() as world:
        world.fails = fails
        world.reloading.ask()
        await world.until(1)
        assert world.told == [(str(fails),)]
        assert world.reloading.remark
        assert world.switched == []


async def test_what_came_to_no_end_is_tried_again_although_nothing_has_changed_by_it() -> None:
    async with World() as world:
        world.found.append(UnfinishedError("the configuration could not be read"))
        world.files.read = 1

        async def still() -> Any:
            raise world.found[-1]

        world.reloading._load = still
        await world.until(2)
        world.reloading._load = world._load
        world.found.pop()
        await world.until(3)
        assert world.told[-1] == ()
