"""For each alert, series with which it must fire and series with which it must not, in promtool's notation."""

from __future__ import annotations

from typing import NamedTuple


class Case(NamedTuple):
    """Series by name, and whether the alert fires after a while; `every` is between two samples."""

    alert: str
    what: str
    series: dict[str, str]
    fires: bool
    at: str = "45m"
    every: str = "1m"


def _both(
    alert: str, fires: dict[str, str], silent: dict[str, str], *, at: str = "45m", every: str = "1m"
) -> list[Case]:
    return [
        Case(alert, "it is so", fires, fires=True, at=at, every=every),
        Case(alert, "it is not quite so", silent, fires=False, at=at, every=every),
    ]


def _objective(alert: str, failed: str, fine: str, *, at: str, every: str) -> list[Case]:
    """An objective for failures: `failed` and `fine` are what is added to the failed ones at each sample."""
    issued = 'vendor_exchanges_total{outcome="issued"}'
    return _both(
        alert,
        {'vendor_refusals_total{code="sts_unavailable"}': failed, issued: "0+10000x2000"},
        {'vendor_refusals_total{code="sts_unavailable"}': fine, issued: "0+10000x2000"},
        at=at,
        every=every,
    )


def _slow(alert: str, quick: str, fine: str, *, at: str, every: str) -> list[Case]:
    """An objective for latency: `quick` and `fine` are how many of ten thousand are answered in time."""
    bucket, count = 'vendor_exchange_duration_seconds_bucket{le="0.5"}', "vendor_exchange_duration_seconds_count"
    return _both(
        alert,
        {bucket: quick, count: "0+10000x2000"},
        {bucket: fine, count: "0+10000x2000"},
        at=at,
        every=every,
    )


BREAKER = 'vendor_sts_breaker_open{target="aws",region="%s"}'
RENEWALS = 'vendor_renewals_total{scope="a",result="%s"}'
ENDS = 'vendor_credential_next_expiry_timestamp_seconds{scope="a"}'
STORE = 'vendor_store_requests_total{operation="claim",result="%s"}'
REFUSALS = 'vendor_refusals_total{code="%s"}'
STARTED = 'kube_job_status_start_time{namespace="n",job_name="vendor-prober-29"}'
FAILED = 'kube_job_failed{namespace="n",job_name="vendor-prober-29",condition="true"}'
BUDGET = 'vendor_sts_budget_available{target="aws"}'
NO_LIMIT = " ".join(["Inf"] * 50)
LAG = "vendor_event_loop_lag_seconds_bucket"

