"""The metrics: names and labels as promised, labels from fixed sets alone, a scrape that nothing breaks."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, disable_created_metrics, enable_created_metrics, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
from prometheus_client.parser import text_string_to_metric_families

from tests.fakes.clock import START, Clock
from tests.made import credentials, entry, issued, principal, scope
from tests.metrics_page import PAGE, page
from vendor.audit import Door, Source
from vendor.leases.expiry import ExpiryLedger
from vendor.metrics import Metrics
from vendor.metrics.exposition import SLICE
from vendor.metrics.families import Families
from vendor.metrics.metrics import COUNTED
from vendor.metrics.series import observe
from vendor.policy.decision import Asked
from vendor.policy.granting import Permission
from vendor.refusals import AccessDenied, AuditUnavailable, InvalidToken, Reason, StsUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vendor.audit import Entry

PROMISED = """
vendor_exchanges_total{scope,door,outcome} vendor_credentials_issued_total{scope,action,source}
vendor_credentials_expired_total{scope} vendor_credentials_active{scope}
vendor_credential_next_expiry_timestamp_seconds{scope} vendor_credential_remaining_seconds{scope}
vendor_credential_lifetime_seconds{scope} vendor_exchange_duration_seconds{door,source}
vendor_sts_requests_total{target,region,action,result} vendor_sts_request_duration_seconds{target,region,action}
vendor_sts_budget_available{target} vendor_sts_breaker_open{target,region} vendor_packed_policy_ratio{scope}
vendor_refusals_total{code,reason} vendor_would_refuse_total{scope} vendor_renewals_total{scope,result}
vendor_stale_holders{scope} vendor_keys_refresh_total{issuer,result} vendor_keys_age_seconds{issuer}
vendor_store_requests_total{operation,result} vendor_store_integrity_failures_total vendor_config_generation
vendor_config_reloads_total{result} vendor_revocations_active vendor_event_loop_lag_seconds vendor_build_info
"""
"""What users program against, never to be renamed; of the last one alone the labels are left open."""
CONTRACT = {
    "vendor_exchanges_total": {"scope", "door", "outcome"},
    "vendor_credentials_issued_total": {"scope", "action", "source"},
    "vendor_credentials_expired_total": {"scope"},
    "vendor_credentials_active": {"scope"},
    "vendor_credential_next_expiry_timestamp_seconds": {"scope"},
    "vendor_stale_holders": {"scope"},
    "vendor_renewals_total": {"scope", "result"},
    "vendor_credential_remaining_seconds": {"scope"},
    "vendor_credential_lifetime_seconds": {"scope"},
    "vendor_exchange_duration_seconds": {"door", "source"},
    "vendor_sts_requests_total": {"target", "region", "action", "result"},
    "vendor_sts_request_duration_seconds": {"target", "region", "action"},
    "vendor_base_identity_healthy": {"target"},
    "vendor_sts_breaker_open": {"target", "region"},
    "vendor_sts_budget_available": {"target"},
    "vendor_clock_skew_seconds": {"target"},
    "vendor_packed_policy_ratio": {"scope"},
    "vendor_refusals_total": {"code", "reason"},
    "vendor_would_refuse_total": {"scope"},
    "vendor_keys_refresh_total": {"issuer", "result"},
    "vendor_keys_age_seconds": {"issuer"},
    "vendor_keys_dropped": {"issuer", "reason"},
    "vendor_revocations_active": set(),
    "vendor_store_requests_total": {"operation", "result"},
    "vendor_store_integrity_failures_total": set(),
    "vendor_config_generation": set(),
    "vendor_config_reloads_total": {"result"},
    "vendor_event_loop_lag_seconds": set(),
    "vendor_event_loop_tasks": set(),
    "vendor_build_info": {"version"},
    "vendor_audit_failures_total": set(),
}
HISTOGRAM = ("_bucket", "_count", "_sum")
HOUR = timedelta(hours=1)
Samples = dict[str, list[tuple[dict[str, str], float]]]


class Rig:
    """Metrics with everything that they watch."""

    def __init__(self, *scopes: str) -> None:
        self.clock = Clock()
        self.expiry = ExpiryLedger(clock=self.clock)
        self.registry = CollectorRegistry()
        self.metrics = Metrics(self.registry, version="1.2.3")
        self.metrics.watch(
            scopes=scopes,
            expiry=self.expiry,
            stale=lambda: {"reports:read": 2},
            budgets={"aws": lambda: 42.0, "minio": lambda: float("inf")},
            breakers={("aws", "eu-west-1"): lambda: 1.0},
            healthy={"aws": lambda: 1.0},
            ages={"cluster-a": lambda: 7.0},
        )

    def observe(self, *entries: Entry) -> None:
        for one in entries:
            self.metrics.observe(one, now=self.clock.now())

    def text(self, accept: str = "") -> tuple[bytes, str]:
        """Return a scrape and its content type."""
        pieces, content_type = self.metrics.expose(accept)
        return b"".join(pieces), content_type

    def scrape(self) -> Samples:
        """Return the samples of a scrape by name; a histogram's under its own name, counted."""
        body, content_type = self.text()
        assert content_type.startswith("text/plain")
        found: Samples = {}
        for family in text_string_to_metric_families(body.decode()):
            for sample in family.samples:
                if family.type == "histogram" and not sample.name.endswith("_count"):
                    continue
                name = sample.name.removesuffix("_count") if family.type == "histogram" else sample.name
                if not name.endswith("_created"):
                    found.setdefault(name, []).append((sample.labels, sample.value))
        return found

    def value(self, name: str, **labels: str) -> float | None:
        return next((value for had, value in self.scrape().get(name, []) if had == labels), None)


