"""Calls: what is asked of AWS for a session, and what it is shown with it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol

from vendor.credentials import Secret
from vendor.mint.assume_role import AssumeRole
from vendor.mint.federation_token import FederationToken
from vendor.mint.identity_token import IdentityToken
from vendor.mint.root import Root
from vendor.mint.saml import Saml
from vendor.mint.session_token import SessionToken
from vendor.mint.web_identity import WebIdentity
from vendor.policy.session import Action
from vendor.refusals import InvalidRequest, Reason, RoleRefused, StsUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from vendor.credentials import Credentials
    from vendor.mint.call import Call
    from vendor.mint.chain import Chain
    from vendor.mint.devices import Devices
    from vendor.mint.identity import Identity
    from vendor.policy.proof import Proof
    from vendor.policy.session import Provider, RoleSession
    from vendor.refusals import Refusal

LONG_TERM: Final = frozenset({Action.SESSION_TOKEN, Action.FEDERATION_TOKEN})
"""What AWS gives to users with long-term keys only."""


class Clock(Protocol):
    """Wall-clock time."""

    def now(self) -> datetime:
        """Return the time as an aware datetime in UTC."""
        ...


class Calls:
    """Makes the requests of one target.

    `read` reads the file of an assertion; `terms` is a fingerprint of the target; `told` says whether its answers tell
    whose session they are about.
    """

    def __init__(
        self,
        *,
        identity: Identity,
        chain: Chain,
        devices: Devices,
        read: Callable[[str], bytes],
        clock: Clock,
        terms: str = "",
        told: bool = True,
    ) -> None:
        self._identity = identity
        self._chain = chain
        self._devices = devices
        self._read = read
        self._clock = clock
        self._terms = terms
        self._told = told

    async def of(self, session: RoleSession, proof: Proof) -> Call[Credentials]:
        """Return the request for a session.

        Raises InvalidRequest where the caller's part is missing, RoleRefused where the service's own identity cannot
        ask for it, and whatever the roles on the way are refused with.
        """
        if session.action in LONG_TERM:
            await self._refuse_role_session(session.action)
        if session.provider is not None:
            return self._saml(session, session.provider, proof)
        if session.signing is not None:
            return IdentityToken(session, session.signing)
        if session.action is Action.WEB_IDENTITY:
            return WebIdentity(session, token=brought(proof.token, "the caller's token"), told=self._told)
        return await self._signed(session, proof)

    async def mend(self, session: RoleSession, refusal: Refusal, *, of: Call[Credentials]) -> bool:
        """Tell whether a request for the session that is made anew may fare better than the one that was refused."""
        if of.signer is None:
            return False
        return await self._chain.mend(session, refusal, signer=of.signer, terms=self._terms)

    async def _signed(self, session: RoleSession, proof: Proof) -> Call[Credentials]:
        match session.action:
            case Action.SESSION_TOKEN:
                return SessionToken(session, code=self._code(session, proof))
            case Action.FEDERATION_TOKEN:
                return FederationToken(session)
            case Action.ROOT:
                return Root(session)
            case _:
                return await self._assume_role(session, proof)

    async def _assume_role(self, session: RoleSession, proof: Proof) -> AssumeRole:
        signer = await self._chain.signer(session, terms=self._terms, proof=proof)
        code = self._code(session, proof) if signer is None else None  # a device speaks for the service itself
        return AssumeRole(session, signer=signer, code=code, told=self._told)

    def _code(self, session: RoleSession, proof: Proof) -> Secret | None:
        """Return the code of the session's device: ours, or the one that the caller brought."""
        if session.mfa is None:
            return None
        if session.mfa.secret_file is None:
            return brought(proof.mfa_code, "mfa_code")
        return self._devices.code(session.mfa, self._clock.now())

    def _saml(self, session: RoleSession, provider: Provider, proof: Proof) -> Saml:
        path = provider.assertion_file
        if path is None:
            return Saml(session, provider, assertion=brought(proof.saml_assertion, "saml_assertion"))
        try:
            assertion = Secret("".join(self._read(path).decode("ascii").split()))
            return Saml(session, provider, assertion=assertion)
        except (OSError, UnicodeDecodeError, InvalidRequest) as exc:
            detail = f"no assertion can be read from {path}: {type(exc).__name__}"
            raise StsUnavailable(Reason.BASE_IDENTITY, detail=detail) from exc

    async def _refuse_role_session(self, action: Action) -> None:
        """Refuse what a role's session cannot have, in plainer words than AWS's."""
        token = None
        with suppress(StsUnavailable):  # asking says so in a moment, and to the metrics too
            token = (await self._identity.keys()).token
        if token:
            public = "this scope needs the service to have an IAM user's keys, and it has a role's session"
            raise RoleRefused(Reason.BASE_IDENTITY, public, detail=f"{action} is for long-term keys only")


def brought(secret: Secret | None, what: str) -> Secret:
    """Return what the caller brought.

    Raises InvalidRequest where it is not there: who renews with nobody there cannot show it.
    """
    if secret is None:
        raise InvalidRequest(Reason.MISSING_PROOF, f"this scope needs {what} each time")
    return secret
