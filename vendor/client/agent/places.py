"""Where an agent listens: loopback, the link-local addresses that SDKs know, or the path of a Unix socket."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import os
import socket
from pathlib import Path

from vendor.client.agent.addresses import add_to_loopback
from vendor.client.refusals import UsageError

TYPE_CHECKING = False  # as in client/address.py
if TYPE_CHECKING:
    from collections.abc import Iterator

# SDKs take plain http from these and from loopback alone; wider addresses would serve a network in clear.
_LINK_LOCAL = {"169.254.170.2", "169.254.170.23", "169.254.169.254", "fd00:ec2::23", "fd00:ec2::254"}
_BACKLOG = 512


@contextlib.contextmanager
def listening(where: str, *, others: bool, add: bool = False) -> Iterator[socket.socket]:
    """Listen at a place while entered. Raises UsageError.

    With `others`, a Unix socket takes callers of other users; with `add`, a link-local address that is missing is made.
    """
    try:
        opened = _at_path(where[5:], others=others) if where.startswith("unix:") else _at_address(where, add=add)
    except OSError as exc:
        raise UsageError(f"cannot listen at {where}: {exc.strerror}{_hint(where, exc)}") from exc
    with opened:
        yield opened
    if where.startswith("unix:"):
        Path(where[5:]).unlink(missing_ok=True)


def name_of(opened: socket.socket) -> str:
    """Return how to reach what listens."""
    where = opened.getsockname()
    if isinstance(where, str):
        return f"unix:{where}"
    host = f"[{where[0]}]" if ":" in where[0] else where[0]
    return f"http://{host}:{where[1]}"


def _at_address(where: str, *, add: bool) -> socket.socket:
    host, port = _parse(where)
    if add and not host.is_loopback:
        add_to_loopback(host)
    family = socket.AF_INET6 if host.version == 6 else socket.AF_INET  # noqa: PLR2004
    return socket.create_server((str(host), port), family=family, backlog=_BACKLOG)


def _at_path(path: str, *, others: bool) -> socket.socket:
    """Listen at a path, in place of an agent that is no more."""
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            # What is no socket refuses in the same way, and is somebody's file: `bind` then says that it is there.
            if probe.connect_ex(path) == errno.ECONNREFUSED and Path(path).is_socket():
                Path(path).unlink(missing_ok=True)
        before = os.umask(0o111 if others else 0o177)
        try:
            opened.bind(path)
        finally:
            os.umask(before)
        opened.listen(_BACKLOG)
    except BaseException:
        opened.close()
        raise
    return opened


def _parse(where: str) -> tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int]:
    host, _, port = where.rpartition(":")
    try:
        ip = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host.removeprefix("[").removesuffix("]"))
        number = int(port) if port.isascii() and port.isdigit() else -1
    except ValueError:
        number = -1
    else:
        if not (ip.is_loopback or str(ip) in _LINK_LOCAL):
            raise UsageError(f"cannot listen at {where}: what is served would cross a network in clear")
        if 0 <= number <= 65_535:  # noqa: PLR2004
            return ip, number
    raise UsageError(f"--listen reads 127.0.0.1:9911, [::1]:9911 or unix:/path, not {where}")


def _hint(where: str, exc: OSError) -> str:
    if exc.errno == errno.EPERM:
        return "; --add-address needs NET_ADMIN"
    if exc.errno != errno.EADDRNOTAVAIL:
        return ""
    ip, _ = _parse(where)
    return f"; ip addr add {ip}/{ip.max_prefixlen} dev lo, or --add-address"
