"""Issuers as the tests of identity need them: one sound example, with what a test cares about changed."""

from __future__ import annotations

import ssl
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from vendor.identity.authentication import Authenticator, TrustedIssuer
from vendor.identity.issuer import DiscoveredKeys, Issuer, Kind
from vendor.identity.keys import IssuerKeys

if TYPE_CHECKING:
    from tests.fakes.clock import Clock
    from tests.fakes.issuer import Issuer as FakeIssuer

_ISSUER = Issuer(
    name="cluster-a",
    url="https://oidc.example.com/id/AAA",
    audience="vendor",
    kind=Kind.KUBERNETES,
    keys=DiscoveredKeys(),
    algorithms=("RS256",),
    extra_attributes=(),
    max_token_lifetime=timedelta(hours=24),
    leeway=timedelta(seconds=30),
    strict_aud=True,
    allow_private_addresses=True,
)


def issuer(**changes: Any) -> Issuer:
    """Return an issuer whose keys may be fetched from loopback."""
    return replace(_ISSUER, **changes)


class Report:
    """What keys told of their fetches."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, str]] = []

    def __call__(self, issuer: str, result: str, detail: str) -> None:
        self.told.append((issuer, result, detail))

    @property
    def results(self) -> list[str]:
        """The results alone."""
        return [result for _, result, _ in self.told]


def keys(of: Issuer, clock: Clock, report: Report | None = None) -> IssuerKeys:
    """Return the keys of an issuer, not fetched yet."""
    return IssuerKeys(issuer=of, clock=clock, tls=ssl.create_default_context(), report=report or Report())


def trusting(*fakes: FakeIssuer, clock: Clock, capacity: int = 10_000, **changes: Any) -> Authenticator:
    """Return an authenticator that trusts running fakes, named a, b and so on."""
    found = [issuer(**{"url": fake.issuer, "name": name, **changes}) for name, fake in zip("abc", fakes, strict=False)]
    trusted = {one.url: TrustedIssuer(issuer=one, keys=keys(one, clock)) for one in found}
    return Authenticator(issuers=trusted, clock=clock, capacity=capacity)
