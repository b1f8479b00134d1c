"""The published schema of audit lines: every line of every served world of the suite is checked against it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.audit_lines import check
from tests.made import issued
from tests.test_audit import CONTRACT, STAGES
from vendor.cli.audited import EXCHANGE, json_schema


@pytest.mark.parametrize("stage", STAGES)
def test_every_line_is_as_the_schema_says(stage: str) -> None:
    line = STAGES[stage].line()
    assert check([line]) == 1
    assert json.loads(line).keys() == EXCHANGE.keys()


def test_every_member_of_the_contract_is_in_it_and_must_be_there() -> None:
    (exchange,) = [one for one in json_schema()["oneOf"] if one["title"] == "exchange"]
    assert set(exchange["required"]) >= CONTRACT
    assert all(one["description"].endswith(".") for one in exchange["properties"].values())


@pytest.mark.parametrize(
    "wrong",
    [
        {"time": "yesterday"},
        {"door": "window"},
        {"grant": -1},
        {"seconds": "0.1"},
        {"would_refuse": 0},
        {"token_sha256": "A" * 64},
        {"reason": "because"},
        {"tags": {"a": 1}},
        {"attributes": {"a": None}},
        {"policy_arns": [1]},
        {"detail": "x" * 2_049},
        {"password": "secret"},
    ],
    ids=lambda one: next(iter(one)),
)
def test_a_line_that_is_not_so_is_found(wrong: dict[str, Any]) -> None:
    with pytest.raises(AssertionError):
        check([json.dumps({**json.loads(issued().line()), **wrong})])


@pytest.mark.parametrize("member", ["event", "outcome", "access_key_id"])
def test_a_line_that_lacks_something_is_found(member: str) -> None:
    line = json.loads(issued().line())
    del line[member]
    with pytest.raises((AssertionError, KeyError)):
        check([json.dumps(line)])
