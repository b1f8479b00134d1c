"""The part of the composition root that is about organizations: their accounts, listed again and again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Protocol

from vendor.mint import organizations
from vendor.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from vendor.mint.asking import Asking
    from vendor.policy.grant import Scope
    from vendor.policy.parameter import Organization

REFRESH: Final = 300.0
"""Seconds after which a list is made anew."""
AGAIN: Final = 30.0
"""Seconds after which a list that could not be made is tried again."""
LOOK: Final = 1.0
"""Seconds between looks at what is due."""


class Clock(Protocol):
    """Time that never steps."""

    def monotonic(self) -> float:
        """Return seconds since some fixed moment."""
        ...


class _Listed:
    """What is known of one organization; times are monotonic."""

    def __init__(self) -> None:
        self.accounts: frozenset[str] | None = None
        self.since = float("-inf")
        self.due = float("-inf")


class Accounts:
    """The accounts of the organizations that scopes name.

    `asking` asks a target by its name, `told` is told target, result and detail of each list. A list that cannot be
    made anew stays as it is; one that never was is known to nobody.
    """

    def __init__(self, *, asking: Callable[[str], Asking], clock: Clock, told: Callable[[str, str, str], None]) -> None:
        self._asking = asking
        self._clock = clock
        self._told = told
        self._listed: dict[Organization, _Listed] = {}
        self._places: dict[tuple[str, str], Organization] = {}

    def serve(self, scopes: Iterable[Scope]) -> None:
        """Know the organizations of these scopes from now on, and keep what is known of them already."""
        self._places = {
            (scope.name, parameter.name): parameter.organization
            for scope in scopes
            for parameter in scope.parameters
            if parameter.organization is not None
        }
        wanted = set(self._places.values())
        self._listed = {one: self._listed.get(one) or _Listed() for one in wanted}

    def known(self, organization: Organization) -> frozenset[str] | None:
        """Return the accounts of an organization, None if they were never listed."""
        listed = self._listed.get(organization)
        return None if listed is None else listed.accounts

    @property
    def ages(self) -> Mapping[tuple[str, str], Callable[[], float]]:
        """What tells, by scope and parameter, how old the list is, infinite if there is none."""
        return {place: self._age(one) for place, one in self._places.items()}

    @property
    def counts(self) -> Mapping[tuple[str, str], Callable[[], float]]:
        """What tells, by scope and parameter, how many accounts are listed."""
        return {place: self._count(one) for place, one in self._places.items()}

    async def follow(self) -> None:
        """List what is due, for ever."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK)

    async def look(self) -> None:
        """List what is due."""
        for organization, listed in list(self._listed.items()):
            if self._clock.monotonic() >= listed.due:
                await self._list(organization, listed)

    async def _list(self, organization: Organization, listed: _Listed) -> None:
        result, detail, again = "failed", "", AGAIN
        try:
            listed.accounts = await organizations.accounts(organization, asking=self._asking(organization.target))
            listed.since = self._clock.monotonic()
            result, again = "ok", REFRESH
        except (Refusal, KeyError) as exc:  # a target may have gone with a reload
            detail = exc.detail if isinstance(exc, Refusal) else f"there is no target {organization.target}"
        listed.due = self._clock.monotonic() + again
        self._told(organization.target, result, detail)

    def _age(self, organization: Organization) -> Callable[[], float]:
        return lambda: self._clock.monotonic() - self._listed[organization].since

    def _count(self, organization: Organization) -> Callable[[], float]:
        return lambda: float(len(self._listed[organization].accounts or ()))
