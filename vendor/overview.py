"""Gathers what the page shows of a running service, all of it at hand: nobody is asked for anything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import inf
from typing import TYPE_CHECKING, Final

from vendor.server.page.overview import Ending, IssuerSeen, Overview, RegionSeen, ScopeSeen, TargetSeen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vendor.config import Configuration
    from vendor.generations import Generations
    from vendor.issuers import Issuers
    from vendor.leases.expiry import ExpiryLedger
    from vendor.targets import Targets

STEP: Final = timedelta(minutes=15)
STEPS: Final = 24
"""What the timeline shows: six hours in quarters of an hour."""


def gather(
    generations: Generations,
    *,
    expiry: ExpiryLedger,
    stale: Callable[[], Mapping[str, int]],
    now: datetime,
    version: str,
    why_not: str | None,
    problems: tuple[str, ...],
    revocations: int,
) -> Overview:
    """Return what there is to see at this moment."""
    serving = generations.serving
    configuration = serving.configuration
    return Overview(
        now=now,
        version=version,
        why_not=why_not,
        generation=serving.mapping.generation,
        reloaded=generations.since,
        files=tuple(str(path) for path in configuration.files),
        problems=problems,
        store="memory of this process" if configuration.store is None else "shared by the replicas",
        revocations=revocations,
        scopes=_scopes(configuration, expiry, stale()),
        targets=_targets(configuration, serving.targets),
        issuers=_issuers(configuration, serving.issuers),
        timeline=_timeline(expiry, now),
    )


def _scopes(configuration: Configuration, expiry: ExpiryLedger, stale: Mapping[str, int]) -> tuple[ScopeSeen, ...]:
    active, expired, ends = expiry.active(), expiry.expired(), expiry.next_expiry()
    named = dict.fromkeys((*configuration.scopes, *(name for name, count in active.items() if count)))
    return tuple(
        ScopeSeen(
            name=name,
            description=configuration.scopes[name].description
            if name in configuration.scopes
            else "no longer configured",
            active=active.get(name, 0),
            expired=expired.get(name, 0),
            stale=stale.get(name, 0),
            next_expiry=datetime.fromtimestamp(ends[name], UTC) if name in ends else None,
        )
        for name in named
    )


def _targets(configuration: Configuration, targets: Targets) -> tuple[TargetSeen, ...]:
    budgets, breakers, healthy = targets.available, targets.breakers, targets.healthy
    seen = []
    for name, target in configuration.targets.items():
        available = budgets[name]() if name in budgets else inf
        regions = tuple(
            RegionSeen(name=region, left_alone=bool(is_open()))
            for (whose, region), is_open in breakers.items()
            if whose == name
        )
        seen.append(
            TargetSeen(
                name=name,
                regions=regions,
                available=None if available == inf else available,
                requests_per_second=target.requests_per_second,
                healthy=name not in healthy or bool(healthy[name]()),
            )
        )
    return tuple(seen)


def _issuers(configuration: Configuration, issuers: Issuers) -> tuple[IssuerSeen, ...]:
    ages = issuers.ages
    seen = []
    for name, issuer in configuration.issuers.items():
        age = ages[name]() if name in ages else inf
        known = age if age == age and age != inf else None  # noqa: PLR0124 - NaN is what equals nothing
        seen.append(IssuerSeen(name=name, url=issuer.url, kind=issuer.kind.value, keys_age=known))
    return tuple(seen)


def _timeline(expiry: ExpiryLedger, now: datetime) -> tuple[Ending, ...]:
    counts = expiry.timeline(STEP.total_seconds(), STEPS)
    return tuple(
        Ending(
            begins=now + STEP * number,
            ends=now + STEP * (number + 1),
            counts=tuple((scope, ending[number]) for scope, ending in counts.items() if ending[number]),
        )
        for number in range(STEPS)
    )