@pytest.fixture
def rig() -> Rig:
    return Rig("reports:read", "reports:write")


def _fill(rig: Rig) -> None:
    rig.expiry.add("reports:read", rig.clock.now() + HOUR)
    rig.observe(
        issued(),
        issued(permission=Permission(scope=scope(), grant=None)),
        entry(refusal=InvalidToken(Reason.SIGNATURE)),
    )
    rig.metrics.minted("reports:read", 3600.0, 12)
    rig.metrics.renewed("reports:read", "ok")
    rig.metrics.skew.labels("aws").set(-0.4)
    rig.metrics.sts("aws", "eu-west-1", "AssumeRole", "ok", 0.1)
    rig.metrics.keys_refresh.labels("cluster-a", "ok").inc()
    rig.metrics.dropped("cluster-a", {"weak": 1})
    rig.metrics.store_requests.labels("claim", "ok").inc()
    rig.metrics.generation.set(1)
    rig.metrics.loop_lag.observe(0.001)


def test_every_metric_has_the_name_and_the_labels_of_the_contract(rig: Rig) -> None:
    _fill(rig)
    assert {name: set(labels) for name, [(labels, _), *_] in rig.scrape().items()} == CONTRACT


def test_every_metric_that_was_promised_is_there_by_the_letter(rig: Rig) -> None:
    _fill(rig)
    scraped = rig.scrape()
    for name, labels in re.findall(r"(\w+)(?:\{([\w,]+)\})?", PROMISED):
        had = {frozenset(one) for one, _ in scraped[name]}
        assert name == "vendor_build_info" or had == {frozenset(filter(None, labels.split(",")))}, name


def test_who_accepts_openmetrics_sees_which_request_took_how_long(rig: Rig) -> None:
    rig.observe(issued(request_id="00f1", seconds=0.003))
    body, content_type = rig.text("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.1")
    assert content_type == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    families = parse(body.decode())  # type: ignore[no-untyped-call]
    (family,) = [one for one in families if one.name == "vendor_exchange_duration_seconds"]
    seen = [(one.labels["le"], one.exemplar) for one in family.samples if one.exemplar]
    assert [(le, one.labels, one.value) for le, one in seen] == [("0.005", {"request_id": "00f1"}, 0.003)]


def test_of_quick_exchanges_one_a_second_is_told_of_and_of_slow_ones_each(rig: Rig) -> None:
    for request_id, seconds in (("00f1", 0.003), ("00f2", 0.004), ("00f3", 0.3), ("00f4", 0.4)):
        rig.observe(issued(request_id=request_id, seconds=seconds))
    body, _ = rig.text("application/openmetrics-text")
    told = re.findall(r'vendor_exchange_duration_seconds_bucket.*"(00f.)"', body.decode())
    assert told == ["00f1", "00f4"]


@pytest.mark.parametrize(
    "accept", ["", "*/*", "text/plain;version=0.0.4", "application/openmetrics", ";,;;", "\0", "text/plain;version=x"]
)
def test_everybody_else_is_given_plain_text_with_no_exemplar(rig: Rig, accept: str) -> None:
    rig.observe(issued(request_id="00f1"))
    body, content_type = rig.text(accept)
    assert content_type.startswith("text/plain; ")
    assert b"00f1" not in body


