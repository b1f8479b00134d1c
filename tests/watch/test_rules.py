"""The rules as promtool judges them: each alert fires when it should, and is silent when it is not quite so."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.metrics_page import names
from tests.service import ROOT
from tests.watch.cases import CASES, Case
from tests.watch.promtool import RULES, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RUNBOOKS = ROOT / "docs" / "runbooks"
FOREIGN = {"kube_job_status_start_time", "kube_job_failed"}
"""What kube-state-metrics tells of the prober's jobs."""
_METRIC = re.compile(r"\b(?:vendor|kube)_\w+|[a-z]\w+:[\w:]+")


@cache
def rules() -> list[dict[str, Any]]:
    return [rule for path in RULES for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]]


def alerts() -> dict[str, dict[str, Any]]:
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


@cache
def known() -> set[str]:
    """Return every name that may stand in a query."""
    return names() | FOREIGN | {rule["record"] for rule in rules() if "record" in rule}


def asked(query: str) -> set[str]:
    """Return the names of the metrics of a query."""
    return set(_METRIC.findall(re.sub(r'"[^"]*"', "", query)))


def pages() -> Iterator[Path]:
    yield from sorted(path for path in RUNBOOKS.glob("*.md") if path.name != "README.md")


def _test(case: Case) -> dict[str, Any]:
    firing = f'count(ALERTS{{alertname="{case.alert}",alertstate="firing"}})'
    return {
        "name": f"{case.alert}: {case.what}",
        "interval": case.every,
        "input_series": [{"series": name, "values": values} for name, values in case.series.items()],
        "promql_expr_test": [
            {
                "expr": firing,
                "eval_time": case.at,
                "exp_samples": [{"labels": "{}", "value": 1}] if case.fires else [],
            }
        ],
    }


def test_the_rules_are_sound() -> None:
    done = run("check", "rules", *RULES)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("alert", dict.fromkeys(case.alert for case in CASES))
def test_an_alert_fires_when_it_should_and_is_silent_when_not(tmp_path: Path, alert: str) -> None:
    """The alert is tried with nothing but the rules that it asks, as promtool is slow where there are many."""
    own = alerts()[alert]
    needed = [rule for rule in rules() if rule.get("record") in asked(own["expr"])]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "own", "rules": [*needed, own]}]}))
    cases = [case for case in CASES if case.alert == alert]
    for every in sorted({case.every for case in cases}):
        tests = [_test(case) for case in cases if case.every == every]
        path = tmp_path / f"{every}.yaml"
        path.write_text(
            yaml.safe_dump(
                {"rule_files": ["rules.yaml"], "evaluation_interval": every, "tests": tests}, sort_keys=False
            )
        )
        done = run("test", "rules", path)
        assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_is_tried_both_ways() -> None:
    assert {(case.alert, case.fires) for case in CASES} == {(alert, way) for alert in alerts() for way in (True, False)}


def test_every_metric_that_a_rule_asks_for_exists() -> None:
    for rule in rules():
        assert asked(rule["expr"]) <= known(), rule


def test_each_alert_says_how_grave_it_is_and_what_to_do() -> None:
    for name, alert in alerts().items():
        assert alert["labels"]["severity"] in {"critical", "warning"}, name
        assert alert["annotations"].keys() == {"summary", "description", "runbook_url"}, name
        assert (ROOT / alert["annotations"]["runbook_url"]).is_file(), name


def test_each_page_belongs_to_an_alert_and_names_it() -> None:
    for page in pages():
        own = {
            name for name, alert in alerts().items() if alert["annotations"]["runbook_url"].endswith(f"/{page.name}")
        }
        assert own, page
        assert own == set(re.findall(r"`(Vendor\w+)`", page.read_text().splitlines()[2])), page


def test_each_page_says_what_it_means_what_it_does_where_to_look_and_how_it_is_mended() -> None:
    for page in pages():
        headings = re.findall(r"^## (.+)$", page.read_text(), re.MULTILINE)
        assert headings == ["Meaning", "Impact", "First look", "Mend"], page


def test_every_query_of_a_page_is_one(tmp_path: Path) -> None:
    queries = [
        query
        for page in pages()
        for block in re.findall(r"^```promql\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
        for query in block.strip().split("\n\n")
    ]
    assert len(queries) >= len(list(pages()))
    for query in queries:
        assert asked(query) <= known(), query
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(queries)]
    path = tmp_path / "queries.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    done = run("check", "rules", path)
    assert done.returncode == 0, done.stdout + done.stderr
