"""An OpenID provider that nobody here wrote: OpenBao's, with real discovery, tokens, rotation and an outage."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from tests.fakes.clock import Clock
from tests.fakes.loopback import RealTime
from tests.identity import made
from vendor.identity.authentication import Authenticator, TrustedIssuer
from vendor.identity.issuer import Kind
from vendor.identity.keys import FRESH, UNKNOWN_PAUSE
from vendor.refusals import IssuerUnavailable, Reason

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from vendor.identity.keys import IssuerKeys

pytestmark = pytest.mark.slow

ROOT = "root-of-a-test"
ALGORITHMS = ("RS256", "ES256", "EdDSA")
POLICY = 'path "identity/oidc/token/*" { capabilities = ["read"] }'


class Bao:
    """A running server of its own, in memory, on loopback."""

    def __init__(self, port: int, http: aiohttp.ClientSession) -> None:
        self._url = f"http://127.0.0.1:{port}/v1"
        self._http = http
        self._workload = ""
        self.issuer = f"{self._url}/identity/oidc"

    async def ask(self, method: str, path: str, said: Any = None, *, token: str = ROOT) -> Any:
        headers = {"X-Vault-Token": token}
        async with self._http.request(method, f"{self._url}/{path}", json=said, headers=headers) as answer:
            answer.raise_for_status()
            return None if answer.status == 204 else await answer.json()

    async def prepare(self) -> None:
        """Set up a signing key and a role of each algorithm, and a workload that may ask for tokens of them."""
        for name in ALGORITHMS:
            key = {"algorithm": name, "allowed_client_ids": "*", "rotation_period": "1h", "verification_ttl": "1h"}
            await self.ask("POST", f"identity/oidc/key/{name}", key)
            role = {"key": name, "client_id": "vendor", "ttl": "10m", "template": '{"team": "analytics"}'}
            await self.ask("POST", f"identity/oidc/role/{name}", role)
        await self.ask("POST", "sys/policies/acl/workload", {"policy": POLICY})
        await self.ask("POST", "sys/auth/userpass", {"type": "userpass"})
        user = {"password": "a-password", "token_policies": ["workload"]}
        await self.ask("POST", "auth/userpass/users/workload", user)
        found = await self.ask("POST", "auth/userpass/login/workload", {"password": "a-password"})
        self._workload = found["auth"]["client_token"]

    async def token(self, algorithm: str = "ES256") -> str:
        found = await self.ask("GET", f"identity/oidc/token/{algorithm}", token=self._workload)
        return str(found["data"]["token"])

    async def rotate(self, algorithm: str = "ES256") -> None:
        await self.ask("POST", f"identity/oidc/key/{algorithm}/rotate", {})


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    """Start the server with a home of its own, and end it."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).parent / "bao",
        *("server", "-dev", "-dev-no-store-token", f"-dev-root-token-id={ROOT}"),
        f"-dev-listen-address=127.0.0.1:{port}",
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process, port
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.fixture
async def bao(tmp_path: Path) -> AsyncIterator[tuple[Bao, asyncio.subprocess.Process]]:
    async with (
        running(tmp_path) as (process, port),
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as http,
    ):
        server = Bao(port, http)
        await until_it_answers(server, process)
        await server.prepare()
        yield server, process


async def until_it_answers(server: Bao, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                await server.ask("GET", "identity/oidc/.well-known/openid-configuration")
            except (aiohttp.ClientError, OSError):
                assert process.returncode is None, "it did not start"
                await asyncio.sleep(0.05)
            else:
                return


def trusting(server: Bao, clock: Clock) -> tuple[Authenticator, IssuerKeys]:
    issuer = made.issuer(url=server.issuer, kind=Kind.GENERIC, algorithms=ALGORITHMS)
    keys = made.keys(issuer, clock)
    return Authenticator(issuers={issuer.url: TrustedIssuer(issuer=issuer, keys=keys)}, clock=clock), keys


async def test_tokens_of_a_real_provider_are_taken_through_rotations_and_an_outage(
    bao: tuple[Bao, asyncio.subprocess.Process],
) -> None:
    server, process = bao
    clock = Clock(RealTime().now())
    authenticator, keys = trusting(server, clock)
    for algorithm in ALGORITHMS:
        principal = await authenticator.authenticate(await server.token(algorithm))
        assert principal.issuer == "cluster-a"
        assert principal.subject

    # It publishes its next key beforehand: the first rotation brings a key that is known, the second one that is not.
    for _ in range(2):
        await server.rotate()
        clock.advance(UNKNOWN_PAUSE)
        await authenticator.authenticate(await server.token())

    known = await server.token()
    await server.rotate()
    await server.rotate()
    rotated = await server.token()
    process.send_signal(signal.SIGKILL)
    await process.wait()
    clock.advance(FRESH)
    await authenticator.authenticate(known)
    with pytest.raises(IssuerUnavailable) as caught:
        await authenticator.authenticate(rotated)
    assert caught.value.reason is Reason.KEYS_UNAVAILABLE
    await authenticator.authenticate(known)
    await keys.close()