@pytest.fixture
def served() -> Iterator[None]:
    """Have the library as serving has it."""
    disable_created_metrics()  # type: ignore[no-untyped-call]
    yield
    enable_created_metrics()  # type: ignore[no-untyped-call]


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize("accept", ["", "application/openmetrics-text"])
def test_of_many_scopes_a_scrape_is_written_a_little_at_a_time_and_reads_as_the_library_writes_it(accept: str) -> None:
    names = [f"team-{number}:read" for number in range(SLICE + 1)]
    rig = Rig(*names)
    for name in names:
        rig.expiry.add(name, rig.clock.now() + HOUR)
        rig.observe(issued(permission=Permission(scope=scope(name=name), grant=None), request_id=name))
    pieces = list(rig.metrics.expose(accept)[0])
    assert SLICE <= max(len(_samples(piece)) for piece in pieces) < 2 * SLICE
    assert len(pieces) > 10
    write = openmetrics.generate_latest if accept else generate_latest
    lines = write(rig.registry).splitlines(keepends=True)
    # A family that comes in several slices has as many heads there, and one here.
    told = [line for number, line in enumerate(lines) if line[:1] != b"#" or line not in lines[:number]]
    assert b"".join(pieces) == b"".join(told)


def _samples(piece: bytes) -> list[bytes]:
    return [line for line in piece.splitlines() if line[:1] != b"#"]


def test_what_waits_to_be_counted_is_in_a_scrape_however_many_kinds_there_are_of_it() -> None:
    names = [f"team-{number}:read" for number in range(COUNTED + 1)]
    rig = Rig(*names)
    for name in names:
        rig.observe(*[issued(permission=Permission(scope=scope(name=name), grant=None), seconds=0.001)] * 2)
    assert [value for _, value in rig.scrape()["vendor_exchanges_total"]] == [2.0] * len(names)


def test_the_page_of_metrics_tells_of_each_as_it_tells_of_itself() -> None:
    text = PAGE.read_text("utf-8")
    assert page(text) == text, "python -m tests.metrics_page"


def test_every_sample_of_a_metric_has_the_same_labels(rig: Rig) -> None:
    _fill(rig)
    for name, samples in rig.scrape().items():
        assert {frozenset(labels) for labels, _ in samples} == {frozenset(CONTRACT[name])}


def test_an_issue_is_counted_with_where_it_came_from_and_what_was_left_of_it(rig: Rig) -> None:
    rig.clock.advance(600)
    rig.observe(issued(), issued(source=Source.MEMORY, door=Door.JSON), issued(source=Source.MEMORY, door=Door.JSON))
    exchanges = "vendor_exchanges_total"
    assert rig.value(exchanges, scope="reports:read", door="container", outcome="issued") == 1
    assert rig.value(exchanges, scope="reports:read", door="json", outcome="issued") == 2
    out = "vendor_credentials_issued_total"
    assert rig.value(out, scope="reports:read", action="AssumeRole", source="sts") == 1
    assert rig.value(out, scope="reports:read", action="AssumeRole", source="memory") == 2
    assert rig.value("vendor_exchange_duration_seconds", door="json", source="memory") == 2
    assert rig.value("vendor_credential_remaining_seconds", scope="reports:read") == 3
    body = rig.text()[0].decode()
    assert 'vendor_credential_remaining_seconds_sum{scope="reports:read"} 9000.0' in body
    assert rig.scrape().get("vendor_refusals_total", []) == []


@pytest.mark.parametrize(
    "one",
    [
        issued(refusal=AuditUnavailable(Reason.SINK)),
        issued(refusal=StsUnavailable(Reason.NO_ANSWER), credentials=None, source=None),
    ],
)
def test_a_refusal_is_counted_and_hands_nothing_out(rig: Rig, one: Entry) -> None:
    rig.observe(one)
    assert one.refusal is not None
    assert rig.value("vendor_exchanges_total", scope="reports:read", door="container", outcome="refused") == 1
    assert rig.value("vendor_refusals_total", code=one.refusal.code, reason=one.refusal.reason) == 1
    assert rig.value("vendor_exchange_duration_seconds", door="container", source="none") == 1
    assert "vendor_credentials_issued_total" not in rig.scrape()
    assert "vendor_credential_remaining_seconds" not in rig.scrape()


def test_a_defect_is_an_exchange_that_was_refused(rig: Rig) -> None:
    rig.observe(issued(defect="ZeroDivisionError"))
    assert rig.value("vendor_refusals_total", code="internal_error", reason="defect") == 1
    assert rig.value("vendor_exchanges_total", scope="reports:read", door="container", outcome="refused") == 1
    assert "vendor_credentials_issued_total" not in rig.scrape()


