"""The exchange: the hallway that every door goes through. It orders the steps and holds no rule."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, Protocol

from vendor.audit import GIVES, Clock, Door, Entry, Ledger, Source
from vendor.credentials import Secret
from vendor.identity.token import digest
from vendor.leases.lease import Warrant
from vendor.leases.revocations import refusal_of
from vendor.policy.proof import NO_PROOF, Proof, bound
from vendor.policy.session import TOKEN
from vendor.refusals import IssuerUnavailable, MissingToken, PolicyTooLarge, Reason, Refusal, Revoked

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from collections.abc import Mapping as AbstractMapping
    from datetime import datetime

    from vendor.allowance import Allowance
    from vendor.identity.authentication import Authenticator
    from vendor.identity.issuer import Issuer
    from vendor.identity.principal import AttributeValue, Principal
    from vendor.leases.lease import Lease
    from vendor.leases.leases import Leases
    from vendor.leases.revocations import Revocations
    from vendor.policy.decision import Asked, Decision, Mapping
    from vendor.policy.granting import Permission
    from vendor.policy.session import RoleSession
    from vendor.refusals import RateLimited


class Request(NamedTuple):
    """One request as a door read it: `token` may be missing; `began` and `deadline` are monotonic seconds.

    `proof` is what STS itself wants to see of the caller, where it does; `then` is what the door needs to hand a lease
    out, and a part of the exchange: it raises Refusal too. `body` reads the rest of what is asked for, once it is known
    who asks: nobody else's is waited for. `parent` is the caller's `traceparent`, as it was sent. `refused` is why the
    door could not read all of it.
    """

    request_id: str
    door: Door
    token: str | None
    asked: Asked
    began: float
    deadline: float
    proof: Proof = NO_PROOF
    then: Callable[[Lease], Awaitable[None]] | None = None
    body: Callable[[], Awaitable[tuple[Asked, Proof]]] | None = None
    parent: str | None = None
    refused: Refusal | None = None


class Tracer(Protocol):
    """Follows each exchange through its steps."""

    def begin(self, parent: str | None, /) -> object:
        """Begin to follow an exchange, as a part of what its caller does."""
        ...

    def step(self, name: str, /) -> object:
        """Note that the exchange under way is at its next step."""
        ...


class Untraced:
    """Follows nothing, by a function of C's: it is called five times in each exchange."""

    begin = step = staticmethod(bool)


class Rules(NamedTuple):
    """What one generation of the configuration decides by."""

    authenticator: Authenticator
    mapping: Mapping


class Known(NamedTuple):
    """Who asks, and by which rules that is known."""

    rules: Rules
    principal: Principal


