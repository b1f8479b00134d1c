"""Gives this machine an address by asking the kernel as `ip addr add … dev lo` does; images have no `ip`."""

from __future__ import annotations

import errno
import os
import socket
import struct

TYPE_CHECKING = False  # as in client/address.py
if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

_NETLINK_ROUTE, _RTM_NEWADDR, _NLMSG_ERROR = 0, 20, 2
_REQUEST_ACK_CREATE_EXCL = 0x1 | 0x4 | 0x400 | 0x200  # netlink(7)
_HEADER = struct.Struct("=IHHII")
_ADDRESS = struct.Struct("=BBBBI")  # rtnetlink(7), struct ifaddrmsg
_ATTRIBUTE = struct.Struct("=HH")
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_NO_DETECTION = 0x02  # IFA_F_NODAD: an address of IPv6 can be listened at before the kernel has looked for its like


def add_to_loopback(ip: IPv4Address | IPv6Address) -> None:
    """Add an address to the loopback interface unless it is there; needs CAP_NET_ADMIN. Raises OSError.

    It stays when the agent ends: who asks while the next one starts is refused at once instead of waiting in vain.
    """
    family = socket.AF_INET6 if ip.version == 6 else socket.AF_INET  # noqa: PLR2004
    flags = _NO_DETECTION if ip.version == 6 else 0  # noqa: PLR2004
    body = _ADDRESS.pack(family, ip.max_prefixlen, flags, 0, socket.if_nametoindex("lo"))
    for name in (_IFA_LOCAL, _IFA_ADDRESS):
        body += _ATTRIBUTE.pack(_ATTRIBUTE.size + len(ip.packed), name) + ip.packed
    message = _HEADER.pack(_HEADER.size + len(body), _RTM_NEWADDR, _REQUEST_ACK_CREATE_EXCL, 1, 0) + body
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_ROUTE) as asking:
        asking.settimeout(5)
        asking.send(message)
        answer = asking.recv(4096)
    _, kind, *_ = _HEADER.unpack_from(answer)
    code = -struct.unpack_from("=i", answer, _HEADER.size)[0] if kind == _NLMSG_ERROR else errno.EPROTO
    if code not in {0, errno.EEXIST}:
        raise OSError(code, os.strerror(code))
