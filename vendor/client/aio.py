"""The client for programs on asyncio: the same wire, in threads that never keep the program from its end."""

from __future__ import annotations

import asyncio
import contextlib
import threading

from vendor.client.client import Client

TYPE_CHECKING = False  # as in address.py
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import timedelta
    from os import PathLike
    from typing import TypeVar

    from vendor.client.console import SignIn
    from vendor.client.credentials import Credentials
    from vendor.client.identity import IdentityToken
    from vendor.client.scope import Scope

    T = TypeVar("T")

_AT_A_TIME = 16


class AsyncClient:
    """The twin of Client: the same arguments, what it asks for to be awaited; it serves one event loop.

    A call that is cancelled returns at once; its request ends by its own time-out, unheard.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        token_file: str | PathLike[str] | None = None,
        token: str | None = None,
        ca_file: str | PathLike[str] | None = None,
        timeout: float | None = None,  # of the requests, not of a coroutine
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._client = Client(
            url, token_file=token_file, token=token, ca_file=ca_file, timeout=timeout, environ=environ
        )
        self._room = asyncio.Semaphore(_AT_A_TIME)

    async def credentials(
        self, scope: str | None = None, *, duration: timedelta | int | None = None, **parameters: str
    ) -> Credentials:
        """Fresh credentials; see Client.credentials."""
        return await self.ask(scope, parameters=parameters, duration=duration)

    async def ask(
        self,
        scope: str | None,
        *,
        parameters: Mapping[str, str],
        duration: timedelta | int | None = None,
        proof: Mapping[str, str] | None = None,
    ) -> Credentials:
        """Do as `credentials` does, for any names of parameters; see Client.ask."""
        async with self._room:
            return await in_thread(
                lambda: self._client.ask(scope, parameters=parameters, duration=duration, proof=proof)
            )

    async def document(
        self,
        scope: str | None,
        *,
        parameters: Mapping[str, str],
        duration: timedelta | int | None = None,
        proof: Mapping[str, str] | None = None,
    ) -> dict[str, str]:
        """Return the service's answer as it is; see Client.document."""
        async with self._room:
            return await in_thread(
                lambda: self._client.document(scope, parameters=parameters, duration=duration, proof=proof)
            )

    async def identity_token(
        self, scope: str | None = None, *, duration: timedelta | int | None = None, **parameters: str
    ) -> IdentityToken:
        """Return a token that AWS has signed; see Client.identity_token."""
        async with self._room:
            return await in_thread(lambda: self._client.identity_token(scope, duration=duration, **parameters))

    async def scopes(self) -> list[Scope]:
        """Return the scopes that this workload may have."""
        async with self._room:
            return await in_thread(self._client.scopes)

    async def console(
        self,
        scope: str | None = None,
        *,
        parameters: Mapping[str, str] | None = None,
        duration: timedelta | int | None = None,
    ) -> SignIn:
        """Return a URL that opens the AWS console; see Client.console."""
        async with self._room:
            return await in_thread(lambda: self._client.console(scope, parameters=parameters, duration=duration))


async def in_thread(call: Callable[[], T]) -> T:
    """Return what a call returns that blocks, made in a thread of its own.

    Not in the loop's executor: a service that hangs would keep others out of it, and the program from ending.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(told: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(lambda: None if future.done() else told())

    def run() -> None:
        try:
            result = call()
        except Exception as exc:  # noqa: BLE001  # raised where it is awaited
            failure = exc  # the name `exc` ends with this block
            settle(lambda: future.set_exception(failure))
        else:
            settle(lambda: future.set_result(result))

    threading.Thread(target=run, name="vend", daemon=True).start()
    return await future
