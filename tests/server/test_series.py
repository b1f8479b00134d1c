"""T25: whatever callers send, over however many connections, the number of series stays what it was."""

from __future__ import annotations

import base64
import json
from collections import Counter
from typing import TYPE_CHECKING

from tests.faults.scrape import Scrape
from tests.server.http import Connection, get, request
from tests.service import World

if TYPE_CHECKING:
    from pathlib import Path

PATH = "/v1/credentials/reports:read"
HOSTILE = ('"} 1\n', "\\", "é", "{{namespace}}", "\u2028", "*", "a" * 200, "../")


def _requests(world: World, number: int, good: str) -> list[bytes]:
    """Return what one hostile caller sends, in which everything that it chooses is its own, or of a good token."""
    odd = f"{HOSTILE[number % len(HOSTILE)]}{number}"
    named = {"namespace": "analytics", "serviceaccount": {"name": odd, "uid": odd}}
    subject = world.issuer.token({"sub": f"system:serviceaccount:analytics:{odd}", "kubernetes.io": named})
    head, claims, signature = subject.split(".")
    kid = _part({"alg": "RS256", "kid": odd})
    plain = odd.encode("unicode_escape").hex()
    return [
        request(PATH, subject),
        request(PATH, f"{kid}.{claims}.{signature}"),
        request(f"/{plain}/{number}", subject),
        request(f"/v1/credentials/scope-{number}", good),
        request(f"{PATH}?{plain}={number}", good),
        request(PATH, f"{head}.{claims}.{plain}", headers={"User-Agent": plain, "X-Forwarded-For": f"10.0.0.{number}"}),
    ]


def _part(claims: dict[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")


async def series(world: World) -> int:
    return Scrape((await get(world.service.operations, "/metrics")).body.decode()).series


async def send(world: World, numbers: range) -> Counter[int]:
    """Send what these callers send on one connection, and return how often which status came."""
    statuses: Counter[int] = Counter()
    good = world.token("batch-1")
    async with await Connection.open(world.service.public) as connection:
        for number in numbers:
            for raw in _requests(world, number, good):
                await connection.send(raw)
                statuses[(await connection.read()).status] += 1
    return statuses


async def test_t25_hostile_callers_make_no_series(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await get(world.service.public, PATH, world.token("batch-1"))
        await send(world, range(len(HOSTILE)))
        before = await series(world)
        statuses = await send(world, range(len(HOSTILE), 100))
        assert statuses.keys() <= {200, 400, 401, 403, 404}
        assert statuses[401] >= 100 - len(HOSTILE)
        assert await series(world) == before
