"""Hot reload, through a served process: a configuration that is bad or cannot be read leaves all as it was."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.reloaded import NARROWED, Reloaded
from tests.server.http import get
from tests.service import CONFIGURATION

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.thorough

BAD: dict[str, tuple[Callable[[str], str], str]] = {
    "no YAML": (lambda text: text + "\n  - [", "vendor.yaml:"),
    "an unknown key": (lambda text: text.replace("audience:", "audiences:"), "audiences"),
    "another type": (lambda text: text.replace("version: 1", "version: one"), "version"),
    "nothing": (lambda _: "", "vendor.yaml"),
    "too much": (lambda text: text + "#" * (1 << 20), "larger than"),
    "no text": (lambda _: "\x00\x01", "vendor.yaml"),
    "an unknown issuer": (lambda text: text.replace("issuer: cluster-a,", "issuer: cluster-z,"), "cluster-z"),
    "another address": (lambda text: text.replace("127.0.0.1:0", "127.0.0.1:1", 1), "needs a restart"),
    "another audit file": (lambda text: text.replace("audit.jsonl", "other.jsonl"), "needs a restart"),
}


async def test_t30_a_bad_configuration_leaves_the_last_good_one_until_it_is_mended(tmp_path: Path) -> None:
    async with Reloaded(tmp_path) as world:
        generation = 1
        for number, (spoil, word) in enumerate(BAD.values(), 1):
            world.file.write_text(spoil(world.text()))
            await world.failed(number)
            told = (await get(world.service.operations, "/readyz")).json
            line = world.logged("configuration not reloaded")[-1]
            assert told["status"] == "ready"
            assert line["findings"][0] in told["detail"]
            assert any(word in finding for finding in line["findings"])
            assert len(line["findings"]) == line["count"]
            assert (await world.ask()).status == 200
            assert await world.generation() == generation
            if number % 3 == 0:
                world.write(CONFIGURATION)
                generation += 1
                await world.reloaded(generation)
                assert (await get(world.service.operations, "/readyz")).json == {"status": "ready"}
        metrics = await world.scrape()
        assert metrics.by("vendor_config_reloads_total", "result") == {"failed": len(BAD), "ok": generation - 1}
        assert len(world.logged("configuration not reloaded")) == len(BAD)
        assert not [line for line in world.service.log if "Traceback" in line]


@pytest.mark.parametrize("how", ["deleted", "a folder", "a pipe", "a link to nowhere", "a link to itself", "forbidden"])
async def test_t30_a_file_that_cannot_be_read_leaves_the_last_good_one_until_it_can(tmp_path: Path, how: str) -> None:
    if how == "forbidden" and os.geteuid() == 0:
        pytest.skip("root may read everything")
    async with Reloaded(tmp_path) as world:
        _spoil(world.file, how)
        told = await world.refused("cannot be read")
        assert told["status"] == "ready"
        assert (await world.ask()).status == 200
        if world.file.is_dir():
            world.file.rmdir()
        world.file.unlink(missing_ok=True)
        world.write(NARROWED)
        await world.reloaded(2)
        assert (await get(world.service.operations, "/readyz")).json == {"status": "ready"}
        assert (await world.ask()).code == "access_denied"


def _spoil(file: Path, how: str) -> None:
    if how == "forbidden":
        file.chmod(0)
        return
    file.unlink()
    if how == "a folder":
        file.mkdir()
    elif how == "a pipe":
        os.mkfifo(file)
    elif how.startswith("a link"):
        file.symlink_to("nowhere" if how == "a link to nowhere" else file.name)
