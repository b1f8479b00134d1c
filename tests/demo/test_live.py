"""`vendor check --live` before an evaluator that is not ours."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from tests.service import CONFIGURATION
from vendor.cli import main
from vendor.demo.cloud import ROOT_KEY, ROOT_SECRET, Cloud, embedded_cloud
from vendor.demo.environment import cache_folder

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNT = "111122223333"


def _write(folder: Path, cloud: Cloud, *, external_id: str = "CANARY-external-id") -> str:
    text = CONFIGURATION.format(audit="-", issuer="https://oidc.example.com", sts=cloud.url)
    # The evaluator knows no sts:SourceIdentity: every condition on it fails there.
    text = text.replace('      source_identity: "{{ namespace }}.{{ service_account }}"\n', "")
    path = folder / "vendor.yaml"
    path.write_text(text.replace("CANARY-external-id", external_id))
    return str(path)


def _apply(cloud: Cloud, printed: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the role as `vendor trust-policy` says, and become the user whom it trusts."""
    root = {"aws_access_key_id": ROOT_KEY, "aws_secret_access_key": ROOT_SECRET}
    iam = boto3.client("iam", endpoint_url=cloud.url, region_name=cloud.region, **root)
    iam.create_user(UserName="vendor")
    iam.put_user_policy(UserName="vendor", PolicyName="base", PolicyDocument=json.dumps(printed["base_policy"]))
    (role,) = printed["roles"]
    iam.create_role(RoleName="reports", AssumeRolePolicyDocument=json.dumps(role["trust_policy"]))
    made = iam.create_access_key(UserName="vendor")["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", made["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", made["SecretAccessKey"])


@pytest.mark.thorough
async def test_what_trust_policy_prints_is_what_live_proves(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with embedded_cloud(cache=cache_folder(), folder=tmp_path, account=ACCOUNT, progress=lambda _: None) as cloud:
        path = _write(tmp_path, cloud)
        live = ["check", path, "--live", "--format", "json"]
        trusted = [
            "trust-policy",
            path,
            "--scope",
            "reports:read",
            "--principal",
            f"arn:aws:iam::{ACCOUNT}:user/vendor",
        ]
        assert await asyncio.to_thread(main, trusted) == 0
        await asyncio.to_thread(_apply, cloud, json.loads(capsys.readouterr().out), monkeypatch)
        assert await asyncio.to_thread(main, live) == 0, capsys.readouterr().out
        capsys.readouterr()
        _write(tmp_path, cloud, external_id="another")
        assert await asyncio.to_thread(main, live) == 1
        (only,) = json.loads(capsys.readouterr().out)["live"]
        assert [problem["problem"] for problem in only["problems"]] == ["not_assumed"]
