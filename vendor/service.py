"""The parts of one running service, put together: the one place that names them all."""

from __future__ import annotations

import asyncio
import errno
import random
from contextlib import AsyncExitStack, suppress
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from prometheus_client import CollectorRegistry, disable_created_metrics

from vendor import logs
from vendor.accounts import Accounts
from vendor.allowance import Allowance
from vendor.audit import Entry, Ledger
from vendor.config.apart import load_apart
from vendor.exchange import Exchange
from vendor.files import Changes, KeptFile
from vendor.identity.authentication import Authenticator
from vendor.identity.keys import RETRY_PAUSE
from vendor.identity.once import Used
from vendor.issuers import Issuers, lasting
from vendor.leases.expiry import ExpiryLedger
from vendor.leases.holders import Holders
from vendor.leases.leases import Leases
from vendor.leases.notices import Notices
from vendor.leases.revocations import Revocations
from vendor.leases.shared import Shared
from vendor.leases.shelf import Shelf, ShelfError, Unsealed
from vendor.metrics import Metrics
from vendor.mint.chain import Chain
from vendor.mint.shares import Shares
from vendor.mint.skew import Skew
from vendor.observer import Mints, Observer
from vendor.overview import gather
from vendor.policy.decision import Mapping
from vendor.policy.packing import Packing
from vendor.process import SystemClock, calm_collector, measure_lag, share_often
from vendor.reloading import Reloading, refuse_restart
from vendor.revoking import Revoking
from vendor.server import documents
from vendor.server.gate import Gate
from vendor.server.listener import Listener
from vendor.server.operators import OperatorDoors
from vendor.server.page.recent import Recent
from vendor.server.public import PublicDoors
from vendor.server.site import Site, follow, tls_context
from vendor.sharing import Sharing
from vendor.targets import Targets, unsigned
from vendor.traces import Traces

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiobotocore.session import AioSession

    from vendor.config import Configuration
    from vendor.config.values import Listen, Operations, Tls
    from vendor.policy.session import RoleSession
    from vendor.server.listener import Doors, Voice
    from vendor.server.page.overview import Overview
    from vendor.traces import Collector

    Find = Callable[[tuple[str, ...]], Doors | None]

KEYS_WITHIN: Final = 3.0
"""Seconds for which the keys of a new issuer are waited for before its configuration serves."""
LINGER: Final = 12.0
"""Seconds for which what served before a reload may end what it began: a mint is given up after ten."""
LONGEST_SHELF: Final = 64 << 20
"""Bytes of the largest file of revocations that is read: as many as there can be, each of them as long as it can be."""
MOST_WARNINGS: Final = 100
"""Warnings of one configuration that are logged."""
DRAIN: Final = 3.0
"""Seconds in which idle connections may still bring a request, which is answered, before they are closed."""


