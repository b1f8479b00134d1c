"""Issuers as the tests of identity need them: one sound example, with what a test cares about changed."""

from __future__ import annotations

import ssl
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from vendor.identity.authentication import Authenticator, TrustedIssuer
from vendor.identity.issuer import DiscoveredKeys, Issuer, Kind
from vendor.identity.keys import IssuerKeys
from vendor.identity.token import UnverifiedToken

if TYPE_CHECKING:
    from tests.fakes.clock import Clock
    from tests.fakes.issuer import Issuer as FakeIssuer

# Reading the system's certificates takes longer than most tests do.
_TLS = ssl.create_default_context()
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


def keys(of: Issuer, clock: Clock, report: Report | None = None, **parts: Any) -> IssuerKeys:
    """Return the keys of an issuer, not fetched yet."""
    chosen = {"tls": _TLS, "jitter": lambda: 0.0, **parts}
    return IssuerKeys(issuer=of, clock=clock, report=report or Report(), **chosen)


def trusting(*fakes: FakeIssuer, clock: Clock, capacity: int = 10_000, **changes: Any) -> Authenticator:
    """Return an authenticator that trusts running fakes, named a, b and so on."""
    found = [issuer(**{"url": fake.issuer, "name": name, **changes}) for name, fake in zip("abc", fakes, strict=False)]
    trusted = {one.url: TrustedIssuer(issuer=one, keys=keys(one, clock)) for one in found}
    return Authenticator(issuers=trusted, clock=clock, capacity=capacity)


def unverified(said: dict[str, Any], *, url: str = _ISSUER.url, **changes: Any) -> UnverifiedToken:
    """Return a token of these claims as if it had been parsed; a claim of None is left out."""
    kept = {name: value for name, value in said.items() if value is not None}
    known = {"sha256": "a" * 64, "signing_input": b"", "signature": b"", "algorithm": "RS256", "key_id": "key-1"}
    return UnverifiedToken(**{**known, "kind": "jwt", "issuer": url, "claims": kept, **changes})
