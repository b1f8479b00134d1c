"""One request and its answer over one connection: no redirects, no reuse, everything capped in size and time."""

from __future__ import annotations

import base64
import contextlib
import errno
import http.client
import io
import socket
import ssl

from vendor.client.answer import LARGEST, Answer
from vendor.client.refusals import Unreachable, UsageError

TYPE_CHECKING = False  # as in address.py
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from _typeshed import WriteableBuffer

    from vendor.client.address import Address
    from vendor.client.deadline import Deadline


class Line:
    """The way to one server: its address, whom to trust for it, and the proxy in between."""

    __slots__ = ("_proxy", "_trust", "address")

    def __init__(self, address: Address, *, ca_file: str | None, proxy: Address | None) -> None:
        self.address = address
        self._proxy = proxy
        self._trust = _trust(ca_file) if address.scheme == "https" else None

    def ask(
        self, method: str, target: str, *, headers: Mapping[str, str], body: bytes | None, deadline: Deadline
    ) -> Answer:
        """Send one request and read its answer, whatever its status. Raises Unreachable."""
        try:
            with self._opened(deadline) as opened:
                _write(opened, method, target, headers={"Host": self.address.authority, **headers}, body=body)
                return _read(opened, deadline)
        except (OSError, http.client.HTTPException, ValueError) as exc:
            final = isinstance(exc, ssl.SSLError) and not isinstance(exc, ssl.SSLEOFError)
            raise Unreachable(f"cannot reach {self.address}: {_reason(exc)}", final, _is_nobody(exc)) from exc

    @contextlib.contextmanager
    def _opened(self, deadline: Deadline) -> Iterator[socket.socket]:
        with _dial(self._proxy or self.address, deadline) as plain:
            if self._proxy:
                _tunnel(plain, self._proxy, self.address, deadline)
            if self._trust is None:
                yield plain
                return
            plain.settimeout(deadline.left())
            with self._trust.wrap_socket(plain, server_hostname=self.address.host) as secure:
                yield secure


class _TimedReader(io.RawIOBase):
    """Reads a socket so that the deadline covers the whole answer, for a server may send one byte a second."""

    def __init__(self, opened: socket.socket, deadline: Deadline) -> None:
        super().__init__()
        self._opened = opened
        self._raw = opened.makefile("rb", buffering=0)
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        self._opened.settimeout(self._deadline.left())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    """The library's own parser over a timed reader."""

    def __init__(self, opened: socket.socket, deadline: Deadline) -> None:
        super().__init__(opened)
        self.fp.close()
        self.fp = io.BufferedReader(_TimedReader(opened, deadline))


def _trust(ca_file: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ValueError) as exc:  # SSLError is an OSError
        reason = getattr(exc, "strerror", None) or "no certificate in it"
        raise UsageError(f"the CA file {ca_file} cannot be used: {reason}") from exc


def _dial(address: Address, deadline: Deadline) -> socket.socket:
    """Connect to the first address of the host that takes the call; each gets an even share of the time left."""
    found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    *others, last = [str(where[0]) for *_, where in found]
    for later, host in zip(range(len(others), 0, -1), others, strict=True):
        with contextlib.suppress(OSError):
            return socket.create_connection((host, address.port), deadline.left() / (later + 1))
    return socket.create_connection((last, address.port), deadline.left())


def _tunnel(opened: socket.socket, proxy: Address, target: Address, deadline: Deadline) -> None:
    """Ask the proxy for a tunnel (RFC 9110 section 9.3.6); it sees host and port and no more."""
    where = f"[{target.host}]:{target.port}" if ":" in target.host else f"{target.host}:{target.port}"
    headers = {"Host": where}
    if proxy.credentials:
        headers["Proxy-Authorization"] = "Basic " + base64.b64encode(proxy.credentials.encode()).decode()
    _write(opened, "CONNECT", where, headers=headers, body=None)
    with _Response(opened, deadline) as response:
        response.begin()
        if response.status != http.client.OK:
            raise OSError(f"the proxy {proxy} refused the tunnel: HTTP {response.status}")


def _write(opened: socket.socket, method: str, target: str, *, headers: Mapping[str, str], body: bytes | None) -> None:
    connection = http.client.HTTPConnection("unused")  # the socket is given: it never connects by itself
    connection.sock = opened
    connection.request(method, target, body=body, headers=headers)


def _read(opened: socket.socket, deadline: Deadline) -> Answer:
    with _Response(opened, deadline) as response:
        response.begin()
        body = response.read(LARGEST + 1)
        if response.length and len(body) <= LARGEST:  # the library returns a cut body as if it were whole
            raise http.client.IncompleteRead(body)
        return Answer(response.status, response.headers, body)


def _is_nobody(exc: Exception) -> bool:
    """Tell whether nothing is there that could answer: no such name, no way there, nothing that listens."""
    no_way = isinstance(exc, OSError) and exc.errno in {errno.EHOSTUNREACH, errno.ENETUNREACH}
    return no_way or isinstance(exc, ConnectionRefusedError | socket.gaierror)


def _reason(exc: Exception) -> str:
    match exc:
        case ssl.SSLCertVerificationError():
            reason = f"its certificate is not trusted ({exc.verify_message}); VENDOR_CA_FILE names another authority"
        case ssl.SSLError():
            reason = f"TLS failed ({exc.reason})"
        case TimeoutError():
            reason = "no answer in time"
        case http.client.RemoteDisconnected() | http.client.IncompleteRead():
            reason = "the connection was closed before the answer was whole"
        case http.client.HTTPException():
            reason = f"what listens there does not speak HTTP ({type(exc).__name__})"
        case OSError():
            reason = exc.strerror or str(exc)
        case _:
            reason = "its name is no host name"
    return reason
