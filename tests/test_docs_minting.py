"""docs/minting.md: every scope of it loads, is asked of AWS as the table says, and its limits are those that hold."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import trustme

from tests.service import ROOT
from vendor import config
from vendor.config.codes import Code
from vendor.config.mints import MINTS, TASKS
from vendor.config.passed import ACTIONS, PASSED
from vendor.config.values import FEATURES
from vendor.identity.authentication import suppose
from vendor.mint.errors import MEANING
from vendor.policy import limits
from vendor.policy.decision import Asked, Mapping
from vendor.policy.parameter import any_account
from vendor.policy.session import Action

if TYPE_CHECKING:
    from pathlib import Path

    from vendor.config import Configuration

PAGE = (ROOT / "docs" / "minting.md").read_text("utf-8")
BEGIN, *BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
SCOPES = [block for block in BLOCKS if block.startswith("scopes:")]
(TARGETS,) = [block for block in BLOCKS if block.startswith("targets:")]
_CELLS = [[cell.strip() for cell in line.split("|")[1:-1]] for line in PAGE.splitlines() if line.startswith("| `")]
ROWS = {cells[0].strip("`"): cells[1:] for cells in _CELLS if len(cells) == 6 and cells[0] != "`mint`"}
ANYBODY = {"namespace": "analytics", "service_account": "reporter"}


def loaded(folder: Path, text: str) -> Configuration:
    path = folder / "vendor.yaml"
    path.write_text(text)
    return config.load(path, environ={})


@pytest.mark.parametrize("block", SCOPES, ids=lambda block: block.split("\n")[1].strip(" :"))
def test_a_scope_that_is_shown_loads_and_opens_a_session(tmp_path: Path, block: str) -> None:
    configuration = loaded(tmp_path, BEGIN + block)
    assert {warning.code for warning in configuration.warnings} <= {Code.UNUSED_POLICY}
    (scope,) = configuration.scopes.values()
    issuer = configuration.issuers["cluster-a"]
    granted = dict(scope.grants[0].where)
    names = {name: getattr(matcher, "value", "x") for name, matcher in granted.items()}
    principal = suppose(issuer, {**ANYBODY, **names}, token_expires=datetime(2026, 3, 1, tzinfo=UTC))
    mapping = Mapping(scopes=configuration.scopes, generation=1, accounts=any_account)
    parameters = {one.name: "444455556666" for one in scope.parameters}
    decided = mapping.explain(principal, Asked(scope=scope.name, parameters=parameters))
    assert decided.refusal is None
    assert decided.session is not None
    assert decided.session.action is scope.mint.action


def test_every_mint_has_its_row_and_its_example(tmp_path: Path) -> None:
    assert list(ROWS) == list(MINTS) == list(ACTIONS) == list(PASSED)
    shown = {scope.mint.action for block in SCOPES for scope in loaded(tmp_path, BEGIN + block).scopes.values()}
    assert shown == set(Action)


def test_the_table_says_what_is_asked_what_can_be_passed_and_for_how_long() -> None:
    for mint, (asked, _, _, passed, longest) in ROWS.items():
        action = ACTIONS[mint]
        assert action in asked
        assert ("unsigned" in asked) is (action in {Action.WEB_IDENTITY, Action.SAML, Action.COGNITO_IDENTITY})
        keys = PASSED[mint]
        assert (keys is None) is (passed == "everything")
        if keys is not None:
            assert ("policy ARNs" in passed) is ("policy_arns" in keys)
            assert ("tags" in passed) is ("tags" in keys)
            assert passed.startswith("`unrestricted: true`") is ("policy" not in keys)
        assert re.findall(r"\d+[hm]", longest)[0] == _written(action)


def _written(action: Action) -> str:
    minutes = int(limits.longest(action).total_seconds()) // 60
    return f"{minutes // 60}h" if minutes >= 60 else f"{minutes}m"


def test_the_targets_that_are_shown_load(tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    begin = re.sub(r"^targets:.*?(?=^defaults)", "", BEGIN, flags=re.MULTILINE | re.DOTALL)
    configuration = loaded(tmp_path, begin + TARGETS + SCOPES[0])
    assert configuration.targets["minio"].features == frozenset()
    assert configuration.targets["ceph"].features == {"assumed_role_user", "source_identity"}
    assert configuration.targets["gov"].partition == "aws-us-gov"
    assert configuration.targets["aws"].features == FEATURES


def test_another_cloud_of_which_nothing_is_said_has_all_features_but_may_be_silent_about_whose_session_it_gives(
    tmp_path: Path,
) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    begin = re.sub(r"^targets:.*?(?=^defaults)", "", BEGIN, flags=re.MULTILINE | re.DOTALL)
    configuration = loaded(tmp_path, begin + TARGETS.replace(", features: []", "") + SCOPES[0])
    assert configuration.targets["minio"].features == FEATURES - {"assumed_role_user"}


def test_the_page_names_every_feature_and_every_task_there_is() -> None:
    assert all(f"`{name}`" in PAGE for name in (*FEATURES, *TASKS))


def test_the_errors_that_are_told_mean_what_is_told() -> None:
    table = PAGE[PAGE.index("## What AWS says") :]
    told = dict(re.findall(r"^\| (`[^|]+) \| `([a-z_]+)`", table, re.MULTILINE))
    for codes, heard in told.items():
        for code in re.findall(r"`(\w+)`", codes):
            if code in MEANING and "could not" not in codes and "of a token" not in codes:
                assert MEANING[code][0].code == heard, code