def test_what_only_mode_audit_let_through_is_counted(rig: Rig) -> None:
    rig.observe(issued(), issued(permission=Permission(scope=scope(enforced=False), grant=None)))
    assert rig.value("vendor_would_refuse_total", scope="reports:read") == 1


def test_a_refusal_at_the_edge_is_counted_too(rig: Rig) -> None:
    rig.metrics.refused(InvalidToken(Reason.SIGNATURE))
    assert rig.value("vendor_refusals_total", code="invalid_token", reason="signature") == 1


@pytest.mark.parametrize(
    "hostile", ["\ud800", 'a"} 1\nvendor_credentials_active{scope="b', "x" * 100_000, "\n", "\\", "no-such-scope"]
)
def test_t25_no_label_comes_from_what_a_caller_sent(rig: Rig, hostile: str) -> None:
    told: dict[str, Any] = {
        "asked": Asked(scope=hostile, parameters={hostile: hostile}),
        "principal": principal(issuer="cluster-a", subject=hostile, attributes={"namespace": hostile}),
    }
    rig.observe(entry(**told, refusal=AccessDenied(Reason.UNKNOWN_SCOPE, detail=hostile)))
    rig.observe(issued(**told))
    exchanges = {labels["scope"]: labels["outcome"] for labels, _ in rig.scrape()["vendor_exchanges_total"]}
    assert exchanges == {"": "refused", "reports:read": "issued"}
    assert rig.value("vendor_refusals_total", code="access_denied", reason="unknown_scope") == 1


def test_a_refusal_before_any_permission_is_counted_for_the_scope_that_the_configuration_has(rig: Rig) -> None:
    rig.observe(entry(asked=Asked(scope="reports:write"), refusal=InvalidToken(Reason.SIGNATURE)))
    rig.observe(entry(asked=Asked(scope=None), refusal=InvalidToken(Reason.SIGNATURE)))
    assert rig.value("vendor_exchanges_total", scope="", door="container", outcome="refused") == 1
    assert rig.value("vendor_exchanges_total", scope="reports:write", door="container", outcome="refused") == 1


def test_t25_many_callers_make_no_more_series_than_one(rig: Rig) -> None:
    def ask(name: str) -> Entry:
        return entry(asked=Asked(scope=name), principal=principal(subject=name), refusal=AccessDenied(Reason.NO_GRANT))

    rig.observe(ask("one"))
    series = sum(map(len, rig.scrape().values()))
    rig.observe(*(ask(f"caller-{number}") for number in range(1000)))
    assert sum(map(len, rig.scrape().values())) == series


def test_what_is_out_is_read_at_the_scrape_for_every_scope_of_the_configuration(rig: Rig) -> None:
    assert rig.value("vendor_credentials_active", scope="reports:write") == 0
    assert rig.value("vendor_credentials_expired_total", scope="reports:write") == 0
    assert "vendor_credential_next_expiry_timestamp_seconds" not in rig.scrape()
    rig.expiry.add("reports:read", rig.clock.now() + HOUR)
    assert rig.value("vendor_credentials_active", scope="reports:read") == 1
    ends = (START + HOUR).timestamp()
    assert rig.value("vendor_credential_next_expiry_timestamp_seconds", scope="reports:read") == ends
    rig.clock.advance(3600)
    assert rig.value("vendor_credentials_active", scope="reports:read") == 0
    assert rig.value("vendor_credentials_expired_total", scope="reports:read") == 1


def test_budget_and_age_of_keys_are_read_at_the_scrape(rig: Rig) -> None:
    assert rig.value("vendor_sts_budget_available", target="aws") == 42
    assert rig.value("vendor_sts_budget_available", target="minio") == float("inf")
    assert rig.value("vendor_sts_breaker_open", target="aws", region="eu-west-1") == 1
    assert rig.value("vendor_base_identity_healthy", target="aws") == 1
    assert rig.value("vendor_keys_age_seconds", issuer="cluster-a") == 7
    assert rig.value("vendor_build_info", version="1.2.3") == 1


def test_a_mint_is_noted_with_its_life_and_its_share_of_the_packed_limit(rig: Rig) -> None:
    rig.metrics.minted("reports:read", 3600.0, 76)
    rig.metrics.minted("reports:read", 900.0, None)
    assert rig.value("vendor_packed_policy_ratio", scope="reports:read") == 0.76
    assert rig.value("vendor_credential_lifetime_seconds", scope="reports:read") == 2