class Service:
    """All parts of one running service."""

    def __init__(
        self, configuration: Configuration, *, aws: AioSession, log: Any, collector: Collector | None = None
    ) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._configuration = configuration
        self._aws = aws
        self._log = log
        self._clock = clock = SystemClock()
        self._used = Used(clock=clock)
        self._metrics = metrics = Metrics(CollectorRegistry(), version=version("credential-vendor"))
        self._observer = Observer(metrics=metrics, log=log)
        self._traces = collector and Traces(
            collector, clock=clock, version=version("credential-vendor"), told=self._observer.traced
        )
        self._sink = logs.LineSink(configuration.audit.path)
        self._why_not: str | None = "starting"
        self._generation = 1
        self._issuers = self._made_issuers(configuration, None)
        self._chain = Chain(clock=clock)
        self._skew = Skew(clock=clock, told=self._observer.skewed)
        self._targets = self._made_targets(configuration, None)
        self._packing = Packing()
        self._accounts = Accounts(
            asking=lambda name: self._targets.organizations(name),  # noqa: PLW0108 - a reload puts others in their place
            clock=clock,
            told=self._observer.listed,
        )
        self._mints = Mints(
            by_target=self._targets.sts,
            metrics=metrics,
            clock=clock,
            packing=self._packing,
            full=self._observer.full,
        )
        self._sharing = self._made_sharing(configuration, None)
        self._shelf: Shelf | None = None
        self._shares = Shares(budgets=lambda: {name: part.budget for name, part in self._targets.parts.items()})
        self._shared = Shared(clock=clock, broken=self._observer.broken)
        self._expiry = ExpiryLedger(clock=clock)
        self._leases = Leases(
            mint=self._mints,
            clock=clock,
            expiry=self._expiry,
            told=self._observer,
            shared=self._shared,
            phase=random.random(),  # noqa: S311 - so that replicas do not keep step with one another
        )
        self._revocations = Revocations(clock=clock)
        limits = configuration.limits
        self._allowance = Allowance(clock=clock, rate=limits.requests_per_second, burst=limits.burst)
        self._gate = Gate(clock=clock, most=limits.concurrent_requests)
        self._recent = Recent()
        self._reloaded = clock.now()
        self._holders = Holders(clock=clock, shared=self._shared)
        self._chain.lender = self._leases
        self._leaving: set[asyncio.Task[None]] = set()
        self._reloading = Reloading(
            configuration.sources,
            load=partial(load_apart, configuration.files[0]),
            switch=self._switch,
            told=self._note_reload,
            clock=clock,
        )
        self._ledger = self._made_ledger()
        self._exchange = self._made_exchange()
        self._leases.keep(self._keeps, renews=self._exchange.mapping.renews)
        self._notices = Notices("revocations", clock=clock, changed=self._learn, broken=self._observer.broken)
        self._revoking = self._made_revoking()
        self._operators = OperatorDoors(
            exchange=self._exchange,
            operators=configuration.operations.operators,
            metrics=metrics,
            revoking=self._revoking,
            held=self._leases.holds,
            readiness=self._readiness,
            overview=self._overview,
            latest=self._recent.latest,
            remark=lambda: self._reloading.remark,
        )
        metrics.revocations.set_function(self._revocations.count)
        self._share()
        self._show()

    def reload(self) -> None:
        """Read the configuration again soon, whether it has changed or not."""
        self._reloading.ask()

    async def run(self, *, until: asyncio.Event) -> None:
        """Listen until the event, then drain: every request that was sent is answered."""
        self._metrics.tasks.set_function(partial(_count_tasks, asyncio.get_running_loop()))
        configuration = self._configuration
        public = self._public(configuration.listen)
        operations = self._site(self._operators.find, configuration.operations, drain=0.0)
        async with AsyncExitStack() as stack:
            for close in (self._sink.close, self._close, self._leases.close, self._revoking.close):
                stack.push_async_callback(close)
            await self._sharing.open()
            await self._recall()
            await self._shares.look()
            await self._targets.open()
            # Ended after the listeners are closed: who asks while we drain is told so by every answer.
            works = await stack.enter_async_context(AsyncExitStack())
            operations_at = await self._listen(stack, operations, None)
            public_at = await self._listen(stack, public, configuration.listen.tls)
            kind = type(asyncio.get_running_loop()).__module__.partition(".")[0]
            self._log.info("listening", public=public_at, operations=operations_at, loop=kind, **self._loaded())
            for work in (
                *([self._traces.follow()] if self._traces is not None else []),
                self._shares.follow(),
                self._notices.follow(),
                measure_lag(self._note_lag),
                self._load_keys(),
                self._leases.follow(),
                self._accounts.follow(),
                self._reloading.follow(),
            ):
                works.push_async_callback(_end, asyncio.create_task(work))
            calm_collector()
            share_often()
            await until.wait()
            self._why_not = "draining"
            self._log.info("draining")

    async def _recall(self) -> None:
        """Learn who was stopped before we began, so that nobody of them is served.

        Raises OSError where that is kept in a file and cannot be read.
        """
        path = self._configuration.operations.revocations
        if path is not None:
            shelf = Shelf(KeptFile(path, longest=LONGEST_SHELF), clock=self._clock)
            try:
                await shelf.open()
            except ShelfError as exc:
                raise OSError(errno.EINVAL, str(exc), str(path)) from exc
            self._shelf = shelf
            self._share()
        await self._notices.look()

    async def _listen(self, stack: AsyncExitStack, site: Site, tls: Tls | None) -> str:
        """Open a site and return its URL; when the stack unwinds, it is drained."""
        changes = Changes(*tls.files) if tls else None  # from before the files are read
        url = await site.open(tls_context(tls) if tls else None)
        stack.push_async_callback(site.close)
        if tls and changes:
            following = follow(site, tls, changes, told=partial(self._observer.certificate, tls.certificate))
            stack.push_async_callback(_end, asyncio.create_task(following))
        return url

    def _made_ledger(self) -> Ledger:
        return Ledger(
            sink=self._sink,
            observe=self._observe,
            clock=self._clock,
            refuse=self._configuration.audit.refuse_on_failure,
        )

    def _made_exchange(self) -> Exchange:
        return Exchange(
            authenticator=self._made_authenticator(self._issuers),
            mapping=self._made_mapping(self._configuration, self._generation),
            revocations=self._revocations,
            allowance=self._allowance,
            leases=self._leases,
            ledger=self._ledger,
            clock=self._clock,
            tracer=self._traces,
        )

    def _made_mapping(self, configuration: Configuration, generation: int) -> Mapping:
        return Mapping(
            scopes=configuration.scopes,
            generation=generation,
            targets=configuration.targets,
            issuers={issuer.url: lasting(issuer) for issuer in configuration.issuers.values()},
            packing=self._packing,
            accounts=self._accounts.known,
            chained=self._is_chained,
        )

    def _is_chained(self, target: str) -> bool | None:
        return self._targets.is_chained(target)

    def _made_revoking(self) -> Revoking:
        return Revoking(
            revocations=self._revocations,
            holders=self._holders,
            leases=self._leases,
            ledger=self._ledger,
            notices=self._notices,
            broken=self._observer.broken,
        )

    def _made_authenticator(self, issuers: Issuers) -> Authenticator:
        return Authenticator(issuers=issuers.trusted, clock=self._clock, used=self._used)

    def _made_issuers(self, configuration: Configuration, before: Issuers | None) -> Issuers:
        return Issuers(configuration.issuers.values(), clock=self._clock, observer=self._observer, before=before)

    def _made_targets(self, configuration: Configuration, before: Targets | None) -> Targets:
        return Targets(
            configuration.targets,
            aws=self._aws,
            clock=self._clock,
            report=self._metrics.sts if self._traces is None else self._sent,
            chain=self._chain,
            told=self._observer.identity,
            dated=self._skew.note,
            unsigned=unsigned(configuration),
            before=before,
        )

    def _made_sharing(self, configuration: Configuration, before: Sharing | None) -> Sharing:
        observer = self._observer
        return Sharing(
            configuration.store, clock=self._clock, report=observer.stored, told=observer.store, before=before
        )

    async def _switch(self, new: Configuration) -> None:
        """Put another configuration in the place of the one that serves.

        Raises RefusedError or OSError, and then nothing has changed.
        """
        refuse_restart(self._configuration, new)
        sharing = await asyncio.to_thread(self._made_sharing, new, self._sharing)
        issuers = await asyncio.to_thread(self._made_issuers, new, self._issuers)
        targets = await asyncio.to_thread(self._made_targets, new, self._targets)
        try:
            mapping = await asyncio.to_thread(self._made_mapping, new, self._generation + 1)
            await targets.open()
            await sharing.open(before=self._sharing)
            with suppress(TimeoutError):  # its tokens are refused until its keys come; all others wait for nothing
                async with asyncio.timeout(KEYS_WITHIN):
                    await issuers.load_fresh()
        except BaseException:
            await self._leave(issuers, targets, sharing, 0.0)
            raise
        self._leave_soon(self._issuers, self._targets, self._sharing)
        self._configuration, self._issuers, self._targets, self._sharing = new, issuers, targets, sharing
        self._put(mapping)
        await self._leases.drop()

    def _put(self, mapping: Mapping) -> None:
        """Decide by a mapping, and by what serves now, from this moment on; nothing may be awaited here."""
        self._generation, self._reloaded = mapping.generation, self._clock.now()
        self._mints.switch(self._targets.sts)
        self._share()
        self._exchange.switch(authenticator=self._made_authenticator(self._issuers), mapping=mapping)
        self._leases.keep(self._keeps, renews=mapping.renews)
        self._operators.appoint(self._configuration.operations.operators)
        limits = self._configuration.limits
        self._gate.most = limits.concurrent_requests
        self._allowance.allow(rate=limits.requests_per_second, burst=limits.burst)
        self._show()

    def _share(self) -> None:
        self._shared.share(self._sharing.leases, self._sharing.ring)
        self._shares.share(self._sharing.division)
        if self._shelf is None:
            self._notices.share(self._sharing.revocations, self._sharing.ring)
        else:
            self._notices.share(self._shelf, Unsealed())

    def _keeps(self, session: RoleSession) -> bool:
        """Tell whether a session may be lent on: its terms are still these, and nobody has stopped it."""
        return self._exchange.mapping.keeps(session) and not self._revocations.stops(session)

    def _learn(self) -> None:
        self._revoking.learn()

    def _show(self) -> None:
        self._accounts.serve(self._configuration.scopes.values())
        self._metrics.generation.set(self._generation)
        self._metrics.watch(
            scopes=self._configuration.scopes,
            expiry=self._expiry,
            stale=self._leases.stale,
            budgets=self._targets.budgets,
            breakers=self._targets.breakers,
            healthy=self._targets.healthy,
            accounts=self._accounts,
            ages=self._issuers.ages,
        )

    def _note_reload(self, problems: tuple[str, ...]) -> None:
        self._observer.reloaded(problems, {"generation": self._generation} if problems else self._loaded())
        if not problems:
            log_warnings(self._configuration, self._log)

    def _leave_soon(self, issuers: Issuers, targets: Targets, sharing: Sharing) -> None:
        """Close what is used no longer, once whoever still uses it has ended."""
        leaving = asyncio.create_task(self._leave(issuers, targets, sharing, LINGER))
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)

    async def _leave(self, issuers: Issuers, targets: Targets, sharing: Sharing, seconds: float) -> None:
        try:
            await asyncio.sleep(seconds)
        finally:
            await issuers.close(after=self._issuers)
            await targets.close(after=self._targets)
            await sharing.close(after=self._sharing)

    async def _close(self) -> None:
        for leaving in list(self._leaving):
            await _end(leaving)
        await self._issuers.close()
        await self._targets.close()
        await self._sharing.close()

    def _public(self, listen: Listen) -> Site:
        doors = PublicDoors(
            exchange=self._exchange,
            vended=self._leases.by_access_key,
            link=lambda lease: self._targets.link(lease),  # noqa: PLW0108 - a reload puts others in their place
            sts_get=listen.sts_get,
        )
        return self._site(doors.find, listen, drain=DRAIN, voice=doors.voice, gate=self._gate)

    def _site(
        self,
        find: Find,
        at: Listen | Operations,
        *,
        drain: float,
        voice: Callable[[str], Voice] = lambda _: documents,
        gate: Gate | None = None,
    ) -> Site:
        listener = Listener(find=find, observer=self._observer, clock=self._clock, voice=voice, gate=gate)
        return Site(listener, host=at.host, port=at.port, clock=self._clock, drain=drain)

    def _note_lag(self, lag: float) -> None:
        self._metrics.loop_lag.observe(lag)
        self._gate.note_lag(lag)

    def _sent(self, target: str, region: str, action: str, result: str, seconds: float) -> None:
        self._metrics.sts(target, region, action, result, seconds)
        if self._traces is not None:
            self._traces.sent(target, region, action, result, seconds)

    def _observe(self, entry: Entry) -> None:
        if self._traces is not None:
            self._traces.observe(entry)
        self._metrics.observe(entry, now=self._clock.now())
        self._holders.observe(entry)
        self._recent.observe(entry)

    def _overview(self) -> Overview:
        return gather(
            self._configuration,
            expiry=self._expiry,
            stale=self._leases.stale,
            targets=self._targets,
            issuers=self._issuers,
            now=self._clock.now(),
            version=version("credential-vendor"),
            why_not=self._readiness(),
            generation=self._generation,
            reloaded=self._reloaded,
            problems=self._reloading.problems,
            revocations=self._revocations.count(),
        )

    def _loaded(self) -> dict[str, Any]:
        configuration = self._configuration
        return {
            "generation": self._generation,
            "issuers": len(configuration.issuers),
            "scopes": len(configuration.scopes),
            "files": [str(path) for path in configuration.files],
        }

    async def _load_keys(self) -> None:
        """Fetch every issuer's keys before the service calls itself ready, and go on for those that did not come."""
        await self._issuers.load()
        if self._why_not == "starting":
            self._why_not = None
        while True:
            await asyncio.sleep(RETRY_PAUSE)
            await self._issuers.load()

    def _readiness(self) -> str | None:
        """Return why nobody can be served, None if somebody can: without any keys no token is believed."""
        if self._why_not is None and not self._issuers.serve:
            return "no issuer's keys can be had"
        return self._why_not


def _count_tasks(loop: asyncio.AbstractEventLoop) -> float:
    return len(asyncio.all_tasks(loop))


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def log_warnings(configuration: Configuration, log: Any) -> None:
    """Log what `vendor check` would warn of, not so much that it would hold up who is served."""
    told = configuration.warnings[:MOST_WARNINGS]
    for warning in told:
        log.warning("configuration", finding=str(warning))
    if len(told) < len(configuration.warnings):
        log.warning("configuration", more=len(configuration.warnings) - len(told), hint="vendor check tells them all")
