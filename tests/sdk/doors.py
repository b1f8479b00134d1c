"""Doors as a workload is shown to them: by variables and files alone, which is all that anybody has to change."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sdk.clients import Client
    from tests.sdk.place import Place

SCOPE: Final = "reports:read"
ROLE: Final = "arn:aws:iam::111122223333:role/reports"
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

    def configured(self, *lines: str) -> dict[str, str]:
        """Return nothing more in the environment, and write the default profile of ~/.aws/config."""
        folder = self.home / ".aws"
        folder.mkdir()
        (folder / "config").write_text("\n".join(("[default]", "region = us-east-1", *lines, "")))
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """One door: `place` is the fixture behind it, `environ` returns what a workload is given for it."""

    name: str
    place: str
    environ: Callable[[Place, Workload], dict[str, str]]


def _full_uri(place: Place) -> dict[str, str]:
    return {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{place.world.service.public}/v1/credentials/{SCOPE}"}


def _token_file(place: Place, who: Workload) -> dict[str, str]:
    return {**_full_uri(place), "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": who.token_file()}


def _token(place: Place, who: Workload) -> dict[str, str]:
    return {**_full_uri(place), "AWS_CONTAINER_AUTHORIZATION_TOKEN": who.token}


def _relative(_: Place, who: Workload) -> dict[str, str]:
    return {
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": f"/v1/credentials/{SCOPE}",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": who.token_file(),
    }


def _sts(place: Place, who: Workload) -> dict[str, str]:
    url = place.world.service.public
    trusted = {} if place.authorities is None else {who.client.trusts: str(place.authorities)}
    return {
        "AWS_WEB_IDENTITY_TOKEN_FILE": who.token_file(),
        "AWS_ROLE_ARN": ROLE,
        "AWS_ROLE_SESSION_NAME": "app",
        "AWS_ENDPOINT_URL_STS": url,
        **trusted,
    }


def _process(place: Place, who: Workload) -> dict[str, str]:
    who.configured(f"credential_process = {VEND} process {SCOPE}")
    return {"VENDOR_URL": place.world.service.public, "VENDOR_TOKEN_FILE": who.token_file()}


DOORS: Final = (
    Door(name="container, token file", place="place", environ=_token_file),
    Door(name="container, token variable", place="place", environ=_token),
    Door(name="container, relative URI", place="at_metadata", environ=_relative),
    Door(name="STS over http", place="place", environ=_sts),
    Door(name="STS over https", place="secured", environ=_sts),
    Door(name="credential_process", place="place", environ=_process),
)
