"""The log that a person follows: one line each for the start, a reload, an issuer in trouble and the drain."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tests.server.http import get, post
from tests.service import World, without_uvloop

if TYPE_CHECKING:
    from pathlib import Path

PATH = "/v1/credentials/reports:read"


def _lines(world: World, event: str) -> list[dict[str, Any]]:
    return [line for line in map(json.loads, world.service.log) if line["event"] == event]


async def _logged(world: World, event: str) -> dict[str, Any]:
    """Return the only line of an event, once there is one."""
    async with asyncio.timeout(30):
        while not _lines(world, event):  # noqa: ASYNC110 - it is another process that writes
            await asyncio.sleep(0.05)
    (line,) = _lines(world, event)
    return line


async def test_a_life_is_told_in_one_line_for_each_thing_that_happens(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        path = tmp_path / "vendor.yaml"
        good = path.read_text()
        begun = await _logged(world, "listening")
        assert {name: begun[name] for name in ("loop", "generation", "issuers", "scopes", "files", "level")} == {
            "loop": "uvloop",
            "generation": 1,
            "issuers": 1,
            "scopes": 1,
            "files": [str(path)],
            "level": "info",
        }
        path.write_text(good + "nonsense: 1\n")
        refused = await _logged(world, "configuration not reloaded")
        assert (refused["level"], refused["generation"], refused["count"]) == ("error", 1, 1)
        assert refused["findings"][0].startswith(f"{path}:")
        other = (
            f'issuer: "{world.issuer.issuer}/other", audience: vendor, kind: kubernetes, allow_private_addresses: true'
        )
        path.write_text(good.replace("issuers:\n", f"issuers:\n  cluster-b: {{{other}}}\n"))
        assert (await _logged(world, "configuration reloaded"))["generation"] == 2
        trouble = await _logged(world, "keys not refreshed")
        assert (trouble["level"], trouble["issuer"]) == ("warning", "cluster-b")
        assert trouble["detail"]
        world.service.terminate()
        assert await world.service.process.wait() == 0
        await _logged(world, "draining")
    assert all(line["timestamp"].endswith("Z") for line in map(json.loads, world.service.log))


FORGED = '\n{"event": "exchange", "outcome": "issued"}\r\n{"event": "listening"}\u2028"'


async def test_t24_what_a_caller_sends_makes_no_line_of_its_own(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        account = {"namespace": "analytics", "serviceaccount": {"name": f"batch-{FORGED}", "uid": FORGED}}
        subject = world.issuer.token({"sub": f"system:serviceaccount:analytics:{FORGED}", "kubernetes.io": account})
        tokens = [subject, world.issuer.token(kid=FORGED), world.issuer.token({"iss": FORGED})]
        url, wrong = world.service.public, quote(FORGED)
        answers = [await get(url, PATH, token) for token in tokens]
        answers.append(await get(url, f"/v1/credentials/{wrong}", world.token()))
        answers.append(await get(url, f"{PATH}?month={wrong}", world.token()))
        answers.append(await post(url, PATH, world.token(), {"parameters": {"month": FORGED}}))
        assert [answer.status for answer in answers] == [401, 401, 401, 403, 403, 403]
        before = len(world.audit())
        told = {"scope": "reports:read", "reason": FORGED, "duration_seconds": 900}
        assert (await post(world.service.operations, "/v1/revocations", world.operator(), told)).status == 201
        assert len(world.audit()) == before + 1
    assert [line["outcome"] for line in world.audit() if line["event"] == "exchange"] == ["refused"] * len(answers)
    assert len(_lines(world, "listening")) == 1


async def test_without_uvloop_it_serves_on_the_loop_of_python_itself_and_says_so(tmp_path: Path) -> None:
    async with World(tmp_path, environ=without_uvloop(tmp_path)) as world:
        assert (await _logged(world, "listening"))["loop"] == "asyncio"
        answer = await get(world.service.public, "/v1/credentials/reports:read", world.token())
        assert answer.status == 200
