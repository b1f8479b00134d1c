"""`vendor explain` for other mints: the way to a role, what the caller must bring, and whose permissions it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes.issuer import Issuer
from tests.test_explain_command import Desk
from tests.test_live_mints import MINT, OF_TAGS

if TYPE_CHECKING:
    from pathlib import Path

ROLE = "arn:aws:iam::111122223333:role/reports"
HUB = "arn:aws:iam::999988887777:role/hub"


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path, capsys, Issuer().issuer)


def minted(desk: Desk, mint: str, *, bare: bool = False, more: str = "") -> None:
    desk.change(MINT, mint)
    desk.change(OF_TAGS, more)
    if bare:
        begin = desk.text.index("    parameters:")
        desk.text = desk.text[:begin] + f"    target: aws\n    mint: {mint}\n    session: {{unrestricted: true}}\n"
        desk.path.write_text(desk.text)


async def test_each_role_of_a_chain_is_told_with_what_it_may_do(desk: Desk) -> None:
    more = "      tags: {team: a}\n      source_identity: me\n"
    minted(desk, f'{{assume_role: {{role: "{ROLE}", via: [{{role: "{HUB}"}}]}}}}', more=more)
    session = (await desk.explain("--format", "json")).json["session"]
    assert (session["action"], session["chain"]) == ("AssumeRole", [HUB, ROLE])
    (hop,) = session["via"]
    assert (hop["role"], hop["session_name"], hop["tags"]) == (HUB, session["session_name"], {})
    assert hop["policy"]["Statement"] == [
        {"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"], "Resource": ROLE}
    ]
    assert (session["most_seconds"], session["needs"]) == (3600, [])
    assert (await desk.explain()).line("chain") == f"chain {HUB} then {ROLE}"


async def test_what_the_caller_must_bring_is_told_beforehand(desk: Desk) -> None:
    provider = "arn:aws:iam::111122223333:saml-provider/adfs"
    minted(desk, f'{{saml: {{role: "{ROLE}", provider: "{provider}"}}}}')
    told = await desk.explain()
    assert told.code == 0
    assert told.line("needs") == "needs saml_assertion"
    assert told.line("provider") == f"provider {provider}"


@pytest.mark.parametrize(
    ("mint", "warning"),
    [
        ("{session_token: {}}", "unrestricted: the session can do all that the service's own user can"),
        ('{root: {account: "444455556666", task_policy: S3UnlockBucketPolicy}}', ""),
        ("{identity_token: {audience: a, signing_algorithm: RS256}}", ""),
    ],
)
async def test_whose_permissions_a_session_has_is_told(desk: Desk, mint: str, warning: str) -> None:
    minted(desk, mint, bare=True)
    told = (await desk.explain("--format", "json")).json
    assert told["session"]["policy"] is None
    assert [one for one in told["warnings"] if "unrestricted" in one] == ([warning] if warning else [])


async def test_any_account_is_taken_for_one_of_the_organization_and_that_is_said(desk: Desk) -> None:
    minted(desk, '{assume_role: {role: "arn:aws:iam::{{ account }}:role/reports"}}')
    desk.change(
        'month: {pattern: "[0-9]{4}-[0-9]{2}", default: "2026-01"}',
        "account: {accounts: {organization: {target: aws, parents: [r-ab12]}}}",
    )
    desk.change("{{ month }}/", "")
    told = await desk.explain("--parameter", "account=444455556666")
    assert told.line("role") == "role arn:aws:iam::444455556666:role/reports"
    assert "nobody asked AWS here which accounts there are" in told.out
    assert (await desk.explain("--parameter", "account=4444")).code == 1
