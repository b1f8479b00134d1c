"""Mints: each session goes to the STS of its target, if there is one."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from tests.fakes.clock import Clock
from tests.made import session
from vendor.metrics import Metrics
from vendor.minting import Mints
from vendor.observer import Observer
from vendor.policy.packing import Packing
from vendor.refusals import StsUnavailable


async def test_a_session_whose_target_is_gone_by_a_reload_is_refused_for_now() -> None:
    mints = Mints(
        find=lambda _target: None,
        clock=Clock(),
        packing=Packing(),
        observer=Observer(metrics=Metrics(CollectorRegistry(), version="1"), log=None),
    )
    with pytest.raises(StsUnavailable) as refused:
        await mints.mint(session(target="gone"))
    assert "gone" in refused.value.detail
