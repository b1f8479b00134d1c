"""Which addresses may be connected to for an issuer's documents: public ones, and private ones where that is said."""

from __future__ import annotations

import ipaddress
from typing import Final

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_SHARED: Final = ipaddress.IPv4Network("100.64.0.0/10")
"""Between carriers and their customers (RFC 6598), and inside clusters whose private ranges are used up."""
_NEVER: Final = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",  # this host: some systems connect to loopback
        "100.100.100.200/32",  # metadata services of clouds that are not link-local, from here
        "168.63.129.16/32",
        "192.0.0.192/32",
        "fd00:ec2::/32",  # all of EC2's own services
        "fd20:ce::254/128",  # to here
        "2001::/32",  # Teredo: carries an IPv4 address that somebody else's server decides about
    )
)


def is_allowed(address: str, *, private: bool) -> bool:
    """Tell whether an address may be connected to.

    Without `private` only globally routable ones; with it also private, shared and loopback ones, but never link-local
    ones (cloud metadata), those of other metadata services, multicast, unspecified or reserved. An IPv6 address that
    carries an IPv4 one (mapped, 6to4, NAT64) is judged by that.
    """
    ip = _carried(ipaddress.ip_address(address))
    if ip.is_link_local or ip.is_multicast or ip.is_unspecified or (ip.is_reserved and not ip.is_loopback):
        return False
    if any(ip in network for network in _NEVER):
        return False
    return ip.is_global or (private and (ip.is_private or ip.is_loopback or ip in _SHARED))


def _carried(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    if ip in _NAT64:
        return ipaddress.IPv4Address(ip.packed[-4:])
    return ip.ipv4_mapped or ip.sixtofour or ip
