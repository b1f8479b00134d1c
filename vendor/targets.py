"""The part of the composition root that is about targets: the STS of each, and its budget."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from vendor.files import Followed
from vendor.identities import identity_of
from vendor.leases.lane import Lane
from vendor.mint import cognito, organizations
from vendor.mint.asking import Asking
from vendor.mint.budget import Budget
from vendor.mint.calls import Calls
from vendor.mint.console import Console
from vendor.mint.devices import Devices
from vendor.mint.endpoint import Options
from vendor.mint.own import WhoAmI
from vendor.mint.sts import Sts
from vendor.policy.fingerprint import fingerprint
from vendor.policy.session import BROUGHT
from vendor.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aiobotocore.session import AioSession

    from vendor.config import Configuration
    from vendor.config.values import Target
    from vendor.leases.lease import Lease
    from vendor.mint.asking import Clock
    from vendor.mint.chain import Chain
    from vendor.mint.identity import Identity
    from vendor.mint.regions import Region

LISTED: Final = 5.0
"""Requests in a second that an organization is asked: AWS grants few to all who ask it."""


FOUND_WITHIN: Final = 1.0
"""Seconds for which an identity is waited for before others may ask; it is looked for on."""


@dataclass(slots=True, eq=False)
class _Part:
    """One target and what mints with it; `following` looks after its identity."""

    target: Target
    budget: Budget
    identity: Identity
    asking: Asking
    sts: Sts
    console: Console
    organizations: Asking
    following: asyncio.Task[None] | None = None

    async def open(self, *, signs: bool) -> None:
        """Make ready, and begin to look after the identity if it signs, which is there at once in most places."""
        await self.sts.open()
        if signs and self.following is None:
            with suppress(Refusal, TimeoutError):
                async with asyncio.timeout(FOUND_WITHIN):
                    await self.identity.keys()
            self.following = asyncio.create_task(self.identity.follow(self._who_am_i))

    async def close(self) -> None:
        """Let go."""
        if self.following is not None:
            self.following.cancel()
            await asyncio.gather(self.following, return_exceptions=True)
        await self.sts.close()
        await self.organizations.close()

    async def _who_am_i(self) -> str:
        return await self.asking.ask(WhoAmI(), lane=Lane.AHEAD, whom=("", ""))


class Targets:
    """What mints with every configured target; a target that has not changed since `before` keeps its own.

    At those that are `unsigned` nobody asks for anything in the service's own name, so no identity is looked for.
    """

    def __init__(
        self,
        targets: Mapping[str, Target],
        *,
        aws: AioSession,
        clock: Clock,
        report: Callable[[str, str, str, str, float], None],
        chain: Chain,
        told: Callable[[Identity], None] = lambda _identity: None,
        dated: Callable[[str, str | None], None] = lambda _target, _date: None,
        unsigned: frozenset[str] = frozenset(),
        before: Targets | None = None,
    ) -> None:
        self._aws = aws
        self._clock = clock
        self._report = report
        self._chain = chain
        self._unsigned = unsigned
        self.devices: Devices = Devices(read=_read) if before is None else before.devices
        self._told = told
        self._dated = dated
        known = {} if before is None else before.parts
        self.parts: dict[str, _Part] = {
            name: part if (part := known.get(name)) is not None and part.target == target else self._part(target)
            for name, target in targets.items()
        }

    @property
    def budgets(self) -> Mapping[str, Budget]:
        """The budget of each target."""
        return {name: part.budget for name, part in self.parts.items()}

    @property
    def available(self) -> Mapping[str, Callable[[], float]]:
        """What tells how many requests each target may be sent at this moment."""
        return {name: part.budget.available for name, part in self.parts.items()}

    @property
    def breakers(self) -> Mapping[tuple[str, str], Callable[[], float]]:
        """What tells, by target and region, whether it is left alone at this moment."""
        return {
            (name, region.name): partial(_is_open, region)
            for name, part in self.parts.items()
            for region in part.asking.regions
        }

    @property
    def healthy(self) -> Mapping[str, Callable[[], float]]:
        """What tells whether the service's identity at each target is good at this moment."""
        signing = {name: part for name, part in self.parts.items() if name not in self._unsigned}
        return {name: partial(_is_healthy, part.identity) for name, part in signing.items()}

    def is_chained(self, name: str) -> bool | None:
        """Tell whether the service is itself the session of a role at a target, None as long as nobody knows."""
        identity = self.parts[name].identity if name in self.parts else None
        if identity is None:
            return False
        return identity.known_chained

    def find(self, name: str) -> Sts | None:
        """Return the STS of a target, None if there is no such target."""
        return self.parts[name].sts if name in self.parts else None

    def organizations(self, name: str) -> Asking:
        """Return what asks for the organization of a target."""
        return self.parts[name].organizations

    async def link(self, lease: Lease) -> str:
        """Return a link to the console for what was lent; see `vendor.mint.console.Console.link`."""
        return await self.parts[lease.session.target].console.link(lease.credentials)

    async def open(self) -> None:
        """Make ready what is not yet."""
        for name, part in self.parts.items():
            await part.open(signs=name not in self._unsigned)

    async def close(self, *, after: Targets | None = None) -> None:
        """Let go; but of what is still used `after` this."""
        stays = [] if after is None else list(after.parts.values())
        await asyncio.gather(*(part.close() for part in self.parts.values() if part not in stays))

    def _part(self, target: Target) -> _Part:
        identity = identity_of(target, asking=lambda: asking, clock=self._clock, told=self._told)
        budget = Budget(most=target.requests_per_second, clock=self._clock)
        calls = Calls(
            identity=identity,
            chain=self._chain,
            devices=self.devices,
            read=_read,
            clock=self._clock,
            terms=fingerprint(target),
            told="assumed_role_user" in target.features,
        )
        asking = self._asking(target, "sts", identity, budget)
        pools = self._asking(target, cognito.SERVICE, identity, Budget(most=None, clock=self._clock))
        listing = self._asking(target, organizations.SERVICE, identity, Budget(most=LISTED, clock=self._clock))
        sts = Sts(asking=asking, pools=pools, calls=calls)
        return _Part(target, budget, identity, asking, sts, self._console(target), listing)

    def _console(self, target: Target) -> Console:
        return Console(
            partition=target.partition,
            url=target.federation_url,
            foreign=target.endpoint_url is not None,
            tls=ssl.create_default_context(cadata=target.authorities) if target.authorities else True,
            clock=self._clock,
            report=partial(self._report, target.name, target.regions[0]),
        )

    def _asking(self, target: Target, service: str, identity: Identity, budget: Budget) -> Asking:
        return Asking(
            target=target.name,
            endpoint_url=target.endpoint_url,
            regions=target.regions,
            budget=budget,
            identity=identity,
            aws=self._aws,
            clock=self._clock,
            report=self._report,
            dated=self._dated,
            options=Options(service, target.authorities, target.fips, target.dualstack),
        )


def _is_healthy(identity: Identity) -> float:
    return float(identity.healthy)


def unsigned(configuration: Configuration) -> frozenset[str]:
    """Return the targets of which all scopes are minted by what the caller brings."""
    scopes = configuration.scopes.values()
    used = {scope.target for scope in scopes}
    signing = {scope.target for scope in scopes if scope.mint.action not in BROUGHT}
    listing = {one.organization.target for scope in scopes for one in scope.parameters if one.organization}
    return frozenset(used - signing - listing)


def _is_open(region: Region) -> float:
    return float(region.breaker.open)


def _read(path: str) -> bytes:
    """Return what a file holds at this moment: what mints are shown is kept by nobody."""
    return Followed(path).read()
