"""Traces: one for each exchange, with its steps, sent to an OpenTelemetry collector; off unless one is named.

What a span tells is of the configuration or of closed sets, and the request's id: nothing of a token, no subject.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from collections import deque
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol
from urllib.parse import unquote, urlsplit

import aiohttp

from vendor.credentials import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from vendor.audit import Entry

MOST: Final = 10_000
"""Spans that wait at most; what comes beyond them is dropped."""
PAUSE: Final = 1.0
"""Seconds between two batches."""
PATIENCE: Final = 5.0
"""Seconds that a batch may take."""
# W3C Trace Context, section 3.2: a later version may say more behind it.
_PARENT: Final = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?", re.ASCII)
_SAMPLER: Final = "parentbased_always_on"
_INTERNAL, _SERVER, _CLIENT = 1, 2, 3
_ERROR: Final = 2


class UnspokenError(Exception):
    """The environment asks for what is not spoken here; the message says what."""


class Clock(Protocol):
    """Wall-clock time."""

    def now(self) -> datetime:
        """Return the time as an aware datetime in UTC."""
        ...


class Collector(NamedTuple):
    """Where traces go, as OpenTelemetry's own variables say it."""

    url: str
    headers: Mapping[str, Secret]
    resource: Mapping[str, str]

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Collector | None:
        """Return the collector that the environment names, None if it names none.

        Raises UnspokenError.
        """
        base = environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")
        url = environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or (base and f"{base.rstrip('/')}/v1/traces")
        exporter = environ.get("OTEL_TRACES_EXPORTER") or "otlp"
        if not url or exporter == "none" or environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
            return None
        if exporter != "otlp":
            raise UnspokenError(f"OTEL_TRACES_EXPORTER is {exporter!r:.40}, and traces are sent by otlp only")
        sampler = environ.get("OTEL_TRACES_SAMPLER") or _SAMPLER
        if sampler != _SAMPLER:
            raise UnspokenError(f"OTEL_TRACES_SAMPLER is {sampler!r:.40}, and there is none here but {_SAMPLER}")
        protocol = environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or environ.get("OTEL_EXPORTER_OTLP_PROTOCOL")
        if protocol not in (None, "", "http/json", "http/protobuf"):
            raise UnspokenError(f"OTEL_EXPORTER_OTLP_PROTOCOL is {protocol!r:.40}, and traces are sent over http only")
        if urlsplit(url).scheme not in ("http", "https"):
            raise UnspokenError("OTEL_EXPORTER_OTLP_ENDPOINT is no http or https URL")
        said = environ.get("OTEL_EXPORTER_OTLP_TRACES_HEADERS") or environ.get("OTEL_EXPORTER_OTLP_HEADERS", "")
        headers = {name: Secret(value) for name, value in _pairs(said)}
        resource = {"service.name": "vendor", **dict(_pairs(environ.get("OTEL_RESOURCE_ATTRIBUTES", "")))}
        if name := environ.get("OTEL_SERVICE_NAME"):
            resource["service.name"] = name
        return cls(url, headers, resource)


def _pairs(said: str) -> Iterator[tuple[str, str]]:
    """Return names and values as OpenTelemetry writes them into one variable (W3C Baggage)."""
    for pair in said.split(","):
        name, equals, value = pair.partition("=")
        if equals:
            yield name.strip(), unquote(value.strip())


@dataclass(slots=True)
class _Trace:
    """One exchange under way."""

    trace: str
    parent: str | None
    began: datetime
    span: str = field(default_factory=lambda: secrets.token_hex(8))
    step: tuple[str, str, datetime] | None = None
    lease: str | None = None
    ended: bool = False


