"""The AWS Query wire of STS, version 2011-06-15: form parameters in, XML out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
_SIGNATURE = re.compile(r"Credential=([^/,\s]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came, parsed; `parameters` is everything in the body or query by its wire name."""

    action: str
    parameters: Mapping[str, str] = field(hash=False)
    host: str = ""
    access_key_id: str | None = None
    session_token: str | None = None
    region: str | None = None

    @property
    def role_arn(self) -> str:
        """The role asked for, or nothing."""
        return self.parameters.get("RoleArn", "")

    @property
    def session_name(self) -> str:
        """RoleSessionName, or nothing."""
        return self.parameters.get("RoleSessionName", "")

    @property
    def policy(self) -> str | None:
        """The session policy as it was sent."""
        return self.parameters.get("Policy")

    @property
    def policy_arns(self) -> tuple[str, ...]:
        """The managed session policies, in order."""
        return _members(self.parameters, "PolicyArns", ".arn")

    @property
    def tags(self) -> dict[str, str]:
        """Session tags by key."""
        keys = _members(self.parameters, "Tags", ".Key")
        return dict(zip(keys, _members(self.parameters, "Tags", ".Value"), strict=True))

    @property
    def transitive_tags(self) -> tuple[str, ...]:
        """The keys of tags that go down a chain."""
        return _members(self.parameters, "TransitiveTagKeys", "")

    @property
    def source_identity(self) -> str | None:
        """SourceIdentity as it was sent."""
        return self.parameters.get("SourceIdentity")

    @property
    def external_id(self) -> str | None:
        """ExternalId as it was sent."""
        return self.parameters.get("ExternalId")

    @property
    def duration_seconds(self) -> int:
        """The lifetime asked for; STS gives an hour where none is named."""
        return int(self.parameters.get("DurationSeconds", "3600"))


def _members(parameters: Mapping[str, str], name: str, suffix: str) -> tuple[str, ...]:
    found: list[str] = []
    while (value := parameters.get(f"{name}.member.{len(found) + 1}{suffix}")) is not None:
        found.append(value)
    return tuple(found)


def signature(authorization: str) -> tuple[str | None, str | None]:
    """Return key id and region of a SigV4 header, or two times None."""
    found = _SIGNATURE.search(authorization)
    return (found[1], found[2]) if found else (None, None)


def session_arn(role_arn: str, session_name: str) -> str:
    """Return the ARN of a role's session: the role's last path part alone stands in it (IAM user guide)."""
    _, partition, _, _, account, resource = role_arn.split(":", 5)
    return f"arn:{partition}:sts::{account}:assumed-role/{resource.rpartition('/')[2]}/{session_name}"


def answer(action: str, result: str, request_id: str) -> str:
    """Return a whole answer of `action` around its result."""
    return (
        f'<{action}Response xmlns="{NAMESPACE}"><{action}Result>{result}</{action}Result>'
        f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{action}Response>"
    )


def element(name: str, text: str | None) -> str:
    """Return one XML element, or nothing where there is no text."""
    return "" if text is None else f"<{name}>{escape(text)}</{name}>"


def failure(code: str, message: str, *, status: int, request_id: str) -> str:
    """Return an error exactly in AWS's form."""
    kind = "Sender" if status < 500 else "Receiver"
    return (
        f'<ErrorResponse xmlns="{NAMESPACE}"><Error><Type>{kind}</Type>{element("Code", code)}'
        f"{element('Message', message)}</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    )
