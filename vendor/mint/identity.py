"""The service's own identity: whose signature its requests to STS bear."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Protocol

from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from vendor.refusals import Reason, StsUnavailable

if TYPE_CHECKING:
    from aiobotocore.session import AioSession

    from vendor.mint.call import Call

LOOKED_AGAIN: Final = 5.0
"""Seconds for which it is not looked for again after it was not found."""


class Clock(Protocol):
    """Time that never steps."""

    def monotonic(self) -> float:
        """Return seconds since some fixed moment."""
        ...


class Identity:
    """What botocore finds: environment, profile, web identity file, container or instance role."""

    def __init__(self, *, aws: AioSession, clock: Clock) -> None:
        self._aws = aws
        self._clock = clock
        self._found: Any = None
        self._looking = asyncio.Lock()
        self._looked = float("-inf")

    async def keys_of(self, call: Call[Any]) -> ReadOnlyCredentials | None:
        """Return the keys that sign a call: those it brings or the service's own, None if it bears no signature.

        Raises StsUnavailable.
        """
        if not call.signed:
            return None
        signer = call.signer
        if signer is None:
            return await self.keys()
        return ReadOnlyCredentials(
            signer.access_key_id, signer.secret_access_key.reveal(), signer.session_token.reveal()
        )

    async def keys(self) -> ReadOnlyCredentials:
        """Return keys that are good at this moment.

        Raises StsUnavailable.
        """
        try:
            found = self._found or await self._find()
            keys: ReadOnlyCredentials = await found.get_frozen_credentials()
        except (BotoCoreError, ClientError, OSError, ValueError) as exc:
            said = f"{type(exc).__name__}: {exc}".partition("\n")[0][:300]
            detail = f"the service has no AWS identity of its own: {said}"
            raise StsUnavailable(Reason.BASE_IDENTITY, detail=detail) from exc
        return keys

    async def _find(self) -> Any:
        async with self._looking:
            if self._found is None and self._clock.monotonic() - self._looked >= LOOKED_AGAIN:
                self._found = await self._aws.get_credentials()
                self._looked = self._clock.monotonic()
            if self._found is None:
                raise NoCredentialsError
            return self._found
