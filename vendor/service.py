"""The parts of one running service, put together: the one place that names them all."""

from __future__ import annotations

import asyncio
import random
from contextlib import AsyncExitStack
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from prometheus_client import CollectorRegistry, disable_created_metrics

from vendor.allowance import Allowance
from vendor.audit import Entry, Ledger
from vendor.config.apart import load_apart
from vendor.exchange import Exchange
from vendor.generations import Generations
from vendor.incidents import Incidents
from vendor.leases.expiry import ExpiryLedger
from vendor.leases.leases import Leases
from vendor.leases.shared import Shared
from vendor.listening import listening
from vendor.metrics import Metrics
from vendor.mint.shares import Shares
from vendor.minting import Mints
from vendor.observer import Observer
from vendor.overview import gather
from vendor.process import SystemClock, calm_collector, count_tasks, end, measure_lag, share_often
from vendor.readiness import Readiness
from vendor.reloading import Reloading
from vendor.server.gate import Gate
from vendor.server.listener import Listener
from vendor.server.operators import OperatorDoors
from vendor.server.page.recent import Recent
from vendor.server.public import PublicDoors
from vendor.sink import LineSink
from vendor.traces import Traces

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

    from aiobotocore.session import AioSession

    from vendor.config import Configuration
    from vendor.policy.session import RoleSession
    from vendor.server.page.overview import Overview
    from vendor.traces import Collector

DRAIN: Final = 3.0
"""Seconds in which idle connections may still bring a request, which is answered, before they are closed."""


