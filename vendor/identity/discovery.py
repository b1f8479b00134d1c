"""Where the key set of an issuer is: at its own URL or the one configured, never where a token says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, assert_never

from vendor.identity import fetch, jwks
from vendor.identity.issuer import ApiServerKeys, DiscoveredKeys, GivenKeys, KeysAt
from vendor.strict_json import StrictJSONError, read_object

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable

    from vendor.identity.issuer import Issuer

LONGEST: Final = 64 * 1024
"""Bytes of the largest discovery document that is read."""


class Source:
    """Where one issuer's key set comes from; `ask` returns the JWKS of its API server and raises FetchError."""

    def __init__(self, *, issuer: Issuer, tls: ssl.SSLContext, ask: Callable[[], Awaitable[bytes]] | None) -> None:
        self._issuer = issuer
        self._tls = tls
        self._ask = ask

    async def read(self) -> bytes:
        """Return the document that should be the issuer's JWKS.

        Raises FetchError.
        """
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
            document = read_object(await self._get(url, LONGEST))
        except StrictJSONError as exc:
            raise fetch.FetchError(f"GET {url}: the answer is no discovery document: {exc}") from exc
        if document.get("issuer") != self._issuer.url:
            raise fetch.FetchError(f"GET {url}: the document is another issuer's")
        found = document.get("jwks_uri")
        if not isinstance(found, str):
            raise fetch.FetchError(f"GET {url}: the document has no jwks_uri")
        return found

    async def _get(self, url: str, longest: int) -> bytes:
        return await fetch.get(url, longest=longest, private=self._issuer.allow_private_addresses, tls=self._tls)
