"""T29: what a thief of the service's own key, or of what it vended, can do at a cloud that enforces what we print."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import boto3
import pytest
import pytest_asyncio
from botocore.exceptions import ClientError

from tests.attacks.ground import container
from tests.demo.test_trust import ACCOUNT, GOOD, REFUSED, VENDOR, apply, client
from tests.fakes.issuer import Issuer
from tests.server.http import exchange
from tests.service import CONFIGURATION, ROOT, ready, served
from vendor.demo.cloud import ROOT_KEY, ROOT_SECRET, Cloud, embedded_cloud
from vendor.demo.environment import cache_folder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

pytestmark = [pytest.mark.attacks, pytest.mark.asyncio(loop_scope="module")]

OWN, OTHER = "analytics/2026-01/1", "finance/2026-01/1"


def _assume(changes: dict[str, Any], thief: Thief) -> Any:
    asked = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    return thief("sts").assume_role(**asked)


ANYTHING: Final[dict[str, Callable[[Thief], Any]]] = {
    "read the account's roles": lambda thief: thief("iam").list_roles(),
    "make itself a key": lambda thief: thief("iam").create_access_key(UserName="vendor"),
    "widen its own policy": lambda thief: thief("iam").put_user_policy(
        UserName="vendor", PolicyName="all", PolicyDocument='{"Version":"2012-10-17","Statement":[]}'
    ),
    "widen the role's trust": lambda thief: thief("iam").update_assume_role_policy(
        RoleName="reports", PolicyDocument='{"Version":"2012-10-17","Statement":[]}'
    ),
    "read the buckets": lambda thief: thief("s3").list_buckets(),
    "list a bucket": lambda thief: thief("s3").list_objects_v2(Bucket="reports"),
    "read another's object": lambda thief: thief("s3").get_object(Bucket="reports", Key=OTHER),
    "write an object": lambda thief: thief("s3").put_object(Bucket="reports", Key=OWN, Body=b"x"),
    "delete an object": lambda thief: thief("s3").delete_object(Bucket="reports", Key=OWN),
}
BY_THE_OWN_KEY: Final[dict[str, Callable[[Thief], Any]]] = {
    **ANYTHING,
    "read an object": lambda thief: thief("s3").get_object(Bucket="reports", Key=OWN),
    **{f"assume with {how}": partial(_assume, changes) for how, changes in REFUSED.items()},
}
BY_WHAT_WAS_VENDED: Final[dict[str, Callable[[Thief], Any]]] = {
    **ANYTHING,
    "assume the role itself": partial(_assume, {}),
    "assume another role": partial(_assume, REFUSED["another role"]),
}


class Thief:
    """Asks a cloud's services with a key."""

    def __init__(self, cloud: Cloud, key: str, secret: str, token: str | None = None) -> None:
        self._cloud, self._key, self._secret, self._token = cloud, key, secret, token

    def __call__(self, service: str) -> Any:
        """Return a client of a service."""
        return boto3.client(
            service,
            endpoint_url=self._cloud.url,
            region_name=self._cloud.region,
            aws_access_key_id=self._key,
            aws_secret_access_key=self._secret,
            aws_session_token=self._token,
        )


class Stolen:
    """A service that runs by the printed policies, and both kinds of keys that somebody may steal of it."""

    def __init__(self, own: Thief, vended: Thief) -> None:
        self.own, self.vended = own, vended


def _furnish(cloud: Cloud) -> None:
    s3 = client(cloud, "s3", ROOT_KEY, ROOT_SECRET)
    s3.create_bucket(Bucket="reports")
    for key in (OWN, OTHER):
        s3.put_object(Bucket="reports", Key=key, Body=key.encode())
    iam = client(cloud, "iam", ROOT_KEY, ROOT_SECRET)
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam.put_role_policy(RoleName="reports", PolicyName="all", PolicyDocument=json.dumps(everything))


async def _printed(path: Path) -> dict[str, Any]:
    command = ("-m", "vendor.cli", "trust-policy", str(path), "--scope", "reports:read", "--principal", VENDOR)
    process = await asyncio.create_subprocess_exec(sys.executable, *command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    printed: dict[str, Any] = json.loads(out)
    return printed


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stolen(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stolen]:
    folder = tmp_path_factory.mktemp("cloud")
    async with AsyncExitStack() as stack:
        cloud = await stack.enter_async_context(
            embedded_cloud(cache=cache_folder(), folder=folder, account=ACCOUNT, progress=lambda _: None)
        )
        issuer = await stack.enter_async_context(Issuer())
        text = CONFIGURATION.format(audit=folder / "audit.jsonl", issuer=issuer.issuer, sts=cloud.url)
        # The evaluator knows no sts:SourceIdentity: every condition on it fails there.
        text = text.replace('      source_identity: "{{ namespace }}.{{ service_account }}"\n', "")
        (folder / "vendor.yaml").write_text(text)
        key, secret = await asyncio.to_thread(apply, cloud, await _printed(folder / "vendor.yaml"))
        await asyncio.to_thread(_furnish, cloud)
        environ = {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret}
        service = await stack.enter_async_context(served(text, folder, environ=environ))
        await ready(service)
        async with asyncio.timeout(30):
            while (given := await exchange(service.public, container(issuer.token()))).status != 200:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.2)
        vended = given.json["AccessKeyId"], given.json["SecretAccessKey"], given.json["Token"]
        yield Stolen(Thief(cloud, key, secret), Thief(cloud, *vended))


async def _refused(attempt: Callable[[Thief], Any], thief: Thief) -> None:
    with pytest.raises(ClientError) as refused:
        await asyncio.to_thread(attempt, thief)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert refused.value.response["Error"]["Code"] in {"AccessDenied", "AccessDeniedException"}


@pytest.mark.parametrize("what", BY_THE_OWN_KEY, ids=[f"T29 {what}" for what in BY_THE_OWN_KEY])
async def test_t29_the_services_own_key_does_nothing_but_what_the_service_does(stolen: Stolen, what: str) -> None:
    """T29: by the base policy and the trust policy that `vendor trust-policy` prints."""
    await _refused(BY_THE_OWN_KEY[what], stolen.own)


@pytest.mark.parametrize("what", BY_WHAT_WAS_VENDED, ids=[f"T29 {what}" for what in BY_WHAT_WAS_VENDED])
async def test_t29_what_was_vended_does_nothing_but_what_the_scope_says(stolen: Stolen, what: str) -> None:
    """T29: though the role itself may do everything."""
    await _refused(BY_WHAT_WAS_VENDED[what], stolen.vended)


async def test_t29_both_do_what_they_are_for(stolen: Stolen) -> None:
    """T29: the evaluator refuses all that, and not simply all."""
    assert await asyncio.to_thread(lambda: stolen.own("sts").assume_role(**GOOD))
    found = await asyncio.to_thread(lambda: stolen.vended("s3").head_object(Bucket="reports", Key=OWN))
    assert found["ContentLength"] == len(OWN)
