"""What the webhook shows in TLS: files that others renew, or what it signs itself with a CA and renews."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Protocol

from vendor.kubernetes.certificate import CertificateError, sign

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    Load = Callable[[ssl.SSLContext, bytes, bytes], None]


class File(Protocol):
    """A file that others replace."""

    def read(self) -> bytes:
        """Return what it holds now, or raise OSError."""
        ...


class Clock(Protocol):
    """Wall-clock time."""

    def now(self) -> datetime:
        """Return the time as an aware datetime in UTC."""
        ...


class Shown:
    """Keeps `context` showing a certificate: the one of the files, or with `name` one that the CA in them signs.

    `load` puts a chain and its key, both PEM, into a context, or raises OSError.
    """

    def __init__(self, *, certificate: File, key: File, name: str | None, clock: Clock, load: Load) -> None:
        self._certificate = certificate
        self._key = key
        self._name = name
        self._clock = clock
        self._load = load
        self._read: tuple[bytes, bytes] | None = None
        self._due: datetime | None = None
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2

    def renew(self) -> bool:
        """Show another certificate if one is due or the files have changed, and return whether.

        Raises OSError or CertificateError, and then the last one is shown on.
        """
        now = self._clock.now()
        read = chain, key = self._certificate.read(), self._key.read()
        if read == self._read and (self._due is None or now < self._due):
            return False
        due = None
        if self._name is not None:
            chain, key, due = sign(ca_certificate=chain, ca_key=key, name=self._name, now=now)
        self._load(self.context, chain, key)
        self._read, self._due = read, due
        return True

    async def keep(self, *, told: Callable[[Exception | None], None], look: float) -> None:
        """Look every so many seconds, for ever, and renew when that is due; `told` hears of it and of failures."""
        while True:
            await asyncio.sleep(look)
            try:
                if self.renew():
                    told(None)
            except (OSError, CertificateError) as exc:
                told(exc)
