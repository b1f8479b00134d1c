"""An OIDC issuer: discovery, JWKS, tokens good and hostile, rotation, and faults to switch on."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.fakes import tokens
from tests.fakes.keys import POOL, SigningKey, as_jwks
from tests.fakes.loopback import Loopback, Now, RealTime, run

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

DISCOVERY = "/.well-known/openid-configuration"
JWKS = "/keys"
OVERSIZE = 300_000
FAULTS = ("down", "hang", "redirect", "oversize", "html", "wrong_issuer", "cut")


class Issuer(Loopback):
    """A Kubernetes-shaped issuer whose `fault` says how it misbehaves.

    `fault` is None or one of FAULTS (down answers 500); `fault_paths` limits it to some paths. `jwks_body` replaces
    the key set's bytes; `requests` counts what came for each path.
    """

    def __init__(
        self,
        *,
        algorithm: str = "RS256",
        clock: Now | None = None,
        path: str = "",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(port=port, tls=tls)
        self._clock = clock or RealTime()
        self._path = path
        self._borrowed: list[SigningKey] = []
        self._algorithm = algorithm
        self._released = asyncio.Event()
        self.key = self._borrow()
        self.published: list[SigningKey] = [self.key]
        self._fault: str | None = None
        self.fault_paths: tuple[str, ...] = (DISCOVERY, JWKS)
        self.jwks_body: bytes | None = None
        self.requests: Counter[str] = Counter()

    @property
    def issuer(self) -> str:
        """The value of `iss`: the origin and the path given at the start."""
        return f"{self.url}{self._path}"

    @property
    def jwks_url(self) -> str:
        """Where the key set is served."""
        return f"{self.issuer}{JWKS}"

    @property
    def fault(self) -> str | None:
        """How it misbehaves, None when it does not."""
        return self._fault

    @fault.setter
    def fault(self, name: str | None) -> None:
        if name is not None and name not in FAULTS:
            raise ValueError(f"no fault is called {name!r}")
        self._fault = name

    def _borrow(self, algorithm: str | None = None, kid: str | None = None) -> SigningKey:
        key = POOL.borrow(algorithm or self._algorithm, kid=kid or f"key-{len(self._borrowed) + 1}")
        self._borrowed.append(key)
        return key

    def rotate(self, *, keep_old: bool = True, algorithm: str | None = None, kid: str | None = None) -> SigningKey:
        """Sign with a new key from now on and publish it, beside the old ones or alone."""
        self.key = self._borrow(algorithm, kid)
        self.published = [*(self.published if keep_old else ()), self.key]
        return self.key

    def stranger(self, *, algorithm: str | None = None, kid: str | None = None) -> SigningKey:
        """Return a key that is never published, under `kid` or the kid of the current key."""
        return self._borrow(algorithm, kid or self.key.kid)

    def publish_copies(self, count: int) -> None:
        """Publish the current key `count` times under as many kids, its own first."""
        self.published = [self.key, *(self.key.renamed(f"copy-{number}") for number in range(1, count))]

    def claims(self, **overrides: Any) -> dict[str, Any]:
        """Return a projected service account token's claims; an override of None removes one."""
        now = int(self._clock.now().timestamp())
        pod = {
            "namespace": "analytics",
            "node": {"name": "node-1", "uid": "0b9b4bdb-5d1c-4a5e-8b0f-2b1d7c9e0a01"},
            "pod": {"name": "reporter-0", "uid": "7f0a2f3e-9d5b-4c5e-9a53-1d8c6f2e0b02"},
            "serviceaccount": {"name": "reporter", "uid": "c2a1d3f4-6e7b-4f0a-8b9c-3e5d7f1a0c03"},
        }
        good = {
            "iss": self.issuer,
            "sub": "system:serviceaccount:analytics:reporter",
            "aud": ["vendor"],
            "exp": now + int(timedelta(hours=1).total_seconds()),
            "iat": now,
            "nbf": now,
            "kubernetes.io": pod,
        }
        return {name: value for name, value in {**good, **overrides}.items() if value is not None}

    def header(self, *, key: SigningKey | None = None, **overrides: Any) -> dict[str, Any]:
        """Return a JOSE header for `key` or the current one; an override of None removes a member."""
        used = key or self.key
        shown = {"alg": used.algorithm, "kid": used.kid, "typ": "JWT", **overrides}
        return {name: value for name, value in shown.items() if value is not None}

    def token(
        self,
        claims: Mapping[str, Any] | None = None,
        header: Mapping[str, Any] | None = None,
        *,
        key: SigningKey | None = None,
        kid: str | None = None,
    ) -> str:
        """Return a signed token; overrides of None remove a member, `key` signs, `kid` is only named."""
        used = key or self.key
        head = self.header(key=used, **{**({"kid": kid} if kid else {}), **(header or {})})
        return tokens.signed(tokens.write(head), tokens.write(self.claims(**(claims or {}))), key=used)

    def raw_token(self, payload: bytes, header: bytes | None = None) -> str:
        """Return any bytes as payload (and header) under a good signature of the current key."""
        return tokens.signed(header or tokens.write(self.header()), payload, key=self.key)

    def hostile(self) -> dict[str, str]:
        """Return tokens that must be refused with no I/O, by what is wrong with them."""
        good = self.claims()
        payload = tokens.write(good)
        return {
            "algorithm none": tokens.unsigned(self.header(), payload),
            "hmac with the public key": tokens.hmac_confused(self.header(), payload, key=self.key),
            "a claim twice": self.raw_token(tokens.twice(good, "sub", "system:serviceaccount:kube-system:admin")),
            "the issuer twice": self.raw_token(tokens.twice(good, "iss", "https://evil.example")),
            "another issuer": self.token({"iss": "https://evil.example"}),
            "oversize": self.token({"padding": "x" * 20_000}),
        }

    def unknown_kid(self) -> str:
        """Return a token signed by a key nobody published, under a kid nobody published."""
        return self.token(key=self.stranger(kid="unknown"))

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer discovery and the key set, or misbehave as `fault` says."""
        path = request.path.removeprefix(self._path)
        self.requests[path] += 1
        if path in self.fault_paths and (misbehaved := await self._misbehave(path)) is not None:
            return misbehaved
        if path == DISCOVERY:
            return _json(json.dumps(self._discovery()).encode())
        if path == JWKS:
            return self._keys_for(request.headers.get("Accept", "*/*"))
        return web.Response(status=404, text="no such page")

    def _keys_for(self, accept: str) -> web.StreamResponse:
        """Answer the key set to who takes its own type, and to nobody else: so does a Kubernetes API server."""
        if "application/jwk-set+json" not in accept and "*/*" not in accept:
            return web.Response(status=406, text="only application/jwk-set+json is served")
        return _json(self._key_set())

    def _key_set(self) -> bytes:
        return as_jwks(*self.published) if self.jwks_body is None else self.jwks_body

    def _discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer if self.fault != "wrong_issuer" else "https://evil.example",
            "jwks_uri": self.jwks_url,
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [self.key.algorithm],
        }

    async def _misbehave(self, path: str) -> web.StreamResponse | None:
        if self.fault == "hang":
            await self._released.wait()
        elsewhere = {"Location": f"{self.issuer}/elsewhere{path}"}
        answers = {
            None: None,
            "wrong_issuer": None,
            "down": web.Response(status=500, text="down"),
            "hang": web.Response(status=503),
            "redirect": web.Response(status=302, headers=elsewhere),
            "oversize": _json(self._key_set()[:-1] + b" " * OVERSIZE + b"}"),
            "html": web.Response(text="<html><body>Sign in</body></html>", content_type="text/html"),
            "cut": _json(self._key_set()[:-20]),
        }
        return answers[self.fault]

    async def __aexit__(self, *exc: object) -> None:
        self._released.set()
        await super().__aexit__(*exc)
        POOL.give_back(*self._borrowed)
        self._borrowed = []


def _json(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json")


if __name__ == "__main__":
    run(lambda port: Issuer(port=port), description=__doc__)
