"""Unmodified SDKs with environment variables alone: each signs an S3 request with the very credentials vended to it."""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.fakes.s3 import S3
from tests.fakes.sts import TOKEN
from tests.sdk import clients
from tests.service import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.asyncio(loop_scope="module")

BOTO3 = """\
import boto3, sys
print(boto3.client("s3", endpoint_url=sys.argv[1]).list_objects_v2(Bucket="bkt")["KeyCount"])
"""


@dataclass(frozen=True, slots=True)
class Place:
    """A served world and a small S3 beside it."""

    world: World
    s3: S3

    async def run(self, home: Path, command: list[str], **environ: str) -> tuple[int, str, str]:
        """Run a client in a pod's environment."""
        return await clients.run(command, clients.pod(home, self.world.service.public, "reports:read", **environ), home)

    def signed_with_what_was_vended(self) -> bool:
        """Tell whether every request since the last look was signed with the key id of the latest audit line."""
        vended = self.world.audit()[-1]
        came, self.s3.requests = self.s3.requests, []
        assert came
        assert vended["outcome"] == "issued"
        assert {one.access_key_id for one in came} == {vended["access_key_id"]}
        return all((one.session_token or "").startswith(TOKEN) for one in came)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(World(tmp_path_factory.mktemp("world")))
        yield Place(world, await stack.enter_async_context(S3()))


def token_file(home: Path, token: str) -> str:
    path = home / "token"
    path.write_text(token)
    return str(path)


async def test_boto3_with_a_token_file(place: Place, tmp_path: Path) -> None:
    path = token_file(tmp_path, place.world.token("batch-boto3-file"))
    ended = await place.run(
        tmp_path, [sys.executable, "-c", BOTO3, place.s3.url], AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=path
    )
    assert ended == (0, "1\n", "")
    assert place.signed_with_what_was_vended()


async def test_boto3_with_a_token_in_the_environment(place: Place, tmp_path: Path) -> None:
    token = place.world.token("batch-boto3-env")
    ended = await place.run(
        tmp_path, [sys.executable, "-c", BOTO3, place.s3.url], AWS_CONTAINER_AUTHORIZATION_TOKEN=token
    )
    assert ended == (0, "1\n", "")
    assert place.signed_with_what_was_vended()


async def test_boto3_shows_the_refusal_to_its_user(place: Place, tmp_path: Path) -> None:
    path = token_file(tmp_path, place.world.token(namespace="other"))
    code, _, err = await place.run(
        tmp_path, [sys.executable, "-c", BOTO3, place.s3.url], AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=path
    )
    assert code != 0
    assert "this identity may not have this scope" in err
    assert not place.s3.requests


@pytest.mark.slow  # installs awscli the first time
async def test_aws_cli(place: Place, tmp_path: Path) -> None:
    path = token_file(tmp_path, place.world.token("batch-awscli"))
    command = [str(clients.awscli()), "--endpoint-url", place.s3.url, "s3", "ls", "s3://bkt/"]
    code, out, err = await place.run(tmp_path, command, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=path)
    assert (code, err) == (0, "")
    assert out.split()[-1] == "hello.txt"
    assert place.signed_with_what_was_vended()


def rclone(place: Place) -> list[str]:
    remote = f":s3,provider=Other,env_auth,endpoint='{place.s3.url}',region=us-east-1:bkt"
    return [str(clients.rclone()), "--config=", "--retries", "1", "--low-level-retries", "1", "lsf", remote]


@pytest.mark.slow  # installs rclone the first time
async def test_rclone_with_the_go_sdk(place: Place, tmp_path: Path) -> None:
    path = token_file(tmp_path, place.world.token("batch-rclone"))
    code, out, _ = await place.run(tmp_path, rclone(place), AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=path)
    assert (code, out) == (0, "hello.txt\n")
    assert place.signed_with_what_was_vended()


@pytest.mark.slow  # installs rclone the first time
async def test_the_go_sdk_reads_the_code_of_a_refusal(place: Place, tmp_path: Path) -> None:
    path = token_file(tmp_path, place.world.token(namespace="other"))
    code, _, err = await place.run(tmp_path, rclone(place), AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=path)
    assert code != 0
    assert "access_denied" in err
    assert not place.s3.requests
