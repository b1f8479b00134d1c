"""A Kubernetes API server as far as tokens go: its JWKS and TokenReview over TLS of its own CA, and faults."""

from __future__ import annotations

import asyncio
import gzip
import json
import ssl
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import trustme
from aiohttp import web

from tests.fakes import tokens
from tests.fakes.issuer import Issuer
from tests.fakes.loopback import Loopback, run
from vendor.identity import issuer as configured

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

JWKS = "/openid/v1/jwks"
REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"
OVERSIZE = 300_000
STATUSES = {"401": 401, "403": 403, "404": 404, "429": 429, "500": 500, "503": 503}

_TAKEN = b'{"kind":"TokenReview","status":{"authenticated":true}}'
BODIES = {
    "html": b"<html>Sign in</html>",
    "oversize": b'{"kind":"TokenReview","padding":"' + b" " * OVERSIZE + b'"}',
    "gzip": gzip.compress(_TAKEN),
    "cut": _TAKEN[:-5],
    "list": b"[" + _TAKEN + b"]",
    "twice": _TAKEN[:-1] + b',"status":{}}',
}

FAULTS = {*STATUSES, *BODIES, "disconnect", "hang", "hold", "redirect"}


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: its path, its Authorization header, its document, and the client's port."""

    path: str
    authorization: str
    document: Any
    port: int


class ApiServer(Loopback):
    """An API server that takes the tokens of `issuer`, but for those whose pods are in `deleted` (by uid).

    It answers who shows one of `taken`, the tokens of the service's own account. `fault` is None or one of FAULTS;
    `faults` come first, one for each request. `said` replaces members of a review's status, None removes one;
    `body` stands for a review's whole answer, `accounts` are annotations by namespace and name.
    """

    def __init__(self, issuer: Issuer | None = None, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self._certify(host)
        super().__init__(port=port, tls=self._serving)
        self._issuer = issuer or Issuer()
        self._gate = asyncio.Event()
        self.taken = {"own-token-1"}
        self.deleted: set[str] = set()
        self.accounts: dict[tuple[str, str], Mapping[str, str]] = {}
        self.fault: str | None = None
        self.faults: deque[str] = deque()
        self.said: dict[str, Any] = {}
        self.body: bytes | None = None
        self.retry_after = "1"
        self.elsewhere = "https://127.0.0.1:1"
        self.asked: list[Asked] = []
        self.arrived = asyncio.Event()

    def _certify(self, host: str) -> None:
        ca = trustme.CA()
        self.ca = ca.cert_pem.bytes()
        self._serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ca.issue_cert(host).configure_cert(self._serving)

    def files(self, folder: Path) -> configured.ApiServer:
        """Write the CA and a token of the service into a folder, and return where this server is."""
        (folder / "ca.crt").write_bytes(self.ca)
        (folder / "token").write_text(min(self.taken))
        return configured.ApiServer(origin=self.url, token_file=str(folder / "token"), ca_file=str(folder / "ca.crt"))

    @property
    def reviewed(self) -> list[Any]:
        """The reviews that were asked for."""
        return [asked.document for asked in self.asked if asked.path == REVIEWS]

    def release(self) -> None:
        """Answer what `hold` holds."""
        self._gate.set()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer, or misbehave as `fault` says."""
        document = json.loads(await request.read() or b"null")
        peer = request.transport.get_extra_info("peername") if request.transport else ("", 0)
        self.asked.append(Asked(request.path, request.headers.get("Authorization", ""), document, peer[1]))
        self.arrived.set()
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self.taken:
            return _refused(401)
        fault = self.faults.popleft() if self.faults else self.fault
        if fault is not None and fault not in FAULTS:
            raise ValueError(f"no fault is called {fault!r}")
        if fault in STATUSES:
            return _refused(STATUSES[fault], **({"Retry-After": self.retry_after} if fault == "429" else {}))
        if fault == "disconnect" and request.transport:
            request.transport.abort()
        if fault in {"hang", "hold"}:
            await (self._gate if fault == "hold" else asyncio.Event()).wait()
        return self._misbehave(fault, request.path) or self._answer(request, document)

    def _answer(self, request: web.Request, document: Any) -> web.Response:
        if request.path == JWKS and request.method == "GET":
            # As its router does (pkg/routes/openidmetadata.go): who does not take this type gets nothing.
            if "application/jwk-set+json" not in request.headers.get("Accept", ""):
                return _refused(406)
            return web.Response(body=self._issuer._key_set(), content_type="application/jwk-set+json")
        if request.path == REVIEWS and request.method == "POST":
            if self.body is not None:
                return web.Response(body=self.body, status=201)
            return web.json_response({**document, "status": self._status(document["spec"])}, status=201)
        match request.path.split("/"):
            case ["", "api", "v1", "namespaces", namespace, "serviceaccounts", name] if (
                namespace,
                name,
            ) in self.accounts:
                metadata = {"name": name, "namespace": namespace, "annotations": self.accounts[namespace, name]}
                return web.json_response({"kind": "ServiceAccount", "apiVersion": "v1", "metadata": metadata})
        return _refused(404)

    def _status(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Judge a token by its claims alone; a no leaves `authenticated` out, as Go leaves out what is false."""
        claims = json.loads(tokens.decode(spec["token"].split(".")[1]))
        bound = claims["kubernetes.io"]
        audiences = [audience for audience in spec["audiences"] if audience in claims["aud"]]
        if not audiences or bound.get("pod", {}).get("uid") in self.deleted:
            return {"user": {}, "error": "[invalid bearer token, service account token has been invalidated]"}
        user = {"username": claims["sub"], "uid": bound["serviceaccount"]["uid"], "groups": ["system:authenticated"]}
        status = {"authenticated": True, "user": user, "audiences": audiences, **self.said}
        return {name: value for name, value in status.items() if value is not None}

    def _misbehave(self, fault: str | None, path: str) -> web.Response | None:
        if fault == "redirect":
            return web.Response(status=307, headers={"Location": f"{self.elsewhere}{path}"})
        packed = {"Content-Encoding": "gzip"} if fault == "gzip" else {}
        return web.Response(body=BODIES[fault], headers=packed) if fault in BODIES else None


def _refused(status: int, **headers: str) -> web.Response:
    """Return a refusal as Kubernetes writes it."""
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": status}
    return web.json_response(body, status=status, headers=headers)


if __name__ == "__main__":
    run(lambda port: ApiServer(port=port), description=__doc__)
