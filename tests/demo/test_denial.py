"""`vendor revoke --apply` before an evaluator that is not ours: what was out is denied, what comes later is not."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from vendor.cli import main
from vendor.client import Client, Refused
from vendor.demo.cloud import ROOT_KEY, ROOT_SECRET
from vendor.demo.environment import cache_folder
from vendor.demo.world import BUCKET, OTHERS, OWN, SCOPE, World, open_world

if TYPE_CHECKING:
    from pathlib import Path

OBJECTS = {"analytics": OWN, "payments": OTHERS}


def _lend(world: World, namespace: str) -> dict[str, str]:
    """Return what a reporter of a namespace is lent now."""
    token = world.issuer.token(namespace=namespace, service_account="reporter", pod="reporter-0")
    return Client(world.service_url, token=token, environ={}).credentials(SCOPE).document()


def _read(world: World, namespace: str, lent: dict[str, str]) -> str:
    """Return how reading the namespace's own object ends."""
    s3: Any = boto3.client(
        "s3",
        endpoint_url=world.cloud.url,
        region_name=world.cloud.region,
        aws_access_key_id=lent["AccessKeyId"],
        aws_secret_access_key=lent["SecretAccessKey"],
        aws_session_token=lent["Token"],
    )
    try:
        s3.get_object(Bucket=BUCKET, Key=OBJECTS[namespace])
    except ClientError as exc:
        return str(exc.response["Error"]["Code"])
    return "read"


def _respond(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Go from a key id to a denial, and back."""
    lent = {namespace: _lend(world, namespace) for namespace in OBJECTS}
    assert [_read(world, namespace, lent[namespace]) for namespace in OBJECTS] == ["read", "read"]
    key = lent["analytics"]["AccessKeyId"]
    assert main(["revoke", "--access-key-id", key, "--id", "inc-7", "--apply"]) == 0, capsys.readouterr().err
    with pytest.raises(Refused, match="revoked"):
        _lend(world, "analytics")
    assert [_read(world, namespace, lent[namespace]) for namespace in OBJECTS] == ["AccessDenied", "read"]
    iam = boto3.client("iam", endpoint_url=world.cloud.url, region_name=world.cloud.region)
    attached = iam.list_role_policies(RoleName="reports")["PolicyNames"]
    assert sorted(attached) == ["read-everything", "vendor-revocation-inc-7"]

    # The service lets them on while AWS goes on denying: what is lent from now on was issued after the moment.
    policy = iam.get_role_policy(RoleName="reports", PolicyName="vendor-revocation-inc-7")["PolicyDocument"]
    assert main(["revoke", "--lift", "inc-7"]) == 0, capsys.readouterr().err
    assert iam.list_role_policies(RoleName="reports")["PolicyNames"] == ["read-everything"]
    assert _read(world, "analytics", lent["analytics"]) == "read"
    iam.put_role_policy(RoleName="reports", PolicyName="again", PolicyDocument=_text(policy))
    time.sleep(1.1)  # AWS dates sessions to the second, and what began in that of the moment is denied too
    fresh = _lend(world, "analytics")
    assert [_read(world, "analytics", one) for one in (lent["analytics"], fresh)] == ["AccessDenied", "read"]


def _text(policy: Any) -> str:
    return policy if isinstance(policy, str) else json.dumps(policy)


@pytest.mark.thorough
async def test_what_was_out_is_denied_and_neither_others_nor_what_comes_later(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_world(cache=cache_folder(), folder=tmp_path, progress=lambda _: None) as world:
        for name, value in {
            "VENDOR_OPERATIONS_URL": world.operations_url,
            "VENDOR_TOKEN_FILE": str(world.operator_file),
            "AWS_ACCESS_KEY_ID": ROOT_KEY,
            "AWS_SECRET_ACCESS_KEY": ROOT_SECRET,
            "AWS_DEFAULT_REGION": world.cloud.region,
            "AWS_ENDPOINT_URL": world.cloud.url,
        }.items():
            monkeypatch.setenv(name, value)
        await asyncio.to_thread(_respond, world, capsys)
