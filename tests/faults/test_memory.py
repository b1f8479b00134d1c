"""What many leases take of memory."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.service import ROOT

if TYPE_CHECKING:
    from tests.faults.telling import Tell


@pytest.mark.faults
def test_a_hundred_thousand_leases_take_less_than_400_mb(tell: Tell) -> None:
    """100,000 leases, with session tokens of AWS's size.

    Promised: less than 400 MB.
    """
    command = [sys.executable, "-m", "tests.benchmarks.memory", "--json"]
    told = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)  # noqa: S603 - our own
    tell(f"{told['leases']} leases: {told['bytes'] / 1e6:.0f} MB, {told['each']:.0f} bytes each")
    tell.measured(f"{told['bytes'] / 1e6:.0f} MB, {told['each']:.0f} bytes each")
    assert told["leases"] == 100_000
    assert told["bytes"] < 400e6
