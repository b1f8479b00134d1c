"""Whose program is it that asks? Linux knows the user behind a socket of this machine."""

from __future__ import annotations

import ipaddress
import socket
import struct
import sys
from pathlib import Path

_ALIVE = {"01", "04", "05"}  # ESTABLISHED, FIN_WAIT1, FIN_WAIT2 (include/net/tcp_states.h)


def can_tell_users() -> bool:
    """Tell whether the user behind a caller can be known at all on this system."""
    return sys.platform == "linux" and Path("/proc/net/tcp").exists()


def user_of(caller: socket.socket) -> int | None:
    """Return the user id behind a caller, None when it is not of this machine or of another network namespace."""
    if not can_tell_users():
        return None
    if caller.family == socket.AF_UNIX:
        _, uid, _ = struct.unpack("3i", caller.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        return int(uid)
    peer, own = caller.getpeername(), caller.getsockname()
    for table, wide in (("/proc/net/tcp", False), ("/proc/net/tcp6", True)):
        if (uid := _look_up(table, _written(*peer[:2], wide=wide), _written(*own[:2], wide=wide))) is not None:
            return uid
    return None


def _look_up(table: str, local: str | None, remote: str | None) -> int | None:
    """Find the caller's own end of the connection: its local address is our remote one.

    A socket that its program has closed has no inode, and the kernel calls it root's: it is nobody's.
    """
    if local is None or remote is None:
        return None
    needle = f": {local} {remote} "
    try:
        lines = Path(table).read_text("ascii").splitlines()
    except OSError:
        return None
    for line in lines:
        if needle in line:
            _, _, _, state, _, _, _, uid, _, inode, *_ = line.split()
            if state in _ALIVE and inode != "0":
                return int(uid)
    return None


def _written(host: str, port: int, *, wide: bool) -> str | None:
    """Write an address as proc(5) does: words of 32 bits in the machine's own order."""
    ip = ipaddress.ip_address(host.partition("%")[0])
    packed = ip.packed
    if wide and ip.version == 4:  # noqa: PLR2004  # Java connects to IPv4 from sockets of IPv6
        packed = b"\x00" * 10 + b"\xff\xff" + packed
    elif not wide and ip.version == 6:  # noqa: PLR2004
        return None
    words = struct.unpack(f"={len(packed) // 4}I", packed)
    return "".join(f"{word:08X}" for word in words) + f":{port:04X}"
