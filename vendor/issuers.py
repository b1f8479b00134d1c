"""The part of the composition root that is about issuers: what each one's tokens are judged by."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Protocol

from vendor.files import Followed, KeptFile
from vendor.identity.api_server import ApiServerClient
from vendor.identity.authentication import TrustedIssuer
from vendor.identity.keys import IssuerKeys
from vendor.identity.review import TokenReview

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from vendor.identity.issuer import ApiServer, Issuer
    from vendor.identity.kept import Clock
    from vendor.identity.review import Result


class Observer(Protocol):
    """Is told what happens between us and the issuers."""

    def keys(self, issuer: str, result: str, detail: str) -> None:
        """Note what came of a fetch of keys, or of keeping them."""
        ...

    def dropped(self, issuer: str, counts: Mapping[str, int]) -> None:
        """Note how many keys of the latest answer are not used, by reason."""
        ...

    def reviewed(self, issuer: str, result: Result) -> None:
        """Note what came of a question about a token."""
        ...


class Issuers:
    """What every configured issuer's tokens are judged by: its keys and, where it is asked, its own opinion.

    Making it reads the files that `ca_file` names: it raises OSError (ssl.SSLError is one) for those that are no use.
    """

    def __init__(self, issuers: Iterable[Issuer], *, clock: Clock, observer: Observer) -> None:
        self._clock = clock
        self._observer = observer
        self._system = ssl.create_default_context()
        self._servers: dict[ApiServer, ApiServerClient] = {}
        self._keys: dict[str, IssuerKeys] = {}
        self._reviews: list[TokenReview] = []
        self.trusted: Mapping[str, TrustedIssuer] = {issuer.url: self._trust(issuer) for issuer in issuers}

    @property
    def ages(self) -> Mapping[str, Callable[[], float]]:
        """What tells the age of each issuer's keys."""
        return {name: keys.age for name, keys in self._keys.items()}

    @property
    def serve(self) -> bool:
        """Whether the keys of any issuer can be had: without them no token is believed."""
        return any(keys.serves for keys in self._keys.values())

    async def load(self) -> None:
        """Fetch the keys that are due; to be called every few seconds."""
        await asyncio.gather(*(keys.load() for keys in self._keys.values()))

    async def close(self) -> None:
        """End what is under way, and let go of the connections."""
        await asyncio.gather(*(keys.close() for keys in self._keys.values()))
        await asyncio.gather(*(review.close() for review in self._reviews))
        await asyncio.gather(*(server.close() for server in self._servers.values()))

    def _trust(self, issuer: Issuer) -> TrustedIssuer:
        server = None if issuer.api_server is None else self._server(issuer.api_server)
        keys = self._keys[issuer.name] = IssuerKeys(
            issuer=issuer,
            clock=self._clock,
            tls=self._system if issuer.ca_file is None else _vouching(issuer.ca_file),
            report=self._observer.keys,
            dropped=self._observer.dropped,
            ask=None if server is None else server.keys,
            kept=None if issuer.keys_cache is None else KeptFile(issuer.keys_cache),
        )
        return TrustedIssuer(issuer=issuer, keys=keys, review=self._review(issuer, server))

    def _review(self, issuer: Issuer, server: ApiServerClient | None) -> TokenReview | None:
        if not issuer.token_review:
            return None
        if server is None:
            raise ValueError(f"issuer {issuer.name} is to review tokens and has no API server")  # never to do less
        review = TokenReview(issuer=issuer, server=server, clock=self._clock, report=self._observer.reviewed)
        self._reviews.append(review)
        return review

    def _server(self, at: ApiServer) -> ApiServerClient:
        """Return the client of an API server, the same for every issuer that it stands for."""
        if at not in self._servers:
            self._servers[at] = ApiServerClient(server=at, token=Followed(at.token_file), ca=Followed(at.ca_file))
        return self._servers[at]


def _vouching(ca_file: str) -> ssl.SSLContext:
    """Return the terms of TLS with whom the certificates of a file vouch for."""
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as exc:
        raise OSError(f"{ca_file!a} holds no certificates that can be read") from exc