class Exchange:
    """Turns a request into a lease: authenticate, decide, open a session, lend, record."""

    def __init__(
        self,
        *,
        authenticator: Authenticator,
        mapping: Mapping,
        revocations: Revocations,
        allowance: Allowance,
        leases: Leases,
        ledger: Ledger,
        clock: Clock,
        tracer: Tracer | None = None,
    ) -> None:
        self._tracer = tracer or Untraced()
        self._rules = Rules(authenticator, mapping)
        self._revocations = revocations
        self._allowance = allowance
        self._leases = leases
        self._ledger = ledger
        self._clock = clock

    @property
    def mapping(self) -> Mapping:
        """The mapping by which is decided at this moment."""
        return self._rules.mapping

    def switch(self, *, authenticator: Authenticator, mapping: Mapping) -> None:
        """Decide by these from now on; what is under way is decided again (T19)."""
        self._rules = Rules(authenticator, mapping)

    def now(self) -> datetime:
        """Return the time by which exchanges are judged."""
        return self._clock.now()

    async def exchange(self, request: Request) -> Lease:
        """Return the lease that the request's token and scope are good for, once the audit line is written.

        Raises Refusal.
        """
        self._tracer.begin(request.parent)
        async with self._ledger.recorded(self._entry(request), began=request.began, deadline=request.deadline) as entry:
            if request.refused is not None:
                raise request.refused
            made = self._revocations.made
            known = await self._identify(request.token, entry.token_sha256, request.deadline)
            entry.principal = known.principal
            limited = self._allowance.spend(known.principal)
            if request.body is not None:
                entry.asked, proof = await request.body()
                request = request._replace(asked=entry.asked, proof=proof)
            lease = await self._lend(entry, known, request, limited)
            while known.rules is not self._rules:  # no answer is by a rule that is no longer (T19)
                _forget(entry)
                known = await self._identify(request.token, entry.token_sha256, request.deadline, known)
                lease = await self._lend(entry, known, request, limited)
            if self._revocations.made != made:
                self._revocations.refuse(known.principal, lease.session.scope)
            if limited is None and entry.source is Source.MEMORY and request.then is None:
                self._allowance.give_back(known.principal)
            entry.credentials, entry.minted = lease.credentials, lease.minted
            self._tracer.step("record")
        if self._revocations.made != made:  # while the line was written
            try:
                self._revocations.refuse(known.principal, lease.session.scope)
            except Revoked as refusal:
                self._ledger.withhold(entry, refusal)
                raise
        return lease

    async def authenticate(self, token: str | None, *, deadline: float) -> Principal:
        """Return who the token proves to be asking, by `deadline` on the monotonic clock.

        Raises Refusal.
        """
        return (await self._identify(token, token and digest(token), deadline)).principal

    async def admit(self, token: str | None, *, deadline: float) -> Principal:
        """Return who the token proves to be asking, if it does not ask too often.

        Raises Refusal.
        """
        principal = await self.authenticate(token, deadline=deadline)
        self._allowance.take(principal)
        return principal

    def explain(self, principal: Principal, asked: Asked) -> Decision:
        """Return what an exchange would be decided to now, and why; see `vendor.policy.decision.Mapping.explain`."""
        decision = self.mapping.explain(principal, asked)
        stopped = decision.permission and self._revocations.of(principal, decision.permission.scope.name)
        return replace(decision, refusal=refusal_of(stopped), session=None) if stopped else decision

    def audience(self, issuer_url: str) -> str | None:
        """Return the audience for which tokens of this `iss` are taken, None if none are."""
        return self._rules.authenticator.audience(issuer_url)

    def issuers(self, name: str | None) -> list[Issuer]:
        """Return the issuer of this name, or all of them for None."""
        return self._rules.authenticator.issuers(name)

    def suppose(self, issuer: str, given: AbstractMapping[str, AttributeValue]) -> Principal | None:
        """Return a principal that nobody proved; see `vendor.identity.authentication.Authenticator.suppose`."""
        return self._rules.authenticator.suppose(issuer, given)

    async def _lend(self, entry: Entry, known: Known, request: Request, limited: RateLimited | None) -> Lease:
        """Return a lease for who is known; who asks too often is lent what is held, or told that."""
        if limited is not None:
            return self._lend_held(limited, entry, known, request)
        permission, session, proof, warrant = self._decide(entry, known, request)
        self._tracer.step("lease")
        lease = self._leases.lend_held(session, proof=proof, warrant=warrant)
        if lease is not None:
            entry.source = Source.MEMORY
        while lease is None:
            try:
                lease, entry.source = await self._leases.lend(
                    session, deadline=request.deadline, proof=proof, warrant=warrant
                )
            except PolicyTooLarge as refusal:
                session = entry.session = known.rules.mapping.lighten(permission, session, refusal)
                self._tracer.step("lease")
        if request.then is not None:  # what the door needs to hand it out
            await request.then(lease)
        return lease

    def _lend_held(self, limited: RateLimited, entry: Entry, known: Known, request: Request) -> Lease:
        """Return a lease of what is held for who is known and asks too often, or raise that: all else costs more."""
        with suppress(Refusal):
            _, session, proof, warrant = self._decide(entry, known, request)
            lease = self._leases.lend_held(session, proof=proof, warrant=warrant, ageing=True)
            if lease is not None and request.then is None:
                entry.source = Source.MEMORY
                return lease
        raise limited

    def _decide(self, entry: Entry, known: Known, request: Request) -> tuple[Permission, RoleSession, Proof, Warrant]:
        """Return what a session is opened by and that session, what AWS is shown, and on whose word it is renewed."""
        rules, principal = known
        entry.principal, entry.generation = principal, rules.mapping.generation
        self._tracer.step("decide")
        permission, asked = rules.mapping.settle(principal, request.asked)
        entry.permission = permission
        self._revocations.refuse(principal, permission.scope.name)
        session = entry.session = bound(
            rules.mapping.open(permission, principal, asked, holder=self._leases),
            request.proof,
            gives=GIVES[request.door],
            aws_claims_sha256=principal.aws_claims_sha256,
        )
        proof = _with_token(request) if TOKEN in session.needs else request.proof
        return permission, session, proof, Warrant(permission.scope, principal.token_expires)

    async def _identify(
        self, token: str | None, sha256: str | None, deadline: float, known: Known | None = None
    ) -> Known:
        """Return who the token proves to be asking by the rules of this moment.

        Who was known by those of before stays known where the issuer's terms are the same: a one-time token proves
        nothing twice.
        """
        while known is None or known.rules is not self._rules:
            rules = self._rules
            if known is not None and rules.authenticator.agrees(known.rules.authenticator, known.principal):
                known = Known(rules, known.principal)
            else:
                self._tracer.step("authenticate")
                principal = rules.authenticator.recall(sha256) if sha256 else None
                if principal is None:
                    principal = await self._authenticate(rules.authenticator, token, deadline)
                known = Known(rules, principal)
        return known

    async def _authenticate(self, authenticator: Authenticator, token: str | None, deadline: float) -> Principal:
        if token is None:
            raise MissingToken(Reason.NO_TOKEN)
        try:
            async with asyncio.timeout(max(0.0, deadline - self._clock.monotonic())):
                return await authenticator.authenticate(token)
        except TimeoutError as exc:
            raise IssuerUnavailable(
                Reason.DEADLINE, detail="neither keys nor review of the token came in time"
            ) from exc

    def _entry(self, request: Request) -> Entry:
        return Entry(
            time=self._clock.now(),
            request_id=request.request_id,
            door=request.door,
            asked=request.asked,
            generation=self._rules.mapping.generation,
            token_sha256=None if request.token is None else digest(request.token),
        )


def _with_token(request: Request) -> Proof:
    """Return what AWS is shown of the caller where it is asked about the token."""
    return replace(request.proof, token=None if request.token is None else Secret(request.token))


def _forget(entry: Entry) -> None:
    """Make an entry one of which nothing is known yet."""
    entry.principal = entry.permission = entry.session = entry.source = None
