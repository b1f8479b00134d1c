"""What docs/kubernetes.md and docs/platforms.md show: values that the chart takes, and each annotation there is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.helm.tools import CHART, render
from tests.service import ROOT
from vendor.config import load
from vendor.kubernetes.annotations import KNOWN, PREFIX

if TYPE_CHECKING:
    from pathlib import Path

PAGES = {name: (ROOT / "docs" / f"{name}.md").read_text("utf-8") for name in ("kubernetes", "platforms")}
BLOCKS = [block for page in PAGES.values() for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)]


@pytest.mark.chart
@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.split(":")[0])
def test_every_block_of_values_is_taken(tmp_path: Path, block: str) -> None:
    path = tmp_path / "values.yaml"
    path.write_text(block)
    objects = render("--values", str(CHART / "ci" / "plain.yaml"), values=path)
    (configuration,) = [
        one["data"]["vendor.yaml"]
        for one in objects
        if one["kind"] == "ConfigMap" and "vendor.yaml" in one.get("data", {})
    ]
    if "store" not in yaml.safe_load(configuration):  # whose keys are not here
        (tmp_path / "vendor.yaml").write_text(configuration)
        load(tmp_path / "vendor.yaml", environ={})


def test_every_annotation_is_told_of() -> None:
    told = set(re.findall(rf"^\| `{re.escape(PREFIX)}([a-z-]+)", PAGES["kubernetes"], re.MULTILINE))
    assert told == set(KNOWN)


def test_every_value_that_is_named_is_one() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    names = {name for page in PAGES.values() for name in re.findall(r"`([a-zA-Z]+(?:\.[a-zA-Z]+)+)`", page)}
    named = {name for name in names if name.split(".")[0] in values} - {"store.redis", "config.listen", "config.audit"}
    assert len(named) > 10
    for name in named:  # but for what vendor.yaml has
        at = values
        for part in name.split("."):
            assert part in at, name
            at = at[part]
