"""Each rule of the configuration, broken in one place: that is found, there, and nothing else is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.config.rules import (
    breadth,
    ceilings,
    codes,
    grants,
    issuers,
    language,
    linted,
    mints,
    parameters,
    policies,
    references,
    scopes,
    server,
    targets,
    warnings,
)
from tests.config.sound import Rule, assert_told

if TYPE_CHECKING:
    from pathlib import Path

RULES = (
    language.LANGUAGE
    | server.SERVER
    | ceilings.CEILINGS
    | issuers.ISSUERS
    | targets.TARGETS
    | mints.MINTS
    | grants.GRANTS
    | breadth.BREADTH
    | parameters.PARAMETERS
    | scopes.SCOPES
    | policies.POLICIES
    | references.REFERENCES
)
CODES = codes.of_rules()


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_what_breaks_a_rule_is_all_that_is_found_at_its_place(tmp_path: Path, rule: Rule) -> None:
    assert_told(tmp_path, rule, CODES[rule.says])


@pytest.mark.parametrize("rule", warnings.WARNINGS.values(), ids=warnings.WARNINGS)
def test_what_may_not_be_meant_is_a_warning_at_its_place(tmp_path: Path, rule: Rule) -> None:
    assert_told(tmp_path, rule, CODES[rule.says], severity="warning")


@pytest.mark.parametrize("rule", linted.LINTED.values(), ids=linted.LINTED)
def test_what_a_linter_has_against_a_policy_is_a_warning_at_its_place(tmp_path: Path, rule: Rule) -> None:
    pytest.importorskip("parliament", reason="the extra `lint` is not installed")
    assert_told(tmp_path, rule, CODES[rule.says], severity="warning", lint=True)


def test_each_line_of_codes_is_about_a_rule_and_each_rule_has_one() -> None:
    assert set(CODES) == {*RULES, *warnings.WARNINGS, *linted.LINTED}
