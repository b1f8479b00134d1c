"""Ceilings: a file that somebody else owns can take no more than they allow, and none is without one."""

from __future__ import annotations

from pathlib import Path
from time import process_time

import pytest

from tests.config.owned import MAIN, ROLE, SCOPES, UNLIMITED, main_file, messages, scope_file, scopes_with
from tests.config.sound import found, loaded
from vendor.config import ConfigurationError, load


def test_the_ceiling_of_the_contract_holds_a_sound_scope(tmp_path: Path) -> None:
    scope_file(tmp_path, scopes_with("role/reports", "role/workload/reports"))
    configuration = loaded(
        tmp_path,
        main_file(
            'files: "scopes/*.yaml", roles: ["arn:aws:iam::*:role/workload/*"], max_duration: 12h, '
            'actions_denied: ["iam:*", "sts:*"], unrestricted: false'
        ),
    )
    assert (list(configuration.scopes), configuration.warnings) == (["reports"], ())


def test_both_places_are_named(tmp_path: Path) -> None:
    file = scope_file(tmp_path, SCOPES)
    text = main_file(
        UNLIMITED + ', files: "*.yml"', 'files: "scopes/*.yaml", roles: ["arn:aws:iam::*:role/workload/*"]'
    )
    line = text[: text.index('"arn:aws:iam')].count("\n") + 1
    (finding,) = found(tmp_path, text)
    assert str(finding) == (
        f"{file}:12:15: scopes.reports.mint.assume_role.role: expected a role within arn:aws:iam::*:role/workload/* "
        f"(the ceiling at {tmp_path}/vendor.yaml:{line}:37) [V805]"
    )


def test_a_ceiling_that_says_nothing_of_it_is_named_where_it_stands(tmp_path: Path) -> None:
    scope_file(tmp_path, scopes_with("    target: aws\n", "    target: aws\n    mode: audit\n"))
    text = main_file(f'files: "scopes/*.yaml", {UNLIMITED}')
    (finding,) = found(tmp_path, text)
    assert finding.message.endswith(f"(the ceiling at {tmp_path}/vendor.yaml:{text.count(chr(10))}:5)")


def test_a_team_cannot_have_secrets_of_the_service_sent_to_its_own_account_t29(tmp_path: Path) -> None:
    """An external id is told to the account of the role, whose owner may be the file's."""
    (tmp_path / "scopes").mkdir()
    (tmp_path / "scopes/key").write_text("CANARY")
    for reference in ("${env:SECRET}", "${file:key}", "${env:NOT_THERE}"):
        scopes = scopes_with(f"        role: {ROLE}\n", f"        role: {ROLE}\n        external_id: a-{reference}\n")
        scope_file(tmp_path, scopes)
        findings = found(tmp_path, main_file(f'files: "scopes/*.yaml", {UNLIMITED}'), {"SECRET": "CANARY"})
        assert [one.message.partition(" (")[0] for one in findings] == ["a reference may not stand here"]
        assert "CANARY" not in str(findings)
    allowed = main_file(f'files: "scopes/*.yaml", {UNLIMITED}, references: true')
    scopes = scopes_with(f"        role: {ROLE}\n", f"        role: {ROLE}\n        external_id: '${{env:SECRET}}'\n")
    scope_file(tmp_path, scopes)
    assert str(loaded(tmp_path, allowed, {"SECRET": "CANARY"}).scopes["reports"].mint.external_id) == "CANARY"


def test_an_included_file_under_no_ceiling_is_refused_where_there_are_ceilings_t30(tmp_path: Path) -> None:
    file = scope_file(tmp_path, SCOPES)
    text = main_file(f'files: "scopes/b*.yaml", {UNLIMITED}')
    line = text[: text.index("  - {files")].count("\n") + 1
    (finding,) = found(tmp_path, text)
    assert str(finding) == (
        f"{file}:1:1: no ceiling covers this file; with ceilings ({tmp_path}/vendor.yaml:{line}:3) "
        "each included file must be under one [V813]"
    )


def test_without_ceilings_every_file_is_served(tmp_path: Path) -> None:
    scope_file(tmp_path, SCOPES)
    assert list(loaded(tmp_path, f"{MAIN}include: [scopes/*.yaml]\nceilings: []\n").scopes) == ["reports"]


def test_the_main_file_is_under_a_ceiling_only_if_that_says_so(tmp_path: Path) -> None:
    mine = SCOPES.replace("  reports:", "  results:")
    scope_file(tmp_path, SCOPES.replace("role/reports", "role/workload/a"))
    within = 'roles: ["arn:aws:iam::*:role/workload/*"]'
    assert found(tmp_path, main_file(f'files: "scopes/*.yaml", {within}') + mine) == ()
    (finding,) = found(tmp_path, main_file(f'files: "scopes/*", {UNLIMITED}', f"files: vendor.yaml, {within}") + mine)
    assert (finding.file, finding.field) == (f"{tmp_path}/vendor.yaml", "scopes.results.mint.assume_role.role")
    assert len(found(tmp_path, main_file(f'files: "scopes/*", {UNLIMITED}', f'files: "*.yaml", {within}') + mine)) == 1


