"""The part of the composition root that is about issuers: what each one's tokens are judged by."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from vendor.files import Followed, KeptFile
from vendor.identity.api_server import ApiServerClient
from vendor.identity.authentication import TrustedIssuer
from vendor.identity.issuer import ApiServerKeys, GivenKeys
from vendor.identity.keys import IssuerKeys
from vendor.identity.review import TokenReview

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

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


class Closable(Protocol):
    """What has something under way, or connections."""

    async def close(self) -> None:
        """Let go of it."""
        ...


@dataclass(frozen=True, slots=True)
class _Part:
    """What one issuer's tokens are judged by; `vouching` are the bytes of its ca_file."""

    trusted: TrustedIssuer
    keys: IssuerKeys
    vouching: bytes

    @property
    def review(self) -> TokenReview | None:
        """Its own opinion, where it is asked."""
        review = self.trusted.review
        return review if isinstance(review, TokenReview) else None


class Issuers:
    """What every configured issuer's tokens are judged by: its keys and, where it is asked, its own opinion.

    Making it reads the files that `ca_file` names: it raises OSError (ssl.SSLError is one) for those that are no use.
    What has not changed since `before` is taken from there, and not fetched or opened again.
    """

    def __init__(
        self, issuers: Iterable[Issuer], *, clock: Clock, observer: Observer, before: Issuers | None = None
    ) -> None:
        self._clock = clock
        self._observer = observer
        self.system: ssl.SSLContext = ssl.create_default_context() if before is None else before.system
        self._known: dict[str, _Part] = {} if before is None else before.parts
        self._known_servers: dict[ApiServer, ApiServerClient] = {} if before is None else before.servers
        self.servers: dict[ApiServer, ApiServerClient] = {}
        self.parts: dict[str, _Part] = {issuer.name: self._part(issuer) for issuer in issuers}
        old = {} if before is None else before.parts
        self._fresh = [
            part.keys for name, part in self.parts.items() if name not in old or part.keys is not old[name].keys
        ]
        self._known, self._known_servers = {}, {}
        self.trusted: Mapping[str, TrustedIssuer] = {
            part.trusted.issuer.url: part.trusted for part in self.parts.values()
        }

    @property
    def ages(self) -> Mapping[str, Callable[[], float]]:
        """What tells the age of each issuer's keys."""
        return {name: part.keys.age for name, part in self.parts.items()}

    @property
    def serve(self) -> bool:
        """Whether the keys of any issuer can be had: without them no token is believed."""
        return any(part.keys.serves for part in self.parts.values())

    async def load(self) -> None:
        """Fetch the keys that are due; to be called every few seconds."""
        await _load(part.keys for part in self.parts.values())

    async def load_fresh(self) -> None:
        """Fetch the keys that were not there before."""
        await _load(self._fresh)

    async def close(self, *, after: Issuers | None = None) -> None:
        """End what is under way, and let go of the connections; but for what is still used `after` this."""
        stays = set() if after is None else {id(one) for room in after.closable() for one in room}
        for room in self.closable():
            await asyncio.gather(*(one.close() for one in room if id(one) not in stays))

    def closable(self) -> tuple[Sequence[Closable], ...]:
        """Return what is to be closed: first what asks, and then what is asked through."""
        parts = self.parts.values()
        reviews = [part.review for part in parts if part.review is not None]
        return [part.keys for part in parts], reviews, list(self.servers.values())

    def _part(self, issuer: Issuer) -> _Part:
        """Return what an issuer's tokens are judged by, as much of it as possible from before."""
        server = None if issuer.api_server is None else self._server(issuer.api_server)
        vouching = b"" if issuer.ca_file is None else _certificates(issuer.ca_file)
        known = self._known.get(issuer.name)
        if known is None or known.vouching != vouching or _of_keys(issuer) != _of_keys(known.trusted.issuer):
            keys = self._keys(issuer, server)
        elif issuer == known.trusted.issuer:
            return known
        else:
            keys = known.keys
        return _Part(TrustedIssuer(issuer=issuer, keys=keys, review=self._review(issuer, server)), keys, vouching)

    def _keys(self, issuer: Issuer, server: ApiServerClient | None) -> IssuerKeys:
        return IssuerKeys(
            issuer=issuer,
            clock=self._clock,
            tls=self.system if issuer.ca_file is None else ssl.create_default_context(cafile=issuer.ca_file),
            report=self._observer.keys,
            dropped=self._observer.dropped,
            ask=None if server is None else server.keys,
            kept=None if issuer.keys_cache is None else KeptFile(issuer.keys_cache),
        )

    def _review(self, issuer: Issuer, server: ApiServerClient | None) -> TokenReview | None:
        if not issuer.token_review:
            return None
        if server is None:
            raise ValueError(f"issuer {issuer.name} is to review tokens and has no API server")  # never to do less
        return TokenReview(issuer=issuer, server=server, clock=self._clock, report=self._observer.reviewed)

    def _server(self, at: ApiServer) -> ApiServerClient:
        """Return the client of an API server, the same for every issuer that it stands for."""
        if at not in self.servers:
            known = self._known_servers.get(at)
            self.servers[at] = known or ApiServerClient(
                server=at, token=Followed(at.token_file), ca=Followed(at.ca_file)
            )
        return self.servers[at]


async def _load(all_keys: Iterable[IssuerKeys]) -> None:
    """Have keys fetched, all of them at a time, but one more in each turn: dozens at once would hold everybody up."""
    async with asyncio.TaskGroup() as group:
        for keys in all_keys:
            group.create_task(keys.load())
            await asyncio.sleep(0)


def lasting(issuer: Issuer) -> Issuer:
    """Return an issuer without the very keys that it has today: a rotation is no reason to mint anything anew."""
    return replace(issuer, keys=GivenKeys(b"")) if isinstance(issuer.keys, GivenKeys) else issuer


def _of_keys(issuer: Issuer) -> Issuer:
    """Return an issuer of which only what its keys depend on is left: the rest may change without a fetch."""
    return replace(
        issuer,
        audience="",
        extra_attributes=(),
        max_token_lifetime=timedelta(0),
        max_token_age=None,
        leeway=timedelta(0),
        strict_aud=False,
        one_time=False,
        require_token_scope=False,
        token_review=False,
        api_server=issuer.api_server if isinstance(issuer.keys, ApiServerKeys) else None,
        trust_domain=None,
    )


def _certificates(ca_file: str) -> bytes:
    """Return the bytes of a file in which certificates stand that TLS can use.

    Raises OSError, which names the file.
    """
    try:
        ssl.create_default_context(cafile=ca_file)
        return Followed(ca_file).read()
    except OSError as exc:
        raise OSError(f"{ca_file!a} holds no certificates that can be read") from exc
