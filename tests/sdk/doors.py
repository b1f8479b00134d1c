"""Doors as a workload is shown to them: by variables and files alone, which is all that anybody has to change."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.client.agent.conftest import agent_of

if TYPE_CHECKING:
    from tests.sdk.clients import Client
    from tests.sdk.place import Place

SCOPE: Final = "reports:read"
ROLE: Final = "arn:aws:iam::111122223333:role/reports"
TOKEN_FILE: Final = "container, token file"
TOKEN_VARIABLE: Final = "container, token variable"
RELATIVE: Final = "container, relative URI"
STS_HTTP: Final = "STS over http"
STS_HTTPS: Final = "STS over https"
PROCESS: Final = "credential_process"
AGENT: Final = "vend agent, container"
METADATA: Final = "vend agent, IMDSv2"
VEND: Final = Path(sys.executable).with_name("vend")


@dataclass(frozen=True, slots=True)
class Workload:
    """Who comes: a client with a token, in a home of its own."""

    client: Client
    home: Path
    token: str

    def token_file(self) -> str:
        """Return the path of a file that holds the token and nothing else."""
        path = self.home / "token"
        path.write_text(self.token)
        return str(path)

    def configure(self, *lines: str) -> None:
        """Write the default profile of ~/.aws/config."""
        folder = self.home / ".aws"
        folder.mkdir()
        (folder / "config").write_text("\n".join(("[default]", "region = us-east-1", *lines, "")))

    def vend(self, place: Place) -> dict[str, str]:
        """Return what `vend` is told of the service."""
        trusted = {} if place.authorities is None else {"VENDOR_CA_FILE": str(place.authorities)}
        return {"VENDOR_URL": place.world.service.public, "VENDOR_TOKEN_FILE": self.token_file(), **trusted}


Shown = AsyncIterator[dict[str, str]]
"""The environment that a workload is shown a door by, for as long as it is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """One door: `place` is the fixture behind it, `show` opens it to a workload and returns what it is given."""

    name: str
    place: str
    show: Callable[[Place, Workload], AbstractAsyncContextManager[dict[str, str]]]


def _full_uri(url: str) -> dict[str, str]:
    return {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{url}/v1/credentials/{SCOPE}"}


@asynccontextmanager
async def _token_file(place: Place, who: Workload) -> Shown:
    yield {**_full_uri(place.world.service.public), "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": who.token_file()}


@asynccontextmanager
async def _token_variable(place: Place, who: Workload) -> Shown:
    yield {**_full_uri(place.world.service.public), "AWS_CONTAINER_AUTHORIZATION_TOKEN": who.token}


@asynccontextmanager
async def _relative(_: Place, who: Workload) -> Shown:
    yield {
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": f"/v1/credentials/{SCOPE}",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": who.token_file(),
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": who.token,  # some know only the one, some only the other
    }


@asynccontextmanager
async def _sts(place: Place, who: Workload) -> Shown:
    yield {
        "AWS_WEB_IDENTITY_TOKEN_FILE": who.token_file(),
        "AWS_ROLE_ARN": ROLE,
        "AWS_ROLE_SESSION_NAME": "app",
        "AWS_ENDPOINT_URL_STS": "localhost" if who.client.bare_host else place.world.service.public,
        **({} if place.authorities is None else {who.client.trusts: str(place.authorities)}),
    }


@asynccontextmanager
async def _process(place: Place, who: Workload) -> Shown:
    who.configure(f"credential_process = {VEND} process {SCOPE}")
    yield who.vend(place)


@asynccontextmanager
async def _agent(place: Place, who: Workload) -> Shown:
    token = str(who.home / "agent-token")
    async with _running(place, who, "--token-file-out", token) as url:
        yield {
            **_full_uri(url),
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": token,
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": Path(token).read_text(),  # noqa: ASYNC240 - a line that is there
        }


@asynccontextmanager
async def _metadata(place: Place, who: Workload) -> Shown:
    at = ("--listen", "169.254.169.254:80") if who.client.fixed_metadata else ()
    async with _running(place, who, *at) as url:
        yield {
            "AWS_EC2_METADATA_DISABLED": "false",
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": url,
            "AWS_METADATA_ENDPOINT": url,  # as object_store calls it
        }


@asynccontextmanager
async def _running(place: Place, who: Workload, *options: str) -> AsyncIterator[str]:
    """Run `vend agent` for a workload, and return where it listens."""
    running = agent_of(who.vend(place), who.home, *options, SCOPE)
    agent = await asyncio.to_thread(running.__enter__)
    try:
        yield agent.url
    finally:
        await asyncio.to_thread(running.__exit__, None, None, None)


DOORS: Final = (
    Door(name=TOKEN_FILE, place="place", show=_token_file),
    Door(name=TOKEN_VARIABLE, place="place", show=_token_variable),
    Door(name=RELATIVE, place="at_metadata", show=_relative),
    Door(name=STS_HTTP, place="place", show=_sts),
    Door(name=STS_HTTPS, place="secured", show=_sts),
    Door(name=PROCESS, place="place", show=_process),
    Door(name=AGENT, place="place", show=_agent),
    Door(name=METADATA, place="place", show=_metadata),
)
