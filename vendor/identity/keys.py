"""The keys of one issuer: fetched, kept on failure, refreshed in the background, never mixed with another issuer's."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final, NoReturn

from vendor.identity import jwks
from vendor.identity.discovery import Source
from vendor.identity.issuer import Kind
from vendor.identity.kept import LastGood
from vendor.identity.refreshing import Refreshing
from vendor.refusals import InvalidToken, IssuerUnavailable, Reason

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable, Mapping

    from vendor.identity.authentication import VerificationKey
    from vendor.identity.issuer import Issuer
    from vendor.identity.jwk import Dropped
    from vendor.identity.jwks import KeySet
    from vendor.identity.kept import Clock, Kept

UNKNOWN_PAUSE: Final = 30.0
"""Seconds in which unknown key ids cause at most one fetch; the set that it brought says no to all others (T9)."""
RETRY_PAUSE: Final = 5.0
"""Seconds between fetches of a set that is missing or old: sooner, as an honest token may be waiting for it."""
FRESH: Final = 300.0
"""Seconds after which a set is fetched again in the background, at the latest."""
SPREAD: Final = 0.2
"""The part of FRESH by which that is sooner at most, so that replicas started together do not fetch together."""


class IssuerKeys:
    """The set of one issuer's keys; see `vendor.identity.authentication.Keys`.

    `report` is told what came of each fetch, `ok` or `failed`, with the reason for operators or why keys were newly
    dropped, and of what was kept: `restored`, `not_restored` or `not_kept`. `dropped` is told how many keys of the
    latest answer are not used, for each reason of `vendor.identity.jwk.Unfit`. `ask` returns the JWKS of the issuer's
    API server and raises FetchError; only `keys: kubernetes` needs it. `kept` holds the last good set for a restart:
    see `vendor.identity.kept` for what that is worth to an attacker. `jitter` returns a number from 0 to 1.
    """

    def __init__(
        self,
        *,
        issuer: Issuer,
        clock: Clock,
        tls: ssl.SSLContext,
        report: Callable[[str, str, str], None],
        dropped: Callable[[str, Mapping[str, int]], None] | None = None,
        ask: Callable[[], Awaitable[bytes]] | None = None,
        kept: Kept | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._issuer = issuer
        self._clock = clock
        self._report = report
        self._dropped = dropped or (lambda _issuer, _counts: None)
        self._jitter = jitter
        self._source = Source(issuer=issuer, tls=tls, ask=ask)
        self._kept = LastGood(issuer=issuer, clock=clock, kept=kept, report=report)
        self._uses = jwks.SPIFFE if issuer.kind is Kind.SPIFFE else jwks.SIGNATURES
        self._oldest = issuer.max_keys_age.total_seconds()
        self._set: KeySet | None = None
        self._fetched_at = self._due = float("-inf")
        self._failed: str | None = "the keys were not fetched yet"
        self._refreshing = Refreshing(self._fetch, clock=clock, name=f"keys of {issuer.name}")
        self.generation = 0

    @property
    def serves(self) -> bool:
        """Whether a set is had that is not too old to serve."""
        return self._set is not None and self.age() <= self._oldest

    def age(self) -> float:
        """Return the seconds since the set was fetched, infinite if it never was."""
        return float("inf") if self._set is None else self._clock.monotonic() - self._fetched_at

    async def find(self, key_id: str) -> VerificationKey:
        """Return the key of this id, waiting for a fetch only when no set serves, or the one that does lacks the key.

        Raises InvalidToken when the issuer has no such key, IssuerUnavailable when its keys cannot be had.
        """
        cold = not self._begin()
        if cold:
            await self._refreshing.wait(RETRY_PAUSE)
        key = self._key(key_id)
        if key is None and not cold:
            await self._refreshing.wait(UNKNOWN_PAUSE)
            key = self._key(key_id)
        return key or self._refuse(key_id)

    async def load(self) -> None:
        """Fetch the set when it is due, and wait for it if none serves; to be called every few seconds.

        So no request waits for a routine refresh, and a token that comes first need not wait at all.
        """
        if not self._begin():
            await self._refreshing.wait(RETRY_PAUSE)

    async def close(self) -> None:
        """End a fetch that is under way, and let what was fetched be kept."""
        await self._refreshing.close()
        await self._kept.close()

    def _begin(self) -> bool:
        """Take up what was kept, start a fetch behind the caller if one is due, and tell whether a set serves."""
        if self._set is None and (restored := self._kept.restore(self._parse)) is not None:
            self._take(*restored)
            self._due = float("-inf")  # however fresh it is, keys may have been withdrawn while nobody looked
        if self.serves and self._clock.monotonic() >= self._due:
            self._refreshing.start(RETRY_PAUSE)
        return self.serves

    def _key(self, key_id: str) -> VerificationKey | None:
        return None if self._set is None or not self.serves else self._set.keys.get(key_id)

    def _refuse(self, key_id: str) -> NoReturn:
        """Refuse: without a good answer of the issuer nobody can say that its key does not exist (T10)."""
        if self._failed is not None or not self.serves:
            raise IssuerUnavailable(Reason.KEYS_UNAVAILABLE, detail=self._failed or "the keys are too old")
        raise InvalidToken(Reason.UNKNOWN_KEY, detail=f"issuer {self._issuer.name} has no key {key_id!r:.80}")

    async def _fetch(self) -> None:
        """Replace the set, or keep it and remember why not, whatever a hostile answer made some library raise."""
        began = self._clock.monotonic()
        try:
            raw = await self._source.read()
            found = self._parse(raw)
        except Exception as exc:  # noqa: BLE001 - as said: a failed fetch is never a defect of one request
            self._failed = f"{type(exc).__name__}: {exc!s:.300}"
            self._report(self._issuer.name, "failed", self._failed)
            return
        before = () if self._set is None else self._set.dropped
        self._failed = None
        self._take(found, began)
        self._kept.keep(raw)
        self._report(self._issuer.name, "ok", "" if found.dropped == before else jwks.told(found.dropped))

    def _parse(self, raw: bytes) -> KeySet:
        """Read a key set and tell what it holds that is not used, also when nothing else is in it."""
        dropped: tuple[Dropped, ...] = ()
        try:
            found = jwks.parse(raw, self._issuer.algorithms, self._uses)
            dropped = found.dropped
        except jwks.KeySetError as exc:
            dropped = exc.dropped
            raise
        finally:
            self._dropped(self._issuer.name, jwks.count(dropped))
        return found

    def _take(self, found: KeySet, fetched_at: float) -> None:
        if self._set is None or found.keys != self._set.keys:
            self.generation += 1
        self._set, self._fetched_at = found, fetched_at
        self._due = fetched_at + min(FRESH, self._oldest / 2) * (1 - SPREAD * self._jitter())
