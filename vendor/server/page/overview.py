"""Overview: all that the page shows of a running service, as it is at one moment; no secret, and no identities."""

from __future__ import annotations

from dataclasses import asdict, dataclass, is_dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Any

from vendor.server import documents


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeSeen:
    """A scope: how many sessions are out, how many have ended, when the next one ends, how many holders are gone."""

    name: str
    description: str
    active: int
    expired: int
    stale: int
    next_expiry: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionSeen:
    """A region of a target, and whether it is left alone as it does not answer."""

    name: str
    left_alone: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetSeen:
    """A target: its regions, the requests that may be sent at this moment (None: no limit), its identity's health."""

    name: str
    regions: tuple[RegionSeen, ...]
    available: float | None
    requests_per_second: float | None
    healthy: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerSeen:
    """An issuer, and how many seconds old its keys are; None while it has none."""

    name: str
    url: str
    kind: str
    keys_age: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How many sessions end within one step of time, by scope."""

    begins: datetime
    ends: datetime
    counts: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What the service is doing."""

    now: datetime
    version: str
    why_not: str | None
    generation: int
    reloaded: datetime
    files: tuple[str, ...]
    problems: tuple[str, ...]
    store: str
    revocations: int
    scopes: tuple[ScopeSeen, ...]
    targets: tuple[TargetSeen, ...]
    issuers: tuple[IssuerSeen, ...]
    timeline: tuple[Ending, ...]

    def for_anybody(self) -> Overview:
        """Return what the metrics tell as well, and no more: nothing of what the configuration says, and no file."""
        return replace(
            self,
            files=(),
            problems=(),
            scopes=tuple(replace(one, description="") for one in self.scopes),
            issuers=tuple(replace(one, url="", kind="") for one in self.issuers),
        )

    def written(self) -> dict[str, Any]:
        """Return it as JSON has it: times as text, durations in seconds."""
        told: dict[str, Any] = _written(self)
        return told


def _written(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {name: _written(one) for name, one in asdict(value).items()}
    if isinstance(value, dict):
        return {name: _written(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_written(one) for one in value]
    if isinstance(value, datetime):
        return documents.timestamp(value)
    return value.value if isinstance(value, Enum) else value
