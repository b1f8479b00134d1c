"""A small OIDC issuer on loopback: discovery, rotating keys, and tokens as a cluster projects them."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Self

from aiohttp import web

from vendor.demo.signing import Pod, SigningKey, issue, projected_claims

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType


def _now() -> datetime:
    return datetime.now(tz=UTC)


class Issuer:
    """An issuer that serves while it is entered (`async with Issuer() as issuer`), then frees its port.

    `requests` counts what was fetched, by path.
    """

    def __init__(self, *, audience: str = "vendor", clock: Callable[[], datetime] = _now, port: int = 0) -> None:
        self.audience = audience
        self.requests: Counter[str] = Counter()
        self._clock = clock
        self._port = port
        self._keys = [SigningKey.generate(kid="key-1")]
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """The `iss` of its tokens, and the address that discovery starts from."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def key(self) -> SigningKey:
        """The key that signs now."""
        return self._keys[-1]

    def rotate(self) -> SigningKey:
        """Sign with a fresh key from now on; the old ones stay published, so that their tokens still hold."""
        self._keys.append(SigningKey.generate(kid=f"key-{len(self._keys) + 1}"))
        return self.key

    def token(
        self,
        *,
        namespace: str,
        service_account: str,
        pod: str = "pod-0",
        node: str = "node-1",
        lifetime: timedelta = timedelta(hours=1),
        extra: Mapping[str, object] | None = None,
    ) -> str:
        """Return a projected token of this pod; `extra` claims come on top and may replace the usual ones."""
        claims = projected_claims(
            issuer=self.url,
            audience=self.audience,
            pod=Pod(namespace=namespace, service_account=service_account, name=pod, node=node),
            issued_at=self._clock(),
            lifetime=lifetime,
        )
        return issue(key=self.key, claims={**claims, **(extra or {})})

    def application(self) -> web.Application:
        """Return the two documents as an application, for a server of another make."""
        application = web.Application()
        application.router.add_get("/.well-known/openid-configuration", self._discovery)
        application.router.add_get("/keys", self._jwks)
        return application

    async def __aenter__(self) -> Self:
        self._runner = web.AppRunner(self.application(), access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _discovery(self, request: web.Request) -> web.Response:
        self.requests[request.path] += 1
        return web.json_response(
            {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/keys",
                "response_types_supported": ["id_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        )

    async def _jwks(self, request: web.Request) -> web.Response:
        self.requests[request.path] += 1
        return web.json_response({"keys": [key.public_jwk() for key in self._keys]})
