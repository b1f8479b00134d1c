"""Mints against a cloud that is not ours and enforces what it is told: trust as printed, session policies on data."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.fakes.issuer import Issuer
from tests.server.http import Answer, post
from tests.service import ready, served
from vendor.cli import main
from vendor.demo.cloud import ROOT_KEY, ROOT_SECRET, Cloud, embedded_cloud
from vendor.demo.environment import cache_folder

if TYPE_CHECKING:
    from pathlib import Path

    from tests.service import Served

ACCOUNT = "111122223333"
VENDOR = f"arn:aws:iam::{ACCOUNT}:user/vendor"
OWN, OTHER = "analytics/1", "finance/1"
READ_ALL = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::reports/*"}
# The cloud asks about these for every resource, and demands a permission where AWS demands none.
OF_USER = {"Effect": "Allow", "Action": "sts:Get*", "Resource": "*"}
CONFIGURATION = """\
version: 1
listen: {{address: "127.0.0.1:0"}}
operations: {{address: "127.0.0.1:0"}}
audit: {{path: "{folder}/audit.jsonl"}}
issuers:
  cluster-a: {{issuer: "{issuer}", audience: vendor, kind: kubernetes, allow_private_addresses: true}}
targets:
  aws: {{endpoint_url: "{cloud}", regions: [us-east-1]}}
defaults: {{target: aws}}
policies:
  read:
    Version: "2012-10-17"
    Statement:
      - {{Effect: Allow, Action: "s3:GetObject", Resource: "arn:aws:s3:::reports/{{{{ namespace }}}}/*"}}
scopes:
  chained:
    grants: [{{issuer: cluster-a, where: {{namespace: analytics}}}}]
    mint:
      assume_role:
        role: "arn:aws:iam::111122223333:role/spoke"
        external_id: acme-7
        via:
          - {{role: "arn:aws:iam::111122223333:role/hub", external_id: to-hub}}
          - {{role: "arn:aws:iam::111122223333:role/bridge"}}
    session: {{policy: read}}
  federated:
    grants: [{{issuer: cluster-a, where: {{namespace: analytics}}}}]
    mint: {{federation_token: {{name: "{{{{ namespace }}}}"}}}}
    session: {{policy: read}}
  own-session:
    grants: [{{issuer: cluster-a, where: {{namespace: analytics}}}}]
    mint: {{session_token: {{}}}}
    session: {{unrestricted: true}}
  signed:
    grants: [{{issuer: cluster-a, where: {{namespace: analytics}}}}]
    mint: {{identity_token: {{audience: https://a.example.com, signing_algorithm: ES384}}}}
    session: {{unrestricted: true}}
"""


def client(cloud: Cloud, service: str, key: str = ROOT_KEY, secret: str = ROOT_SECRET, token: str | None = None) -> Any:
    return boto3.client(
        service,
        endpoint_url=cloud.url,
        region_name=cloud.region,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
    )


def furnish(cloud: Cloud) -> None:
    """Make a bucket with two prefixes."""
    s3 = client(cloud, "s3")
    s3.create_bucket(Bucket="reports")
    for key in (OWN, OTHER):
        s3.put_object(Bucket="reports", Key=key, Body=key.encode())


def apply(cloud: Cloud, printed: dict[str, Any]) -> dict[str, str]:
    """Make what was printed, and a key of the service's user."""
    iam = client(cloud, "iam")
    iam.create_user(UserName="vendor")
    base = {**printed["base_policy"], "Statement": [*printed["base_policy"]["Statement"], READ_ALL, OF_USER]}
    iam.put_user_policy(UserName="vendor", PolicyName="base", PolicyDocument=json.dumps(base))
    for role in printed["roles"]:
        name = role["role"].rpartition("/")[2]
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(role["trust_policy"]))
        allowed = {**role["permissions"], "Statement": [*role["permissions"]["Statement"], READ_ALL]}
        iam.put_role_policy(RoleName=name, PolicyName="least", PolicyDocument=json.dumps(allowed))
    made = iam.create_access_key(UserName="vendor")["AccessKey"]
    return {"AWS_ACCESS_KEY_ID": made["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": made["SecretAccessKey"]}


def read(cloud: Cloud, given: Any, key: str) -> str:
    s3 = client(cloud, "s3", given["AccessKeyId"], given["SecretAccessKey"], given["Token"])
    try:
        return str(s3.get_object(Bucket="reports", Key=key)["Body"].read().decode())
    except ClientError as exc:
        return str(exc.response["Error"]["Code"])


async def lend(service: Served, scope: str, issuer: Issuer) -> Answer:
    answer = await post(service.public, f"/v1/credentials/{scope}", issuer.token())
    assert answer.status == 200, answer.body
    return answer


async def both(cloud: Cloud, given: Any) -> list[str]:
    return [await asyncio.to_thread(read, cloud, given, key) for key in (OWN, OTHER)]


@pytest.mark.thorough
async def test_what_each_mint_gives_can_do_what_its_scope_says_and_no_more(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with (
        Issuer() as issuer,
        embedded_cloud(cache=cache_folder(), folder=tmp_path, account=ACCOUNT, progress=lambda _: None) as cloud,
    ):
        await asyncio.to_thread(furnish, cloud)
        text = CONFIGURATION.format(folder=tmp_path, issuer=issuer.issuer, cloud=cloud.url)
        path = tmp_path / "vendor.yaml"
        path.write_text(text)
        assert main(["trust-policy", str(path), "--scope", "chained", "--principal", VENDOR]) == 0
        printed = json.loads(capsys.readouterr().out)
        own = await asyncio.to_thread(apply, cloud, printed)
        async with served(text, tmp_path, environ=own) as service:
            await ready(service)
            await _look(cloud, service, issuer)


async def _look(cloud: Cloud, service: Served, issuer: Issuer) -> None:
    chained = (await lend(service, "chained", issuer)).json
    assert chained["RoleArn"] == f"arn:aws:iam::{ACCOUNT}:role/spoke"
    assert await both(cloud, chained) == [OWN, "AccessDenied"]
    federated = (await lend(service, "federated", issuer)).json
    assert federated["AccountId"] == ACCOUNT
    assert await both(cloud, federated) == [OWN, "AccessDenied"]
    whole = (await lend(service, "own-session", issuer)).json
    assert await both(cloud, whole) == [OWN, OTHER]
    signed = (await lend(service, "signed", issuer)).json
    assert (signed["Type"], signed["Token"].count(".")) == ("JWT", 2)
