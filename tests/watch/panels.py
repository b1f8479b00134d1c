"""What the dashboards show: each panel with its queries, unit, thresholds and the runbook that it leads to.

`$scope`, `$target` and `$__rate_interval` are filled in by Grafana.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple

_BURN: Final = "issuer_unavailable|sts_throttled|sts_unavailable|audit_unavailable|overloaded|internal_error"


class Kind(Enum):
    """How a panel shows what it asks for."""

    NUMBER = "stat"
    LINES = "timeseries"
    BARS = "bargauge"
    HEAT = "heatmap"
    STATES = "state-timeline"


class Unit(Enum):
    """Grafana's names for the units in use."""

    COUNT = "short"
    PER_SECOND = "reqps"
    SECONDS = "s"
    SHARE = "percentunit"


class Panel(NamedTuple):
    """One panel; `queries` are pairs of an expression and the legend of its series.

    `warn` and `bad` are values from which it is yellow and red; where `bad` is the lower one, low is what is bad.
    `states` names values, the good one first. `exemplars` shows single requests on the curve.
    """

    title: str
    says: str
    queries: tuple[tuple[str, str], ...]
    unit: Unit = Unit.COUNT
    kind: Kind = Kind.LINES
    width: int = 12
    warn: float | None = None
    bad: float | None = None
    states: tuple[tuple[int, str], ...] = ()
    runbook: str | None = None
    exemplars: bool = False


class Board(NamedTuple):
    """One dashboard."""

    name: str
    title: str
    says: str
    panels: tuple[Panel, ...]


def _number(
    title: str, says: str, query: str, unit: Unit = Unit.COUNT, *, warn: float | None = None, bad: float | None = None
) -> Panel:
    return Panel(title, says, ((query, ""),), unit, Kind.NUMBER, width=6, warn=warn, bad=bad)


ISSUANCE: Final = Board(
    "issuance",
    "Vendor: issuance and expiry",
    "What is out, when it ends, and what is renewed.",
    (
        _number(
            "Out", "Sessions that have not ended.", 'sum(max by (scope) (vendor_credentials_active{scope=~"$scope"}))'
        ),
        _number(
            "Next end",
            "Until the next session ends. Short is no fault: what has been renewed ends too.",
            'clamp_min(min(vendor_credential_next_expiry_timestamp_seconds{scope=~"$scope"}) - time(), 0)',
            Unit.SECONDS,
        ),
        _number(
            "Issued",
            "Credentials that are handed out.",
            'sum(rate(vendor_credentials_issued_total{scope=~"$scope"}[$__rate_interval]))',
            Unit.PER_SECOND,
        ),
        _number(
            "Without asking STS",
            "Share of credentials that were held already.",
            'sum(rate(vendor_credentials_issued_total{scope=~"$scope",source!="sts"}[$__rate_interval]))'
            ' / sum(rate(vendor_credentials_issued_total{scope=~"$scope"}[$__rate_interval]))',
            Unit.SHARE,
        ),
        Panel(
            "Out, by scope",
            "Sessions that have not ended: the most that any replica knows of.",
            (('max by (scope) (vendor_credentials_active{scope=~"$scope"})', "{{scope}}"),),
        ),
        Panel(
            "Who expires when",
            "For each scope the time until its next session ends: each saw tooth is an end.",
            (
                (
                    (
                        'clamp_min(min by (scope) (vendor_credential_next_expiry_timestamp_seconds{scope=~"$scope"})'
                        " - time(), 0)"
                    ),
                    "{{scope}}",
                ),
            ),
            Unit.SECONDS,
            runbook="credentials-not-renewed",
        ),
        Panel(
            "Issued, by source",
            "From STS, from this replica's memory, from the shared store.",
            (
                (
                    'sum by (source) (rate(vendor_credentials_issued_total{scope=~"$scope"}[$__rate_interval]))',
                    "{{source}}",
                ),
            ),
            Unit.PER_SECOND,
        ),
        Panel(
            "Issued, by scope",
            "Which scopes are asked for.",
            (
                (
                    'sum by (scope) (rate(vendor_credentials_issued_total{scope=~"$scope"}[$__rate_interval]))',
                    "{{scope}}",
                ),
            ),
            Unit.PER_SECOND,
        ),
        Panel(
            "Renewals",
            "Sessions in use that were minted anew before their end. One that fails is tried again.",
            (('sum by (result) (rate(vendor_renewals_total{scope=~"$scope"}[$__rate_interval]))', "{{result}}"),),
            Unit.PER_SECOND,
            runbook="credentials-not-renewed",
        ),
        Panel(
            "Ended",
            "Sessions that came to their end.",
            (
                (
                    'sum by (scope) (rate(vendor_credentials_expired_total{scope=~"$scope"}[$__rate_interval]))',
                    "{{scope}}",
                ),
            ),
            Unit.PER_SECOND,
        ),
        Panel(
            "Remaining life at hand-out",
            "How long credentials were still good for when they were handed out.",
            (
                (
                    (
                        "sum by (le) (increase("
                        'vendor_credential_remaining_seconds_bucket{scope=~"$scope"}[$__rate_interval]))'
                    ),
                    "{{le}}",
                ),
            ),
            Unit.SECONDS,
            Kind.HEAT,
        ),
        Panel(
            "Whole life when minted",
            "The median and the shortest twentieth.",
            tuple(
                (
                    (
                        f"histogram_quantile({share}, sum by (le)"
                        ' (rate(vendor_credential_lifetime_seconds_bucket{scope=~"$scope"}[$__rate_interval])))'
                    ),
                    name,
                )
                for share, name in ((0.5, "median"), (0.05, "shortest twentieth"))
            ),
            Unit.SECONDS,
        ),
        Panel(
            "Holders that stopped coming back",
            "Leases that are held for nobody, as far as is known; they are not renewed.",
            (('sum by (scope) (vendor_stale_holders{scope=~"$scope"})', "{{scope}}"),),
        ),
        Panel(
            "Only mode audit let through",
            "Exchanges that would be refused if the scope were enforced.",
            (('sum by (scope) (rate(vendor_would_refuse_total{scope=~"$scope"}[$__rate_interval]))', "{{scope}}"),),
            Unit.PER_SECOND,
        ),
    ),
)

