"""The mint of a scope: how its credentials are made, each way with the limits that AWS sets it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from vendor.config import shape
from vendor.config.codes import Code
from vendor.config.reading import check_literal, read_text
from vendor.config.roles import check_listed, check_partition, is_account, role
from vendor.config.secrets import assertion_file, device
from vendor.policy import limits
from vendor.policy.mint import (
    AssumeRole,
    CognitoIdentity,
    FederationToken,
    IdentityToken,
    Mint,
    Root,
    Saml,
    SessionToken,
    Via,
    WebIdentity,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vendor.config.findings import Path
    from vendor.config.reading import Reading
    from vendor.config.values import Target
    from vendor.policy.template import Text

MINTS: Final = tuple(shape.Mint.model_fields)
TASKS: Final = (
    "IAMAuditRootUserCredentials",
    "IAMCreateRootUserPassword",
    "IAMDeleteRootUserCredentials",
    "S3UnlockBucketPolicy",
    "SQSUnlockQueuePolicy",
)
"""The policies that AWS has for sessions of a member account's root."""
LONGEST_AUDIENCE: Final = 1000
_TASK: Final = re.compile(r"(?:arn:aws[a-z-]*:iam::aws:policy/root-task/)?(\w+)", re.ASCII)
_EXTERNAL_TEXT: Final = re.compile(r"[A-Za-z0-9_+=,.@:/-]*", re.ASCII)
_NAME_TEXT: Final = re.compile(r"[A-Za-z0-9_+=,.@-]*", re.ASCII)
_PROVIDER: Final = re.compile(r"arn:(aws|aws-us-gov|aws-cn):iam::([^:]*):saml-provider/[A-Za-z0-9_.-]{1,128}", re.ASCII)
_POOL: Final = re.compile(r"([a-z0-9-]+):[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)
_LOGIN: Final = re.compile(r"[\x21-\x7e]{1,128}", re.ASCII)


def mint(reading: Reading, target: Target | None) -> Mint | None:
    """Return how the scope's credentials are made, None with findings if they cannot be."""
    said = reading.said.mint
    if len(said.model_fields_set) != 1:
        reading.find(Code.EXACTLY_ONE, ("mint",), f"expected exactly one of {', '.join(MINTS)}", of=MINTS)
        return None
    (name,) = said.model_fields_set
    before = reading.errors
    made = _MADE[name](reading, ("mint", name), getattr(said, name), target)
    return made if reading.errors == before else None


def _assume_role(reading: Reading, at: Path, said: shape.AssumeRole, target: Target | None) -> AssumeRole | None:
    hops = [
        (role(reading, (*at, "via", index, "role"), hop.role, target), _external_id(reading, (*at, "via", index), hop))
        for index, hop in enumerate(said.via)
    ]
    last, external_id = role(reading, (*at, "role"), said.role, target), _external_id(reading, at, said)
    mfa = device(reading, at, said.mfa_serial, said.mfa_secret_file)
    _check_loop(reading, at, [text for text, _ in hops], last)
    via = tuple(Via(role=text, external_id=given) for text, given in hops if text is not None)
    return None if last is None else AssumeRole(role=last, external_id=external_id, via=via, mfa=mfa)


def _external_id(reading: Reading, at: Path, said: shape.AssumeRole | shape.Hop) -> Text | None:
    text = read_text(reading, (*at, "external_id"), said.external_id)
    if text is not None:
        check_literal(reading, (*at, "external_id"), text, _EXTERNAL_TEXT, shortest=2, longest=1224)
    return text


def _check_loop(reading: Reading, at: Path, hops: list[Text | None], last: Text | None) -> None:
    """Find a role that stands twice: a way that comes back was not meant."""
    seen = {str(last)}
    for index, hop in enumerate(hops):
        if hop is not None and str(hop) in seen:
            reading.find(Code.ROLE_LOOP, (*at, "via", index, "role"), "this role stands twice on the way")
        seen.add(str(hop))


def _web_identity(reading: Reading, at: Path, said: shape.WebIdentity, target: Target | None) -> WebIdentity | None:
    text = role(reading, (*at, "role"), said.role, target)
    return None if text is None else WebIdentity(role=text)


def _saml(reading: Reading, at: Path, said: shape.Saml, target: Target | None) -> Saml | None:
    text, provider = (
        role(reading, (*at, "role"), said.role, target),
        read_text(reading, (*at, "provider"), said.provider),
    )
    file = assertion_file(reading, (*at, "assertion_file"), said.assertion_file)
    if text is None or provider is None:
        return None
    found = _PROVIDER.fullmatch(str(provider))
    if found is None or not is_account(reading, found[2]):
        message = "expected a provider's ARN: arn:aws:iam::111122223333:saml-provider/name"
        reading.find(Code.MINT_VALUE, (*at, "provider"), message)
    else:
        check_partition(reading, (*at, "provider"), found[1], target)
        check_listed(reading, (*at, "provider"), provider)
    return Saml(role=text, provider=provider, assertion_file=file)


def _session_token(
    reading: Reading,
    at: Path,
    said: shape.SessionToken,
    target: Target | None,  # noqa: ARG001 - all are alike
) -> SessionToken:
    return SessionToken(mfa=device(reading, at, said.mfa_serial, said.mfa_secret_file))


def _federation_token(
    reading: Reading,
    at: Path,
    said: shape.FederationToken,
    target: Target | None,  # noqa: ARG001 - all are alike
) -> FederationToken | None:
    text = read_text(reading, (*at, "name"), said.name)
    if text is None:
        return None
    check_literal(reading, (*at, "name"), text, _NAME_TEXT, shortest=2, longest=limits.LONGEST_USER_NAME)
    return FederationToken(name=text)


def _root(reading: Reading, at: Path, said: shape.Root, target: Target | None) -> Root | None:
    account, task = read_text(reading, (*at, "account"), said.account), _TASK.fullmatch(said.task_policy)
    if task is None or task[1] not in TASKS:
        reading.find(Code.MINT_VALUE, (*at, "task_policy"), f"expected one of {', '.join(TASKS)}")
    if account is None:
        return None
    if not is_account(reading, str(account)):
        reading.find(Code.MINT_VALUE, (*at, "account"), "expected an account of twelve digits")
    check_listed(reading, (*at, "account"), account)
    if task is None or target is None:
        return None
    arn = f"arn:{target.partition}:iam::aws:policy/root-task/{task[1]}"
    return Root(account=account, task_policy=arn, partition=target.partition)


def _identity_token(
    reading: Reading,
    at: Path,
    said: shape.IdentityToken,
    target: Target | None,  # noqa: ARG001 - all are alike
) -> IdentityToken:
    audience = [said.audience] if isinstance(said.audience, str) else said.audience
    if len(audience) > limits.MOST_AUDIENCES:
        reading.find(Code.MINT_VALUE, (*at, "audience"), f"at most {limits.MOST_AUDIENCES} audiences")
    for index, one in enumerate(audience):
        if len(one) > LONGEST_AUDIENCE or not one.isprintable() or "{{" in one:
            place = (*at, "audience") if isinstance(said.audience, str) else (*at, "audience", index)
            message = f"expected at most {LONGEST_AUDIENCE} characters, and no placeholder"
            reading.find(Code.MINT_VALUE, place, message)
    return IdentityToken(audience=tuple(audience), algorithm=said.signing_algorithm)


def _cognito_identity(
    reading: Reading, at: Path, said: shape.CognitoIdentity, target: Target | None
) -> CognitoIdentity:
    found = _POOL.fullmatch(said.pool)
    if found is None:
        message = "expected the id of an identity pool: eu-west-1:00000000-0000-0000-0000-000000000000"
        reading.find(Code.MINT_VALUE, (*at, "pool"), message)
    elif target is not None and target.endpoint_url is None and set(target.regions) != {found[1]}:
        message = f"the pool is in {found[1]} alone: use a target with that region and no other"
        reading.find(Code.MINT_VALUE, (*at, "pool"), message)
    for name in said.logins:
        if not _LOGIN.fullmatch(name):
            message = "expected a provider as the pool calls it, such as oidc.example.com/id/AAA"
            reading.find(Code.MINT_VALUE, (*at, "logins", name), message, key=True)
    return CognitoIdentity(pool=said.pool, logins=tuple(said.logins.items()))


_MADE: Final[Mapping[str, Callable[..., Mint | None]]] = {
    "assume_role": _assume_role,
    "web_identity": _web_identity,
    "saml": _saml,
    "session_token": _session_token,
    "federation_token": _federation_token,
    "root": _root,
    "identity_token": _identity_token,
    "cognito_identity": _cognito_identity,
}
