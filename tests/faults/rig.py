"""The rig: a served world with the service on a processor of its own, flows of requests, and what must always hold.

    async with Rig(folder) as rig:
        flow = await rig.send(calls.of(rig.world, names), rate=200, seconds=10)
        rig.world.issuer.fault = "down"
        results = await flow.results()

What always holds is checked when the block ends well (`tests.faults.always`).
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pytest

from tests.faults import always, processors, traffic
from tests.faults.load import Plan
from tests.faults.scrape import Scrape
from tests.server.http import Answer, get
from tests.service import CONFIGURATION, World

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.faults.traffic import Call, Flow


def descriptors(pid: int) -> int:
    """Return how many files and sockets a service has open; it leaves no core, so none but root may look."""
    try:
        return len(list(Path(f"/proc/{pid}/fd").iterdir()))
    except PermissionError:
        pytest.skip("none but root sees the open files of a process that leaves no core")


class Rig:
    """A world under flows of requests; `fault` is the issuer's from the start, and its keys are then not waited for.

    The event loop of a `starved` service is late whatever it does.
    """

    def __init__(
        self,
        folder: Path,
        *,
        configuration: str = CONFIGURATION,
        fault: str | None = None,
        starved: bool = False,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self._starved = starved
        self.world = World(folder, configuration=configuration, environ=environ)
        self.world.issuer.fault = fault
        self._flows: list[Flow] = []
        self._numbers = count()

    async def send(self, calls: list[Call], *, rate: float, seconds: float, **more: Any) -> Flow:
        """Begin a flow to the public listener and return once it sends; `more` is of `tests.faults.load.Plan`."""
        url = self.world.service.public
        plan = Plan(url=url, requests=[], rate=rate, seconds=seconds, forbidden=list(always.CANARIES), **more)
        self.world.service.sent += [call.raw for call in calls]
        flow = await traffic.start(plan, calls, self.folder / f"plan-{next(self._numbers)}")
        self._flows.append(flow)
        return flow

    async def scrape(self) -> Scrape:
        """Return the service's metrics."""
        answer = await get(self.world.service.operations, "/metrics")
        return Scrape(answer.body.decode())

    async def ready(self) -> Answer:
        """Return what the service says of its readiness."""
        return await get(self.world.service.operations, "/readyz")

    def memory(self) -> int:
        """Return the bytes that the service holds resident (proc(5), statm)."""
        pages = Path(f"/proc/{self.world.service.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def descriptors(self) -> int:
        """Return how many files and sockets the service has open."""
        return descriptors(self.world.service.process.pid)

    async def __aenter__(self) -> Self:
        # The service stays where it is begun, and the rig moves out of its way.
        with processors.on(processors.FIRST, first=1):
            await self.world.__aenter__()
        self._apart = ExitStack()
        self._apart.enter_context(processors.on(processors.LAST))
        self._before = await self.scrape()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, exc: BaseException | None, trace: object) -> None:
        try:
            for flow in self._flows:
                await flow.end()
            if exc is None:
                await self._check()
        finally:
            self._apart.close()
            await self.world.__aexit__(kind, exc, trace)
        if exc is None:
            always.check_log(self.world.service.log)

    async def _check(self) -> None:
        flows = [flow.done for flow in self._flows if flow.done is not None]
        always.check_answers(flows)
        always.check_credentials(flows, self.world.sts.issued)
        always.check_names(self.world.sts.requests)
        always.check_audit(flows, self.world.audit())
        if not self._starved:
            always.check_lag(self._before, await self.scrape())
