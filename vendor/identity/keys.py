"""The keys of one issuer: fetched, kept on failure, refreshed in the background, never mixed with another issuer's."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Final, Protocol, assert_never

from vendor.identity import fetch, jwks
from vendor.identity.issuer import ApiServerKeys, DiscoveredKeys, GivenKeys, KeysAt
from vendor.refusals import InvalidToken, IssuerUnavailable, Reason

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable

    from vendor.identity.authentication import VerificationKey
    from vendor.identity.issuer import Issuer
    from vendor.identity.jwks import KeySet

UNKNOWN_PAUSE: Final = 30.0
"""Seconds in which unknown key ids cause at most one fetch."""
RETRY_PAUSE: Final = 5.0
"""Seconds between fetches of a set that is missing or old: sooner, as an honest token may be waiting for it."""
FRESH: Final = 300.0
"""Seconds after which a set is fetched again in the background."""
STALE: Final = 24 * 3600.0
"""Seconds for which a set serves while it cannot be fetched."""
LONGEST_DISCOVERY: Final = 64 * 1024
"""Bytes of the largest discovery document that is read."""


class Clock(Protocol):
    """Time that never steps."""

    def monotonic(self) -> float:
        """Return seconds since some fixed moment."""
        ...


class IssuerKeys:
    """The set of one issuer's keys; see `vendor.identity.authentication.Keys`.

    `report` is told the result of each fetch, one of `ok` and `failed`, with the reason for operators. `ask` returns
    the JWKS of the issuer's API server and raises FetchError; only `keys: kubernetes` needs it.
    """

    def __init__(
        self,
        *,
        issuer: Issuer,
        clock: Clock,
        tls: ssl.SSLContext,
        report: Callable[[str, str, str], None],
        ask: Callable[[], Awaitable[bytes]] | None = None,
    ) -> None:
        self._issuer = issuer
        self._clock = clock
        self._tls = tls
        self._report = report
        self._ask = ask
        self._set: KeySet | None = None
        self._fetched_at = 0.0
        self._failed: str | None = "the keys were not fetched yet"
        self._not_before: dict[float, float] = {}
        self._task: asyncio.Task[None] | None = None
        self.generation = 0

    async def find(self, key_id: str) -> VerificationKey:
        """Return the key of this id, fetching the set when it is missing, old, or lacks the key.

        Raises InvalidToken when the issuer has no such key, IssuerUnavailable when its keys cannot be had.
        """
        if self._set is None or self.age() > STALE:
            await self._refresh(RETRY_PAUSE)
            return self._key(key_id) or self._refuse(key_id)
        if self.age() > FRESH:
            self._start(RETRY_PAUSE)
        key = self._key(key_id)
        if key is None:
            await self._refresh(UNKNOWN_PAUSE)
            key = self._key(key_id)
        return key or self._refuse(key_id)

    async def load(self) -> None:
        """Fetch the set if none is had, so that the first token need not wait."""
        if self._set is None:
            await self._refresh(RETRY_PAUSE)

    def age(self) -> float:
        """Return the seconds since the set was fetched, infinite if it never was."""
        return float("inf") if self._set is None else self._clock.monotonic() - self._fetched_at

    async def close(self) -> None:
        """End a fetch that is under way."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _key(self, key_id: str) -> VerificationKey | None:
        return None if self._set is None or self.age() > STALE else self._set.keys.get(key_id)

    def _refuse(self, key_id: str) -> VerificationKey:
        """Refuse: without a good answer of the issuer nobody can say that its key does not exist (T10)."""
        if self._failed is not None:
            raise IssuerUnavailable(Reason.KEYS_UNAVAILABLE, detail=self._failed)
        raise InvalidToken(Reason.UNKNOWN_KEY, detail=f"issuer {self._issuer.name} has no key {key_id!r:.80}")

    async def _refresh(self, pause: float) -> None:
        """Wait for the fetch under way, or for a new one if the pause since the last of its kind is over."""
        self._start(pause)
        if self._task is not None:
            await asyncio.shield(self._task)

    def _start(self, pause: float) -> None:
        now = self._clock.monotonic()
        if self._task is not None or now < self._not_before.get(pause, now):
            return
        self._not_before[pause] = now + pause
        self._task = asyncio.create_task(self._fetch(), name=f"keys of {self._issuer.name}")
        self._task.add_done_callback(self._forget)

    def _forget(self, _task: asyncio.Task[None]) -> None:
        self._task = None

    async def _fetch(self) -> None:
        """Replace the set, or keep it and remember why not, whatever a hostile answer made some library raise."""
        try:
            found = jwks.parse(await self._document(), self._issuer.algorithms)
        except Exception as exc:  # noqa: BLE001 - as said: a failed fetch is never a defect of one request
            self._failed = f"{type(exc).__name__}: {exc!s:.300}"
            self._report(self._issuer.name, "failed", self._failed)
            return
        if self._set is None or found.keys != self._set.keys:
            self.generation += 1
        self._set, self._failed, self._fetched_at = found, None, self._clock.monotonic()
        self._report(self._issuer.name, "ok", "; ".join(found.dropped))

    async def _document(self) -> bytes:
        match self._issuer.keys:
            case GivenKeys(jwks=given):
                return given
            case KeysAt(url=url):
                return await self._get(url, jwks.LONGEST)
            case DiscoveredKeys():
                return await self._get(await self._discovered(), jwks.LONGEST)
            case ApiServerKeys():
                if self._ask is None:
                    raise fetch.FetchError("nobody asks the API server")
                return await self._ask()
            case _:  # pragma: no cover
                assert_never(self._issuer.keys)

    async def _discovered(self) -> str:
        """Return `jwks_uri` of the issuer's own discovery document (OpenID Connect Discovery 1.0 section 4.3)."""
        url = self._issuer.url.rstrip("/") + "/.well-known/openid-configuration"
        try:
            document = json.loads(await self._get(url, LONGEST_DISCOVERY))
        except (ValueError, RecursionError) as exc:
            raise fetch.FetchError(f"GET {url}: the answer is not JSON") from exc
        if not isinstance(document, dict) or document.get("issuer") != self._issuer.url:
            raise fetch.FetchError(f"GET {url}: the document is another issuer's")
        found = document.get("jwks_uri")
        if not isinstance(found, str):
            raise fetch.FetchError(f"GET {url}: the document has no jwks_uri")
        return found

    async def _get(self, url: str, longest: int) -> bytes:
        return await fetch.get(url, longest=longest, private=self._issuer.allow_private_addresses, tls=self._tls)