CASES: list[Case] = [
    *_both("VendorAbsent", {"up": "0x60"}, {'vendor_build_info{version="1"}': "1x60"}),
    Case("VendorAbsent", "a scrape or two was missed", {"vendor_build_info": "1x43 _x17"}, fires=False),
    *_both(
        "VendorReloadFailed",
        {'vendor_config_reloads_total{result="failed"}': "0x40 1x20"},
        {'vendor_config_reloads_total{result="failed"}': "1x60", 'vendor_config_reloads_total{result="ok"}': "0+1x60"},
    ),
    *_both(
        "VendorLoopLag",
        {f'{LAG}{{le="0.1"}}': "0+98x60", f'{LAG}{{le="0.25"}}': "0+100x60", f'{LAG}{{le="+Inf"}}': "0+100x60"},
        {f'{LAG}{{le="0.1"}}': "0+995x60", f'{LAG}{{le="0.25"}}': "0+1000x60", f'{LAG}{{le="+Inf"}}': "0+1000x60"},
    ),
    *_both("VendorAuditFailing", {"vendor_audit_failures_total": "0x42 1x18"}, {"vendor_audit_failures_total": "7x60"}),
    *_both(
        "VendorStoreAway",
        {STORE % "ok": "0+70x60", STORE % "skipped": "0+30x60"},
        {STORE % "ok": "0+95x60", STORE % "timeout": "0+5x60"},
    ),
    *_both(
        "VendorStoreIntegrity",
        {"vendor_store_integrity_failures_total": "0x20 1x40"},
        {"vendor_store_integrity_failures_total": "1x60"},
    ),
    *_both("VendorStsBudgetNearlySpent", {BUDGET: "300x30 40x30"}, {BUDGET: "300x30 90x30"}),
    Case("VendorStsBudgetNearlySpent", "it is spent for a moment", {BUDGET: "300x42 0x18"}, fires=False),
    Case("VendorStsBudgetNearlySpent", "there is no limit", {BUDGET: NO_LIMIT}, fires=False),
    Case("VendorStsBudgetNearlySpent", "a limit was found out", {BUDGET: f"{NO_LIMIT} 50x30"}, at="60m", fires=False),
    *_both(
        "VendorStsThrottled",
        {'vendor_sts_requests_total{target="aws",result="throttled"}': "0+40x60"},
        {
            'vendor_sts_requests_total{target="aws",result="throttled"}': "0+20x60",
            'vendor_sts_requests_total{target="aws",result="ok"}': "0+9999x60",
        },
    ),
    *_both(
        "VendorStsRegionOpen",
        {BREAKER % "one": "0x20 1x40", BREAKER % "other": "0x60"},
        {BREAKER % "one": "0x40 1x3 0x17", BREAKER % "other": "0x60"},
    ),
    *_both(
        "VendorStsAllRegionsOpen",
        {BREAKER % "one": "1x60", BREAKER % "other": "0x30 1x30"},
        {BREAKER % "one": "1x60", BREAKER % "other": "0x60"},
    ),
    *_both(
        "VendorBaseIdentityUnhealthy",
        {'vendor_base_identity_healthy{target="aws"}': "1x30 0x30"},
        {'vendor_base_identity_healthy{target="aws"}': "1x30 0 1x30"},
    ),
    *_both(
        "VendorClockSkew",
        {'vendor_clock_skew_seconds{target="aws"}': "-31x60"},
        {'vendor_clock_skew_seconds{target="aws"}': "30x60"},
    ),
    *_both(
        "VendorPackedSizeNearLimit",
        {'vendor_packed_policy_ratio{scope="a"}': "0.91x60"},
        {'vendor_packed_policy_ratio{scope="a"}': "0.9x60"},
    ),
    *_both(
        "VendorIssuerKeysStale",
        {'vendor_keys_age_seconds{issuer="a"}': "0+60x60"},
        {'vendor_keys_age_seconds{issuer="a"}': "290x60"},
    ),
    Case("VendorIssuerKeysStale", "there are none", {'vendor_keys_age_seconds{issuer="a"}': NO_LIMIT}, fires=True),
    *_both(
        "VendorRefusalsAboveNormal",
        {REFUSALS % "access_denied": "0+12x312 3744+600x24"},
        {REFUSALS % "access_denied": "0+300x312 93600+600x24"},
        at="27h",
        every="5m",
    ),
    Case("VendorRefusalsAboveNormal", "a code is new", {REFUSALS % "invalid_token": "0+60x60"}, fires=True),
    Case("VendorRefusalsAboveNormal", "a code is new and rare", {REFUSALS % "invalid_token": "0+5x60"}, fires=False),
    Case("VendorRefusalsAboveNormal", "the objective sees it", {REFUSALS % "sts_throttled": "0+600x60"}, fires=False),
    *_both("VendorProberFailed", {STARTED: "1500x60", FAILED: "1x60"}, {STARTED: "1500x60", FAILED: "0x60"}),
    Case("VendorProberFailed", "that was long ago", {STARTED: "600x60", FAILED: "1x60"}, fires=False),
    *_both(
        "VendorProberSucceeded",
        {'vendor_credentials_issued_total{scope="never:this"}': "_x44 1x16"},
        {'vendor_credentials_issued_total{scope="nevertheless:this"}': "0+1x60"},
    ),
    *_both(
        "VendorCredentialsNotRenewed",
        {ENDS: "3000x60", RENEWALS % "failed": "0+2x60", RENEWALS % "ok": "0+1x20 20x40"},
        {ENDS: "3000x60", RENEWALS % "failed": "0+2x60", RENEWALS % "ok": "0+1x60"},
    ),
    Case("VendorCredentialsNotRenewed", "it has time", {ENDS: "9000x60", RENEWALS % "failed": "0+2x60"}, fires=False),
    Case(
        "VendorCredentialsNotRenewed", "nobody wants them", {ENDS: "3000x60", RENEWALS % "failed": "5x60"}, fires=False
    ),
    *_objective("VendorExchangesFailing", "0+200x2000", "0+50x2000", at="2h", every="1m"),
    Case(
        "VendorExchangesFailing",
        "everything fails and nothing was ever issued",
        {REFUSALS % "sts_unavailable": "0+10x200"},
        fires=True,
        at="2h",
    ),
    Case(
        "VendorExchangesFailing",
        "callers are refused, and rightly",
        {REFUSALS % "access_denied": "0+9000x200", 'vendor_exchanges_total{outcome="issued"}': "0+10x200"},
        fires=False,
        at="2h",
    ),
    Case(
        "VendorExchangesFailing",
        "it has been mended",
        {
            REFUSALS % "sts_unavailable": "0+5000x60 300000x200",
            'vendor_exchanges_total{outcome="issued"}': "0+10000x300",
        },
        fires=False,
        at="100m",
    ),
    *_objective("VendorExchangesFailingSlowly", "0+40x2000", "0+9x2000", at="30h", every="5m"),
    *_slow("VendorExchangesSlow", "0+8000x2000", "0+9500x2000", at="2h", every="1m"),
    *_slow("VendorExchangesSlowSlowly", "0+9600x2000", "0+9950x2000", at="30h", every="5m"),
]
