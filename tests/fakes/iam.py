"""A small IAM that keeps inline policies of roles, beside the one call of STS that tells who asks and when."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from aiohttp import web

from tests.fakes.loopback import Loopback, run

_STS, _IAM = "https://sts.amazonaws.com/doc/2011-06-15/", "https://iam.amazonaws.com/doc/2010-05-08/"


class Iam(Loopback):
    """Knows every role of one account but those in `missing`; `policies` holds what is attached by role and name.

    `refuses` names an action that is answered AccessDenied; `date` stands in the place of the true time.
    """

    def __init__(self, *, port: int = 0, account: str = "111122223333") -> None:
        super().__init__(port=port)
        self.account = account
        self.policies: dict[tuple[str, str], str] = {}
        self.missing: set[str] = set()
        self.refuses = ""
        self.date: str | None = None

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one of the three calls that are known."""
        said = dict(parse_qsl(await request.text()))
        action = said.get("Action", "")
        if action == self.refuses:
            return _error("AccessDenied", f"not authorized to perform: {action}", 403)
        role, name = said.get("RoleName", ""), said.get("PolicyName", "")
        if role in self.missing:
            return _error("NoSuchEntity", f"The role with name {role} cannot be found.", 404)
        match action:
            case "GetCallerIdentity":
                arn = f"arn:aws:iam::{self.account}:user/responder"
                told = f"<Arn>{arn}</Arn><UserId>AIDAFAKE</UserId><Account>{self.account}</Account>"
                headers = {"Date": self.date} if self.date else {}
                return _answer(_STS, action, f"<{action}Result>{told}</{action}Result>", headers)
            case "PutRolePolicy":
                self.policies[role, name] = said["PolicyDocument"]
            case "DeleteRolePolicy":
                if self.policies.pop((role, name), None) is None:
                    return _error("NoSuchEntity", f"The role policy with name {name} cannot be found.", 404)
            case _:
                return _error("InvalidAction", action, 400)
        return _answer(_IAM, action, "", {})


def _answer(namespace: str, action: str, result: str, headers: dict[str, Any]) -> web.Response:
    metadata = "<ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata>"
    text = f'<{action}Response xmlns="{namespace}">{result}{metadata}</{action}Response>'
    return web.Response(text=text, content_type="text/xml", headers=headers)


def _error(code: str, message: str, status: int) -> web.Response:
    told = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    text = f'<ErrorResponse xmlns="{_IAM}">{told}<RequestId>r-1</RequestId></ErrorResponse>'
    return web.Response(text=text, content_type="text/xml", status=status)


if __name__ == "__main__":
    run(lambda port: Iam(port=port), description=__doc__)
