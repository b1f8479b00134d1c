"""What the bench makes of its figures: exponents, charts, the report and the page."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from tests.benchmarks import day, growth, page, report

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
DAY = {
    "pods": 100,
    "service_accounts": 10,
    "vendor": {"sts_calls_an_hour": 10.0, "peak_a_second": 1.0, "unserved_pod_minutes": 3.0},
    "alone <&>": {"sts_calls_an_hour": 2000.0, "peak_a_second": 70.0, "unserved_pod_minutes": 9.0},
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
    drawn = ET.fromstring(page.chart("a < b", {"half": 5.0, "whole": 10.0}))  # noqa: S314 - ours
    half, whole = [float(bar.attrib["width"]) for bar in drawn.iter("{http://www.w3.org/2000/svg}rect")]
    assert half == pytest.approx(whole / 2, abs=0.1)
    assert "a < b" in "".join(drawn.itertext())


def test_the_report_tells_of_the_parts_that_were_measured_in_their_order() -> None:
    told = report.text({"machine": "a machine", "day": DAY, "herd": HERD}).splitlines()
    assert [line.split()[0] for line in told] == ["a", "herd", "day", "day", "day"]
    assert "200 STS calls" in told[1]


def test_what_is_measured_later_takes_the_place_of_that_part_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "KEPT", tmp_path / "bench.json")
    report.keep({"day": DAY, "herd": HERD}, machine="one")
    report.keep({"herd": {**HERD, "sts_calls": 201}}, machine="two")
    found = report.read()
    assert (found["day"], found["herd"]["sts_calls"], found["machine"]) == (DAY, 201, "two")


def test_the_page_holds_what_was_measured_and_links_its_charts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "DOCS", tmp_path)
    page.write({"machine": "a machine", "date": "2026-11-27", "day": DAY})
    text = (tmp_path / "performance.md").read_text()
    assert "performance-day.svg" in text
    assert "alone <&>: 2,000 STS calls an hour" in text
    assert "## Warm" not in text
    assert (tmp_path / "performance-day.svg").exists()


async def test_pods_that_call_sts_themselves_call_it_as_often_as_they_ask() -> None:
    way = day.Alone()
    pods = day.Pods(40)
    await pods.live(way)
    assert len(way.calls) == pods.asked > 40
    again = day.Pods(40)
    await again.live(day.Alone())
    assert (again.asked, again.unserved) == (pods.asked, pods.unserved)
