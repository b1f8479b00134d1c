"""The composition root: the only file that names every part together, and runs them."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import ssl
import sys
import time
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final, Protocol

from aiobotocore.session import AioSession, get_session
from aiohttp import web
from botocore.exceptions import BotoCoreError
from prometheus_client import CollectorRegistry, disable_created_metrics

from vendor import logs
from vendor.audit import Entry, Ledger
from vendor.exchange import Exchange
from vendor.identity.authentication import Authenticator, TrustedIssuer
from vendor.identity.keys import RETRY_PAUSE, IssuerKeys
from vendor.leases.expiry import ExpiryLedger
from vendor.leases.leases import Leases
from vendor.metrics import Metrics
from vendor.mint.budget import Budget
from vendor.mint.sts import Sts
from vendor.policy.decision import Mapping
from vendor.server.connection import SHUTDOWN
from vendor.server.listener import Listener
from vendor.server.operators import OperatorDoors
from vendor.server.public import PublicDoors

if TYPE_CHECKING:
    from pathlib import Path

    from vendor.config import Configuration
    from vendor.config.values import Tls
    from vendor.credentials import Credentials
    from vendor.policy.session import RoleSession
    from vendor.refusals import Refusal

GENERATION: Final = 1
LOOK: Final = 2.0
"""Seconds between looks at whether the TLS files have changed."""
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


class Mints:
    """Sends each session to the STS of its target, and tells the metrics what came of it."""

    def __init__(self, *, by_target: dict[str, Sts], metrics: Metrics, clock: SystemClock) -> None:
        self._by_target = by_target
        self._metrics = metrics
        self._clock = clock

    async def mint(self, session: RoleSession) -> Credentials:
        """Return fresh credentials of a session; see `vendor.mint.sts.Sts.mint`."""
        credentials = await self._by_target[session.target].mint(session)
        lifetime = (credentials.expiration - self._clock.now()).total_seconds()
        self._metrics.minted(session.scope, lifetime, credentials.packed_policy_size)
        return credentials


class Observer:
    """Tells metrics and log what happens outside of exchanges."""

    def __init__(self, *, metrics: Metrics, log: Any) -> None:
        self._metrics = metrics
        self._log = log

    def refused(self, refusal: Refusal) -> None:
        """Count a refusal at the edge."""
        self._metrics.refused(refusal)

    def failed(self, request_id: str, exc: BaseException | None) -> None:
        """Log a defect with its traceback, which holds no locals."""
        self._log.error("defect", request_id=request_id, exc_info=exc)

    def keys(self, issuer: str, result: str, detail: str) -> None:
        """Count a fetch of keys, and log the ones that failed or dropped a key."""
        self._metrics.keys_refresh.labels(issuer, result).inc()
        if result != "ok":
            self._log.warning("keys not refreshed", issuer=issuer, detail=detail)
        elif detail:
            self._log.warning("keys dropped", issuer=issuer, detail=detail)


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
        tls = ssl.create_default_context()
        self._keys = {
            name: IssuerKeys(issuer=issuer, clock=clock, tls=tls, report=self._observer.keys)
            for name, issuer in configuration.issuers.items()
        }
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
            ages={name: keys.age for name, keys in self._keys.items()},
        )
        self._public, self._operations = self._listeners()

    async def run(self, *, until: asyncio.Event) -> None:
        """Listen until the event, then drain: every request that was sent is answered."""
        async with AsyncExitStack() as stack:
            parts: list[Closable] = [self._sink, *self._sts.values(), *self._keys.values(), self._leases]
            for part in parts:
                stack.push_async_callback(part.close)
            for sts in self._sts.values():
                await sts.open()
            stack.push_async_callback(_end, asyncio.create_task(self._measure_lag()))
            listen, operations = self._configuration.listen, self._configuration.operations
            tls = _tls_context(listen.tls) if listen.tls else None
            if tls and listen.tls:
                stack.push_async_callback(_end, asyncio.create_task(self._follow_tls(tls, listen.tls)))
            operations_at = await _open(stack, self._operations, operations.host, operations.port, None, drain=0.0)
            public_at = await _open(stack, self._public, listen.host, listen.port, tls, drain=DRAIN)
            stack.push_async_callback(_end, asyncio.create_task(self._load_keys()))
            self._log.info("listening", public=public_at, operations=operations_at, **self._loaded())
            _calm_collector()
            await until.wait()
            self._why_not = "draining"
            self._log.info("draining")

    def _listeners(self) -> tuple[Listener, Listener]:
        configuration, clock = self._configuration, self._clock
        authenticator = Authenticator(
            issuers={
                issuer.url: TrustedIssuer(issuer=issuer, keys=self._keys[name])
                for name, issuer in configuration.issuers.items()
            },
            clock=clock,
        )
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
            Listener(find=public.find, observer=self._observer, clock=clock),
            Listener(find=operators.find, observer=self._observer, clock=clock),
        )

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
        every = self._keys.values()
        await asyncio.gather(*(keys.load() for keys in every))
        if self._why_not == "starting":
            self._why_not = None
        while True:
            await asyncio.sleep(RETRY_PAUSE)
            await asyncio.gather(*(keys.load() for keys in every))

    def _readiness(self) -> str | None:
        """Return why nobody can be served, None if somebody can: without any keys no token is believed."""
        if self._why_not is None and not any(keys.serves for keys in self._keys.values()):
            return "no issuer's keys can be had"
        return self._why_not

    async def _measure_lag(self) -> None:
        while True:
            due = time.monotonic() + LAG_LOOK
            await asyncio.sleep(LAG_LOOK)
            self._metrics.loop_lag.observe(max(0.0, time.monotonic() - due))

    async def _follow_tls(self, context: ssl.SSLContext, tls: Tls) -> None:
        """Load the certificate again when its files change; one that does not load leaves the last good one."""
        seen = _modified(tls)
        while True:
            await asyncio.sleep(LOOK)
            now = _modified(tls)
            if now != seen:
                seen = now
                try:
                    _tls_context(tls)  # a pair that does not fit would leave half of itself in the one that serves
                    context.load_cert_chain(tls.certificate, tls.private_key)
                    self._log.info("certificate reloaded", certificate=str(tls.certificate))
                except (OSError, ssl.SSLError) as exc:
                    self._log.error("certificate not reloaded", detail=str(exc))


async def _open(
    stack: AsyncExitStack, listener: Listener, host: str, port: int, tls: ssl.SSLContext | None, *, drain: float
) -> str:
    """Listen at an address and return it as a URL; when the stack unwinds, drain and close."""
    server = listener.server()
    runner = web.ServerRunner(server, shutdown_timeout=SHUTDOWN)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, host, port, ssl_context=tls, backlog=1024)
    await site.start()
    stack.push_async_callback(_drain, listener, site, server, drain)
    return site.name


async def _drain(listener: Listener, site: web.TCPSite, server: web.Server, seconds: float) -> None:
    """Stop accepting, answer what comes on the open connections, each answer being its connection's last."""
    listener.draining = True
    await site.stop()
    end = time.monotonic() + seconds
    while server.connections and time.monotonic() < end:  # noqa: ASYNC110 - aiohttp has no event for the last one
        await asyncio.sleep(0.05)


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def _tls_context(tls: Tls) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(tls.certificate, tls.private_key)
    return context


def _modified(tls: Tls) -> tuple[float, ...]:
    def stamp(path: Path) -> float:
        with suppress(OSError):
            return path.stat().st_mtime
        return 0.0

    return stamp(tls.certificate), stamp(tls.private_key)


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
