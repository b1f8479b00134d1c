"""Whose program is it that asks? Linux knows the user behind a socket of this machine."""

from __future__ import annotations

import ipaddress
import socket
import struct
import sys
from pathlib import Path

_ALIVE = {1, 4, 5}  # ESTABLISHED, FIN_WAIT1, FIN_WAIT2 (include/net/tcp_states.h)
_NETLINK_SOCK_DIAG, _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST = 4, 20, 1
_HEADER = struct.Struct("=IHHII")  # netlink(7)
_QUESTION = struct.Struct("=BBBBI")  # sock_diag(7), struct inet_diag_req_v2, with its struct inet_diag_sockid
_SOCKET = struct.Struct("!HH16s16s12s")
_ANSWER = struct.Struct("=BBBB48sIIIII")
_NO_COOKIE = b"\x00" * 4 + b"\xff" * 8  # any interface, whatever the cookie


def can_tell_users() -> bool:
    """Tell whether the user behind a caller can be known at all on this system."""
    return sys.platform == "linux" and Path("/proc/net/tcp").exists()


def user_of(caller: socket.socket) -> int | None:
    """Return the user id behind a caller, None when it is not of this machine or of another network namespace.

    Asked for is the caller's own end of the connection: its local address is our remote one. A socket that its program
    has closed has no inode, and the kernel calls it root's: it is nobody's.
    """
    if not can_tell_users():
        return None
    if caller.family == socket.AF_UNIX:
        _, uid, _ = struct.unpack("3i", caller.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        return int(uid)
    peer, own = caller.getpeername(), caller.getsockname()
    try:
        return _asked(caller.family, peer, own)
    except OSError:  # no such socket, or a kernel that is not asked so
        return _read(peer, own)


def _asked(family: int, local: tuple[str, int], remote: tuple[str, int]) -> int | None:
    """Ask the kernel for one socket: reading the table of all takes long on a machine with many. Raises OSError."""
    source, target = (ipaddress.ip_address(each[0].partition("%")[0]).packed for each in (local, remote))
    body = _QUESTION.pack(family, socket.IPPROTO_TCP, 0, 0, 0xFFFF_FFFF)
    body += _SOCKET.pack(local[1], remote[1], source, target, _NO_COOKIE)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as asking:
        asking.settimeout(1)
        asking.send(_HEADER.pack(_HEADER.size + len(body), _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, 0, 0) + body)
        answer = asking.recv(4096)
    _, kind, *_ = _HEADER.unpack_from(answer)
    if kind != _SOCK_DIAG_BY_FAMILY or len(answer) < _HEADER.size + _ANSWER.size:
        raise OSError("the kernel knows no such socket")
    _, state, _, _, _, _, _, _, uid, inode = _ANSWER.unpack_from(answer, _HEADER.size)
    return int(uid) if state in _ALIVE and inode else None


def _read(local: tuple[str, int], remote: tuple[str, int]) -> int | None:
    """Look a socket up in the kernel's tables (proc(5), net/tcp)."""
    for table, wide in (("/proc/net/tcp", False), ("/proc/net/tcp6", True)):
        needle = f": {_written(*local[:2], wide=wide)} {_written(*remote[:2], wide=wide)} "
        try:
            lines = Path(table).read_text("ascii").splitlines()
        except OSError:
            continue
        for line in lines:
            if needle in line:
                _, _, _, state, _, _, _, uid, _, inode, *_ = line.split()
                if int(state, 16) in _ALIVE and inode != "0":
                    return int(uid)
    return None


def _written(host: str, port: int, *, wide: bool) -> str:
    """Write an address as proc(5) does: words of 32 bits in the machine's own order."""
    ip = ipaddress.ip_address(host.partition("%")[0])
    packed = ip.packed
    if wide and ip.version == 4:  # noqa: PLR2004  # Java connects to IPv4 from sockets of IPv6
        packed = b"\x00" * 10 + b"\xff\xff" + packed
    words = struct.unpack(f"={len(packed) // 4}I", packed)
    return "".join(f"{word:08X}" for word in words) + f":{port:04X}"
