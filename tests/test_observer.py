"""Observer: what happens outside of exchanges is counted and logged."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from tests.fakes.clock import Clock
from vendor.leases.expiry import ExpiryLedger
from vendor.metrics import Metrics
from vendor.observer import Observer
from vendor.refusals import Reason, StsUnavailable


class Log:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def error(self, event: str, **_: object) -> None:
        self.lines.append(event)

    warning = error


def test_renewals_are_counted_and_only_one_that_failed_by_a_defect_is_logged() -> None:
    metrics, log = Metrics(CollectorRegistry(), version="1"), Log()
    metrics.watch(
        scopes=["a"], expiry=ExpiryLedger(clock=Clock()), stale=dict, budgets={}, breakers={}, healthy={}, ages={}
    )
    observer = Observer(metrics=metrics, log=log)
    for failure in (None, StsUnavailable(Reason.NO_ANSWER), ZeroDivisionError()):
        observer.note_renewed("a", failure)
    exposed = b"".join(metrics.expose()[0]).decode()
    assert 'vendor_renewals_total{result="ok",scope="a"} 1.0' in exposed
    assert 'vendor_renewals_total{result="failed",scope="a"} 2.0' in exposed
    assert log.lines == ["defect"]


def test_a_skew_of_the_clock_is_a_metric_and_logged_when_it_is_time_to() -> None:
    metrics, log = Metrics(CollectorRegistry(), version="1"), Log()
    observer = Observer(metrics=metrics, log=log)
    observer.skewed("aws", -600.0, True)  # noqa: FBT003 - as it is told
    observer.skewed("aws", -601.0, False)  # noqa: FBT003 - as above
    assert b'vendor_clock_skew_seconds{target="aws"} -601.0' in b"".join(metrics.expose()[0])
    assert log.lines == ["clock skew"]