class Traces:
    """The traces of one process."""

    def __init__(self, collector: Collector, *, clock: Clock, version: str) -> None:
        self._collector = collector
        self._clock = clock
        self._version = version
        self._failing = False
        self._waiting: deque[dict[str, Any]] = deque(maxlen=MOST)
        self._current: ContextVar[_Trace | None] = ContextVar("trace", default=None)

    def begin(self, parent: str | None) -> None:
        """Begin the trace of an exchange: as a part of its caller's, or not at all if the caller's is not kept."""
        found = _PARENT.fullmatch(parent or "")
        trace, span, flags = found.groups() if found else ("", None, "01")
        if not int(trace or "1", 16) or (span is not None and not int(span, 16)):
            trace, span, flags = "", None, "01"
        wanted = int(flags, 16) & 1
        self._current.set(_Trace(trace or secrets.token_hex(16), span, self._clock.now()) if wanted else None)

    def step(self, name: str) -> None:
        """Trace that the exchange under way is at its next step, and through with the one before."""
        trace = self._current.get()
        if trace is None or trace.ended:
            return
        self._end_step(trace, failed=False)
        trace.step = name, secrets.token_hex(8), self._clock.now()
        if name == "lease":
            trace.lease = trace.step[1]

    def sent(self, target: str, region: str, action: str, result: str, seconds: float) -> None:
        """Trace a request to STS that was made for the exchange in whose flight this is."""
        trace = self._current.get()
        if trace is None:
            return
        told = {"target": target, "region": region, "action": action, "result": result}
        began = self._clock.now().timestamp() - seconds
        parent = trace.lease or trace.span
        self._add(trace, "mint", secrets.token_hex(8), parent, began, _CLIENT, told, failed=result != "ok")

    def observe(self, entry: Entry) -> None:
        """End the trace of an exchange."""
        trace = self._current.get()
        if trace is None or trace.ended:
            return
        trace.ended = True
        self._end_step(trace, failed=entry.outcome != "issued")
        refusal = entry.refusal
        told: dict[str, str | None] = {
            "request_id": entry.request_id,
            "door": str(entry.door),
            "outcome": entry.outcome,
            "scope": entry.permission.scope.name if entry.permission else None,
            "issuer": entry.principal.issuer if entry.principal else None,
            "source": str(entry.source) if entry.source else None,
            "code": str(refusal.code) if refusal else "internal_error" if entry.defect else None,
            "reason": str(refusal.reason) if refusal else None,
        }
        failed = entry.outcome != "issued"
        self._add(trace, "exchange", trace.span, trace.parent, trace.began, _SERVER, told, failed=failed)

    def _end_step(self, trace: _Trace, *, failed: bool) -> None:
        if trace.step is not None:
            name, span, began = trace.step
            self._add(trace, name, span, trace.span, began, _INTERNAL, {}, failed=failed)

    async def follow(self, *, told: Callable[[str | None], None]) -> None:
        """Send what waits, again and again; what waits at the end is sent once more.

        `told` is called with what is wrong when it cannot be sent any longer, and with None when it can again.
        """
        headers = {name: secret.reveal() for name, secret in self._collector.headers.items()}
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
            try:
                while True:
                    await asyncio.sleep(PAUSE)
                    await self._send(session, told)
            finally:
                with suppress(TimeoutError):
                    async with asyncio.timeout(PAUSE):
                        await self._send(session, told)

    async def _send(self, session: aiohttp.ClientSession, told: Callable[[str | None], None]) -> None:
        if not self._waiting:
            return
        spans = list(self._waiting)
        self._waiting.clear()
        body = json.dumps(self._written(spans)).encode()
        problem = None
        try:
            async with session.post(
                self._collector.url, data=body, headers={"Content-Type": "application/json"}, allow_redirects=False
            ) as answer:
                if answer.status != 200:  # noqa: PLR2004 - HTTP's own number
                    problem = f"the collector answers {answer.status}"
        except (aiohttp.ClientError, TimeoutError, ValueError) as exc:
            problem = type(exc).__name__
        if (problem is not None) != self._failing:
            self._failing = problem is not None
            told(problem)

    def _add(
        self,
        trace: _Trace,
        name: str,
        span: str,
        parent: str | None,
        began: datetime | float,
        kind: int,
        told: Mapping[str, str | None],
        *,
        failed: bool,
    ) -> None:
        since = began if isinstance(began, float) else began.timestamp()
        self._waiting.append(
            {
                "traceId": trace.trace,
                "spanId": span,
                **({"parentSpanId": parent} if parent else {}),
                "name": name,
                "kind": kind,
                "startTimeUnixNano": str(int(since * 1e9)),
                "endTimeUnixNano": str(int(self._clock.now().timestamp() * 1e9)),
                "attributes": [_attribute(f"vendor.{key}", value) for key, value in told.items() if value],
                "status": {"code": _ERROR} if failed else {},
            }
        )

    def _written(self, spans: list[dict[str, Any]]) -> dict[str, Any]:
        """Return spans as OTLP's JSON encoding has them."""
        told = {"service.version": self._version, **self._collector.resource}
        own = [_attribute(name, value) for name, value in told.items()]
        scope = {"scope": {"name": "vendor", "version": self._version}, "spans": spans}
        return {"resourceSpans": [{"resource": {"attributes": own}, "scopeSpans": [scope]}]}


def _attribute(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}
