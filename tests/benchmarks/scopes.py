"""Warm requests per second of a service with many scopes over those of one with ten, in rounds that alternate.

Asked for by its name a scope is found in a mapping; without one, and for the list of what may be had, the grants of all
scopes are looked up by who asks.
"""

from __future__ import annotations

import statistics
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.service import CONFIGURATION, World

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Load = Callable[[str, str, int], Awaitable[dict[str, float]]]

FEW: Final = 10
PATHS: Final = {
    "named": "/v1/credentials/reports:read?month=2026-03",
    "unnamed": "/v1/credentials?month=2026-03",
    "listed": "/v1/scopes",
}
GENEROUS: Final = "limits: {{per_principal: {{requests_per_second: 1000000, burst: 1000000}}}}\n"
"""One principal asks for the list of its scopes as often as it can, which is not among what is at hand."""
IN_A_FILE: Final = 500
ANOTHER: Final = """\
  reports:of-NUMBER:
    description: Read the reports of team NUMBER
    grants:
      - {issuer: cluster-a, where: {namespace: team-NUMBER, service_account: [reporter, {glob: "batch-*"}]}}
    target: aws
    mint: {assume_role: {role: "arn:aws:iam::111122223333:role/team-NUMBER"}}
    session:
      policy:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Action: "s3:GetObject"
            Resource: "arn:aws:s3:::reports/{{ namespace }}/NUMBER/*"
"""


def configuration(number: int, folder: Path) -> str:
    """Return a configuration of so many scopes: one is for the caller, and files in the folder hold other teams'."""
    (folder / "scopes").mkdir()
    for first in range(1, number, IN_A_FILE):
        others = range(first, min(first + IN_A_FILE, number))
        text = "scopes:\n" + "".join(ANOTHER.replace("NUMBER", str(one)) for one in others)
        (folder / "scopes" / f"{first}.yaml").write_text(text)
    return CONFIGURATION + GENEROUS + 'include: ["scopes/*.yaml"]\n'


async def compare(number: int, *, load: Load, pin: Callable[[int], None], rounds: int, requests: int) -> dict[str, Any]:
    """Return the medians of the rounds' ratios for each way to ask."""
    async with AsyncExitStack() as stack:
        worlds: list[World] = []
        for count in (FEW, number):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            worlds.append(await stack.enter_async_context(World(folder, configuration=configuration(count, folder))))
            pin(worlds[-1].service.process.pid)
        return {
            "scopes": number,
            **{name: await _ratio(worlds, path, load, rounds, requests) for name, path in PATHS.items()},
        }


async def _ratio(worlds: list[World], path: str, load: Load, rounds: int, requests: int) -> dict[str, Any]:
    headers = [f"Authorization: {world.token()}" for world in worlds]
    measured: list[list[dict[str, float]]] = []
    for turn in range(rounds + 1):
        # Each begins as often as the other: what comes second finds the machine as the first has left it.
        order = (0, 1) if turn % 2 else (1, 0)
        found = {one: await load(worlds[one].service.public + path, headers[one], requests) for one in order}
        measured.append([found[0], found[1]])
    few, many = ([one[index]["rps"] for one in measured[1:]] for index in (0, 1))
    ratios = [of_many / of_few for of_few, of_many in zip(few, many, strict=True)]
    return {
        "ratio": statistics.median(ratios),
        "ratio_spread": [min(ratios), max(ratios)],
        "few_rps": statistics.median(few),
        "many_rps": statistics.median(many),
    }
