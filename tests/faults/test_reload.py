"""F17, F18, F25: reloads under traffic. A bad one changes nothing; after a good one nothing is by the old rule."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.faults import always, calls
from tests.faults.rig import Rig
from tests.faults.traffic import lines_of
from tests.service import CONFIGURATION
from vendor.config.apart import LARGE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.telling import Tell
    from tests.faults.traffic import Results

pytestmark = pytest.mark.faults

SCOPE = CONFIGURATION.partition("scopes:\n")[2].replace("{{", "{").replace("}}", "}")
WITH_MORE = "include: [more/*.yaml]\n" + CONFIGURATION
ONE_ONLY = CONFIGURATION.replace('{{glob: "batch-*"}}', "batch-kept-0")
CONDITION = 'Condition: {{StringEquals: {{"aws:PrincipalTag/namespace": analytics}}}}'
CONDITIONED = CONFIGURATION.replace("Effect: Allow\n", f"Effect: Allow\n            {CONDITION}\n")


def _text(rig: Rig, configuration: str) -> str:
    world = rig.world
    return configuration.format(audit=world.audit_path, issuer=world.issuer.issuer, sts=world.sts.url)


def _put(rig: Rig, text: str | bytes) -> None:
    """Rename another file over the configuration."""
    other = rig.folder / "vendor.yaml.new"
    other.write_bytes(text if isinstance(text, bytes) else text.encode())
    other.rename(rig.folder / "vendor.yaml")


async def _until(rig: Rig, name: str, value: float, *, within: float = 30.0, **labels: str) -> float:
    """Wait until a metric has a value, and return the moment by the machine's monotonic clock."""
    async with asyncio.timeout(within):
        while (await rig.scrape()).value(name, **labels) != value:  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.02)
    return time.monotonic()


