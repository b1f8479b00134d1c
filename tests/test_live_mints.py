"""`vendor check --live` for each mint: what can be asked without making anything that could do something is asked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.fakes.trust import Trust
from tests.service import CONFIGURATION
from tests.test_live import EXTERNAL_ID, ROLE, Desk, desk
from vendor.live.proof import NOTHING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["desk"]

HUB = "arn:aws:iam::999988887777:role/hub"
MINT = '{assume_role: {role: "arn:aws:iam::111122223333:role/reports", external_id: CANARY-external-id}}'
SERIAL = "arn:aws:iam::111122223333:mfa/vendor"
OF_TAGS = """\
      tags: {namespace: "{{ namespace }}"}
      transitive_tags: [namespace]
      source_identity: "{{ namespace }}.{{ service_account }}"
      duration: 1h
      max_duration: 4h
"""


def minted(desk: Desk, mint: str, *, bare: bool = False, more: str = "") -> None:
    """Let the only scope be minted another way, its session with a policy and no more, or with none."""
    desk.change(MINT, mint)
    desk.change(OF_TAGS, more)
    if bare:
        begin = desk.text.index("    parameters:")
        desk.text = desk.text[:begin] + f"    target: aws\n    mint: {mint}\n    session: {{unrestricted: true}}\n"


@pytest.fixture(autouse=True)
def _trusting(desk: Desk) -> Iterator[None]:
    desk.sts.trusts = {ROLE: Trust(external_id=EXTERNAL_ID), HUB: Trust()}
    yield
    assert "CANARY" in CONFIGURATION


CHAIN = f'{{assume_role: {{role: "{ROLE}", external_id: {EXTERNAL_ID}, via: [{{role: "{HUB}"}}]}}}}'


async def test_a_chain_is_walked_and_its_end_can_do_nothing(desk: Desk) -> None:
    minted(desk, CHAIN)
    told = await desk.check()
    assert (told.code, told.problems) == (0, [])
    assert {sent.role_arn for sent in desk.asked} == {HUB, ROLE}
    ends = [sent for sent in desk.asked if sent.role_arn == ROLE]
    assert ends[0].policy == NOTHING
    assert all(
        json.loads(sent.policy or "")["Statement"][0]["Resource"] == ROLE for sent in desk.asked if sent.role_arn == HUB
    )


async def test_the_role_on_the_way_that_is_missing_is_named(desk: Desk) -> None:
    minted(desk, CHAIN)
    desk.sts.trusts = {ROLE: Trust(external_id=EXTERNAL_ID)}
    told = await desk.check()
    assert (told.code, told.problems) == (1, ["on_the_way"])
    (problem,) = told.live[0]["problems"]
    assert problem["message"].startswith(f"role 1 on the way, {HUB}, does not exist, does not trust the service's")
    assert [sent.role_arn for sent in desk.asked] == [HUB]


async def test_a_federated_user_who_can_do_nothing_is_asked_for(desk: Desk) -> None:
    minted(desk, "{federation_token: {name: me}}")
    told = await desk.check()
    assert (told.code, told.problems) == (0, [])
    assert {sent.action for sent in desk.asked} == {"GetFederationToken"}
    assert desk.asked[0].policy == NOTHING


@pytest.mark.parametrize(
    ("mint", "bare", "why"),
    [
        (f'{{web_identity: {{role: "{ROLE}"}}}}', False, "AWS must be shown the caller's token"),
        (
            f'{{saml: {{role: "{ROLE}", provider: "arn:aws:iam::111122223333:saml-provider/adfs"}}}}',
            False,
            "AWS must be shown the caller's saml_assertion",
        ),
        (f'{{session_token: {{mfa_serial: "{SERIAL}"}}}}', True, "AWS must be shown the caller's mfa_code"),
        ("{session_token: {}}", True, "GetSessionToken takes no policy, so asking would make credentials"),
        (
            '{root: {account: "444455556666", task_policy: S3UnlockBucketPolicy}}',
            True,
            "AssumeRoot takes no policy, so asking",
        ),
        ("{identity_token: {audience: a, signing_algorithm: RS256}}", True, "GetWebIdentityToken takes no policy"),
    ],
)
async def test_what_cannot_be_asked_is_said_and_nothing_is_made(desk: Desk, mint: str, bare: bool, why: str) -> None:  # noqa: FBT001 - a case
    minted(desk, mint, bare=bare)
    told = await desk.check(form="text")
    assert told.code == 0
    assert f"reports:read: not asked: {why}" in told.out
    tools = (await desk.check()).live[0]
    assert (tools["ok"], tools["calls"]) == (True, 0)
    assert tools["not_asked"].startswith(why)
    assert desk.asked == []


async def test_an_organizations_scope_is_proven_with_its_default(desk: Desk) -> None:
    parameter = "account: {accounts: {organization: {target: aws, parents: [r-ab12]}}"
    minted(
        desk,
        f'{{assume_role: {{role: "{ROLE.replace("111122223333", "{{ account }}")}", external_id: {EXTERNAL_ID}}}}}',
    )
    desk.change('month: {pattern: "[0-9]{4}-[0-9]{2}", default: "2026-01"}', parameter + "}")
    desk.change("{{ month }}/", "")
    told = await desk.check()
    assert (told.code, told.problems) == (1, ["no_example"])
    assert "give the parameter account a default" in told.out
    desk.change(parameter, f'{parameter}, default: "111122223333"')
    told = await desk.check()
    assert (told.code, told.problems) == (0, [])
    assert {sent.role_arn for sent in desk.asked} == {ROLE}