STS: Final = Board(
    "sts",
    "Vendor: STS and quota",
    "What STS is asked, what that costs of the quota, and how it answers.",
    (
        Panel(
            "Room in the budget",
            "Requests that could be sent at once; without a limit there is no line.",
            (('min by (target) (vendor_sts_budget_available{target=~"$target"} < Inf)', "{{target}}"),),
            runbook="sts-budget-nearly-spent",
        ),
        Panel(
            "Requests, by what came of them",
            "Each request to STS, renewals and second tries too.",
            (
                (
                    'sum by (target, result) (rate(vendor_sts_requests_total{target=~"$target"}[$__rate_interval]))',
                    "{{target}} {{result}}",
                ),
            ),
            Unit.PER_SECOND,
        ),
        Panel(
            "Share that STS throttles",
            "More than nothing for long: somebody else uses up the quota.",
            (
                (
                    (
                        "sum by (target) (rate("
                        'vendor_sts_requests_total{target=~"$target",result="throttled"}[$__rate_interval]))'
                        ' / sum by (target) (rate(vendor_sts_requests_total{target=~"$target"}[$__rate_interval]))'
                    ),
                    "{{target}}",
                ),
            ),
            Unit.SHARE,
            warn=0.01,
            bad=0.1,
            runbook="sts-throttled",
        ),
        Panel(
            "Requests, by region",
            "The first region that is well is asked.",
            (
                (
                    'sum by (target, region) (rate(vendor_sts_requests_total{target=~"$target"}[$__rate_interval]))',
                    "{{target}} {{region}}",
                ),
            ),
            Unit.PER_SECOND,
        ),
        Panel(
            "Regions that are left alone",
            "A region that failed is probed, and asked again once it answers.",
            (('max by (target, region) (vendor_sts_breaker_open{target=~"$target"})', "{{target}} {{region}}"),),
            kind=Kind.STATES,
            states=((0, "asked"), (1, "left alone")),
            runbook="sts-region-open",
        ),
        Panel(
            "The service's own identity",
            "What signs the requests.",
            (('min by (target) (vendor_base_identity_healthy{target=~"$target"})', "{{target}}"),),
            kind=Kind.STATES,
            states=((1, "healthy"), (0, "unhealthy")),
            runbook="base-identity-unhealthy",
        ),
        *(
            Panel(
                f"Latency, {name}",
                "Of requests to STS, by region.",
                (
                    (
                        (
                            f"histogram_quantile({share}, sum by (le, target, region)"
                            ' (rate(vendor_sts_request_duration_seconds_bucket{target=~"$target"}[$__rate_interval])))'
                        ),
                        "{{target}} {{region}}",
                    ),
                ),
                Unit.SECONDS,
                runbook="exchanges-slow",
            )
            for share, name in ((0.5, "median"), (0.99, "slowest hundredth"))
        ),
        Panel(
            "Packed size, by scope",
            "How much of what STS packs the latest session used; what needs more than all of it is refused.",
            (('max by (scope) (vendor_packed_policy_ratio{scope=~"$scope"})', "{{scope}}"),),
            Unit.SHARE,
            Kind.BARS,
            width=8,
            warn=0.75,
            bad=0.9,
            runbook="packed-size-near-limit",
        ),
        Panel(
            "Requests, by action",
            "Which of STS's actions are in use.",
            (('sum by (action) (rate(vendor_sts_requests_total{target=~"$target"}[$__rate_interval]))', "{{action}}"),),
            Unit.PER_SECOND,
            width=8,
        ),
        Panel(
            "Clock, off by",
            "How far our clock is from STS's; signatures and expiry go by it.",
            (('max by (target) (abs(vendor_clock_skew_seconds{target=~"$target"}))', "{{target}}"),),
            Unit.SECONDS,
            width=8,
            warn=10,
            bad=30,
            runbook="clock-skew",
        ),
        Panel(
            "Accounts of organizations, listed",
            "Of how many accounts a caller may choose one, where a parameter is an organization's accounts.",
            (
                (
                    'max by (scope, parameter) (vendor_organization_accounts{scope=~"$scope"})',
                    "{{scope}} {{parameter}}",
                ),
            ),
            width=8,
        ),
        Panel(
            "Age of the lists of accounts",
            "They are made every five minutes where that works; without one nobody has any account.",
            (
                (
                    'max by (scope, parameter) (vendor_organization_age_seconds{scope=~"$scope"})',
                    "{{scope}} {{parameter}}",
                ),
            ),
            Unit.SECONDS,
            width=8,
            warn=900,
            bad=1800,
        ),
        Panel(
            "Lists of accounts",
            "What came of them.",
            (
                (
                    (
                        "round(sum by (target, result) "
                        '(increase(vendor_organization_refresh_total{target=~"$target"}[$__range])))'
                    ),
                    "{{target}} {{result}}",
                ),
            ),
            kind=Kind.BARS,
            width=8,
        ),
    ),
)