class Service:
    """All parts of one running service."""

    def __init__(
        self, configuration: Configuration, *, aws: AioSession, log: Any, collector: Collector | None = None
    ) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._log = log
        self._version = version("credential-vendor")
        self._clock = clock = SystemClock()
        self._metrics = metrics = Metrics(CollectorRegistry(), version=self._version)
        self._traces = collector and Traces(collector, clock=clock, version=self._version)
        self._observer = observer = Observer(metrics=metrics, log=log, traces=self._traces)
        self._recent = Recent()
        self._sink = LineSink(configuration.audit.path)
        self._ledger = Ledger(
            sink=self._sink, observe=self._observe, clock=clock, refuse=configuration.audit.refuse_on_failure
        )
        self._generations = generations = Generations(configuration, aws=aws, clock=clock, observer=observer)
        self._readiness = Readiness(generations, self._ledger)
        self._shares = Shares(budgets=lambda: generations.serving.targets.budgets)
        self._shared = Shared(clock=clock, broken=observer.broken)
        self._expiry = ExpiryLedger(clock=clock)
        self._leases = Leases(
            mint=Mints(
                find=lambda target: generations.serving.targets.find(target),  # noqa: PLW0108 - a reload puts others there
                clock=clock,
                packing=generations.packing,
                observer=observer,
            ),
            clock=clock,
            expiry=self._expiry,
            told=observer,
            shared=self._shared,
            phase=random.random(),  # noqa: S311 - so that replicas do not keep step with one another
        )
        generations.chain.lender = self._leases
        self._incidents = Incidents(
            configuration.operations.revocations,
            clock=clock,
            leases=self._leases,
            shared=self._shared,
            ledger=self._ledger,
            broken=observer.broken,
        )
        limits = configuration.limits
        self._allowance = Allowance(clock=clock, rate=limits.requests_per_second, burst=limits.burst)
        self._gate = Gate(clock=clock, most=limits.concurrent_requests)
        self._exchange = Exchange(
            authenticator=generations.serving.authenticator,
            mapping=generations.serving.mapping,
            revocations=self._incidents.revocations,
            allowance=self._allowance,
            leases=self._leases,
            ledger=self._ledger,
            clock=clock,
            tracer=self._traces,
        )
        self._reloading = Reloading(
            configuration.sources,
            load=partial(load_apart, configuration.files[0]),
            switch=self._switch,
            told=self._note_reload,
            clock=clock,
        )
        self._operators = OperatorDoors(
            exchange=self._exchange,
            operators=configuration.operations.operators,
            metrics=metrics,
            revoking=self._incidents.revoking,
            held=self._leases.holds,
            readiness=self._readiness.why_not,
            overview=self._overview,
            latest=self._recent.latest,
            remark=lambda: self._reloading.remark,
        )
        doors = PublicDoors(
            exchange=self._exchange,
            vended=self._leases.by_access_key,
            link=lambda lease: generations.serving.targets.link(lease),  # noqa: PLW0108 - as above
            sts_get=configuration.listen.sts_get,
        )
        self._public = Listener(find=doors.find, observer=observer, clock=clock, voice=doors.voice, gate=self._gate)
        self._operations = Listener(find=self._operators.find, observer=observer, clock=clock)
        metrics.revocations.set_function(self._incidents.revocations.count)
        metrics.tasks.set_function(count_tasks)
        self._take_over()

    def reload(self) -> None:
        """Read the configuration again soon, whether it has changed or not."""
        self._reloading.ask()

    async def run(self, *, until: asyncio.Event) -> None:
        """Listen until the event, then drain: every request that was sent is answered."""
        first = self._generations.serving
        async with AsyncExitStack() as stack:
            for close in (self._sink.close, self._generations.close, self._leases.close, self._incidents.close):
                stack.push_async_callback(close)
            await first.sharing.open()
            await self._incidents.open()
            await self._shares.look()
            await first.targets.open()
            # Ended after the listeners are closed: who asks while we drain is told so by every answer.
            works = await stack.enter_async_context(AsyncExitStack())
            at = await self._listen(stack, first.configuration)
            kind = type(asyncio.get_running_loop()).__module__.partition(".")[0]
            self._log.info("listening", **at, loop=kind, **first.about)
            for work in self._works():
                works.push_async_callback(end, asyncio.create_task(work))
            calm_collector()
            share_often()
            await until.wait()
            self._readiness.drain()
            self._log.info("draining")

    async def _listen(self, stack: AsyncExitStack, configuration: Configuration) -> dict[str, str]:
        """Have both listeners reached until the stack unwinds, and return where."""
        listen, open_ = configuration.listen, partial(listening, clock=self._clock, observer=self._observer)
        operations = await stack.enter_async_context(open_(self._operations, configuration.operations))
        public = await stack.enter_async_context(open_(self._public, listen, tls=listen.tls, drain=DRAIN))
        return {"public": public, "operations": operations}

    def _works(self) -> Iterator[Coroutine[Any, Any, None]]:
        """Return what goes on for as long as we serve."""
        if self._traces is not None:
            yield self._traces.follow(told=self._observer.traced)
        yield self._shares.follow()
        yield self._incidents.follow()
        yield measure_lag(self._note_lag)
        yield self._readiness.follow()
        yield self._ledger.follow()
        yield self._leases.follow()
        yield self._generations.accounts.follow()
        yield self._reloading.follow()

    async def _switch(self, new: Configuration) -> None:
        """Put another configuration in the place of the one that serves.

        Raises RefusedError or OSError, and then nothing has changed.
        """
        self._generations.serve(await self._generations.prepare(new))
        self._take_over()
        await self._leases.drop()

    def _take_over(self) -> None:
        """Be what the generation that serves says, in all parts at once: nothing may be awaited here."""
        serving = self._generations.serving
        limits = serving.configuration.limits
        self._shared.share(serving.sharing.leases, serving.sharing.ring)
        self._shares.share(serving.sharing.division)
        self._incidents.share(serving.sharing)
        self._exchange.switch(authenticator=serving.authenticator, mapping=serving.mapping)
        self._leases.keep(self._keeps, renews=serving.mapping.renews)
        self._operators.appoint(serving.configuration.operations.operators)
        self._gate.most = limits.concurrent_requests
        self._allowance.allow(rate=limits.requests_per_second, burst=limits.burst)
        self._generations.accounts.serve(serving.configuration.scopes.values())
        self._metrics.generation.set(serving.mapping.generation)
        self._metrics.watch(
            scopes=serving.configuration.scopes,
            expiry=self._expiry,
            stale=self._leases.stale,
            budgets=serving.targets.available,
            breakers=serving.targets.breakers,
            healthy=serving.targets.healthy,
            accounts=self._generations.accounts,
            ages=serving.issuers.ages,
        )

    def _keeps(self, session: RoleSession) -> bool:
        """Tell whether a session may be lent on: its terms are still these, and nobody has stopped it."""
        return self._exchange.mapping.keeps(session) and not self._incidents.revocations.stops(session)

    def _note_reload(self, problems: tuple[str, ...]) -> None:
        serving = self._generations.serving
        if problems:
            self._observer.not_reloaded(problems, serving.mapping.generation)
        else:
            self._observer.reloaded(serving.configuration, serving.about)

    def _note_lag(self, lag: float) -> None:
        self._metrics.loop_lag.observe(lag)
        self._gate.note_lag(lag)

    def _observe(self, entry: Entry) -> None:
        if self._traces is not None:
            self._traces.observe(entry)
        self._metrics.observe(entry, now=self._clock.now())
        self._recent.observe(entry)
        self._incidents.holders.observe(entry)

    def _overview(self) -> Overview:
        return gather(
            self._generations,
            expiry=self._expiry,
            stale=self._leases.stale,
            now=self._clock.now(),
            version=self._version,
            why_not=self._readiness.why_not(),
            problems=self._reloading.problems,
            revocations=self._incidents.revocations.count(),
        )
