"""Addresses: what may be connected to is public, or private where that is said, and never a metadata service (T4)."""

from __future__ import annotations

import pytest

from vendor.identity import addresses


@pytest.mark.parametrize(
    ("address", "public", "private"),
    [
        ("8.8.8.8", True, True),
        ("2606:4700::1111", True, True),
        ("10.0.0.1", False, True),
        ("172.16.0.1", False, True),
        ("192.168.0.1", False, True),
        ("fd12::1", False, True),
        ("100.64.0.1", False, True),
        ("100.127.255.254", False, True),
        ("100.63.255.255", True, True),
        ("100.128.0.0", True, True),
        ("::ffff:100.64.0.1", False, True),
        ("127.0.0.1", False, True),
        ("127.8.8.8", False, True),
        ("::1", False, True),
        ("::ffff:127.0.0.1", False, True),
        ("::ffff:10.0.0.1", False, True),
        ("::ffff:8.8.8.8", True, True),
        ("64:ff9b::808:808", True, True),
        ("64:ff9b::a00:1", False, True),
        ("2002:808:808::1", True, True),
        ("2002:a00:1::1", False, True),
        ("169.254.169.254", False, False),
        ("169.254.170.2", False, False),
        ("169.254.170.23", False, False),
        ("::ffff:169.254.169.254", False, False),
        ("64:ff9b::a9fe:a9fe", False, False),
        ("2002:a9fe:a9fe::1", False, False),
        ("fe80::1", False, False),
        ("fe80::1%2", False, False),
        ("fd00:ec2::254", False, False),
        ("fd00:ec2::23", False, False),
        ("fd20:ce::254", False, False),
        ("100.100.100.200", False, False),
        ("::ffff:100.100.100.200", False, False),
        ("168.63.129.16", False, False),
        ("192.0.0.192", False, False),
        ("2001::1", False, False),
        ("64:ff9b:1::a00:1", False, False),
        ("0.0.0.0", False, False),  # noqa: S104
        ("0.0.0.1", False, False),
        ("0.255.255.255", False, False),
        ("::", False, False),
        ("::ffff:0.0.0.0", False, False),
        ("::127.0.0.1", False, False),
        ("224.0.0.1", False, False),
        ("ff02::1", False, False),
        ("240.0.0.1", False, False),
        ("255.255.255.255", False, False),
    ],
)
def test_an_address_is_allowed_as_the_table_says(address: str, public: bool, private: bool) -> None:  # noqa: FBT001
    assert addresses.is_allowed(address, private=False) is public
    assert addresses.is_allowed(address, private=True) is private