IDENTITY: Final = Board(
    "identity",
    "Vendor: identity",
    "Who is refused and why, and how the issuers are.",
    (
        Panel(
            "Refusals, by code",
            "What callers are told.",
            (("sum by (code) (rate(vendor_refusals_total[$__rate_interval]))", "{{code}}"),),
            Unit.PER_SECOND,
            runbook="refusals-above-normal",
        ),
        Panel(
            "Refusals, by reason",
            "Why, as the audit line has it.",
            (("topk(10, sum by (reason) (rate(vendor_refusals_total[$__rate_interval])))", "{{reason}}"),),
            Unit.PER_SECOND,
            runbook="refusals-above-normal",
        ),
        Panel(
            "Refused, by scope",
            "An empty name: no scope was named, or one that there is not.",
            (
                (
                    (
                        "sum by (scope) (rate("
                        'vendor_exchanges_total{scope=~"$scope|",outcome="refused"}[$__rate_interval]))'
                    ),
                    "{{scope}}",
                ),
            ),
            Unit.PER_SECOND,
        ),
        Panel(
            "Refused, as a share",
            "Of all exchanges, by door.",
            (
                (
                    (
                        'sum by (door) (rate(vendor_exchanges_total{outcome="refused"}[$__rate_interval]))'
                        " / sum by (door) (rate(vendor_exchanges_total[$__rate_interval]))"
                    ),
                    "{{door}}",
                ),
            ),
            Unit.SHARE,
        ),
        Panel(
            "Age of the issuers' keys",
            "They are fetched every five minutes where that works.",
            (("max by (issuer) (vendor_keys_age_seconds)", "{{issuer}}"),),
            Unit.SECONDS,
            warn=900,
            bad=1800,
            runbook="issuer-keys-stale",
        ),
        Panel(
            "Fetches of keys",
            "What came of them.",
            (
                (
                    "round(sum by (issuer, result) (increase(vendor_keys_refresh_total[$__range])))",
                    "{{issuer}} {{result}}",
                ),
            ),
            kind=Kind.BARS,
            runbook="issuer-keys-stale",
        ),
        Panel(
            "Keys that are not used",
            "Of the latest answer of each issuer, and why.",
            (("max by (issuer, reason) (vendor_keys_dropped)", "{{issuer}} {{reason}}"),),
            kind=Kind.BARS,
            width=8,
            warn=1,
        ),
        Panel(
            "Token reviews",
            "What API servers said of tokens, where they are asked; spared: too many asked at once.",
            (
                (
                    "sum by (issuer, result) (rate(vendor_token_reviews_total[$__rate_interval]))",
                    "{{issuer}} {{result}}",
                ),
            ),
            Unit.PER_SECOND,
            width=8,
            runbook="refusals-above-normal",
        ),
        Panel(
            "Revocations in force",
            "Who has been stopped by operators.",
            (("max(vendor_revocations_active)", "revocations"),),
            width=8,
        ),
    ),
)

