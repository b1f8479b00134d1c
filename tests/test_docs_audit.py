"""docs/audit.md: its line is a line, its jq is run, and its other queries name members that there are."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.audit_lines import check
from tests.service import ROOT
from vendor.cli.audited import EXCHANGE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGE = (ROOT / "docs" / "audit.md").read_text("utf-8")
RUNBOOKS = sorted((ROOT / "docs" / "runbooks").glob("*.md"))
JQ = shutil.which("jq")


def blocks(language: str, text: str = PAGE) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def trail() -> str:
    """Return an audit file: the line that is shown, and a refusal and an issue of what nobody may have."""
    (shown,) = map(json.loads, blocks("json"))
    none = dict.fromkeys(("access_key_id", "expiration", "source", "region", "packed_policy_size", "grant", "role"))
    more = {"scope": "invoices:write", "session_name": None, "outcome": "refused", "code": "access_denied"}
    refused = {**shown, **none, **more, "reason": "no_grant", "detail": "no grant matches"}
    lines = [shown, refused, {**shown, "scope": "never:this", "access_key_id": "ASIAOTHER", "session_name": "other"}]
    return "".join(json.dumps(line) + "\n" for line in lines)


def test_the_line_that_is_shown_is_one() -> None:
    assert check(trail().splitlines()) == 3


def _run(command: str, folder: Path) -> str:
    if JQ is None:
        pytest.skip("jq is not here: install Debian's package jq")
    (folder / "audit.jsonl").write_text(trail())
    done = subprocess.run(  # noqa: S603 - what our own documents show
        ["/bin/sh", "-c", command], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.parametrize("block", blocks("console"), ids=range(len(blocks("console"))))
def test_what_jq_is_shown_to_print_it_prints(tmp_path: Path, block: str) -> None:
    command, _, shown = block.partition("\n")
    assert _run(command.removeprefix("$ "), tmp_path) == shown


def _asked_in_runbooks() -> Iterator[str]:
    for page in RUNBOOKS:
        for block in blocks("sh", page.read_text("utf-8")):
            yield from (line for line in block.splitlines() if line.startswith("jq "))


@pytest.mark.parametrize("command", list(_asked_in_runbooks()))
def test_what_a_runbook_asks_of_an_audit_file_finds_something(tmp_path: Path, command: str) -> None:
    assert _run(command, tmp_path)


def test_runbooks_ask_audit_files() -> None:
    assert len(list(_asked_in_runbooks())) >= 2


def _members(query: Any) -> Iterator[str]:
    """Yield the names of members in a query of OpenSearch's."""
    if isinstance(query, dict):
        for name, inner in query.items():
            if name == "term":
                yield from inner
            elif name == "field":
                yield inner
            elif name == "_source":
                yield from inner
            else:
                yield from _members(inner)
    elif isinstance(query, list):
        for inner in query:
            yield from _members(inner)


def test_the_queries_of_log_stores_name_members_that_there_are() -> None:
    for query in map(json.loads, blocks("query")):
        assert set(_members(query)) <= EXCHANGE.keys(), query
        assert set(_members(query))
    for query in blocks("logql"):
        named = re.findall(r"(?:\||,|\() ?(\w+)=\"|\{\{\.(\w+)\}\}|by \(([\w, ]+)\)", query)
        words = {word for groups in named for group in groups for word in re.findall(r"\w+", group)}
        assert words - {"app"} <= EXCHANGE.keys(), query
        assert words
        assert query.count("{") == query.count("}")
    for query in blocks("insights"):
        words = set(re.findall(r"\b[a-z_]+\b", re.sub(r'"[^"]*"|@\w+', "", query)))
        said = {"fields", "filter", "sort", "asc", "desc", "stats", "min", "max", "count", "by", "as", "and", "limit"}
        assert words - said - {"refusals"} <= EXCHANGE.keys(), query


def test_there_are_queries_for_four_ways_to_keep_lines() -> None:
    assert [len(blocks(language)) for language in ("console", "insights", "logql", "query")] == [3, 3, 3, 3]
