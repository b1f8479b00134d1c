"""T33: one principal, or one issuer's many, eat neither the quota of STS nor what is held for others."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Self

import pytest
import pytest_asyncio

from tests.attacks.ground import container, keys_of, twin
from tests.fakes.issuer import Issuer
from tests.server.http import Answer, exchange
from tests.service import CONFIGURATION, World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

pytestmark = [pytest.mark.attacks, pytest.mark.asyncio(loop_scope="module")]

RATE: Final = 20
BURST: Final = 30
LIMITS: Final = f"limits: {{{{per_principal: {{{{requests_per_second: 1, burst: {BURST}}}}}}}}}\n"
DOORS: Final[dict[str, Callable[[str, str], bytes]]] = {
    "container": lambda token, month: container(token, month=month),
    "bearer": lambda token, month: container(f"Bearer {token}", month=month),
    "json": lambda token, month: twin(token, {"parameters": {"month": month}}),
}


class Shared(World):
    """A service with two issuers, an STS quota, and an allowance for each principal."""

    def __init__(self, folder: Any) -> None:
        self.other = Issuer()
        self._folder = folder
        super().__init__(folder, environ={"PYTHONOPTIMIZE": "1"})

    async def __aenter__(self) -> Self:
        await self.other.__aenter__()
        again = f'  cluster-b: {{{{issuer: "{self.other.issuer}", audience: vendor, kind: kubernetes, '
        grant = "      - {{issuer: cluster-b, where: {{namespace: analytics}}}}\n"
        self._configuration = LIMITS + CONFIGURATION.replace(
            "regions: [eu-west-1]", f"regions: [eu-west-1], requests_per_second: {RATE}"
        ).replace("targets:\n", again + "allow_private_addresses: true}}\ntargets:\n").replace(
            "    parameters:\n", grant + "    parameters:\n"
        )
        await super().__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await super().__aexit__(*exc)
        await self.other.__aexit__(*exc)

    async def ask(self, token: str, month: str, door: str = "container") -> Answer:
        """Return what a token is answered."""
        return await exchange(self.service.public, DOORS[door](token, month))

    def of_other(self, name: str) -> str:
        """Return a token of a service account of the other issuer."""
        account = {"namespace": "analytics", "serviceaccount": {"name": name, "uid": "u-1"}}
        return self.other.token({"sub": f"system:serviceaccount:analytics:{name}", "kubernetes.io": account})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shared]:
    async with Shared(tmp_path_factory.mktemp("world")) as running:
        yield running
        assert not [line for line in running.service.log if '"defect"' in line or "Traceback" in line]


def _months(count: int) -> list[str]:
    """Return so many values of the parameter, each of which is a session of its own."""
    return [f"{2000 + number // 12}-{1 + number % 12:02}" for number in range(count)]


async def _all(asking: Iterable[Any]) -> list[Answer]:
    return list(await asyncio.gather(*asking))


@pytest.mark.parametrize("door", DOORS)
async def test_t33_what_is_not_at_hand_is_had_so_often_and_then_no_more(world: Shared, door: str) -> None:
    """T33: by one principal, whatever it varies: its parameter, its token, its door; others do not feel it."""
    greedy = f"batch-greedy-{door}"
    answers = []
    for number, month in enumerate(_months(3 * BURST)):
        token = world.token(greedy, jti=f"{door}-{number}")
        answers.append(await world.ask(token, month, list(DOORS)[number % 3] if door == "json" else door))
    limited = [one for one in answers if one.status == 429]
    assert len(limited) >= BURST
    assert {one.code for one in limited} == {"rate_limited"}
    assert all(int(one.headers["retry-after"]) >= 1 for one in limited)
    assert answers[-1].code == "rate_limited"
    quiet = await world.ask(world.token(f"batch-quiet-{door}"), "2026-03")
    assert quiet.code == "sts_throttled" if quiet.status != 200 else keys_of(quiet)


async def test_t33_the_same_name_of_another_issuer_is_another_principal(world: Shared) -> None:
    """T33: nobody uses up the allowance of somebody who is called the same elsewhere."""
    answers = [await world.ask(world.token("batch-namesake"), month) for month in _months(2 * BURST)]
    assert answers[-1].code == "rate_limited"
    assert (await world.ask(world.of_other("batch-namesake"), "2026-03")).status != 429


async def test_t33_what_is_held_is_had_however_often(world: Shared) -> None:
    """T33: who was limited has what is at hand again as soon as one more request may be made, and then without end."""
    token = world.token("batch-held")
    while (await world.ask(token, "2026-03")).status != 200:  # noqa: ASYNC110 - the quota was another test's
        await asyncio.sleep(0.2)
    answers = [await world.ask(token, month) for month in _months(2 * BURST)]
    assert answers[-1].code == "rate_limited"
    await asyncio.sleep(2)
    assert {(await world.ask(token, "2026-03")).status for _ in range(3 * BURST)} == {200}


async def test_t33_a_crowd_of_one_issuer_takes_its_turns_with_a_few_of_another(world: Shared) -> None:
    """T33: while 150 new ones of one issuer wait for STS's quota, a few of another are served before most of them.

    On a busy machine STS itself may be late for all of them: then once more, with others.
    """
    for number in range(4):
        await asyncio.sleep(2)  # the quota is whole again
        crowd, few = await _crowded(world, number)
        assert {one.code for one in (*crowd, *few) if one.status != 200} <= {"sts_throttled", "sts_unavailable"}
        if {one.status for one in few} == {200}:
            assert sum(one.status == 200 for one in crowd) <= RATE * 3
            return
    raise AssertionError("the few were never served in time")


async def _crowded(world: Shared, number: int) -> tuple[list[Answer], list[Answer]]:
    """Return what a crowd is answered, and what a few of another issuer are who come after it."""
    tokens = [world.token(f"batch-crowd-{number}-{one}") for one in range(150)]
    others = [world.of_other(f"few-{number}-{one}") for one in range(3)]
    crowd = asyncio.ensure_future(_all(world.ask(token, "2026-03") for token in tokens))
    await asyncio.sleep(0.1)
    few = await _all(world.ask(token, "2026-03") for token in others)
    return await crowd, few