SERVICE: Final = Board(
    "service",
    "Vendor: service",
    "Whether it answers, how fast, and how its parts are.",
    (
        _number(
            "Failed",
            "Share of exchanges that failed for want of AWS, an issuer, the audit log or ourselves; 0.1 % is aimed at.",
            f'(sum(rate(vendor_refusals_total{{code=~"{_BURN}"}}[$__rate_interval])) or vector(0))'
            f' / ((sum(rate(vendor_refusals_total{{code=~"{_BURN}"}}[$__rate_interval])) or vector(0))'
            ' + sum(rate(vendor_exchanges_total{outcome="issued"}[$__rate_interval])))',
            Unit.SHARE,
            warn=0.001,
            bad=0.01,
        ),
        _number(
            "Slow",
            "Share of exchanges that took more than half a second; 1 % is aimed at.",
            '1 - sum(rate(vendor_exchange_duration_seconds_bucket{le="0.5"}[$__rate_interval]))'
            " / sum(rate(vendor_exchange_duration_seconds_count[$__rate_interval]))",
            Unit.SHARE,
            warn=0.01,
            bad=0.1,
        ),
        _number("Replicas", "That are scraped.", "count(vendor_build_info)", warn=2, bad=1),
        _number("Generation", "Of the configuration, the newest.", "max(vendor_config_generation)"),
        Panel(
            "Exchanges",
            "By door and outcome.",
            (
                (
                    "sum by (door, outcome) (rate(vendor_exchanges_total[$__rate_interval]))",
                    "{{door}} {{outcome}}",
                ),
            ),
            Unit.PER_SECOND,
            runbook="exchanges-failing",
        ),
        Panel(
            "Latency by source, slowest hundredth",
            "Of exchanges; the marks are single requests, whose id stands in the audit line.",
            (
                (
                    (
                        "histogram_quantile(0.99, sum by (le, source)"
                        " (rate(vendor_exchange_duration_seconds_bucket[$__rate_interval])))"
                    ),
                    "{{source}}",
                ),
            ),
            Unit.SECONDS,
            warn=0.5,
            bad=0.9,
            runbook="exchanges-slow",
            exemplars=True,
        ),
        Panel(
            "Latency by door, median",
            "Of exchanges.",
            (
                (
                    (
                        "histogram_quantile(0.5, sum by (le, door)"
                        " (rate(vendor_exchange_duration_seconds_bucket[$__rate_interval])))"
                    ),
                    "{{door}}",
                ),
            ),
            Unit.SECONDS,
            width=8,
            runbook="exchanges-slow",
            exemplars=True,
        ),
        Panel(
            "Tasks of the event loop",
            "That have not ended: what is under way, and what always runs.",
            (("max by (instance) (vendor_event_loop_tasks)", "{{instance}}"),),
            width=8,
            runbook="loop-lag",
        ),
        Panel(
            "Lateness of the event loop, slowest hundredth",
            "More than a tenth of a second: the processor is not enough.",
            (
                (
                    (
                        "histogram_quantile(0.99, sum by (le, instance)"
                        " (rate(vendor_event_loop_lag_seconds_bucket[$__rate_interval])))"
                    ),
                    "{{instance}}",
                ),
            ),
            Unit.SECONDS,
            width=8,
            warn=0.05,
            bad=0.1,
            runbook="loop-lag",
        ),
        Panel(
            "The shared store's answers",
            "Skipped: it failed and is let alone.",
            (("sum by (result) (rate(vendor_store_requests_total[$__rate_interval]))", "{{result}}"),),
            Unit.PER_SECOND,
            runbook="store-away",
        ),
        Panel(
            "Questions to the shared store",
            "By what is asked.",
            (("sum by (operation) (rate(vendor_store_requests_total[$__rate_interval]))", "{{operation}}"),),
            Unit.PER_SECOND,
            runbook="store-away",
        ),
        Panel(
            "What must not be",
            "Audit lines that could not be written, and things in the store that are not ours.",
            (
                ("round(sum(increase(vendor_audit_failures_total[$__range])))", "audit lines not written"),
                ("round(sum(increase(vendor_store_integrity_failures_total[$__range])))", "not ours in the store"),
            ),
            kind=Kind.BARS,
            bad=1,
            runbook="store-integrity",
        ),
        Panel(
            "Reloads",
            "Configurations that were read again; after one that failed the last good one serves on.",
            (("round(sum by (result) (increase(vendor_config_reloads_total[$__range])))", "{{result}}"),),
            kind=Kind.BARS,
            runbook="reload-failed",
        ),
    ),
)

BOARDS: Final = (ISSUANCE, STS, IDENTITY, SERVICE)
