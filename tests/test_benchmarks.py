"""What the bench makes of its figures: exponents, charts, the report and the page."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from tests.benchmarks import charts, day, growth, page, report, simulated
from tests.benchmarks.pods import HOUR, Pods
from tests.benchmarks.rivals import Rival, rivals
from tests.benchmarks.simulated import Simulated

if TYPE_CHECKING:
    from pathlib import Path

HERD = {
    "requests": 5000,
    "principals": 200,
    "sts_calls": 200,
    "served": 1.0,
    "p50_ms": 1.23,
    "p99_ms": 60.0,
    "to_last_s": 2.0,
}
WITHOUT = {"unserved_pod_minutes": 9.0, "new_pod_minutes": 1.0, "ended_pod_minutes": 8.0}
DAY = {
    "pods": 100,
    "service_accounts": 10,
    "vendor": {"sts_calls_an_hour": 10.0, "peak_a_second": 1, **WITHOUT},
    "alone <&>": {"sts_calls_an_hour": 2000.0, "peak_a_second": 70, **WITHOUT},
}


GROWTH = {
    "scopes": {
        "sizes": {"10": {"warm_us": 70.0, "reload_s": 1.0}, "100": {"warm_us": 70.0, "reload_s": 4.0}},
        "exponents": {"warm_us": 0.0, "reload_s": 0.6},
    }
}


@pytest.mark.parametrize(
    ("costs", "slope"),
    [
        ({10: 7.0, 100: 7.0, 1000: 7.0}, 0.0),
        ({10: 10.0, 100: 100.0, 1000: 1000.0}, 1.0),
        ({10: 1.0, 100: 100.0}, 2.0),
    ],
)
def test_an_exponent_is_the_slope_on_logarithmic_scales(costs: dict[int, float], slope: float) -> None:
    assert growth.exponent(costs) == pytest.approx(slope)


def test_a_chart_is_xml_and_its_bars_are_as_long_as_their_values() -> None:
    drawn = ET.fromstring(charts.bars("a < b", {"half": 5.0, "whole": 10.0}))  # noqa: S314 - ours
    half, whole = [float(bar.attrib["width"]) for bar in drawn.iter("{http://www.w3.org/2000/svg}rect")]
    assert half == pytest.approx(whole / 2, abs=0.1)
    assert "a < b" in "".join(drawn.itertext())


def test_lines_rise_where_costs_grow_and_their_labels_do_not_overlap() -> None:
    drawn = ET.fromstring(  # noqa: S314 - ours
        charts.lines("growth", {"flat": {10: 1.0, 100: 1.0}, "steep": {10: 1.0, 100: 9.0}, "same": {10: 1.0, 100: 1.0}})
    )
    ends = [
        [float(point.split(",")[1]) for point in line.attrib["points"].split()]
        for line in drawn.iter("{http://www.w3.org/2000/svg}polyline")
    ]
    assert ends[0][0] == ends[0][1] == ends[1][0] > ends[1][1]
    labels = [float(one.attrib["y"]) for one in drawn.iter("{http://www.w3.org/2000/svg}text")][-3:]
    assert abs(labels[0] - labels[2]) >= 15


def test_the_report_tells_of_the_parts_that_were_measured_in_their_order() -> None:
    told = report.text({"machine": "a machine", "day": DAY, "herd": HERD}).splitlines()
    assert [line.split()[0] for line in told] == ["a", "herd", "day", "day", "day"]
    assert "200 STS calls" in told[1]


def test_what_is_measured_later_takes_the_place_of_that_part_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "KEPT", tmp_path / "bench.json")
    report.keep({"day": DAY, "herd": HERD}, machine="one", seconds=1.0, load=0.1)
    report.keep({"herd": {**HERD, "sts_calls": 201}}, machine="two", seconds=2.0, load=0.2)
    found = report.read()
    assert [found["measured"][name]["seconds"] for name in ("day", "herd")] == [1.0, 2.0]
    assert (found["day"], found["herd"]["sts_calls"], found["machine"]) == (DAY, 201, "two")


def test_figures_of_another_form_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "KEPT", tmp_path / "bench.json")
    (tmp_path / "bench.json").write_text('{"herd": {}, "machine": "one", "date": "2026-11-26"}')
    assert report.read() == {}


def test_the_page_holds_what_was_measured_and_links_its_charts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "DOCS", tmp_path)
    run = {"at": "2026-11-27 12:00 UTC", "seconds": 61.2, "load": 0.25}
    page.write({"machine": "a machine", "measured": {"day": run, "growth": run}, "day": DAY, "growth": GROWTH})
    text = (tmp_path / "performance.md").read_text()
    assert "Measured on 2026-11-27 12:00 UTC in 61 s; the machine's load was 0.2 before." in text
    assert "performance-growth-scopes.svg" in text
    assert "scopes, warm_us: exponent +0.00: 70 at 10, 70 at 100" in text
    assert "performance-day.svg" in text
    assert "alone <&>: 2,000 STS calls an hour" in text
    assert "## Warm" not in text
    assert (tmp_path / "performance-day.svg").exists()


MORNING = 3 * HOUR
OUTAGE = (HOUR, HOUR + 2400)


def lived(way: day.Way, pods: int) -> Pods:
    fleet = Pods(pods)
    way.live(fleet, until=MORNING)
    return fleet


@pytest.mark.thorough
def test_pods_that_call_sts_themselves_call_it_as_often_as_they_ask() -> None:
    way = Rival(outage=OUTAGE)
    fleet = lived(way, 40)
    assert way.calls.total() == fleet.asked > 40
    again = lived(Rival(outage=OUTAGE), 40)
    assert (again.asked, again.waiting, again.ended) == (fleet.asked, fleet.waiting, fleet.ended)
    assert fleet.ended > 0


@pytest.mark.thorough
def test_without_an_outage_no_pod_is_without_credentials() -> None:
    for way in rivals(outage=(0, 0)).values():
        fleet = lived(way, 100)
        assert (fleet.waiting, fleet.ended) == (0, 0)
    fleet = lived(Simulated(outage=(0, 0)), 100)
    assert fleet.ended == 0
    assert 0 < fleet.waiting * 60 < 0.1 * 100  # each waited for one call of STS at most


@pytest.mark.thorough
def test_what_is_not_looked_up_for_each_pod_changes_no_count(monkeypatch: pytest.MonkeyPatch) -> None:
    fewer = Simulated(outage=(0, 0))
    once = lived(fewer, 200)
    monkeypatch.setattr(simulated, "LOOKED_UP_AGAIN", 0.0)
    each = Simulated(outage=(0, 0))
    always = lived(each, 200)
    assert each.calls == fewer.calls
    assert always.asked == once.asked


@pytest.mark.thorough
def test_an_outage_is_felt_by_those_whose_sessions_end_in_it() -> None:
    fleet = lived(Simulated(outage=OUTAGE), 200)
    alone = lived(Rival(outage=OUTAGE), 200)
    assert 0 < fleet.ended < alone.ended
