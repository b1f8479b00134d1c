from __future__ import annotations

import hashlib
import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from vendor.demo.proof import Evidence, Reading, checks, fill_policy, total
from vendor.demo.story import Story, fold
from vendor.demo.world import OBJECTS, OTHERS, OWN

if TYPE_CHECKING:
    from pathlib import Path

_POLICY = '{"Version":"2012-10-17","Statement":[]}'
_REFUSAL = "User: arn:aws:sts::111122223333:assumed-role/reports/a-session is not authorized to perform: s3:GetObject"

GOOD = Evidence(
    header={"alg": "RS256", "kid": "key-2"},
    claims={"sub": "system:serviceaccount:analytics:reporter"},
    filled_policy=_POLICY,
    access_key_id="ASIAEXAMPLE",
    own=Reading(key=OWN, status=200, body=OBJECTS[OWN]),
    others=Reading(key=OTHERS, status=403, code="AccessDenied", message=_REFUSAL),
    whole_role=tuple(Reading(key=key, status=200, body=body) for key, body in OBJECTS.items()),
    audit_line={"policy_sha256": hashlib.sha256(_POLICY.encode()).hexdigest()},
    refused_status=403,
    refused={"code": "access_denied"},
    refused_line={"reason": "no_grant"},
    metrics=(
        'vendor_credentials_issued_total{scope="reports:read",source="sts"} 1.0',
        'vendor_credentials_issued_total{scope="reports:read",source="memory"} 0.0',
        'vendor_sts_requests_total{target="embedded",result="ok"} 1.0',
    ),
)
PROMISES = [check.promise for check in checks(GOOD)]


def broken(**changed: Any) -> list[str]:
    return [check.promise for check in checks(replace(GOOD, **changed)) if not check.kept]


def test_a_world_as_promised_keeps_every_promise() -> None:
    assert broken() == []
    assert len(PROMISES) == 7


@pytest.mark.parametrize(
    ("promise", "changed"),
    [
        ("the pod read its own team's object", {"own": GOOD.others}),
        ("the pod read its own team's object", {"own": Reading(key=OWN, status=200, body="something else")}),
        (
            "the cloud refused it the other team's object",
            {"others": Reading(key=OTHERS, status=200, body=OBJECTS[OTHERS])},
        ),
        (
            "the cloud refused it the other team's object",
            {"others": Reading(key=OTHERS, status=0, code="NoCredentialsError", message="no credentials")},
        ),
        (
            "the cloud refused it the other team's object",
            {"others": Reading(key=OTHERS, status=403, code="AccessDenied", message="anonymous")},
        ),
        ("the same role without a session policy reads both", {"whole_role": (GOOD.own, GOOD.others)}),
        ("the policy shown is the one that was sent", {"audit_line": {"policy_sha256": "0" * 64}}),
        ("the service refused the identity without a grant", {"refused_status": 200, "refused": {}}),
        ("the service refused the identity without a grant", {"refused": {"code": "invalid_token"}}),
        ("one issuance was counted", {"metrics": (*GOOD.metrics, "vendor_credentials_issued_total 1.0")}),
        ("STS was asked once", {"metrics": GOOD.metrics[:2]}),
    ],
)
def test_each_promise_can_be_broken_and_is_named(promise: str, changed: dict[str, Any]) -> None:
    assert broken(**changed) == [promise]


def test_a_metric_is_summed_over_its_labels_and_no_other_metric() -> None:
    assert total(['a_total{x="1"} 2.0', 'a_total{x="2"} 1.0', "a_total_more 9.0", "a_totally{} 9.0"], "a_total") == 3


def test_the_policy_shown_is_the_template_of_the_file_filled(tmp_path: Path) -> None:
    file = tmp_path / "vendor.yaml"
    file.write_text(
        'scopes: {"reports:read": {parameters: {month: {pattern: "[0-9-]+", default: "2026-01"}}, session: {policy: '
        '{Version: "2012-10-17", Statement: [{Effect: Allow, Action: "s3:GetObject", '
        'Resource: "arn:aws:s3:::reports/{{ namespace }}/{{ month }}/*"}]}}}}'
    )
    filled = json.loads(fill_policy(file, attributes={"namespace": "analytics"}))
    assert filled["Statement"][0]["Resource"] == "arn:aws:s3:::reports/analytics/2026-01/*"


def test_the_verdict_names_what_is_broken_without_colour_when_it_is_not_for_a_terminal() -> None:
    sink = io.StringIO()
    Story(console=Console(file=sink)).verdict(checks(replace(GOOD, refused_status=500)), seconds=1.25)
    told = sink.getvalue()
    assert "BROKEN  the service refused the identity without a grant" in told
    assert "6 of 7, in 1.2 s" in told
    assert "\x1b" not in told


def test_json_that_fits_stays_on_its_line() -> None:
    assert fold({"a": [1, 2]}) == '{"a": [1, 2]}'
    long = {"name": "n" * 60, "list": ["x" * 40]}
    assert fold(long).splitlines() == ["{", f'  "name": "{"n" * 60}",', f'  "list": ["{"x" * 40}"]', "}"]


@pytest.mark.parametrize("value", [[], {}, [{}], {"a": {"b": ["c" * 200, {"d": None}]}}, ["e" * 100, True, 1.5]])
def test_folded_json_is_the_same_json(value: Any) -> None:
    assert json.loads(fold(value)) == value
