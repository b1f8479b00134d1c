"""`vendor trust-policy` for each mint: who may ask for the role, and what the service itself needs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from vendor.cli import main

if TYPE_CHECKING:
    from pathlib import Path

VENDOR = "arn:aws:iam::111122223333:role/vendor"
HUB = "arn:aws:iam::999988887777:role/hub"
BRIDGE = "arn:aws:iam::999988887777:role/bridge"
SPOKE = "arn:aws:iam::444455556666:role/spoke"
HOST = "oidc.example.com/id/AAA"
NOTHING_MORE = {"Null": {"sts:TransitiveTagKeys": "true"}}
CONFIGURATION = """\
version: 1
issuers:
  cluster: {{issuer: "https://oidc.example.com/id/AAA", audience: vendor, kind: kubernetes}}
  batch: {{issuer: "https://sso.example.com/batch", audience: work, kind: generic, attributes: {{team: [t]}}}}
targets: {{aws: {{regions: [{region}]}}}}
scopes:
  s:
    grants: {grants}
    target: aws
    parameters: {parameters}
    mint: {mint}
    session: {session}
"""
POLICY = '{Version: "2012-10-17", Statement: [{Effect: Allow, Action: "s3:GetObject", Resource: "arn:aws:s3:::b/*"}]}'
READING = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}
POD = "[{issuer: cluster, where: {namespace: analytics, service_account: [reporter, {glob: 'batch-*'}]}}]"


class Desk:
    """Runs the command on a configuration of one scope."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._path, self._capsys = folder / "vendor.yaml", capsys

    def print(self, mint: str, session: str = f"{{policy: {POLICY}}}", *options: str, **said: str) -> tuple[Any, str]:
        known = {"grants": POD, "parameters": "{}", "region": "eu-west-1", **said}
        self._path.write_text(CONFIGURATION.format(mint=mint, session=session, **known))
        arn = VENDOR if known["region"] == "eu-west-1" else VENDOR.replace("aws", "aws-us-gov")
        code = main(["trust-policy", str(self._path), "--scope", "s", "--principal", arn, *options])
        printed = self._capsys.readouterr()
        assert code == 0, printed.err
        return (printed.out if options else json.loads(printed.out)), printed.err


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path, capsys)


def trusted(told: Any) -> dict[str, Any]:
    return {role["role"]: role["trust_policy"]["Statement"] for role in told["roles"]}


def allowed(told: Any) -> dict[str, Any]:
    return {role["role"]: role["permissions"]["Statement"] for role in told["roles"]}


CHAIN = f'{{assume_role: {{role: "{SPOKE}", external_id: acme, via: [{{role: "{HUB}"}}, {{role: "{BRIDGE}"}}]}}}}'


def test_each_role_of_a_chain_trusts_the_one_before_and_may_assume_the_next(desk: Desk) -> None:
    told, _ = desk.print(CHAIN, f"{{policy: {POLICY}, tags: {{team: a}}}}")
    found = trusted(told)
    assert list(found) == [SPOKE, BRIDGE, HUB]
    assert {role: one[0]["Principal"] for role, one in found.items()} == {
        HUB: {"AWS": VENDOR},
        BRIDGE: {"AWS": HUB},
        SPOKE: {"AWS": BRIDGE},
    }
    assert found[HUB] == [
        {
            "Effect": "Allow",
            "Principal": {"AWS": VENDOR},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:RoleSessionName": "vendor"}},
        }
    ]
    assert [one["Action"] for one in found[SPOKE]] == ["sts:AssumeRole", "sts:TagSession"]
    condition = found[SPOKE][0]["Condition"]
    assert condition["StringEquals"] == {"sts:ExternalId": "acme", "aws:RequestTag/team": "a"}
    assert allowed(told)[BRIDGE] == [
        {"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"], "Resource": SPOKE}
    ]
    assert allowed(told)[SPOKE] == [READING]
    assert told["base_policy"]["Statement"] == [{"Effect": "Allow", "Action": ["sts:AssumeRole"], "Resource": [HUB]}]
    assert {role["role"]: role["max_session_duration_seconds"] for role in told["roles"]}[HUB] == 3600


def test_what_is_carried_is_asked_about_at_the_first_role_and_let_through_at_the_others(desk: Desk) -> None:
    session = f"{{policy: {POLICY}, tags: {{team: a, kind: b}}, transitive_tags: [team], source_identity: me}}"
    told, _ = desk.print(CHAIN, session)
    found = {role: {one["Action"]: one.get("Condition", {}) for one in said} for role, said in trusted(told).items()}
    everything = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
    assert [list(one) for one in found.values()] == [everything] * 3
    assert found[HUB]["sts:TagSession"] == {
        "StringEquals": {"aws:RequestTag/team": "a"},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["team"], "sts:TransitiveTagKeys": ["team"]},
    }
    assert found[BRIDGE]["sts:TagSession"] == {}
    assert found[SPOKE]["sts:TagSession"] == {"StringEquals": {"aws:RequestTag/kind": "b"}}
    assert all(one["sts:SetSourceIdentity"] == {"StringEquals": {"sts:SourceIdentity": "me"}} for one in found.values())
    assert "vendor" not in json.dumps(found[HUB]["sts:AssumeRole"])
    assert told["base_policy"]["Statement"] == [{"Effect": "Allow", "Action": everything, "Resource": [HUB]}]


