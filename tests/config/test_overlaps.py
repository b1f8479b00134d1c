"""Overlaps: grants and scopes beside which others let the same callers have as much or more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.config.owned import MAIN, SCOPES, scope_file
from tests.config.sound import SOUND, changed, found, told
from vendor.config import overlaps

if TYPE_CHECKING:
    from pathlib import Path

ONE = "        where: {namespace: analytics}\n"
WIDE = """\
  WIDE:
    grants: [{issuer: cluster, where: {namespace: {present: true}}}]
    target: aws
    mint: {assume_role: {role: "arn:aws:iam::111122223333:role/reports"}}
    session:
      policy:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Action: "s3:Get*", Resource: "arn:aws:s3:::reports/{{ namespace }}/*"}]
"""


def grants(*given: str) -> str:
    """Return the sound configuration with more grants."""
    return changed(ONE, ONE + "".join(f"      - {one}\n" for one in given))


def test_each_shadowed_grant_names_the_first_that_covers_it(tmp_path: Path) -> None:
    text = grants(
        "{issuer: cluster, where: {namespace: sales}}",
        "{issuer: cluster, where: {namespace: sales, pod: a}}",
        "{issuer: cluster, where: {namespace: [sales, other]}}",
        "{issuer: cluster, where: {namespace: sales, pod: a}}",
    )
    assert [one.partition(" [")[0] for one in told(tmp_path, text)] == [
        f"26:9: warning: scopes.reports.grants[2]: grants[1] ({tmp_path}/vendor.yaml:25:9) lets in whomever this does",
        f"28:9: warning: scopes.reports.grants[4]: grants[1] ({tmp_path}/vendor.yaml:25:9) lets in whomever this does",
    ]


def test_a_grant_that_is_broken_is_passed_over_and_moves_no_place(tmp_path: Path) -> None:
    text = grants("{issuer: clusters, where: {namespace: a}}", "{issuer: cluster, where: {namespace: analytics}}")
    assert [one.field for one in found(tmp_path, text)] == ["scopes.reports.grants[1].issuer"]


def test_a_wider_scope_in_another_file_is_named_with_its_place(tmp_path: Path) -> None:
    file = scope_file(tmp_path, "scopes:\n" + WIDE.replace("WIDE", "all"))
    (finding,) = found(tmp_path, SOUND + "include: [scopes/*.yaml]\n")
    assert finding.message == (
        f"whom this lets in may have all too ({file}:2:3), which allows with the same role all that this scope does"
    )
    assert finding.field == "scopes.reports.grants[0]"
    scope_file(tmp_path, SCOPES, "scopes/b.yaml")
    (moved,) = found(tmp_path, MAIN + "include: [scopes/*.yaml]\n")
    assert (moved.file, moved.line) == (str(tmp_path / "scopes/b.yaml"), 5)


def test_of_several_wider_scopes_one_is_told(tmp_path: Path) -> None:
    assert len(found(tmp_path, SOUND + WIDE.replace("WIDE", "a") + WIDE.replace("WIDE", "b"))) == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("namespace: {present: true}", "namespace: sales"),
        ("role/reports", "role/others"),
        ("s3:Get*", "s3:Put*"),
        ("{{ namespace }}", "others"),
    ],
)
def test_a_scope_for_others_or_something_else_is_no_wider_one(tmp_path: Path, old: str, new: str) -> None:
    assert len(found(tmp_path, SOUND + WIDE.replace("WIDE", "all"))) == 1
    assert not found(tmp_path, SOUND + WIDE.replace("WIDE", "all").replace(old, new))


def test_a_scope_for_more_callers_that_allows_the_same_is_a_wider_one(tmp_path: Path) -> None:
    other = SCOPES.removeprefix("scopes:\n").replace("reports:\n", "others:\n", 1)
    assert [one.field for one in found(tmp_path, SOUND + other)] == []
    wider = other.replace("{namespace: analytics}", "{namespace: [analytics, sales]}")
    assert [one.field for one in found(tmp_path, SOUND + wider)] == ["scopes.reports.grants[0]"]
    assert [one.field for one in found(tmp_path, SOUND + wider.replace("{{ month }}/*", "{{ month }}/x/*"))] == []


def test_scopes_without_a_role_have_none_in_common(tmp_path: Path) -> None:
    mint = "federation_token: {name: '{{ namespace }}'}"
    old = 'assume_role: {role: "arn:aws:iam::111122223333:role/reports"}'
    text = "".join(WIDE.replace("WIDE", name).replace(old, mint) for name in ("a", "b"))
    assert [one.code for one in found(tmp_path, SOUND + text)] == []


def test_no_more_is_compared_than_can_be_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = SOUND + WIDE.replace("WIDE", "all")
    monkeypatch.setattr(overlaps, "MOST_PAIRS", 0)
    assert not found(tmp_path, text)
