"""The dashboards as Grafana reads them; `python -m tests.watch.dashboards` writes helm/vendor/dashboards anew."""

from __future__ import annotations

from typing import Any, Final

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    heatmap,
    prometheus,
    stat,
    statetimeline,
    timeseries,
)
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    VisibilityMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.common import (
    GraphTresholdsStyleMode as Style,
)
from grafana_foundation_sdk.models.dashboard import (
    Dashboard,
    DashboardCursorSync,
    DashboardLinkType,
    DataSourceRef,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMappingResult,
    VariableOption,
    VariableRefresh,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from tests.service import ROOT
from tests.watch.panels import BOARDS, Board, Kind, Panel

FOLDER: Final = ROOT / "helm" / "vendor" / "dashboards"
RUNBOOKS: Final = "docs/runbooks/"
"""The chart puts `monitoring.runbooks` in its place."""
_SOURCE: Final = DataSourceRef(type_val="prometheus", uid="${datasource}")
_HEIGHTS: Final = {Kind.NUMBER: 4}
_MAKERS: Final[dict[Kind, Any]] = {
    Kind.NUMBER: stat.Panel,
    Kind.LINES: timeseries.Panel,
    Kind.BARS: bargauge.Panel,
    Kind.HEAT: heatmap.Panel,
    Kind.STATES: statetimeline.Panel,
}


def text(board: Board) -> str:
    """Return a dashboard's JSON."""
    encoded: str = JSONEncoder(sort_keys=True, indent=1).encode(built(board))
    return f"{encoded}\n"


def built(board: Board) -> Dashboard:
    """Return a dashboard with its variables, its panels and its links to the others and to the runbooks."""
    made = (
        dashboard.Dashboard(board.title)
        .uid(f"vendor-{board.name}")
        .description(board.says)
        .tags(["vendor"])
        .time("now-3h", "now")
        .refresh("30s")
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .with_variable(dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus"))
        .with_variable(_variable("scope", "vendor_credentials_active", "Scope"))
        .with_variable(_variable("target", "vendor_base_identity_healthy", "Target"))
        .link(_others())
        .link(dashboard.DashboardLink("Runbooks").type(DashboardLinkType.LINK).url(f"{RUNBOOKS}README.md"))
    )
    for number, panel in enumerate(board.panels, 1):
        made.with_panel(_panel(panel, number))
    return made.build()


def _variable(name: str, metric: str, label: str) -> dashboard.QueryVariable:
    everything = VariableOption(text="All", value="$__all", selected=True)
    variable = dashboard.QueryVariable(name).label(label).datasource(_SOURCE).query(f"label_values({metric}, {name})")
    variable.refresh(VariableRefresh.ON_TIME_RANGE_CHANGED).multi(multi=True).include_all(include_all=True)
    return variable.all_value(".*").current(everything)


def _others() -> dashboard.DashboardLink:
    link = dashboard.DashboardLink("Vendor").type(DashboardLinkType.DASHBOARDS).tags(["vendor"])
    return link.as_dropdown(as_dropdown=False).keep_time(keep_time=True).include_vars(include_vars=True)


def _panel(panel: Panel, number: int) -> Any:
    made = _MAKERS[panel.kind]().id(number).title(panel.title).description(panel.says).datasource(_SOURCE)
    made.span(panel.width).height(_HEIGHTS.get(panel.kind, 8)).unit(panel.unit.value)
    for at, (query, legend) in enumerate(panel.queries):
        made.with_target(_target(panel, query, legend, chr(ord("A") + at)))
    if panel.runbook:
        made.links([_runbook(panel.runbook)])
    if panel.kind is not Kind.HEAT:
        made.thresholds(dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(_steps(panel)))
    if panel.states:
        made.mappings([_mapping(panel)])
    _dress(made, panel)
    return made


def _dress(made: Any, panel: Panel) -> None:
    """Set what only one kind of panel has."""
    reduced = common.ReduceDataOptions().calcs(["lastNotNull"])
    match panel.kind:
        case Kind.LINES:
            made.min(0).fill_opacity(10).show_points(VisibilityMode.NEVER)
            shown = Style.OFF if panel.bad is None else Style.DASHED
            made.thresholds_style(common.GraphThresholdsStyleConfig().mode(shown))
        case Kind.NUMBER:
            made.color_mode(BigValueColorMode.VALUE).reduce_options(reduced)
        case Kind.BARS:
            made.min(0).orientation(VizOrientation.HORIZONTAL).reduce_options(reduced)
        case Kind.HEAT:
            made.calculate(calculate=False)
        case Kind.STATES:
            made.show_value(VisibilityMode.NEVER)


def _target(panel: Panel, query: str, legend: str, ref: str) -> prometheus.Dataquery:
    made = prometheus.Dataquery().ref_id(ref).expr(query).legend_format(legend or panel.title)
    if panel.kind is Kind.HEAT:
        made.format(PromQueryFormat.HEATMAP)
    if panel.kind is Kind.BARS:
        return made.instant()
    return made.range().exemplar(exemplar=panel.exemplars)


def _runbook(page: str) -> dashboard.DashboardLink:
    return dashboard.DashboardLink("Runbook").type(DashboardLinkType.LINK).url(f"{RUNBOOKS}{page}.md")


def _steps(panel: Panel) -> list[Threshold]:
    """Return the colours by value, from the least one up."""
    warn, bad = panel.warn, panel.bad
    if warn is not None and bad is not None and bad < warn:
        return [Threshold(color="red"), Threshold(value=bad, color="yellow"), Threshold(value=warn, color="green")]
    steps = [Threshold(color="green")]
    steps += [Threshold(value=warn, color="yellow")] if warn is not None else []
    return steps + ([Threshold(value=bad, color="red")] if bad is not None else [])


def _mapping(panel: Panel) -> Any:
    colours = ("green", "red")
    options = {
        str(value): ValueMappingResult(text=name, color=colour, index=at)
        for at, ((value, name), colour) in enumerate(zip(panel.states, colours, strict=True))
    }
    return ValueMap(options=options)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for one in BOARDS:
        (FOLDER / f"{one.name}.json").write_text(text(one), "utf-8")
