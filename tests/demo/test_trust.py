"""What `vendor trust-policy` prints is enough for an evaluator that is not ours, and no more (T29)."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.service import CONFIGURATION
from vendor.cli import main
from vendor.demo.cloud import ROOT_KEY, ROOT_SECRET, Cloud, embedded_cloud
from vendor.demo.environment import cache_folder

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNT = "111122223333"
VENDOR = f"arn:aws:iam::{ACCOUNT}:user/vendor"
GOOD: dict[str, Any] = {
    "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/reports",
    "RoleSessionName": "analytics.reporter-abcdefghijklmnop",
    "ExternalId": "CANARY-external-id",
    "Tags": [{"Key": "namespace", "Value": "analytics"}],
    "TransitiveTagKeys": ["namespace"],
}
REFUSED: dict[str, dict[str, Any]] = {
    "another role": {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/other"},
    "no external id": {"ExternalId": None},
    "another external id": {"ExternalId": "other"},
    "another session name": {"RoleSessionName": "payments.reporter-abcdefghijklmnop"},
    "a session name without a digest": {"RoleSessionName": "analytics.reporter"},
    "no tags": {"Tags": None, "TransitiveTagKeys": None},
    "another team's tag": {"Tags": [{"Key": "namespace", "Value": "payments"}]},
    "one tag more": {"Tags": [*GOOD["Tags"], {"Key": "admin", "Value": "true"}]},
}


def _printed(folder: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    text = CONFIGURATION.format(audit="-", issuer="https://oidc.example.com", sts="https://sts.example.com")
    # The evaluator knows no sts:SourceIdentity: every condition on it fails there.
    text = text.replace('      source_identity: "{{ namespace }}.{{ service_account }}"\n', "")
    path = folder / "vendor.yaml"
    path.write_text(text)
    assert main(["trust-policy", str(path), "--scope", "reports:read", "--principal", VENDOR]) == 0
    printed: dict[str, Any] = json.loads(capsys.readouterr().out)
    return printed


def client(cloud: Cloud, service: str, key: str, secret: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=cloud.url,
        region_name=cloud.region,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
    )


def apply(cloud: Cloud, printed: dict[str, Any]) -> tuple[str, str]:
    """Make the user and two roles of which only one is the configuration's; return the user's key."""
    iam = client(cloud, "iam", ROOT_KEY, ROOT_SECRET)
    iam.create_user(UserName="vendor")
    iam.put_user_policy(UserName="vendor", PolicyName="base", PolicyDocument=json.dumps(printed["base_policy"]))
    (role,) = printed["roles"]
    for name in ("reports", "other"):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(role["trust_policy"]))
    made = iam.create_access_key(UserName="vendor")["AccessKey"]
    return made["AccessKeyId"], made["SecretAccessKey"]


def _outcomes(cloud: Cloud, printed: dict[str, Any]) -> dict[str, str]:
    sts = client(cloud, "sts", *apply(cloud, printed))
    return {name: _assume(sts, {**GOOD, **changes}) for name, changes in {"as the service asks": {}, **REFUSED}.items()}


def _assume(sts: Any, asked: dict[str, Any]) -> str:
    try:
        sts.assume_role(**{name: value for name, value in asked.items() if value is not None})
    except ClientError as exc:
        return str(exc.response["Error"]["Code"])
    return "assumed"


@pytest.mark.thorough
async def test_t29_an_evaluator_lets_in_what_the_service_asks_for_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = _printed(tmp_path, capsys)
    async with embedded_cloud(cache=cache_folder(), folder=tmp_path, account=ACCOUNT, progress=lambda _: None) as cloud:
        outcomes = await asyncio.to_thread(_outcomes, cloud, printed)
    assert outcomes == {"as the service asks": "assumed", **dict.fromkeys(REFUSED, "AccessDenied")}