def test_a_role_for_tokens_trusts_the_issuer_for_the_granted_subjects_alone(desk: Desk) -> None:
    told, warned = desk.print(f'{{web_identity: {{role: "{SPOKE}"}}}}')
    (statement,) = trusted(told)[SPOKE]
    assert statement["Principal"] == {"Federated": f"arn:aws:iam::444455556666:oidc-provider/{HOST}"}
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert statement["Condition"]["StringEquals"] == {f"{HOST}:aud": "vendor"}
    assert statement["Condition"]["StringLike"][f"{HOST}:sub"] == [
        "system:serviceaccount:analytics:reporter",
        "system:serviceaccount:analytics:batch-*",
    ]
    assert told["base_policy"] is None
    assert "every subject" not in warned


def test_a_role_for_tokens_of_whom_none_is_pinned_is_warned_of(desk: Desk) -> None:
    grants = "[{issuer: batch, where: {team: a}}, {issuer: cluster, where: {namespace: a}}]"
    told, warned = desk.print(f'{{web_identity: {{role: "{SPOKE}"}}}}', grants=grants)
    found = {one["Principal"]["Federated"].partition("/")[2]: one["Condition"] for one in trusted(told)[SPOKE]}
    assert list(found) == ["sso.example.com/batch", HOST]
    assert "sso.example.com/batch:sub" not in json.dumps(found)
    assert (
        f"{SPOKE}: every subject of batch can assume it with its own token, unless sso.example.com/batch:sub" in warned
    )
    assert "every subject of cluster" not in warned


def test_an_audited_scope_pins_no_subject(desk: Desk) -> None:
    told, warned = desk.print(f'{{web_identity: {{role: "{SPOKE}"}}}}\n    mode: audit')
    (statement,) = trusted(told)[SPOKE]
    assert f"{HOST}:sub" in json.dumps(statement)  # still of a pod, whichever
    assert "system:serviceaccount:*:*" in json.dumps(statement)
    assert "every subject" not in warned


@pytest.mark.parametrize(
    ("region", "partition", "audience"),
    [
        ("eu-west-1", "aws", "https://signin.aws.amazon.com/saml"),
        ("us-gov-west-1", "aws-us-gov", "https://signin.amazonaws-us-gov.com/saml"),
    ],
)
def test_a_role_for_assertions_trusts_the_provider(desk: Desk, region: str, partition: str, audience: str) -> None:
    role, provider = f"arn:{partition}:iam::444455556666:role/spoke", f"arn:{partition}:iam::1:saml-provider/adfs"
    provider = provider.replace("::1:", "::444455556666:")
    told, _ = desk.print(f'{{saml: {{role: "{role}", provider: "{provider}"}}}}', region=region)
    assert trusted(told)[role] == [
        {
            "Effect": "Allow",
            "Principal": {"Federated": provider},
            "Action": "sts:AssumeRoleWithSAML",
            "Condition": {"StringEquals": {"SAML:aud": audience}},
        }
    ]
    assert told["base_policy"] is None


BARE = "{unrestricted: true}"


@pytest.mark.parametrize(
    ("mint", "session", "statement"),
    [
        (
            "{federation_token: {name: me}}",
            f"{{policy: {POLICY}, tags: {{a: b}}}}",
            {
                "Effect": "Allow",
                "Action": ["sts:GetFederationToken", "sts:TagSession"],
                "Resource": "arn:aws:sts::*:federated-user/*",
            },
        ),
        (
            '{root: {account: "444455556666", task_policy: S3UnlockBucketPolicy}}',
            BARE,
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRoot",
                "Resource": ["arn:aws:iam::444455556666:root"],
                "Condition": {
                    "StringEquals": {
                        "sts:TaskPolicyArn": "arn:aws:iam::aws:policy/root-task/S3UnlockBucketPolicy",
                    }
                },
            },
        ),
        (
            "{identity_token: {audience: [a, b], signing_algorithm: RS256}}",
            "{unrestricted: true, tags: {a: b}}",
            {
                "Effect": "Allow",
                "Action": ["sts:GetWebIdentityToken", "sts:TagGetWebIdentityToken"],
                "Resource": "*",
                "Condition": {
                    "ForAllValues:StringEquals": {"sts:IdentityTokenAudience": ["a", "b"]},
                    "StringEquals": {"sts:SigningAlgorithm": "RS256"},
                },
            },
        ),
    ],
)
def test_without_a_role_only_the_service_itself_is_allowed(
    desk: Desk, mint: str, session: str, statement: dict[str, Any]
) -> None:
    told, _ = desk.print(mint, session)
    assert told["roles"] == []
    assert told["base_policy"]["Statement"] == [statement]


def test_a_users_own_session_needs_no_permission_and_the_right_keys(desk: Desk) -> None:
    told, warned = desk.print("{session_token: {}}", BARE)
    assert (told["roles"], told["base_policy"]) == ([], None)
    assert "s: the service must have an IAM user's keys" in warned
    written, _ = desk.print("{session_token: {}}", BARE, "--format", "terraform")
    assert "resource" not in written


def test_the_accounts_of_an_organization_are_any(desk: Desk) -> None:
    parameters = "{account: {accounts: {organization: {target: aws, parents: [r-ab12]}}}}"
    told, warned = desk.print('{assume_role: {role: "arn:aws:iam::{{ account }}:role/spoke"}}', parameters=parameters)
    assert list(trusted(told)) == ["arn:aws:iam::*:role/spoke"]
    assert told["base_policy"]["Statement"][0]["Resource"] == ["arn:aws:iam::*:role/spoke"]
    assert "stands for one role in each account of the organization" in warned
    mint = '{root: {account: "{{ account }}", task_policy: S3UnlockBucketPolicy}}'
    told, _ = desk.print(mint, BARE, parameters=parameters)
    assert told["base_policy"]["Statement"][0]["Resource"] == ["arn:aws:iam::*:root"]
