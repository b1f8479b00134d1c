"""Generations: one serves, the next is made ready beside it, and what both have is the very same."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Self

import pytest
from aiobotocore.session import get_session
from prometheus_client import CollectorRegistry

from tests.fakes.issuer import Issuer
from tests.fakes.sts import STS
from tests.service import CONFIGURATION
from vendor import config, generations
from vendor.generations import Generations
from vendor.metrics import Metrics
from vendor.observer import Observer
from vendor.process import SystemClock
from vendor.reloading import RefusedError

if TYPE_CHECKING:
    from pathlib import Path

    from vendor.config import Configuration


class Log:
    def warning(self, event: str, **_: object) -> None:
        """Let it pass: an issuer that hangs is told of."""


class World(AsyncExitStack):
    """The generations of a configuration, between an issuer and an STS, and of whatever else is loaded."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.folder = folder
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "CANARY-base-secret")

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self.issuer, self.other = [await self.enter_async_context(Issuer()) for _ in range(2)]
        self.sts = await self.enter_async_context(STS())
        observer = Observer(metrics=Metrics(CollectorRegistry(), version="1"), log=Log())
        self.generations = Generations(self.loaded(), aws=get_session(), clock=SystemClock(), observer=observer)
        self.push_async_callback(self.generations.close)
        await self.generations.serving.targets.open()
        await self.generations.serving.issuers.load()
        return self

    def loaded(self, *, other: bool = False, rate: int | None = None) -> Configuration:
        audit = self.folder / "audit.jsonl"
        text = CONFIGURATION.format(audit=audit, issuer=self.issuer.issuer, sts=self.sts.url)
        if other:
            more = f'{{issuer: "{self.other.issuer}", audience: v, kind: generic, allow_private_addresses: true}}'
            text = text.replace("issuers:\n", f"issuers:\n  cluster-b: {more}\n")
        if rate is not None:
            text = text.replace("regions: [eu-west-1]", f"regions: [eu-west-1], requests_per_second: {rate}")
        path = self.folder / "vendor.yaml"
        path.write_text(text)
        return config.load(path, environ={})


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


def at_work() -> set[str]:
    """Return the names of what is under way of ours, and not of the fakes."""
    coroutines = [task.get_coro() for task in asyncio.all_tasks()]
    return {str(one) for one in coroutines if "/vendor/" in one.cr_code.co_filename}  # type: ignore[union-attr]


async def test_what_has_not_changed_is_the_very_same_and_a_new_issuer_has_its_keys_before_it_serves(
    world: World,
) -> None:
    async with world:
        before = world.generations.serving
        following = await world.generations.prepare(world.loaded(other=True))
        assert world.generations.serving is before
        assert following.issuers.parts["cluster-a"] is before.issuers.parts["cluster-a"]
        assert following.targets.parts["aws"] is before.targets.parts["aws"]
        assert following.issuers.parts["cluster-b"].keys.serves
        world.generations.serve(following)
        assert world.generations.serving is following
        assert (before.mapping.generation, following.mapping.generation) == (1, 2)


async def test_what_needs_a_restart_is_refused_before_anything_is_made(world: World) -> None:
    async with world:
        configuration = world.loaded(other=True)
        asked = len(world.other.requests)
        with pytest.raises(RefusedError, match="listen: a change of this needs a restart"):
            await world.generations.prepare(replace(configuration, listen=replace(configuration.listen, port=1)))
        assert len(world.other.requests) == asked


async def test_one_that_is_given_up_leaves_nothing_under_way_and_the_one_that_serves_as_it_is(world: World) -> None:
    async with world:
        before = at_work()
        world.other.fault = "hang"
        preparing = asyncio.create_task(world.generations.prepare(world.loaded(other=True)))
        while not world.other.requests:  # noqa: ASYNC110 - the fake tells nobody
            await asyncio.sleep(0.01)
        assert at_work() > before
        preparing.cancel()
        with suppress(asyncio.CancelledError):
            await preparing
        assert at_work() == before
        assert world.generations.serving.issuers.parts["cluster-a"].keys.serves


async def test_who_still_uses_what_one_reload_took_over_and_the_next_did_not_has_all_of_its_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world:
        first = world.generations.serving
        monkeypatch.setattr(generations, "LINGER", 1.0)
        world.generations.serve(second := await world.generations.prepare(world.loaded(other=True)))
        await asyncio.sleep(0)
        monkeypatch.setattr(generations, "LINGER", 60.0)
        world.generations.serve(await world.generations.prepare(world.loaded(other=True, rate=9)))
        assert len(world.generations._leaving) == 2
        while len(world.generations._leaving) > 1:  # noqa: ASYNC110 - nobody is told when one has left
            await asyncio.sleep(0.01)
        assert second.targets.parts["aws"] is first.targets.parts["aws"]
        assert second.targets.parts["aws"] is not world.generations.serving.targets.parts["aws"]
        assert await second.targets.parts["aws"]._who_am_i()
