"""Sources: where the service's own identity comes from. Each is asked for its keys anew before every call."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Protocol

from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import NoCredentialsError

from vendor.leases.lane import Lane
from vendor.mint.own import OwnSession
from vendor.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiobotocore.session import AioSession

    from vendor.mint.asking import Asking, Clock

AHEAD: Final = 900.0
"""Seconds before their end from which keys are renewed, or half of their life if that is less."""
AGAIN: Final = 5.0
"""Seconds between attempts to renew keys that are still good."""
NEWER: Final = 2.0
"""Seconds for which newer keys are looked for where there are some that may do."""


class Source(Protocol):
    """Gives keys."""

    async def keys(self) -> ReadOnlyCredentials:
        """Return keys that are good at this moment; it is quick for as long as they are.

        Raises Refusal, or what botocore and files raise.
        """
        ...

    def forget(self) -> None:
        """Look for keys anew next time: those that were given are no longer good."""
        ...

    def renew(self) -> None:
        """Look for newer keys next time, and give those that were given on if there are none."""
        ...


class Ambient:
    """What botocore finds: environment, profile, web identity file, container or instance role.

    `make` makes a session that has read no file yet.
    """

    def __init__(self, *, make: Callable[[], AioSession]) -> None:
        self._make = make
        self._found: Any = None
        self._before: Any = None
        self._looking = asyncio.Lock()

    async def keys(self) -> ReadOnlyCredentials:
        """Return keys that botocore keeps fresh; see `Source.keys`."""
        found = self._found or await self._find()
        keys: ReadOnlyCredentials = await found.get_frozen_credentials()
        return keys

    def forget(self) -> None:
        """Read environment and files anew next time."""
        self._found = self._before = None

    def renew(self) -> None:
        """Read them anew next time, but go on with what they said if they say nothing."""
        self._found, self._before = None, self._found or self._before

    async def _find(self) -> Any:
        if self._before is not None and self._looking.locked():
            return self._before  # one who looks for something newer is enough
        async with self._looking:
            if self._found is None:
                self._found = await (self._looked() if self._before is None else self._newer(self._before))
            if self._found is None:
                raise NoCredentialsError
            return self._found

    async def _looked(self) -> Any:
        aws = await asyncio.to_thread(self._make)
        return await aws.get_credentials()

    async def _newer(self, before: Any) -> Any:
        """Return what is found now if that has keys in time, what was found before otherwise."""
        try:
            async with asyncio.timeout(NEWER):
                found = await self._looked()
                await found.get_frozen_credentials()
        except Exception:  # noqa: BLE001 - whatever the many ways to an identity let through
            return before
        return found


class AccessKey:
    """A key whose secret is in a file, read again when that has changed."""

    def __init__(self, *, access_key_id: str, read: Callable[[], bytes]) -> None:
        self._id = access_key_id
        self._read = read

    async def keys(self) -> ReadOnlyCredentials:
        """Return the key; see `Source.keys`."""
        return ReadOnlyCredentials(self._id, _text(self._read()), None)

    def forget(self) -> None:
        """Do nothing: the file is followed."""

    def renew(self) -> None:
        """Do nothing: it is a key that lasts."""


class TokenFile:
    """Sessions of a role for the token in a file, which others renew: projected into a pod, say."""

    def __init__(self, *, role: str, read: Callable[[], bytes], asking: Callable[[], Asking], clock: Clock) -> None:
        self._role = role
        self._read = read
        self._asking = asking
        self._clock = clock
        self._keys: ReadOnlyCredentials | None = None
        self._ends = self._renews = float("-inf")
        self._renewing = asyncio.Lock()

    async def keys(self) -> ReadOnlyCredentials:
        """Return keys of a session; a new one is asked for well before the last one ends."""
        if self._keys is None or (now := self._clock.monotonic()) >= self._renews:
            if self._keys is not None and self._renewing.locked() and now < self._ends:
                return self._keys  # one who asks for a newer session is enough
            async with self._renewing:
                if self._keys is None or self._clock.monotonic() >= self._renews:
                    return await self._renewed()
        return self._keys

    def forget(self) -> None:
        """Ask for a new session next time."""
        self._keys = None

    def renew(self) -> None:
        """Ask for a new one next time, but use this one on if there is none to be had."""
        self._renews = float("-inf")

    async def _renewed(self) -> ReadOnlyCredentials:
        began = self._clock.monotonic()
        try:
            call = OwnSession(self._role, _text(self._read()))
            made = await self._asking().ask(call, lane=Lane.RENEWAL, whom=("", ""))
        except (Refusal, OSError, ValueError):
            if self._keys is None or began >= self._ends:
                raise
            self._renews = began + AGAIN
            return self._keys
        life = (made.expiration - self._clock.now()).total_seconds()
        self._ends, self._renews = began + life, began + life - min(AHEAD, life / 2)
        secret, token = made.secret_access_key.reveal(), made.session_token.reveal()
        self._keys = ReadOnlyCredentials(made.access_key_id, secret, token)
        return self._keys


def _text(raw: bytes) -> str:
    """Return the text of a file that holds one word.

    Raises ValueError.
    """
    text = raw.decode().strip()
    if not text:
        raise ValueError("its file is empty")
    return text
