"""docs/policies.md: its configurations are good ones, and its sessions can do what is shown and no more."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.policy.iam import allows
from tests.service import ROOT
from vendor import config
from vendor.cli import main
from vendor.identity import attributes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

PAGE = (ROOT / "docs" / "policies.md").read_text("utf-8")
FEWEST = 12
SET = "ForAllValues:"


class Recipe(NamedTuple):
    """One recipe: its configuration, who asks for what, the first session's policy, and what is tried with it."""

    title: str
    text: str
    config: str
    policy: str
    asked: list[tuple[str, str, str]]
    tried: list[tuple[str, str, str, str]]


def section(title: str) -> str:
    """Return what stands below a heading of the second level."""
    (found,) = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^ *```{language}\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)


def rows(text: str, columns: int) -> list[Any]:
    """Return the rows of the tables with so many columns, without the marks of code."""
    cells = [re.findall(r"(?<=\|)[^|]*(?=\|)", line) for line in text.splitlines() if line.startswith("|")]
    plain = [tuple(cell.strip().replace("`", "") for cell in row) for row in cells if len(row) == columns]
    return plain[2:]


def _recipes() -> Iterator[Recipe]:
    for text in re.split(r"^### ", section("Cookbook"), flags=re.MULTILINE)[1:]:
        (written,), (policy,) = blocks(text, "yaml"), blocks(text, "json")
        yield Recipe(text.partition("\n")[0], text, written, policy, rows(text, 3), rows(text, 4))


RECIPES = list(_recipes())
ALL = pytest.mark.parametrize("recipe", RECIPES, ids=[recipe.title for recipe in RECIPES])


def without_code(finding: str) -> str:
    """Return a finding's text without the code that may stand at its end."""
    return re.sub(r" \[V\d+\]$", "", finding)


def written(folder: Path, text: str, name: str = "vendor.yaml") -> str:
    """Write a file of the page."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return str(path)


def explained(path: str, who: str, asked: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Return what `vendor explain` says; what is asked is written as in the URL."""
    scope, _, query = asked.partition("?")
    said = [word for pair in query.split("&") if pair for word in ("--parameter", pair)]
    code = main(["explain", path, "--scope", scope, "--attributes", who, "--format", "json", *said])
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert told["allowed"] is (code == 0)
    return told


def can(policy: str, action: str, resource: str, context: str) -> bool:
    """Tell whether a session with this policy could do this, if its role could do everything."""
    said = dict(pair.split("=", 1) for pair in context.split())
    document = json.loads(policy)
    kept = [plain for one in document["Statement"] if (plain := _without_sets(one, said)) is not None]
    alone = {key: value for key, value in said.items() if "," not in value}
    return allows({**document, "Statement": kept}, action, resource, alone)


def _without_sets(statement: dict[str, Any], said: Mapping[str, str]) -> dict[str, Any] | None:
    """Return a statement without its conditions on sets and on absence, None if one of them does not hold."""
    rest: dict[str, Any] = {}
    for operator, keys in statement.get("Condition", {}).items():
        if operator == "Null":
            if any((key not in said) is not (wanted == "true") for key, wanted in keys.items()):
                return None
        elif operator.startswith(SET):
            if not all(_is_among(said.get(key), wanted) for key, wanted in keys.items()):
                return None
            assert operator == f"{SET}StringEquals"
        else:
            rest[operator] = keys
    return {**statement, "Condition": rest}


def _is_among(value: str | None, wanted: list[str]) -> bool:
    """Tell whether each of the values is wanted; none at all are, as IAM has it."""
    return value is None or set(value.split(",")) <= set(wanted)


def test_the_cookbook_has_recipes_for_all_that_it_promises() -> None:
    assert len(RECIPES) >= FEWEST
    for recipe in RECIPES:
        answers = [answer for _, _, answer in recipe.asked]
        assert answers[0].startswith("arn:"), recipe.title
        assert not all(answer.startswith("arn:") for answer in answers), recipe.title
        assert {verdict for *_, verdict in recipe.tried} == {"yes", "no"}, recipe.title


@ALL
def test_the_configuration_shown_is_a_good_one(
    tmp_path: Path, recipe: Recipe, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, recipe.config)
    assert main(["check", path]) == 0
    *warnings, verdict = capsys.readouterr().out.splitlines()
    assert re.fullmatch(rf"{re.escape(path)}: good: 1 issuers, \d scopes", verdict)
    for warning in warnings:
        assert f"`{without_code(warning.rpartition('policy: ')[2])}`" in recipe.text


