"""Codes of virtual MFA devices, by the test vectors of RFC 6238."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from vendor.mint.devices import STEP, Devices, totp
from vendor.policy.session import Mfa
from vendor.refusals import Overloaded

SECRET = b"12345678901234567890"
# RFC 6238 appendix B, SHA-1: seconds and the last six of the eight digits.
VECTORS = {
    59: "287082",
    1111111109: "081804",
    1111111111: "050471",
    1234567890: "005924",
    2000000000: "279037",
    20000000000: "353130",
}
ONE, OTHER = Mfa("arn:aws:iam::1:mfa/one", "one"), Mfa("arn:aws:iam::1:mfa/other", "other")


@pytest.mark.parametrize("seconds", VECTORS)
def test_a_code_is_that_of_the_rfc(seconds: int) -> None:
    assert totp(SECRET, seconds // STEP) == VECTORS[seconds]


def test_each_device_has_codes_of_its_own_and_each_is_given_once() -> None:
    devices = Devices(read=lambda _: b"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
    now = datetime.fromtimestamp(59, UTC)
    assert devices.code(ONE, now).reveal() == devices.code(OTHER, now).reveal() == VECTORS[59]
    with pytest.raises(Overloaded) as refused:
        devices.code(ONE, now)
    assert refused.value.retry_after == 1


def test_a_clock_that_goes_back_shows_no_code_again() -> None:
    devices = Devices(read=lambda _: b"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
    devices.code(ONE, datetime.fromtimestamp(119, UTC))
    with pytest.raises(Overloaded):
        devices.code(ONE, datetime.fromtimestamp(59, UTC))
