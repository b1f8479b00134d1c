"""The STS wire: parameters in a form or a query, answers in XML, as AWS STS speaks it (version 2011-06-15)."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from vendor.audit import Door
from vendor.refusals import InvalidRequest, Reason
from vendor.server import errors, sts_errors, wire
from vendor.server.answer import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vendor.leases.lease import Lease
    from vendor.refusals import Refusal
    from vendor.server.listener import Visit

VERSION: Final = "2011-06-15"
NAMESPACE: Final = f"https://sts.amazonaws.com/doc/{VERSION}/"

# XML 1.0 has no way to write these.
_UNWRITABLE: Final = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,63}", re.ASCII)
_SECONDS: Final = re.compile(r"[0-9]{1,6}", re.ASCII)


class Parameters:
    """The parameters of one request, each of which must be taken by somebody, and the body that they came in."""

    def __init__(self, members: dict[str, str], query: Mapping[str, str], body: bytes) -> None:
        self._members = members
        self.query = query
        self.body = body

    def take_action(self) -> str:
        """Return what is asked for.

        Raises NoAction, or UnknownAction for any other version of STS than the only one that there is.
        """
        action, version = self._members.pop("Action", None), self._members.pop("Version", None)
        if action is None:
            raise sts_errors.NoAction(Reason.MISSING_PARAMETER)
        if version != VERSION:
            raise sts_errors.UnknownAction(Reason.MALFORMED_REQUEST)
        return action

    def take(self, name: str, shape: re.Pattern[str]) -> str:
        """Return a parameter that must be there and be of this shape.

        Raises InvalidRequest in the words of STS.
        """
        value = self._members.pop(name, None)
        at = f"'{name[0].lower()}{name[1:]}' failed to satisfy constraint"
        if value is None:
            public = f"1 validation error detected: Value null at {at}: Member must not be null"
            raise InvalidRequest(Reason.MISSING_PARAMETER, public)
        if not shape.fullmatch(value):
            raise InvalidRequest(Reason.MALFORMED_REQUEST, f"1 validation error detected: Value at {at}")
        return value

    def take_duration(self) -> timedelta | None:
        """Return the duration asked for, None where none is.

        Raises InvalidRequest unless it is a whole number; whether it is allowed is decided elsewhere.
        """
        if "DurationSeconds" not in self._members:
            return None
        return timedelta(seconds=int(self.take("DurationSeconds", _SECONDS)))

    def drop(self, prefix: str) -> None:
        """Leave out the parameters whose names begin so."""
        self._members = {name: value for name, value in self._members.items() if not name.startswith(prefix)}

    def refuse_others(self) -> None:
        """Raise InvalidRequest for what was not taken: a policy or tags that are passed over would be believed in."""
        if self._members:
            name = min(self._members)
            told = name if _NAME.fullmatch(name) else "of this name"
            public = f"the parameter {told} is not taken here: what a session may do is said by its scope alone"
            raise InvalidRequest(Reason.UNDECLARED_PARAMETER, public)


async def read_parameters(visit: Visit, *, most: int) -> Parameters:
    """Return the parameters of the query and of the body, of which the body's are meant where both say something.

    Raises UnsupportedMediaType, RequestTooLarge or InvalidRequest.
    """
    query = wire.read_form(visit.target.query)
    body = await wire.read_raw(visit.request, most=most) if visit.request.body_exists else b""
    try:
        form = wire.read_form(body.decode())
    except UnicodeDecodeError as exc:
        raise InvalidRequest(Reason.MALFORMED_REQUEST, "the body is not UTF-8") from exc
    return Parameters({**query, **form}, query, body)


def write_web_identity(lease: Lease, audience: str | None, request_id: str) -> Answer:
    """Return the answer of AssumeRoleWithWebIdentity; all but the request id stays with the lease."""
    result = lease.answers.get(Door.STS)
    if result is None:
        session, size = lease.session, lease.credentials.packed_policy_size
        told = (
            _element("SubjectFromWebIdentityToken", session.subject)
            + _element("Audience", audience)
            + _user(lease)
            + _credentials(lease)
            + _element("Provider", session.issuer)
            + _element("PackedPolicySize", None if size is None else str(size))
            + _element("SourceIdentity", session.source_identity)
        )
        result = lease.answers[Door.STS] = _begun("AssumeRoleWithWebIdentity", told)
    return _answer(result + _ended("AssumeRoleWithWebIdentity", request_id), request_id)


def write_caller(lease: Lease, request_id: str) -> Answer:
    """Return the answer of GetCallerIdentity."""
    user_id, arn = _assumed(lease)
    told = _element("Arn", arn) + _element("UserId", user_id) + _element("Account", lease.credentials.account_id)
    return _answer(_begun("GetCallerIdentity", told) + _ended("GetCallerIdentity", request_id), request_id)


def write_refusal(refusal: Refusal, request_id: str, more: Mapping[str, str] | None = None) -> Answer:
    """Return the answer of a refusal, in the words of STS."""
    headers = {**(more or {})}
    if refusal.retry_after is not None:
        headers["Retry-After"] = str(refusal.retry_after)
    return _failure(sts_errors.error_of(refusal), refusal.public, request_id, headers)


def write_defect(request_id: str) -> Answer:
    """Return the answer to a defect of ours."""
    return _failure(sts_errors.DEFECT, errors.DEFECT, request_id, {})


def _failure(error: sts_errors.Error, message: str, request_id: str, headers: Mapping[str, str]) -> Answer:
    kind = "Sender" if error.status < 500 else "Receiver"  # noqa: PLR2004 - the first status that is our fault
    told = _element("Type", kind) + _element("Code", error.code) + _element("Message", message)
    document = f'<ErrorResponse xmlns="{NAMESPACE}"><Error>{told}</Error><RequestId>{request_id}</RequestId>'
    return _answer(f"{document}</ErrorResponse>".encode(), request_id, error.status, headers)


def _answer(body: bytes, request_id: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    own = {"Content-Type": "text/xml", "x-amzn-RequestId": request_id}
    return Answer(status, body, request_id, {**own, **(headers or {})})


def _begun(action: str, told: str) -> bytes:
    return f'<{action}Response xmlns="{NAMESPACE}"><{action}Result>{told}</{action}Result>'.encode()


def _ended(action: str, request_id: str) -> bytes:
    metadata = f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
    return f"{metadata}</{action}Response>".encode()


def _credentials(lease: Lease) -> str:
    credentials = lease.credentials
    told = (
        _element("AccessKeyId", credentials.access_key_id)
        + _element("SecretAccessKey", credentials.secret_access_key.reveal())
        + _element("SessionToken", credentials.session_token.reveal())
        + _element("Expiration", wire.timestamp(credentials.expiration))
    )
    return f"<Credentials>{told}</Credentials>"


def _user(lease: Lease) -> str:
    user_id, arn = _assumed(lease)
    return f"<AssumedRoleUser>{_element('AssumedRoleId', user_id)}{_element('Arn', arn)}</AssumedRoleUser>"


def _assumed(lease: Lease) -> tuple[str, str]:
    """Return the id and the ARN of the role's session, which has only the last part of the role's name.

    An STS that is not AWS's may give no id; then it is made of the role, so that it stays the same.
    """
    credentials, name = lease.credentials, lease.session.session_name
    partition, role = credentials.role_arn.split(":")[1], credentials.role_arn.rpartition("/")[2]
    made = base64.b32encode(hashlib.sha256(credentials.role_arn.encode()).digest()).decode()[:17]
    arn = f"arn:{partition}:sts::{credentials.account_id}:assumed-role/{role}/{name}"
    return credentials.user_id or f"AROA{made}:{name}", arn


def _element(name: str, text: str | None) -> str:
    return "" if text is None else f"<{name}>{escape(_UNWRITABLE.sub('?', text))}</{name}>"
