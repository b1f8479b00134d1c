"""`vend` between `vendor serve` and unmodified SDKs: each signs an S3 request with the very key vended to it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.fakes.s3 import S3
from tests.fakes.sts import TOKEN
from tests.sdk import clients, installed
from tests.service import ROOT, World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.asyncio(loop_scope="module")

VEND = [sys.executable, "-m", "vendor.client"]
BOTO3 = [
    sys.executable,
    "-c",
    'import boto3, sys; print(boto3.client("s3", endpoint_url=sys.argv[1]).list_objects_v2(Bucket="bkt")["KeyCount"])',
]
SESSION = """\
import sys
from vendor.client import boto3_session
s3 = boto3_session("reports:read", month="2026-03").client("s3", endpoint_url=sys.argv[1])
print(s3.list_objects_v2(Bucket="bkt")["KeyCount"])
"""


S3FS = """\
import s3fs, sys
from vendor.client import storage_options
print(s3fs.S3FileSystem(endpoint_url=sys.argv[1], **storage_options("reports:read", month="2026-03")).ls("bkt"))
"""


@dataclass(frozen=True, slots=True)
class Place:
    """A served world, a small S3 beside it, and a home for each workload."""

    world: World
    s3: S3

    async def run(self, home: Path, command: list[str], **environ: str) -> tuple[int, str, str]:
        """Run something as a workload with a token of its own, which only `vend` is told of."""
        token = home / "jwt"
        if not token.exists():
            token.write_text(self.world.token(f"batch-{home.name.replace('_', '-')}"))
        given = {
            "HOME": str(home),
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            "AWS_REGION": "us-east-1",
            "PYTHONPATH": str(ROOT),
            "VENDOR_URL": self.world.service.public,
            "VENDOR_TOKEN_FILE": str(token),
        }
        return await clients.run(command, {**given, **environ}, home)

    def check_signed(self) -> None:
        """Check that every request since the last look was signed with the key of the latest audit line."""
        vended = self.world.audit()[-1]
        came, self.s3.requests = self.s3.requests, []
        assert came
        assert {one.access_key_id for one in came} == {vended["access_key_id"]}
        assert all((one.session_token or "").startswith(TOKEN) for one in came)

    @asynccontextmanager
    async def agent(self, home: Path, *arguments: str) -> AsyncIterator[str]:
        """Run an agent of a workload until the block ends, and yield where it listens."""
        token = home / "jwt"
        token.write_text(self.world.token(f"batch-{home.name.replace('_', '-')}"))
        process = await asyncio.create_subprocess_exec(
            *VEND,
            "agent",
            "--listen",
            "127.0.0.1:0",
            "--url",
            self.world.service.public,
            *arguments,
            env={"HOME": str(home), "PYTHONPATH": str(ROOT), "VENDOR_TOKEN_FILE": str(token)},
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            assert process.stderr
            async with asyncio.timeout(20):
                line = (await process.stderr.readline()).decode()
            yield line.split("serving at ")[1].strip()
        finally:
            process.terminate()
            assert await process.wait() == 0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(World(tmp_path_factory.mktemp("world")))
        yield Place(world, await stack.enter_async_context(S3()))


async def test_boto3_in_exec(place: Place, tmp_path: Path) -> None:
    ended = await place.run(tmp_path, [*VEND, "exec", "reports:read", "--", *BOTO3, place.s3.url])
    assert ended == (0, "1\n", "")
    place.check_signed()


@pytest.mark.thorough  # installs awscli the first time
async def test_the_aws_cli_in_exec(place: Place, tmp_path: Path) -> None:
    listing = [str(installed.awscli() / "bin" / "aws"), "--endpoint-url", place.s3.url, "s3", "ls", "s3://bkt/"]
    code, out, err = await place.run(tmp_path, [*VEND, "exec", "reports:read", "--", *listing], PYTHONPATH=str(ROOT))
    assert (code, out.split()[-1], err) == (0, "hello.txt", "")
    place.check_signed()


@pytest.mark.thorough  # as above
async def test_the_aws_cli_with_a_scope_in_its_profile(place: Place, tmp_path: Path) -> None:
    folder = tmp_path / ".aws"
    folder.mkdir()
    (folder / "config").write_text(
        "[plugins]\nvendor = vendor.client.botocore\n[profile reports]\nvendor_scope = reports:read\n"
    )
    command = [
        str(installed.awscli() / "bin" / "aws"),
        "--profile",
        "reports",
        "--endpoint-url",
        place.s3.url,
        "s3",
        "ls",
        "s3://bkt/",
    ]
    code, out, err = await place.run(tmp_path, command)
    assert (code, out.split()[-1:]) == (0, ["hello.txt"]), err
    place.check_signed()


async def test_boto3_beside_an_agent_by_the_container_protocol(place: Place, tmp_path: Path) -> None:
    async with place.agent(tmp_path, "reports:read") as url:
        uri = f"{url}/v1/credentials/reports:read?month=2026-03"
        ended = await place.run(
            tmp_path,
            [*BOTO3, place.s3.url],
            AWS_CONTAINER_CREDENTIALS_FULL_URI=uri,
            VENDOR_URL="",
            VENDOR_TOKEN_FILE="",
        )
    assert ended == (0, "1\n", "")
    assert place.world.audit()[-1]["parameters"] == {"month": "2026-03"}
    place.check_signed()


async def test_boto3_beside_an_agent_by_instance_metadata(place: Place, tmp_path: Path) -> None:
    async with place.agent(tmp_path, "reports:read") as url:
        ended = await place.run(
            tmp_path, [*BOTO3, place.s3.url], AWS_EC2_METADATA_SERVICE_ENDPOINT=url, VENDOR_URL="", VENDOR_TOKEN_FILE=""
        )
    assert ended == (0, "1\n", "")
    place.check_signed()


async def test_boto3_beside_a_nodes_agent_with_its_own_token(place: Place, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_text(place.world.token("batch-passed-through"))
    async with place.agent(tmp_path, "--pass-through") as url:
        ended = await place.run(
            tmp_path,
            [*BOTO3, place.s3.url],
            AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{url}/v1/credentials/reports:read",
            AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=str(mine),
        )
    assert ended == (0, "1\n", "")
    assert place.world.audit()[-1]["subject"] == "system:serviceaccount:analytics:batch-passed-through"
    place.check_signed()


async def test_an_agent_serves_on_when_the_service_is_gone(tmp_path: Path) -> None:
    async with S3() as s3, AsyncExitStack() as stack:
        world = await stack.enter_async_context(World(tmp_path))
        place = Place(world, s3)
        async with place.agent(tmp_path, "reports:read") as url:
            uri = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{url}/v1/credentials"}
            assert await place.run(tmp_path, [*BOTO3, s3.url], **uri) == (0, "1\n", "")
            await stack.aclose()
            assert await place.run(tmp_path, [*BOTO3, s3.url], **uri) == (0, "1\n", "")
    place.check_signed()


async def test_boto3_with_a_credential_process(place: Place, tmp_path: Path) -> None:
    before = len(place.world.audit())
    (tmp_path / "config").write_text(f"[default]\ncredential_process = {' '.join(VEND)} process reports:read\n")
    for _ in range(2):
        ended = await place.run(tmp_path, [*BOTO3, place.s3.url], AWS_CONFIG_FILE=str(tmp_path / "config"))
        assert ended == (0, "1\n", "")
    place.check_signed()
    assert len(place.world.audit()) == before + 1  # the second run took it from the disk


async def test_boto3_with_a_file(place: Place, tmp_path: Path) -> None:
    ended = await place.run(tmp_path, [*VEND, "file", "reports:read", "--profile", "reports", "--once"])
    assert ended == (0, "", "")
    assert await place.run(tmp_path, [*BOTO3, place.s3.url], AWS_PROFILE="reports") == (0, "1\n", "")
    place.check_signed()


async def test_boto3_with_export_lines(place: Place, tmp_path: Path) -> None:
    script = 'eval "$("$0" -m vendor.client env reports:read)" && exec "$@"'
    ended = await place.run(tmp_path, ["/bin/sh", "-c", script, sys.executable, *BOTO3, place.s3.url])
    assert ended == (0, "1\n", "")
    place.check_signed()


async def test_boto3_by_a_session_of_the_client(place: Place, tmp_path: Path) -> None:
    assert await place.run(tmp_path, [sys.executable, "-c", SESSION, place.s3.url]) == (0, "1\n", "")
    assert place.world.audit()[-1]["parameters"] == {"month": "2026-03"}
    place.check_signed()


@pytest.mark.thorough  # installs s3fs the first time
async def test_s3fs_with_storage_options(place: Place, tmp_path: Path) -> None:
    path = f"{clients.S3FS.environ()['PYTHONPATH']}:{ROOT}"
    command = [sys.executable, "-W", "ignore", "-c", S3FS, place.s3.url]
    code, out, err = await place.run(tmp_path, command, PYTHONPATH=path)
    assert (code, out) == (0, "['bkt/hello.txt']\n"), err
    place.check_signed()


async def test_what_may_be_had_is_listed(place: Place, tmp_path: Path) -> None:
    code, out, _ = await place.run(tmp_path, [*VEND, "scopes"])
    assert code == 0
    assert out == (
        "reports:read                  Read one team's monthly reports; lasts 1h, 4h at most\n"
        "    --param month=…           [0-9]{4}-[0-9]{2}; 2026-01 when not given\n"
    )
    assert json.loads((await place.run(tmp_path, [*VEND, "scopes", "--json"]))[1])[0]["name"] == "reports:read"


async def test_a_refused_workload_reads_the_services_message(place: Place, tmp_path: Path) -> None:
    (tmp_path / "jwt").write_text(place.world.token(namespace="other"))
    code, out, err = await place.run(tmp_path, [*VEND, "exec", "reports:read", "--", *BOTO3, place.s3.url])
    request_id = place.world.audit()[-1]["request_id"]
    assert (code, out) == (1, "")
    assert err == f"vend: access_denied: this identity may not have this scope (request {request_id})\n"
