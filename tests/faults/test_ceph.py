"""A real cloud that is not AWS: Ceph's object gateway with its own STS, and what vended credentials can do there.

`sudo tests/faults/ceph.sh install` installs it from Debian; without it, and without root, there is nothing to see.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import pytest_asyncio
from botocore.config import Config
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from tests.fakes.issuer import Issuer
from tests.server.http import get
from tests.service import ready, served
from vendor.demo.child import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.faults.telling import Tell
    from tests.service import Served

pytestmark = [
    pytest.mark.faults,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(
        not all(map(shutil.which, ("radosgw", "ceph-mon", "ceph-osd"))) or os.geteuid() != 0,
        reason="Ceph is not installed (tests/faults/ceph.sh install), or we are not root",
    ),
]

SCRIPT = Path(__file__).parent / "ceph.sh"
KEY, SECRET = "AKIAVENDORCEPH000001", "CANARY-ceph-secret"
OWN, OTHER = "analytics/1", "finance/1"
TRUST = {"Principal": {"AWS": ["arn:aws:iam:::user/vendor"]}, "Action": ["sts:AssumeRole"]}
ALL_OF_S3 = {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::*"}
CONFIGURATION = """\
version: 1
listen: {{address: "127.0.0.1:0"}}
operations: {{address: "127.0.0.1:0"}}
audit: {{path: "{audit}"}}
issuers:
  cluster-a: {{issuer: "{issuer}", audience: vendor, kind: kubernetes, allow_private_addresses: true}}
targets:
  ceph: {{endpoint_url: "{ceph}", regions: [default], features: [assumed_role_user]}}
defaults: {{target: ceph}}
policies:
  read:
    Version: "2012-10-17"
    Statement:
      - {{Effect: Allow, Action: "s3:GetObject", Resource: "arn:aws:s3:::reports/{{{{ namespace }}}}/*"}}
scopes:
  by-role:
    grants: [{{issuer: cluster-a, where: {{namespace: analytics}}}}]
    mint: {{assume_role: {{role: "arn:aws:iam:::role/reports"}}}}
    session: {{policy: read}}
  by-token:
    grants: [{{issuer: cluster-a, where: {{namespace: analytics}}}}]
    mint: {{web_identity: {{role: "arn:aws:iam:::role/by-token"}}}}
    session: {{policy: read}}
  missing:
    grants: [{{issuer: cluster-a, where: {{namespace: analytics}}}}]
    mint: {{assume_role: {{role: "arn:aws:iam:::role/missing"}}}}
    session: {{policy: read}}
"""


class World:
    """Ceph, an issuer that it and we know, and a service between them."""

    def __init__(self, url: str, issuer: Issuer, service: Served) -> None:
        self.url, self.issuer, self.service = url, issuer, service

    async def read(self, scope: str, key: str) -> bytes:
        """Return what the credentials of a scope read of the bucket."""
        answer = await get(self.service.public, f"/v1/credentials/{scope}", self.issuer.token())
        assert answer.status == 200, answer.body
        given = answer.json
        s3 = client("s3", self.url, given["AccessKeyId"], given["SecretAccessKey"], given["Token"])
        found = await asyncio.to_thread(s3.get_object, Bucket="reports", Key=key)
        body: bytes = found["Body"].read()
        return body


def client(service: str, url: str, key: str = KEY, secret: str = SECRET, token: str | None = None) -> Any:
    return boto3.client(
        service,
        endpoint_url=url,
        region_name="default",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )


def policy(*statements: dict[str, Any]) -> str:
    """Return a policy as Ceph takes it: without a space."""
    whole = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **one} for one in statements]}
    return json.dumps(whole, separators=(",", ":"))


def certificate(issuer: Issuer) -> bytes:
    """Return a certificate of the issuer's key: Ceph takes keys out of certificates only."""
    private: Any = issuer.key.private
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "issuer")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(private, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.DER)


def furnish(url: str, issuer: Issuer, der: bytes) -> None:
    """Make the bucket, the roles and the provider."""
    iam, s3 = client("iam", url), client("s3", url)
    s3.create_bucket(Bucket="reports")
    for key in (OWN, OTHER):
        s3.put_object(Bucket="reports", Key=key, Body=key.encode())
    host = issuer.issuer.partition("://")[2]
    provider = iam.create_open_id_connect_provider(
        Url=issuer.issuer,
        ClientIDList=["vendor"],
        ThumbprintList=[hashlib.sha1(der, usedforsecurity=False).hexdigest().upper()],
    )["OpenIDConnectProviderArn"]
    by_token = {
        "Principal": {"Federated": [provider]},
        "Action": ["sts:AssumeRoleWithWebIdentity"],
        "Condition": {"StringEquals": {f"{host}:app_id": "vendor"}},
    }
    for name, trust in (("reports", TRUST), ("by-token", by_token)):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust), Path="/")
        iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=policy(ALL_OF_S3))


@pytest.fixture(scope="module")
def ceph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder, ports = tmp_path_factory.mktemp("ceph"), {free_port() for _ in range(8)}
    port, *more = list(ports)[:3]
    environ = {**os.environ, "CEPH_KEY": KEY, "CEPH_SECRET": SECRET}
    with (folder / "start.log").open("wb") as log:
        starting = [str(SCRIPT), "start", str(folder), str(port), *map(str, more)]
        subprocess.run(starting, env=environ, stdout=log, stderr=log, check=True, timeout=120)  # noqa: S603 - our own
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        subprocess.run([SCRIPT, "stop", folder], check=True)  # noqa: S603


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(ceph: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    folder = tmp_path_factory.mktemp("service")
    async with Issuer() as issuer:
        der = certificate(issuer)
        published = issuer.key.jwk(x5c=[base64.b64encode(der).decode()])
        issuer.jwks_body = json.dumps({"keys": [published]}).encode()
        await asyncio.to_thread(furnish, ceph, issuer, der)
        text = CONFIGURATION.format(audit=folder / "audit.jsonl", issuer=issuer.issuer, ceph=ceph)
        own = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
        async with served(text, folder, environ=own) as service:
            await ready(service)
            yield World(ceph, issuer, service)


@pytest.mark.parametrize("scope", ["by-role", "by-token"])
async def test_vended_credentials_read_their_own_prefix_and_not_the_next(world: World, scope: str, tell: Tell) -> None:
    assert await world.read(scope, OWN) == OWN.encode()
    with pytest.raises(ClientError) as refused:
        await world.read(scope, OTHER)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    tell(f"{scope}: reads {OWN}, is refused {OTHER}")


async def test_what_ceph_refuses_in_its_own_words_is_final(world: World) -> None:
    answer = await get(world.service.public, "/v1/credentials/missing", world.issuer.token())
    assert (answer.status, answer.code) == (502, "role_refused")
