"""A site: its certificates change under way, nobody is turned away by that, and nobody resumes what is not trusted."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import trustme

from tests.fakes.clock import Clock
from tests.server.http import Connection, exchange, request
from vendor.files import Changes
from vendor.process import SystemClock
from vendor.server.answer import Answer
from vendor.server.listener import Listener
from vendor.server.site import Site, follow, tls_context

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from vendor.refusals import Refusal
    from vendor.server.listener import Visit

ASKED = request("/")
SHUT_OUT = (ConnectionError, ssl.SSLError, asyncio.IncompleteReadError)


class Unheard:
    """Is told nothing that matters here."""

    def refused(self, refusal: Refusal) -> None: ...

    def failed(self, request_id: str, exc: BaseException | None) -> None: ...


async def door(visit: Visit) -> Answer:
    return Answer(200, b"{}", visit.request_id)


@dataclass(frozen=True)
class Files:
    """The TLS files in a folder, and who may make them."""

    certificate: Path
    private_key: Path
    client_ca: Path | None
    authority: trustme.CA
    trusted: trustme.CA

    def issue(self) -> None:
        """Write a fresh certificate and its key."""
        leaf = self.authority.issue_cert("127.0.0.1", "::1")
        self.certificate.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
        self.private_key.write_bytes(leaf.private_key_pem.bytes())

    def vouch(self, authority: trustme.CA) -> None:
        """Let another authority vouch for clients."""
        assert self.client_ca
        self.client_ca.write_bytes(authority.cert_pem.bytes())

    def client(self, *, version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
        """Return TLS of a client with a certificate of the authority that vouched first."""
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        self.trusted.issue_cert("workload@example.com").configure_cert(context)
        if version is not None:
            context.maximum_version = context.minimum_version = version
        return context


@pytest.fixture
def files(tmp_path: Path) -> Files:
    made = Files(tmp_path / "tls.crt", tmp_path / "tls.key", None, trustme.CA(), trustme.CA())
    made.issue()
    return made


@pytest.fixture
def demanding(tmp_path: Path) -> Files:
    made = Files(tmp_path / "tls.crt", tmp_path / "tls.key", tmp_path / "clients.crt", trustme.CA(), trustme.CA())
    made.issue()
    made.vouch(made.trusted)
    return made


@asynccontextmanager
async def opened(files: Files | None, host: str = "127.0.0.1") -> AsyncIterator[tuple[Site, str]]:
    """Open a site, and close it in the end."""
    clock = Clock()
    listener = Listener(find=lambda _: {"GET": door}, observer=Unheard(), clock=clock)
    site = Site(listener, host=host, port=0, clock=clock, drain=0.0)
    url = await site.open(tls_context(files) if files else None)
    try:
        yield site, url
    finally:
        await site.close()


async def serial(connection: Connection) -> str:
    return str(connection.transport.get_extra_info("peercert")["serialNumber"])


async def test_a_site_without_tls_says_so_in_its_url() -> None:
    async with opened(None) as (_, url):
        assert url.startswith("http://127.0.0.1:")
        assert (await exchange(url, ASKED)).status == 200


async def test_an_ipv6_address_is_written_as_a_url_wants_it(files: Files) -> None:
    async with opened(files, "::1") as (site, url):
        assert url.startswith("https://[::1]:")
        await site.renew(tls_context(files))
        assert (await exchange(url, ASKED, tls=files.client())).status == 200


async def test_nobody_is_turned_away_while_certificates_change(files: Files) -> None:
    async with opened(files) as (site, url):
        client = files.client()
        enough = asyncio.Event()

        async def ask() -> set[str]:
            seen = set()
            while not enough.is_set():
                async with await Connection.open(url, tls=client) as connection:
                    seen.add(await serial(connection))
                    await connection.send(ASKED)
                    assert (await connection.read()).status == 200
            return seen

        asking = [asyncio.create_task(ask()) for _ in range(4)]
        for _ in range(10):
            files.issue()
            await site.renew(tls_context(files))
            await asyncio.sleep(0.02)
        enough.set()
        assert len(set.union(*await asyncio.gather(*asking))) > 2
        assert len(site._servers) <= 6


async def test_a_connection_outlives_the_certificate_that_it_was_shown(files: Files) -> None:
    async with opened(files) as (site, url), await Connection.open(url, tls=files.client()) as connection:
        changes = Changes(files.certificate, files.private_key)
        told: asyncio.Queue[Exception | None] = asyncio.Queue()
        following = asyncio.create_task(follow(site, files, changes, told=told.put_nowait, look=0.01))
        files.certificate.write_bytes(b"half")
        assert isinstance(await told.get(), ssl.SSLError)
        files.issue()
        while await told.get() is not None:  # the look may fall between the two files
            pass
        await asyncio.sleep(0.05)
        await connection.send(ASKED)
        assert (await connection.read()).status == 200
        following.cancel()


@pytest.mark.parametrize("broken", ["certificate", "private_key", "client_ca"])
def test_tls_files_that_do_not_serve_are_named(demanding: Files, broken: str) -> None:
    path = getattr(demanding, broken)
    path.write_bytes(b"half")
    with pytest.raises(ssl.SSLError, match=re.escape(str(path))):
        tls_context(demanding)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=re.escape(str(path))):
        tls_context(demanding)


async def test_who_had_to_show_a_certificate_has_to_show_it_again(demanding: Files) -> None:
    async with opened(demanding) as (site, url), await Connection.open(url, tls=demanding.client()) as connection:
        await connection.send(ASKED)
        assert (await connection.read()).status == 200
        changes = Changes(demanding.certificate)
        following = asyncio.create_task(follow(site, demanding, changes, told=lambda _: None, look=0.01))
        demanding.vouch(trustme.CA())
        demanding.issue()
        assert await connection.ended()
        following.cancel()
        with pytest.raises(SHUT_OUT):
            await exchange(url, ASKED, tls=demanding.client())


async def test_who_was_still_agreeing_on_tls_is_let_go_as_well(demanding: Files) -> None:
    async with opened(demanding) as (site, url):
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        await asyncio.sleep(0.05)  # until it was accepted
        demanding.vouch(trustme.CA())
        await site.renew(tls_context(demanding))
        await writer.start_tls(demanding.client(), server_hostname="127.0.0.1")
        await site.let_go()
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_session_of_before_is_no_way_around_the_certificate(demanding: Files, version: ssl.TLSVersion) -> None:
    client = demanding.client(version=version)
    async with opened(demanding) as (site, url):
        first = await asyncio.to_thread(_ask, url, client, None)
        again = await asyncio.to_thread(_ask, url, client, first.session)
        assert again.reused
        demanding.vouch(trustme.CA())
        await site.renew(tls_context(demanding))
        with pytest.raises(SHUT_OUT):
            await asyncio.to_thread(_ask, url, client, again.session)


@dataclass(frozen=True)
class Resumable:
    """A TLS session, and whether it began as another."""

    session: ssl.SSLSession | None
    reused: bool


def _ask(url: str, client: ssl.SSLContext, session: ssl.SSLSession | None) -> Resumable:
    """Ask once, resuming a session if there is one, and return the session that can be resumed then."""
    parts = urlsplit(url)
    with (
        socket.create_connection((str(parts.hostname), parts.port or 0), timeout=5) as connection,
        client.wrap_socket(connection, server_hostname=parts.hostname, session=session) as shown,
    ):
        shown.sendall(ASKED)
        if not (answer := shown.recv(1 << 16)):
            raise ConnectionError("closed without a word")
        assert answer.startswith(b"HTTP/1.1 200")
        return Resumable(shown.session, reused=bool(shown.session_reused))


@pytest.mark.parametrize("with_tls", [False, True], ids=["plain", "tls"])
async def test_who_waits_to_be_accepted_when_a_site_closes_is_answered_and_not_reset(
    files: Files, *, with_tls: bool
) -> None:
    listener = Listener(find=lambda _: {"GET": door}, observer=Unheard(), clock=SystemClock())
    site = Site(listener, host="127.0.0.1", port=0, clock=SystemClock(), drain=1.0)
    url = await site.open(tls_context(files) if with_tls else None)
    port = urlsplit(url).port
    # The system lets them in at once; the loop, which would accept them, does not run in between.
    waiting = [socket.create_connection(("127.0.0.1", port)) for _ in range(50)]
    closing = asyncio.create_task(site.close())
    client = files.client() if with_tls else None
    for one in waiting:
        one.setblocking(False)  # noqa: FBT003 - its own name for it
        named = {"ssl": client, "server_hostname": "127.0.0.1"} if client else {}
        reader, writer = await asyncio.open_connection(sock=one, **named)  # type: ignore[arg-type]
        writer.write(ASKED)
        assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 200")
        writer.close()
    await closing
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
