"""The dashboards as files: the ones that are generated, whose panels ask for what there is and lead to the runbooks."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.service import ROOT
from tests.watch.panels import BOARDS, Board, Kind, Unit
from tests.watch.test_rules import asked, known

dashboards = pytest.importorskip("tests.watch.dashboards", reason="install requirements/dev.txt", exc_type=ImportError)
FOLDER = ROOT / "helm" / "vendor" / "dashboards"


def written(board: Board) -> Any:
    return json.loads((FOLDER / f"{board.name}.json").read_text("utf-8"))


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_a_dashboard_on_disk_is_the_one_that_is_generated(board: Board) -> None:
    assert (FOLDER / f"{board.name}.json").read_text("utf-8") == dashboards.text(board), (
        "python -m tests.watch.dashboards"
    )


def test_there_are_no_others() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == {board.name for board in BOARDS}


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_every_metric_that_a_panel_asks_for_exists(board: Board) -> None:
    for panel in board.panels:
        for query, _ in panel.queries:
            assert asked(query.replace("$", "")) <= known(), panel.title


def test_every_metric_of_the_contract_is_shown() -> None:
    shown = {name for board in BOARDS for panel in board.panels for query, _ in panel.queries for name in asked(query)}
    bare = {re.sub(r"_(?:bucket|count|sum)$", "", name) for name in shown}
    missing = {re.sub(r"_(?:bucket|count|sum)$", "", name) for name in known() if name.startswith("vendor_")} - bare
    assert missing == set()


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_the_panels_of_a_dashboard_fill_its_rows_and_leave_no_gap(board: Board) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in written(board)["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
    assert len(taken) == 24 * (1 + max(y for _, y in taken))


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_a_dashboard_has_its_variables_and_leads_to_the_others_and_to_runbooks_that_exist(board: Board) -> None:
    told = written(board)
    assert [one["name"] for one in told["templating"]["list"]] == ["datasource", "scope", "target"]
    assert {"vendor"} <= set(told["links"][0]["tags"])
    assert {"vendor"} <= set(told["tags"])
    urls = [link["url"] for panel in told["panels"] for link in panel.get("links", ())] + [told["links"][1]["url"]]
    assert len(urls) > 1
    for url in urls:
        assert (ROOT / url).is_file(), url


def test_like_is_shown_in_like_units() -> None:
    for board in BOARDS:
        for panel in board.panels:
            rated = all(
                "rate(" in query and "quantile" not in query and "/ " not in query for query, _ in panel.queries
            )
            assert not rated or panel.unit is Unit.PER_SECOND or "increase(" in panel.queries[0][0], panel.title
            assert panel.unit is not Unit.SECONDS or panel.kind in (Kind.LINES, Kind.NUMBER, Kind.HEAT), panel.title
