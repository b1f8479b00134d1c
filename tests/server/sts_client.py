"""STS spoken by hand: forms, queries, signatures by botocore's own signer, and XML read by a parser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode
from xml.etree import ElementTree as ET

from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.fakes.sts_wire import NAMESPACE
from tests.server.http import Answer, exchange

if TYPE_CHECKING:
    from collections.abc import Mapping

ROLE = "arn:aws:iam::111122223333:role/reports"
NAMED = "arn:aws:iam::000000000000:role/"
CALLER = "Action=GetCallerIdentity&Version=2011-06-15"


@dataclass(frozen=True, slots=True)
class Said:
    """An answer in XML; `of` holds the text of every element by its name, each of which stood once."""

    answer: Answer
    root: str
    of: Mapping[str, str]

    @property
    def error(self) -> tuple[int, str]:
        """Status and code of a refusal."""
        return self.answer.status, self.of["Code"]


def read(answer: Answer) -> Said:
    """Read an answer, every element of which must stand in the namespace of STS."""
    root, space = ET.fromstring(answer.body), f"{{{NAMESPACE}}}"  # noqa: S314 - our own service's
    elements = list(root.iter())
    assert all(element.tag.startswith(space) for element in elements)
    told = [(element.tag.removeprefix(space), element.text or "") for element in elements if not len(element)]
    assert len(dict(told)) == len(told)
    return Said(answer, root.tag.removeprefix(space), dict(told))


def asked(token: str | None, **changes: str | None) -> dict[str, str]:
    """Return the parameters that every SDK sends; None leaves one out."""
    sent = {
        "Action": "AssumeRoleWithWebIdentity",
        "Version": "2011-06-15",
        "RoleArn": ROLE,
        "RoleSessionName": "botocore-session-1",
        "WebIdentityToken": token,
        **changes,
    }
    return {name: value for name, value in sent.items() if value is not None}


async def send(
    url: str, form: str = "", *, path: str = "/", query: str = "", method: str = "POST", **headers: str
) -> Said:
    """Send a form and a query, and return what STS says."""
    fields = {"Host": "sts.test", **{name.replace("_", "-"): value for name, value in headers.items()}}
    if method == "POST":
        fields = {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(form)), **fields}
    lines = [f"{method} {path}{'?' if query else ''}{query} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in fields.items() if value]
    return read(await exchange(url, "\r\n".join([*lines, "", form]).encode()))


async def assume(url: str, token: str | None, *, path: str = "/", **changes: str | None) -> Said:
    """Ask for a role in a form, as most SDKs do."""
    return await send(url, urlencode(asked(token, **changes)), path=path)


def unsigned(form: str = CALLER, *, query: str = "", method: str = "POST", path: str = "/") -> AWSRequest:
    """Return a request that is not signed yet, in whose headers there is nothing but its host."""
    return AWSRequest(
        method=method,
        url=f"https://sts.test{path}{'?' if query else ''}{query}",
        data=form.encode(),
        headers={"Host": "sts.test"},
    )


def by(credentials: Mapping[str, Any]) -> Credentials:
    """Return botocore's credentials of a container document."""
    return Credentials(credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["Token"])


def sign(request: AWSRequest, credentials: Credentials, *, region: str = "eu-west-1") -> dict[str, str]:
    """Sign a request in its header, and return its headers."""
    SigV4Auth(credentials, "sts", region).add_auth(request)
    return dict(request.headers.items())


def presign(request: AWSRequest, credentials: Credentials, *, expires: int = 60) -> str:
    """Sign a request in its query, and return the query."""
    SigV4QueryAuth(credentials, "sts", "eu-west-1", expires=expires).add_auth(request)
    return str(request.url).partition("?")[2]


def unencoded(parameters: Mapping[str, str]) -> str:
    """Return a query as some clients write it: nothing of it encoded that need not be."""
    return "&".join(f"{name}={quote(value, safe=':/+=,.@-_~')}" for name, value in parameters.items())