def test_a_request_to_sts_is_counted_and_timed(rig: Rig) -> None:
    rig.metrics.sts("aws", "eu-west-1", "AssumeRole", "ok", 0.1)
    rig.metrics.sts("aws", "eu-west-1", "AssumeRole", "throttled", 0.1)
    named = {"target": "aws", "region": "eu-west-1", "action": "AssumeRole"}
    assert rig.value("vendor_sts_requests_total", **named, result="throttled") == 1
    assert rig.value("vendor_sts_request_duration_seconds", **named) == 2


def test_t23_no_secret_is_in_a_scrape(rig: Rig) -> None:
    _fill(rig)
    assert b"CANARY" not in rig.text()[0]
    assert credentials().access_key_id.encode() not in rig.text()[0]


def test_where_created_series_are_disabled_as_serving_does_there_are_none() -> None:
    program = """
from prometheus_client import CollectorRegistry, disable_created_metrics
disable_created_metrics()
from tests.test_metrics import Rig, _fill
rig = Rig('reports:read')
_fill(rig)
body = rig.text()[0].decode()
print(len(body), "_created" in body)
"""
    root = Path(__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)  # noqa: S603 - our own program
    size, created = done.stdout.split()
    assert int(size) > 1000
    assert created == "False"


def test_a_line_that_could_not_be_written_is_counted_whatever_became_of_the_exchange(rig: Rig) -> None:
    rig.observe(issued(unwritten="disk full"))
    assert rig.value("vendor_audit_failures_total") == 1


def test_keys_that_are_dropped_no_longer_are_counted_no_longer(rig: Rig) -> None:
    rig.metrics.dropped("cluster-a", {"weak": 2, "use": 0})
    assert rig.value("vendor_keys_dropped", issuer="cluster-a", reason="weak") == 2
    rig.metrics.dropped("cluster-a", {"weak": 0, "use": 1})
    assert rig.value("vendor_keys_dropped", issuer="cluster-a", reason="weak") == 0
    assert rig.value("vendor_keys_dropped", issuer="cluster-a", reason="use") == 1


def test_what_is_configured_no_longer_has_no_series_but_for_what_is_out(rig: Rig) -> None:
    _fill(rig)
    rig.metrics.token_reviews.labels("cluster-a", "taken").inc()
    rig.metrics.watch(
        scopes=["reports:write"],
        expiry=rig.expiry,
        stale=dict,
        budgets={},
        breakers={},
        healthy={},
        ages={"cluster-b": lambda: 1.0},
    )
    rig.observe(issued())
    rig.metrics.minted("reports:read", 3600.0, 12)
    rig.metrics.renewed("reports:read", "ok")
    scraped = rig.scrape()
    named = {(name, labels["scope"]) for name, samples in scraped.items() for labels, _ in samples if "scope" in labels}
    assert {name for name, scope in named if scope == "reports:read"} == {
        "vendor_credentials_active",
        "vendor_credentials_expired_total",
        "vendor_credential_next_expiry_timestamp_seconds",
    }
    assert rig.value("vendor_exchanges_total", scope="", door="container", outcome="issued") == 1
    assert not [name for name, samples in scraped.items() for labels, _ in samples if labels.get("target")]
    issuers = {labels["issuer"] for samples in scraped.values() for labels, _ in samples if "issuer" in labels}
    assert issuers == {"cluster-b"}
    rig.clock.advance(3601)
    assert rig.value("vendor_credentials_active", scope="reports:read") is None
    assert rig.value("vendor_credentials_active", scope="reports:write") == 0


def test_renewals_and_leases_whose_holder_stopped_coming_back_are_told_of_by_scope(rig: Rig) -> None:
    for result in ("ok", "ok", "failed"):
        rig.metrics.renewed("reports:read", result)
    assert rig.value("vendor_renewals_total", scope="reports:read", result="ok") == 2
    assert rig.value("vendor_renewals_total", scope="reports:read", result="failed") == 1
    assert rig.value("vendor_stale_holders", scope="reports:read") == 2
    assert rig.value("vendor_stale_holders", scope="reports:write") == 0


@given(st.lists(st.floats(-1.0, 50.0) | st.sampled_from([0.0, 0.0005, 1.0, 2.5])))
def test_many_durations_are_counted_in_one_go_as_the_library_counts_each(values: list[float]) -> None:
    ours, its_own = (Families(CollectorRegistry(), version="1").duration.labels("json", "sts") for _ in range(2))
    for value in values:
        its_own.observe(value)
    observe(ours, list(values))
    counted, wanted = ([(one.name, one.labels, one.value) for one in each._child_samples()] for each in (ours, its_own))
    assert counted == [(name, labels, pytest.approx(value)) for name, labels, value in wanted]  # type: ignore[comparison-overlap]
