"""Sites: the addresses at which listeners are reached, what is shown there in TLS, and how they are left."""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol

from yarl import URL

from vendor.server.connection import SHUTDOWN

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from vendor.server.connection import Server
    from vendor.server.listener import Listener

LOOK: Final = 1.0
"""Seconds between looks at whether the TLS files have changed."""
HANDSHAKE: Final = 10.0
"""Seconds in which a client must have agreed on TLS."""
TAKEN_IN: Final = 1.0
"""Seconds at least in which whoever was let in at the last moment is taken in."""
BACKLOG: Final = 1024
"""Connections that may wait to be accepted."""


class Clock(Protocol):
    """Time that never steps."""

    def monotonic(self) -> float:
        """Return seconds since some fixed moment."""
        ...


class TlsFiles(Protocol):
    """A certificate chain, its key, and the certificates that vouch for clients if these must show one; all PEM."""

    @property
    def certificate(self) -> Path:
        """Return where the chain is."""
        ...

    @property
    def private_key(self) -> Path:
        """Return where its key is."""
        ...

    @property
    def client_ca(self) -> Path | None:
        """Return where the certificates are that vouch for clients, None where any client may come."""
        ...


class Changes(Protocol):
    """Files that belong together."""

    def seen(self) -> bool:
        """Return whether one of them has changed since the last call."""
        ...


def tls_context(files: TlsFiles) -> ssl.SSLContext:
    """Return what is shown and demanded in TLS.

    Raises OSError (ssl.SSLError is one), which names them, for files that cannot be read or do not fit together.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load(context.load_cert_chain, files.certificate, files.private_key)
    if files.client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        _load(context.load_verify_locations, files.client_ca)
    return context


def _load(load: Callable[..., None], *files: Path) -> None:
    """Have OpenSSL load files, of which it says by itself neither what they are called nor which one is missing."""
    for file in files:
        file.open("rb").close()
    try:
        load(*files)
    except ssl.SSLError as exc:
        raise ssl.SSLError(exc.errno, f"{' and '.join(map(str, files))}: {exc.strerror}") from exc


class Site:
    """One address at which a listener is reached.

    `drain` is for how many seconds, at the end, idle connections may still bring a request, which is answered.
    """

    def __init__(self, listener: Listener, *, host: str, port: int, clock: Clock, drain: float) -> None:
        self._listener = listener
        self._host = host
        self._port = port
        self._clock = clock
        self._drain = drain
        self._accepting: list[asyncio.Server] = []
        self._servers: list[Server] = []
        self._tls: ssl.SSLContext | None = None

    async def open(self, tls: ssl.SSLContext | None = None) -> str:
        """Listen, and return the address as a URL.

        Raises OSError.
        """
        serving = self._listener.server()
        listening = await asyncio.get_running_loop().create_server(
            serving, self._host, self._port, ssl=tls, backlog=BACKLOG, ssl_handshake_timeout=HANDSHAKE if tls else None
        )
        self._accepting, self._servers, self._tls = [listening], [serving], tls
        port = listening.sockets[0].getsockname()[1]
        return str(URL.build(scheme="https" if tls else "http", host=self._host, port=port))

    async def renew(self, tls: ssl.SSLContext) -> None:
        """Show and demand what another context says, from the next connection on, without one being turned away.

        A new listener takes over the socket: a context that serves could forget neither the certificates that vouched
        for clients before nor the sessions that these may resume.
        """
        before, served = self._accepting, self._servers
        serving = self._listener.server()
        self._accepting = [
            await asyncio.get_running_loop().create_server(
                serving, sock=_twin(shown), ssl=tls, backlog=BACKLOG, ssl_handshake_timeout=HANDSHAKE
            )
            for listening in before
            for shown in listening.sockets
        ]
        await _stop_listening(before)
        self._tls = tls
        # The last one is still agreeing on TLS with some, who are not counted yet.
        self._servers = [server for server in served if server.connections or server is served[-1]] + [serving]

    async def let_go(self) -> None:
        """Close the connections of before the last renewal, the busy ones once they have their answer."""
        await _leave(self._servers[:-1])

    async def close(self) -> None:
        """Stop accepting, answer what comes on the open connections, each answer being its connection's last."""
        self._listener.draining = True
        await self._stop_accepting()
        end = self._clock.monotonic() + self._drain
        while self._connected() and self._clock.monotonic() < end:  # noqa: ASYNC110 - aiohttp has no event for the last
            await asyncio.sleep(0.05)
        await _leave(self._servers)

    async def _stop_accepting(self) -> None:
        """Stop listening, and take in whom the system had let in already: to close would reset their connections."""
        shown = [_twin(each) for listening in self._accepting for each in listening.sockets]
        await _stop_listening(self._accepting)
        taking = [asyncio.create_task(self._take_in(waiting)) for each in shown for waiting in _waiting(each)]
        if taking:
            await asyncio.wait(taking, timeout=max(self._drain, TAKEN_IN))

    async def _take_in(self, waiting: socket.socket) -> None:
        with suppress(OSError):
            await asyncio.get_running_loop().connect_accepted_socket(
                self._servers[-1], waiting, ssl=self._tls, ssl_handshake_timeout=HANDSHAKE if self._tls else None
            )

    def _connected(self) -> bool:
        return any(server.connections for server in self._servers)


async def follow(
    site: Site, files: TlsFiles, changes: Changes, *, told: Callable[[Exception | None], None], look: float = LOOK
) -> None:
    """Show what the files say whenever they change, for ever; files that do not fit leave the last good ones.

    Who had to show a certificate has to show it again then. `told` is called after each change, with what was wrong
    with it if anything was.
    """
    while True:
        await asyncio.sleep(look)
        if files.client_ca is not None:
            await site.let_go()
        if changes.seen():
            try:
                await site.renew(tls_context(files))
            except OSError as exc:
                told(exc)
            else:
                told(None)


async def _stop_listening(accepting: list[asyncio.Server]) -> None:
    """Close listening sockets, but not before whoever was accepted by them has a transport.

    asyncio makes it in a task of its own, which fails where the server was closed meanwhile, and nobody then closes the
    connection: its client waits until it gives up.
    """
    loop = asyncio.get_running_loop()
    for listening in accepting:
        for shown in listening.sockets:
            loop.remove_reader(shown.fileno())
    await asyncio.sleep(0)
    for listening in accepting:
        listening.close()


async def _leave(servers: list[Server]) -> None:
    """Close connections: idle ones at once, busy ones when they have their answer, if that is soon."""
    for _ in range(2):  # the first time does nothing to a connection that was made just now
        await asyncio.sleep(0)
        for server in servers:
            server.pre_shutdown()
    await asyncio.gather(*(server.shutdown(SHUTDOWN) for server in servers))


def _waiting(shown: socket.socket) -> list[socket.socket]:
    """Return the connections that wait to be accepted, and let go of the listening socket at once."""
    found = []
    with shown, suppress(BlockingIOError):
        shown.setblocking(False)  # noqa: FBT003 - its own name for it
        while True:
            found.append(shown.accept()[0])
    return found


def _twin(shown: socket.socket) -> socket.socket:
    """Return another handle of a listening socket; uvloop's own cannot make one."""
    return socket.fromfd(shown.fileno(), shown.family, shown.type)
