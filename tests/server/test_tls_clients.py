"""`listen.tls.client_ca`: who shows no certificate of it is not even heard, and it changes while we serve."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import trustme

from tests.server.http import Connection, exchange, request
from tests.service import CONFIGURATION, World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

PATH = "/v1/credentials/reports:read"
# TLS 1.3 lets a client believe that it is connected before its certificate was looked at.
SHUT_OUT = (ConnectionError, ssl.SSLError, asyncio.IncompleteReadError)


class Trust:
    """The CA of the service's own certificate, and one that vouches for clients."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.serving, self.clients, self.stranger = trustme.CA(), trustme.CA(), trustme.CA()
        leaf = self.serving.issue_cert("127.0.0.1")
        (folder / "tls.crt").write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
        (folder / "tls.key").write_bytes(leaf.private_key_pem.bytes())
        self.vouch(self.clients)

    def vouch(self, *authorities: trustme.CA) -> None:
        """Let these vouch for clients from now on."""
        (self.folder / "clients.crt").write_bytes(b"".join(one.cert_pem.bytes() for one in authorities))

    def client(self, authority: trustme.CA | None) -> ssl.SSLContext:
        """Return what a client shows that an authority vouches for, nothing for None."""
        context = ssl.create_default_context()
        self.serving.configure_trust(context)
        if authority is not None:
            authority.issue_cert("workload@example.com").configure_cert(context)
        return context


@asynccontextmanager
async def demanding(trust: Trust) -> AsyncIterator[World]:
    """Serve where clients must show a certificate."""
    tls = "tls: {{certificate: tls.crt, private_key: tls.key, client_ca: clients.crt}}"
    configuration = CONFIGURATION.replace(
        'listen: {{address: "127.0.0.1:0"', f'listen: {{{{address: "127.0.0.1:0", {tls}'
    )
    async with World(trust.folder, configuration=configuration) as world:
        yield world


async def logged(world: World, event: str, times: int = 1) -> None:
    """Wait until the service has logged something so many times."""
    async with asyncio.timeout(10):
        while sum(f'"event": "{event}"' in line for line in world.service.log) < times:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)


async def asks(world: World, tls: ssl.SSLContext) -> int:
    """Return the status of the answer to a good token on a connection of its own."""
    return (await exchange(world.service.public, request(PATH, world.token()), tls=tls)).status


async def test_only_who_shows_a_certificate_of_the_ca_is_heard_and_still_needs_a_token(tmp_path: Path) -> None:
    trust = Trust(tmp_path)
    async with demanding(trust) as world:
        ours = trust.client(trust.clients)
        assert await asks(world, ours) == 200
        assert (await exchange(world.service.public, request(PATH), tls=ours)).code == "missing_token"
        lines = len(world.audit())
        for other in (None, trust.stranger, trust.serving):
            with pytest.raises(SHUT_OUT):
                await asks(world, trust.client(other))
        assert len(world.audit()) == lines
        assert await asks(world, ours) == 200
    assert not [line for line in world.service.log if "Traceback" in line or "eyJ" in line]


async def test_a_ca_that_was_taken_out_vouches_for_nobody_be_it_connected_or_not(tmp_path: Path) -> None:
    trust = Trust(tmp_path)
    new = trustme.CA()
    async with demanding(trust) as world:
        old = trust.client(trust.clients)
        async with await Connection.open(world.service.public, tls=old) as connected:
            await connected.send(request(PATH, world.token()))
            assert (await connected.read()).status == 200
            (tmp_path / "clients.crt").write_text("no certificate\n")
            await logged(world, "certificate not reloaded")
            assert await asks(world, old) == 200
            trust.vouch(new)
            await logged(world, "certificate reloaded")
            assert await asks(world, trust.client(new)) == 200
            with pytest.raises(SHUT_OUT):
                await asks(world, old)
            assert await connected.ended()
    assert not [line for line in world.service.log if "Traceback" in line]


async def test_it_does_not_start_without_the_certificates_that_it_is_to_trust(tmp_path: Path) -> None:
    trust = Trust(tmp_path)
    (tmp_path / "clients.crt").unlink()
    with pytest.raises(RuntimeError, match="cannot serve"):
        async with demanding(trust):
            pass
