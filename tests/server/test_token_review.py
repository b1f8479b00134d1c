"""`vendor serve` beside a Kubernetes API server: its keys, its opinion of tokens (T6, F30), one place for ours (T4)."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tests.fakes.api_server import JWKS, REVIEWS, ApiServer
from tests.fakes.issuer import Issuer
from tests.server.http import get
from tests.service import CONFIGURATION, World, ready, served

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

PATH = "/v1/credentials/reports:read"
ISSUER = "kind: kubernetes, allow_private_addresses: true"


@asynccontextmanager
async def beside(server: ApiServer, folder: Path, more: str) -> AsyncIterator[World]:
    """Serve beside an API server, with `more` said of the issuer."""
    server.files(folder)
    at = f"api_server: {{{{url: '{server.url}', token_file: token, ca_file: ca.crt}}}}"
    configuration = CONFIGURATION.replace(ISSUER, f"kind: kubernetes, {at}, {more}")
    world = World(folder, configuration=configuration)
    server._issuer = world.issuer
    async with world:
        yield world


def bound(world: World, uid: str) -> str:
    """Return the token of a pod."""
    account = {"name": "reporter", "uid": "u-1"}
    claims = {"namespace": "analytics", "serviceaccount": account, "pod": {"name": "reporter-0", "uid": uid}}
    return world.issuer.token({"kubernetes.io": claims})


async def test_a_deleted_pods_token_gets_nothing_and_the_audit_line_says_why(tmp_path: Path) -> None:
    async with (
        ApiServer() as server,
        beside(server, tmp_path, "allow_private_addresses: true, token_review: true") as world,
    ):
        alive, dead = bound(world, "alive"), bound(world, "dead")
        server.deleted.add("dead")
        assert (await get(world.service.public, PATH, alive)).status == 200
        refused = await get(world.service.public, PATH, dead)
        assert (refused.status, refused.code) == (401, "invalid_token")
        assert "invalidated" not in refused.body.decode()
        line = world.audit()[-1]
        assert (line["reason"], "invalidated" in line["detail"]) == ("review", True)
        metrics = (await get(world.service.operations, "/metrics")).body.decode()
        assert 'vendor_token_reviews_total{issuer="cluster-a",result="taken"} 1.0' in metrics
        assert 'vendor_token_reviews_total{issuer="cluster-a",result="refused"} 1.0' in metrics
    assert {asked.path for asked in server.asked} == {REVIEWS}


async def test_f30_an_api_server_that_cannot_say_costs_a_retry_and_never_lets_anybody_in(tmp_path: Path) -> None:
    async with (
        ApiServer() as server,
        beside(server, tmp_path, "allow_private_addresses: true, token_review: true") as world,
    ):
        for fault, told in (("403", "lacks the role"), ("hang", "TimeoutError"), ("500", "status 500")):
            server.fault = fault
            refused = await get(world.service.public, PATH, world.token(jti=fault))
            assert (refused.status, refused.code) == (503, "issuer_unavailable")
            assert int(refused.headers["retry-after"]) >= 1
            line = world.audit()[-1]
            assert (line["reason"], told in line["detail"]) == ("review_unavailable", True)
        assert not world.sts.issued
    assert not [line for line in world.service.log if "own-token" in line or "Traceback" in line]
    assert "own-token" not in world.audit_path.read_text()


async def test_t4_the_keys_come_from_the_api_server_and_our_token_goes_nowhere_else(tmp_path: Path) -> None:
    async with ApiServer() as server, beside(server, tmp_path, "keys: kubernetes") as world:
        assert (await get(world.service.public, PATH, world.token())).status == 200
        assert {asked.path for asked in server.asked} == {JWKS}
        assert not world.issuer.requests


async def test_t4_whom_only_the_machine_trusts_is_not_told_our_token(tmp_path: Path) -> None:
    async with ApiServer() as server, ApiServer() as stranger:
        server.files(tmp_path)
        (tmp_path / "machine.crt").write_bytes(server.ca)
        (tmp_path / "ca.crt").write_bytes(stranger.ca)
        at = f"api_server: {{{{url: '{server.url}', token_file: token, ca_file: ca.crt}}}}, keys: kubernetes"
        world = World(tmp_path, configuration=CONFIGURATION.replace(ISSUER, f"kind: kubernetes, {at}"))
        text = world._configuration.format(audit=world.audit_path, issuer="https://a.example", sts="http://127.0.0.1:9")
        async with served(text, tmp_path, environ={"SSL_CERT_FILE": str(tmp_path / "machine.crt")}) as service:
            refused = await get(service.public, PATH, world.issuer.token({"iss": "https://a.example"}))
        assert refused.code == "issuer_unavailable"
        assert "CERTIFICATE_VERIFY_FAILED" in world.audit()[-1]["detail"]
        assert server.asked == []


async def test_keys_that_were_kept_serve_when_a_restart_finds_the_issuer_down(tmp_path: Path) -> None:
    async with Issuer() as issuer:
        world = World(tmp_path, configuration=CONFIGURATION.replace(ISSUER, f"{ISSUER}, keys_cache: kept"))
        world.issuer = issuer
        async with world.sts:
            text = world._configuration.format(audit=world.audit_path, issuer=issuer.issuer, sts=world.sts.url)
            for fault in (None, "down"):
                issuer.fault = fault
                async with served(text, tmp_path) as service:
                    await ready(service)
                    assert (await get(service.public, PATH, world.token())).status == 200
                    service.terminate()
                    await service.process.wait()
    assert (tmp_path / "kept").stat().st_mode & 0o777 == 0o600
