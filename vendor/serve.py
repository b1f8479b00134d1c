"""The composition root: the only file that names every part together, and runs them."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import time
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final, Protocol

from aiobotocore.session import AioSession, get_session
from botocore.exceptions import BotoCoreError
from prometheus_client import CollectorRegistry, disable_created_metrics

from vendor import logs
from vendor.audit import Entry, Ledger
from vendor.exchange import Exchange
from vendor.files import Changes
from vendor.identity.authentication import Authenticator
from vendor.identity.keys import RETRY_PAUSE
from vendor.issuers import Issuers
from vendor.leases.expiry import ExpiryLedger
from vendor.leases.leases import Leases
from vendor.metrics import Metrics
from vendor.mint.budget import Budget
from vendor.mint.sts import Sts
from vendor.observer import Mints, Observer
from vendor.policy.decision import Mapping
from vendor.server.listener import Listener
from vendor.server.operators import OperatorDoors
from vendor.server.public import PublicDoors
from vendor.server.site import Site, follow, tls_context

if TYPE_CHECKING:
    from collections.abc import Callable

    from vendor.config import Configuration
    from vendor.config.values import Listen, Operations, Tls
    from vendor.server.listener import Doors

    Find = Callable[[tuple[str, ...]], Doors | None]

GENERATION: Final = 1
LAG_LOOK: Final = 0.1
"""Seconds between measurements of the event loop's lag."""
DRAIN: Final = 3.0
"""Seconds in which idle connections may still bring a request, which is answered, before they are closed."""


class SystemClock:
    """The machine's clocks."""

    def now(self) -> datetime:
        """Return the time as an aware datetime in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds since some fixed moment."""
        return time.monotonic()


class Closable(Protocol):
    """A part that is let go of at the end."""

    async def close(self) -> None:
        """Let go."""
        ...


class Service:
    """All parts of one running service."""

    def __init__(self, configuration: Configuration, *, aws: AioSession, log: Any) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._configuration = configuration
        self._log = log
        self._clock = clock = SystemClock()
        self._metrics = metrics = Metrics(CollectorRegistry(), version=version("credential-vendor"))
        metrics.generation.set(GENERATION)
        self._observer = Observer(metrics=metrics, log=log)
        self._sink = logs.LineSink(configuration.audit.path)
        self._why_not: str | None = "starting"
        self._issuers = Issuers(configuration.issuers.values(), clock=clock, observer=self._observer)
        self._budgets = {
            name: Budget(rate=target.requests_per_second, clock=clock) for name, target in configuration.targets.items()
        }
        self._sts = {
            name: Sts(
                target=name,
                endpoint_url=target.endpoint_url,
                regions=target.regions,
                budget=self._budgets[name],
                aws=aws,
                clock=clock,
                report=metrics.sts,
            )
            for name, target in configuration.targets.items()
        }
        self._expiry = ExpiryLedger(clock=clock)
        self._leases = Leases(
            mint=Mints(by_target=self._sts, metrics=metrics, clock=clock), clock=clock, expiry=self._expiry
        )
        metrics.watch(
            scopes=configuration.scopes,
            expiry=self._expiry,
            budgets={name: budget.available for name, budget in self._budgets.items()},
            ages=self._issuers.ages,
        )
        self._public, self._operations = self._sites()

    async def run(self, *, until: asyncio.Event) -> None:
        """Listen until the event, then drain: every request that was sent is answered."""
        async with AsyncExitStack() as stack:
            parts: list[Closable] = [self._sink, *self._sts.values(), self._issuers, self._leases]
            for part in parts:
                stack.push_async_callback(part.close)
            for sts in self._sts.values():
                await sts.open()
            stack.push_async_callback(_end, asyncio.create_task(self._measure_lag()))
            operations_at = await self._listen(stack, self._operations, None)
            public_at = await self._listen(stack, self._public, self._configuration.listen.tls)
            stack.push_async_callback(_end, asyncio.create_task(self._load_keys()))
            self._log.info("listening", public=public_at, operations=operations_at, **self._loaded())
            _calm_collector()
            await until.wait()
            self._why_not = "draining"
            self._log.info("draining")

    async def _listen(self, stack: AsyncExitStack, site: Site, tls: Tls | None) -> str:
        """Open a site and return its URL; when the stack unwinds, it is drained."""
        changes = Changes(*tls.files) if tls else None  # from before the files are read
        url = await site.open(tls_context(tls) if tls else None)
        stack.push_async_callback(site.close)
        if tls and changes:
            following = follow(site, tls, changes, told=partial(self._observer.certificate, tls.certificate))
            stack.push_async_callback(_end, asyncio.create_task(following))
        return url

    def _sites(self) -> tuple[Site, Site]:
        configuration, clock = self._configuration, self._clock
        authenticator = Authenticator(issuers=self._issuers.trusted, clock=clock)
        exchange = Exchange(
            authenticator=authenticator,
            mapping=Mapping(scopes=configuration.scopes, generation=GENERATION),
            leases=self._leases,
            ledger=Ledger(
                sink=self._sink, observe=self._observe, clock=clock, refuse=configuration.audit.refuse_on_failure
            ),
            clock=clock,
        )
        operators = OperatorDoors(
            exchange=exchange,
            authenticator=authenticator,
            operators=configuration.operations.operators,
            metrics=self._metrics,
            readiness=self._readiness,
        )
        public = PublicDoors(exchange=exchange)
        return (
            self._site(public.find, configuration.listen, drain=DRAIN),
            self._site(operators.find, configuration.operations, drain=0.0),
        )

    def _site(self, find: Find, at: Listen | Operations, *, drain: float) -> Site:
        listener = Listener(find=find, observer=self._observer, clock=self._clock)
        return Site(listener, host=at.host, port=at.port, clock=self._clock, drain=drain)

    def _observe(self, entry: Entry) -> None:
        self._metrics.observe(entry, now=self._clock.now())

    def _loaded(self) -> dict[str, Any]:
        configuration = self._configuration
        return {
            "generation": GENERATION,
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

    async def _measure_lag(self) -> None:
        while True:
            due = time.monotonic() + LAG_LOOK
            await asyncio.sleep(LAG_LOOK)
            self._metrics.loop_lag.observe(max(0.0, time.monotonic() - due))


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def _calm_collector() -> None:
    """Let the garbage collector look at young objects less often, and never again at what stays until the end."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


async def _serve(configuration: Configuration) -> None:
    until = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, until.set)
    await Service(configuration, aws=get_session(), log=logs.logger()).run(until=until)


def run(configuration: Configuration) -> int:
    """Serve a configuration until SIGTERM or SIGINT; return the exit code."""
    logs.configure(stream=sys.stderr, pretty=sys.stderr.isatty() and "NO_COLOR" not in os.environ)
    for warning in configuration.warnings:
        logs.logger().warning("configuration", finding=str(warning))
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_serve(configuration))
    except (OSError, BotoCoreError) as exc:
        logs.logger().error("cannot serve", detail=str(exc))
        return 1
    return 0


def _loop_factory() -> Any:
    """Return uvloop's loop where it is installed: it is in the `server` extra, but not made for every Python."""
    with suppress(ImportError):
        import uvloop  # noqa: PLC0415

        return uvloop.new_event_loop
    return None
