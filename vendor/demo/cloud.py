"""The embedded AWS: an emulator that enforces session policies, in a process and an environment of its own."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vendor.demo.child import clean_environment, free_port, running
from vendor.demo.environment import pinned, prepare

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

# The emulator's own root credentials; they open nothing but a process on loopback.
ROOT_KEY, ROOT_SECRET = "test", "test"


@dataclass(frozen=True, slots=True)
class Cloud:
    """A cloud that answers at `url` (plain http on loopback) for one account."""

    url: str
    account: str
    region: str
    pid: int


@contextlib.asynccontextmanager
async def embedded_cloud(
    *, cache: Path, folder: Path, account: str, region: str = "us-east-1", progress: Callable[[str], None]
) -> AsyncIterator[Cloud]:
    """Run the cloud while entered; `cache` keeps its environment, `folder` its files.

    Raises DemoFailed when the environment cannot be made or the cloud does not come up.
    """
    python = await prepare(cache=cache, requirements=pinned(), progress=progress)
    port = free_port()
    progress("starting the embedded cloud")
    environment = clean_environment(home=folder, **_settings(port=port, account=account, region=region, folder=folder))
    async with running(
        name="cloud", python=python, module=["ministack"], environment=environment, folder=folder
    ) as child:
        url = f"http://127.0.0.1:{port}"
        await child.answers(f"{url}/_ministack/ready")
        yield Cloud(url=url, account=account, region=region, pid=child.pid)


def _settings(*, port: int, account: str, region: str, folder: Path) -> dict[str, str]:
    return {
        "AUTH": "true",  # signatures, trust and session policies are enforced
        "BIND_HOST": "127.0.0.1",  # its default is every interface
        "GATEWAY_PORT": str(port),
        "MINISTACK_ACCOUNT_ID": account,
        "MINISTACK_REGION": region,
        "SERVICES": "s3,sts,iam",
        "IOT_MTLS_ENABLED": "0",  # listeners of services that are not wanted
        "SFTP_ENABLED": "0",
        "DOCKER_HOST": f"unix://{folder}/no-docker",  # it tidies containers up at start: never the user's
        "LOG_LEVEL": "WARNING",
    }