def _be_ordinary(pid: int) -> None:
    """Share the processor fairly with what a reload begins: who comes first holds up even the threads of its own."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setscheduler(int(thread.name), os.SCHED_OTHER, os.sched_param(0))


async def _logged(rig: Rig, generation: int) -> float:
    """Wait until a generation is told of in the log, which costs the service nothing."""
    async with asyncio.timeout(200):
        while not any(f'"generation": {generation}' in line for line in rig.world.service.log):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.05)
    return time.monotonic()


def _gone(file: Path) -> None:
    file.unlink()


def _folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def _link(file: Path) -> None:
    file.unlink()
    file.symlink_to("nowhere")


def _pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


SPOILT: dict[str, Callable[[str], str | bytes]] = {
    "cut off": lambda text: text[:-200] + "{{",
    "empty": lambda _: "",
    "bytes": lambda _: bytes(range(256)),
    "too large": lambda text: text + "#" * (1 << 20),
    "a key twice": lambda text: text + "version: 1\n",
    "an unknown key": lambda text: text.replace("audience:", "audiences:"),
    "a ceiling": lambda text: text.replace("max_duration: 4h", "max_duration: 4d"),
    "a wildcard": lambda text: text.replace("{{ namespace }}/{{ month }}/*", "{{ namespace }}*"),
    "an address": lambda text: text.replace("127.0.0.1:0", "127.0.0.1:1", 1),
    "no scope": lambda text: text.partition("scopes:")[0],
}
MISSING: dict[str, Callable[[Path], None]] = {"gone": _gone, "a folder": _folder, "a link": _link, "a pipe": _pipe}


async def test_t30_f17_no_bad_reload_changes_an_answer(tmp_path: Path, tell: Tell) -> None:
    """F17: fourteen kinds of bad reload, at 200 requests a second.

    Promised: the configuration of before goes on serving, and the last good one is taken.
    """
    async with Rig(tmp_path) as rig:
        good = _text(rig, CONFIGURATION)
        flow = await rig.send(calls.of(rig.world, calls.names("warm", 50)), rate=200, seconds=120)
        failed = 0
        for spoil in SPOILT.values():
            failed += 1
            _put(rig, spoil(good))
            await _until(rig, "vendor_config_reloads_total", failed, result="failed")
            assert (await rig.ready()).status == 200
        for remove in MISSING.values():
            failed += 1
            remove(rig.folder / "vendor.yaml")
            await _until(rig, "vendor_config_reloads_total", failed, result="failed")
            assert "is not served" in (await rig.ready()).json["detail"]
            if (rig.folder / "vendor.yaml").is_dir():
                (rig.folder / "vendor.yaml").rmdir()
            _put(rig, good)
            await _until(rig, "vendor_config_reloads_total", failed - len(SPOILT), result="ok")
        results = await flow.stop()
        tell(f"{failed} bad reloads: {results.told()}")
        tell.measured(f"served {results.of()}, {results.at(99)}")
        assert set(results.counts) == {"200"}
        assert (await rig.ready()).json == {"status": "ready"}


async def _narrow(rig: Rig, configuration: str, others: int) -> tuple[Results, float]:
    """Return what came of 500 requests a second over a reload, and the moment from which it had happened."""
    names = [*calls.names("kept", 1), *calls.names("other", others)]
    flow = await rig.send(calls.of(rig.world, names), rate=500, seconds=60)
    await asyncio.sleep(3)
    _put(rig, _text(rig, configuration))
    happened = await _until(rig, "vendor_config_generation", 2)
    await asyncio.sleep(3)
    return await flow.stop(), happened


async def test_t19_f18_after_a_grant_was_narrowed_nobody_is_served_by_the_old_one(tmp_path: Path, tell: Tell) -> None:
    """F18: a grant is narrowed at 500 requests a second.

    Promised: no answer by the old rule to anything that is sent once the generation has changed.
    """
    async with Rig(tmp_path) as rig:
        results, happened = await _narrow(rig, ONE_ONLY, 100)
        before, after = results.between(0, happened), results.between(happened)
        kept = [answer.status for call, answer in lines_of(after) if call.principal == "analytics.batch-kept-0"]
        others = [answer.status for call, answer in lines_of(after) if call.principal != "analytics.batch-kept-0"]
        tell(f"before {before.told()}; after {after.told()}")
        tell.measured(f"{others.count(200)} of {len(others):,}; who keeps it served {kept.count(200)} of {len(kept)}")
        assert set(kept) == {200}
        assert set(others) == {403}
        assert len(others) > 1_000
        assert set(before.counts) <= {"200", "403 access_denied"}


async def test_t19_f18_after_a_policy_was_narrowed_nobody_is_given_the_old_one(tmp_path: Path, tell: Tell) -> None:
    """F18: a policy is narrowed at 500 requests a second.

    Promised: the same: each key that is handed out from then on was made with the new policy.
    """
    async with Rig(tmp_path) as rig:
        results, happened = await _narrow(rig, CONDITIONED, 100)
        after = results.between(happened)
        tell(after.told())
        assert set(results.counts) == {"200"}
        policies = [rig.world.sts.issued[answer.key_id].policy or "" for answer in after.answers]
        old = sum("aws:PrincipalTag/namespace" not in policy for policy in policies)
        tell.measured(f"{old} of {len(policies):,} by the old one")
        assert old == 0
        assert len(policies) > 1_000


async def test_f25_a_reload_of_ten_thousand_scopes_holds_nobody_up(tmp_path: Path, tell: Tell) -> None:
    """F25: 10,000 scopes are added, and one of their files changes, at 100 requests a second.

    Promised: all are served, the loop wakes in time.
    """
    async with Rig(tmp_path, configuration=WITH_MORE) as rig:
        _be_ordinary(rig.world.service.process.pid)
        more = rig.folder / "more.new"
        more.mkdir()
        for number in range(10):
            scopes = "".join(SCOPE.replace("reports:read", f"team-{number}-{one}:read") for one in range(1_000))
            (more / f"{number}.yaml").write_text("scopes:\n" + scopes)
            assert len(scopes) > LARGE
        flow = await rig.send(calls.of(rig.world, calls.names("warm", 50)), rate=100, seconds=400)
        before = await rig.scrape()
        more.rename(rig.folder / "more")
        began = time.monotonic()
        came = await _logged(rig, 2)
        (rig.folder / "more" / "0.yaml").write_text("scopes:\n" + SCOPE.replace("reports:read", "other:read"))
        changed = await _logged(rig, 3)
        await asyncio.sleep(2)
        after = await rig.scrape()
        results = await flow.stop()
        late, woken = after.slower(always.STANDSTILL, before)
        tell(f"came in {came - began:.0f} s, changed in {changed - came:.0f} s; late {late} times of {woken}")
        tell(results.told())
        tell.measured(
            f"served {results.of()}, {results.at(99)}; late {late} times of {woken}; "
            f"taken in {came - began:.0f} and {changed - came:.0f} s"
        )
        assert set(results.counts) == {"200"}
