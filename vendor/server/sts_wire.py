"""The STS wire: answers in XML, as AWS STS writes them (version 2011-06-15)."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING, Final, NamedTuple
from xml.sax.saxutils import escape

from vendor.policy.session import Action
from vendor.server import documents, errors, sts_errors
from vendor.server.answer import Answer
from vendor.server.sts_parameters import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vendor.leases.lease import Lease
    from vendor.refusals import Refusal

NAMESPACE: Final = f"https://sts.amazonaws.com/doc/{VERSION}/"

# XML 1.0 has no way to write these.
_UNWRITABLE: Final = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Identity(NamedTuple):
    """Whose credentials they are, as AWS says it."""

    arn: str
    user_id: str
    account_id: str


def write_web_identity(lease: Lease, audience: str | None, request_id: str) -> Answer:
    """Return the answer of AssumeRoleWithWebIdentity."""
    session = lease.session
    more = {"SubjectFromWebIdentityToken": session.subject, "Audience": audience, "Provider": session.issuer}
    return _lent("AssumeRoleWithWebIdentity", lease, more, request_id)


def write_saml(lease: Lease, request_id: str) -> Answer:
    """Return the answer of AssumeRoleWithSAML, but for what only AWS has read in the assertion."""
    return _lent("AssumeRoleWithSAML", lease, {}, request_id)


def write_caller(identity: Identity, request_id: str) -> Answer:
    """Return the answer of GetCallerIdentity."""
    told = _element("Arn", identity.arn) + _element("UserId", identity.user_id)
    result = _begun("GetCallerIdentity", told + _element("Account", identity.account_id))
    return _answer(result + _ended("GetCallerIdentity", request_id), request_id)


def identity_of(lease: Lease) -> Identity | None:
    """Return whose credentials a lease holds, None where AWS has not said it."""
    credentials, session = lease.credentials, lease.session
    if ":role/" in credentials.role_arn:
        user_id, arn = _assumed(lease)
        return Identity(arn, user_id, credentials.account_id)
    if session.action is Action.FEDERATION_TOKEN:
        account, name = credentials.account_id, session.session_name
        partition = "aws-cn" if credentials.region.startswith("cn-") else "aws"
        partition = "aws-us-gov" if credentials.region.startswith("us-gov-") else partition
        return Identity(f"arn:{partition}:sts::{account}:federated-user/{name}", f"{account}:{name}", account)
    return None


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


def _lent(action: str, lease: Lease, more: Mapping[str, str | None], request_id: str) -> Answer:
    """Return the answer of an action that lends; all of it but the request id stays with the lease."""
    result = lease.answers.get(action)
    if result is None:
        size = lease.credentials.packed_policy_size
        told = _user(lease) + _credentials(lease) + "".join(_element(name, text) for name, text in more.items())
        told += _element("PackedPolicySize", None if size is None else str(size))
        told += _element("SourceIdentity", lease.session.source_identity)
        result = lease.answers[action] = _begun(action, told)
    return _answer(result + _ended(action, request_id), request_id)


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
        + _element("Expiration", documents.timestamp(credentials.expiration))
    )
    return f"<Credentials>{told}</Credentials>"


def _user(lease: Lease) -> str:
    user_id, arn = _assumed(lease)
    return f"<AssumedRoleUser>{_element('AssumedRoleId', user_id)}{_element('Arn', arn)}</AssumedRoleUser>"


def _assumed(lease: Lease) -> tuple[str, str]:
    """Return the id and the ARN of the role's session, which has only the last part of the role's name.

    An STS that is not AWS's may give no id; then it is made of the role, so that it stays the same. Of an assertion
    only the id says what the session is called.
    """
    credentials = lease.credentials
    known = credentials.user_id or ""
    name = lease.session.session_name or known.partition(":")[2] or "session"
    partition, role = credentials.role_arn.split(":")[1], credentials.role_arn.rpartition("/")[2]
    made = base64.b32encode(hashlib.sha256(credentials.role_arn.encode()).digest()).decode()[:17]
    return known or f"AROA{made}:{name}", f"arn:{partition}:sts::{credentials.account_id}:assumed-role/{role}/{name}"


def _element(name: str, text: str | None) -> str:
    return "" if text is None else f"<{name}>{escape(_UNWRITABLE.sub('?', text))}</{name}>"
