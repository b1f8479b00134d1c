"""The rig of a fleet: three replicas over one store, flows of requests to each, and what must always hold.

async with FleetRig(folder) as rig:
    flows = await rig.send(calls.of(rig.fleet, names), rate=100, seconds=10)
    await rig.fleet.store.stop()
    results = [await flow.results() for flow in flows]
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from itertools import count
from typing import TYPE_CHECKING, Any, Self

from tests.faults import always, processors, traffic
from tests.faults.load import Plan
from tests.faults.scrape import Scrape
from tests.fleet import SHARING, Fleet
from tests.server.http import get

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tests.faults.traffic import Call, Flow, Results


class FleetRig:
    """A fleet under flows of requests."""

    def __init__(
        self,
        folder: Path,
        *,
        replicas: int = 3,
        configuration: str = SHARING,
        straight: bool = False,
        environ: Mapping[str, str] | None = None,
        server: str | None = None,
    ) -> None:
        self.folder = folder
        self.fleet = Fleet(
            folder,
            replicas=replicas,
            configuration=configuration,
            straight=straight,
            under=processors.first,
            environ=environ,
            server=server,
        )
        self._apart = ExitStack()
        self._flows: list[Flow] = []
        self._numbers = count()

    async def send(
        self, calls: list[Call], *, rate: float, seconds: float, to: Sequence[int] | None = None, **more: Any
    ) -> list[Flow]:
        """Begin a flow to each replica, or to some of them, and return once all of them send."""
        chosen = range(len(self.fleet.replicas)) if to is None else to
        flows = await asyncio.gather(*(self._start(number, calls, rate, seconds, **more) for number in chosen))
        self._flows.extend(flows)
        return list(flows)

    async def _start(self, replica: int, calls: list[Call], rate: float, seconds: float, **more: Any) -> Flow:
        url = self.fleet.replicas[replica].public
        plan = Plan(url=url, requests=[], rate=rate, seconds=seconds, forbidden=list(always.CANARIES), **more)
        self.fleet.replicas[replica].sent += [call.raw for call in calls]
        return await traffic.start(plan, calls, self.folder / f"plan-{next(self._numbers)}")

    async def all_results(self, flows: list[Flow]) -> list[Results]:
        """Wait for the ends of flows and return what came of each."""
        return list(await asyncio.gather(*(flow.results() for flow in flows)))

    async def scrape(self, replica: int) -> Scrape:
        """Return the metrics of a replica."""
        return Scrape((await get(self.fleet.replicas[replica].operations, "/metrics")).body.decode())

    async def total(self, name: str, **labels: str) -> int:
        """Return the sum of a metric over all replicas."""
        numbers = range(len(self.fleet.replicas))
        return int(sum([(await self.scrape(number)).value(name, **labels) for number in numbers]))

    async def __aenter__(self) -> Self:
        await self.fleet.__aenter__()
        self._apart.enter_context(processors.on(processors.LAST))
        return self

    async def __aexit__(self, kind: type[BaseException] | None, exc: BaseException | None, trace: object) -> None:
        for flow in self._flows:
            await flow.end()
        self._apart.close()
        await self.fleet.__aexit__(kind, exc, trace)
        if exc is None:
            self._check()

    def _check(self) -> None:
        flows = [flow.done for flow in self._flows if flow.done is not None]
        always.check_answers(flows)
        always.check_credentials(flows, self.fleet.sts.issued)
        always.check_names(self.fleet.sts.requests)
        numbers = range(len(self.fleet.replicas))
        always.check_audit(flows, [line for number in numbers for line in self.fleet.audit(number)])
        for number in numbers:
            always.check_log(self.fleet.replicas[number].log)