@ALL
def test_each_identity_gets_what_is_shown(tmp_path: Path, recipe: Recipe, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, recipe.config)
    for who, asked, answer in recipe.asked:
        told = explained(path, who, asked, capsys)
        recorded = ", would_refuse" if told["would_refuse"] else ""
        got = f"{told['session']['role']}{recorded}" if told["allowed"] else told["refusal"]["code"]
        assert (who, asked, got) == (who, asked, answer)


@ALL
def test_the_identities_shown_have_attributes_that_their_issuer_yields(tmp_path: Path, recipe: Recipe) -> None:
    (issuer,) = config.load(tmp_path / written(tmp_path, recipe.config), environ={}).issuers.values()
    for who, _, _ in recipe.asked:
        said = json.loads(who)
        assert said.pop("issuer") == issuer.name
        assert said.keys() <= set(attributes.names(issuer))


@ALL
def test_the_policy_shown_is_the_first_ones_own(
    tmp_path: Path, recipe: Recipe, capsys: pytest.CaptureFixture[str]
) -> None:
    who, asked, _ = recipe.asked[0]
    told = explained(written(tmp_path, recipe.config), who, asked, capsys)
    assert json.dumps(json.loads(recipe.policy)) == json.dumps(told["session"]["policy"])


@ALL
def test_its_session_can_do_what_is_shown_and_no_more(recipe: Recipe) -> None:
    found = [(*tried, "yes" if can(recipe.policy, *tried) else "no") for *tried, _ in recipe.tried]
    assert found == recipe.tried


def test_a_condition_on_a_set_holds_where_the_key_is_missing() -> None:
    """The trap that the page tells of: a Scan has no leading keys."""
    statement = {"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}
    of_set = {f"{SET}StringEquals": {"dynamodb:LeadingKeys": ["a"]}}
    alone = json.dumps({"Statement": [{**statement, "Condition": of_set}]})
    both = {**of_set, "Null": {"dynamodb:LeadingKeys": "false"}}
    assert can(alone, "dynamodb:Scan", "t", "")
    assert not can(json.dumps({"Statement": [{**statement, "Condition": both}]}), "dynamodb:Scan", "t", "")


def run(folder: Path, console: str) -> tuple[str, str]:
    """Run the command of a block, and return what it prints and what is shown of it."""
    found = re.match(r"\$ ((?:.*\\\n)*.*\n)", console)
    assert found
    done = subprocess.run(  # noqa: S603 - what our own document shows
        ["/bin/sh", "-c", found[1]],
        cwd=folder,
        env={"PATH": f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"},  # noqa: PTH120 - a string is wanted
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout, console[found.end() :]


def _language(folder: Path) -> str:
    text = section("The language")
    path, (included, (listed,)) = folder / "vendor.yaml", (blocks(text, "yaml")[1], blocks(text, "json"))
    written(folder, included, "scopes/reports.yaml")
    written(folder, listed, "scopes/policies/list.json")
    written(folder, blocks(text, "yaml")[0])
    return str(path)


@pytest.mark.parametrize("console", blocks(PAGE, "console"), ids=lambda one: " ".join(one.split()[1:3]))
def test_a_command_prints_what_is_shown(tmp_path: Path, console: str) -> None:
    _language(tmp_path)
    printed, shown = run(tmp_path, console)
    assert printed == shown


def test_what_is_shown_to_be_refused_is_refused_in_these_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (resource,), (found,) = blocks(section("Traps"), "yaml"), re.findall(r"^  (scopes\..*)$", PAGE, re.MULTILINE)
    first = RECIPES[0].config
    path = written(tmp_path, re.sub(r'Resource: "[^"]*/\{\{ namespace \}\}/\*"', resource.strip(), first))
    assert main(["check", path]) == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert without_code(re.sub(r".*vendor\.yaml:\d+:\d+: ", "", line)) == found


def test_each_list_of_contents_names_its_sections() -> None:
    titles = re.findall(r"^## (.*)$", re.sub(r"^```.*?^```$", "", PAGE, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    contents = PAGE.partition("\n## ")[0]
    anchors = [title.lower().replace(",", "").replace(" ", "-") for title in titles]
    assert re.findall(r"\[([^\]]*)\]\(#([^)]*)\)", contents) == list(zip(titles, anchors, strict=True))
