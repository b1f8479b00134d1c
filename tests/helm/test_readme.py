"""The chart's README, which is made and must be the one that would be made now; these need no helm."""

from __future__ import annotations

import json
from typing import Any

import yaml

from tests.helm.readme import readme
from tests.helm.tools import CHART


def test_the_table_of_values_is_the_one_that_values_yaml_makes() -> None:
    assert (CHART / "README.md").read_text("utf-8") == readme(), "run: make chart-readme"


def test_every_value_is_told_of_in_the_table() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    table = readme()
    untold = [
        path for path in _leaves(values) if not any(f"| `{path[: len(path) - cut]}` |" in table for cut in _cuts(path))
    ]
    assert untold == []


def _cuts(path: str) -> list[int]:
    """Return how much to leave off for each of the keys that a leaf is under: the table may tell of those."""
    parts = path.split(".")
    return [len(path) - len(".".join(parts[:count])) for count in range(1, len(parts) + 1)]


def _leaves(values: dict[str, Any], at: str = "") -> list[str]:
    found = []
    for key, value in values.items():
        path = f"{at}.{key}" if at else key
        found += _leaves(value, path) if isinstance(value, dict) and value else [path]
    return found


def test_the_schema_knows_every_value_and_nothing_more() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    schema = json.loads((CHART / "values.schema.json").read_text("utf-8"))
    assert schema["properties"].keys() - {"global"} == values.keys()
    for name, value in values.items():
        known = schema["properties"][name]
        if isinstance(value, dict) and "properties" in known:
            assert known["properties"].keys() >= value.keys(), name
            assert known["additionalProperties"] is False, name