def test_every_ceiling_over_a_file_holds(tmp_path: Path) -> None:
    scope_file(tmp_path, SCOPES)
    over = main_file(
        f'files: "scopes/*.yaml", {UNLIMITED}, max_duration: 30m',
        f'files: "scopes/a*", {UNLIMITED}, actions_denied: ["s3:*"]',
        f'files: "scopes/?.yaml", {UNLIMITED}, targets: [own]',
        f'files: "*/[ab].yaml", {UNLIMITED}, issuers: [batch]',
        f'files: "scopes/b*", {UNLIMITED}, names: [none]',
    )
    assert [one.field.removeprefix("scopes.reports.") for one in found(tmp_path, over)] == [
        *("grants[0].issuer", "target", "session.duration", "session.policy.Statement[0].Action")
    ]


@pytest.mark.parametrize("pattern", ["scopes/b.yaml", "a.yaml", "*.yaml/a", "scopes", "scopes/*/*", "Scopes/*"])
def test_a_pattern_of_another_file_is_over_nothing(tmp_path: Path, pattern: str) -> None:
    scope_file(tmp_path, SCOPES)
    text = main_file(f'files: "scopes/*.yaml", {UNLIMITED}', f'files: "{pattern}", roles: [none]')
    assert [(one.severity, one.field, one.message) for one in found(tmp_path, text)] == [
        ("warning", "ceilings[1].files", "no file is under this ceiling")
    ]


def test_a_ceiling_without_roles_is_told(tmp_path: Path) -> None:
    assert messages(tmp_path, "max_duration: 1h") == [
        "ceilings[0]: names no roles: its scopes may take any role that the service can assume"
    ]


def test_a_ceiling_that_is_wrong_itself_leaves_no_file_without_one(tmp_path: Path) -> None:
    assert messages(tmp_path, "roles: [a], issuers: [none]") == ["ceilings[0].issuers[0]: there is no issuer none"]
    scope_file(tmp_path, SCOPES)
    text = main_file(f'files: "scopes/b*", {UNLIMITED}', "files: 5")
    assert [one.field for one in found(tmp_path, text)] == ["ceilings[1].files"]


def test_a_broken_issuer_or_target_may_be_named_in_a_ceiling(tmp_path: Path) -> None:
    scope_file(tmp_path, SCOPES)
    text = main_file(f'files: "scopes/*.yaml", {UNLIMITED}, issuers: [cluster], targets: [aws]')
    text = text.replace("kind: kubernetes", "kind: kubernets").replace(
        "regions: [eu-west-1, eu-central-1]", "regions: 5"
    )
    assert [one.field for one in found(tmp_path, text)] == ["issuers.cluster.kind", "targets.aws.regions"]


def test_a_change_that_exceeds_a_ceiling_is_refused_as_a_whole_t30(tmp_path: Path) -> None:
    scope_file(tmp_path, SCOPES)
    scope_file(
        tmp_path, SCOPES.replace("  reports:", "  results:").replace("role/reports", "role/admin"), "scopes/b.yaml"
    )
    main = tmp_path / "vendor.yaml"
    main.write_text(main_file(f'files: "scopes/*.yaml", roles: ["{ROLE}"]'))
    with pytest.raises(ConfigurationError) as caught:
        load(main, environ={})
    assert [Path(one.file).name for one in caught.value.findings] == ["b.yaml"]


def test_five_ceilings_cost_little_beside_what_reading_the_scopes_does(tmp_path: Path) -> None:
    """Five over each of ten thousand scopes are to add less than a second; here are five hundred, and much leeway."""
    said = 'roles: ["arn:aws:iam::*:role/*"], max_duration: 12h, actions_denied: ["iam:*", "sts:*"]'
    body = SCOPES.removeprefix("scopes:\n")
    scope_file(tmp_path, "scopes:\n" + "".join(body.replace("reports", f"reports{n}") for n in range(500)))
    seconds: list[float] = []
    without, over = main_file().replace("ceilings:\n", ""), main_file(*[f'files: "scopes/*.yaml", {said}'] * 5)
    for text in (without, over):
        started = process_time()
        assert len(loaded(tmp_path, text).scopes) == 500
        seconds.append(process_time() - started)
    assert seconds[1] - seconds[0] < 0.5


@pytest.mark.parametrize(
    ("mint", "field"),
    [
        (
            "assume_role: {role: R, mfa_serial: 'arn:aws:iam::111122223333:mfa/v', mfa_secret_file: F}",
            "assume_role.mfa_secret_file",
        ),
        (
            "saml: {role: R, provider: 'arn:aws:iam::111122223333:saml-provider/a', assertion_file: F}",
            "saml.assertion_file",
        ),
    ],
)
def test_a_file_of_scopes_names_no_secret_of_the_service_unless_its_ceiling_says_so(
    tmp_path: Path, mint: str, field: str
) -> None:
    (tmp_path / "scopes").mkdir()
    (tmp_path / "scopes" / "secret").write_text("GEZDGNBVGY3TQOJQ")
    said = mint.replace("R,", f"'{ROLE}',").replace("F}", "secret}")
    scopes = scopes_with(f"      assume_role:\n        role: {ROLE}\n", f"      {said}\n")
    told = messages(tmp_path, UNLIMITED, scopes)
    assert [one for one in told if "roles" not in one] == [
        f"mint.{field}: a secret of the service may not be named here"
    ]
    assert messages(tmp_path, f"{UNLIMITED}, references: true", scopes) == []
