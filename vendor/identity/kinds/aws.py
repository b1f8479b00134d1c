"""AWS: tokens that STS GetWebIdentityToken made for an IAM principal.

Source: IAM User Guide, "Understanding token claims" (outbound identity federation).
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from vendor.identity.kinds.rules import Form, Rules, audience, is_identity, texts
from vendor.refusals import InvalidToken, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vendor.identity.issuer import Issuer
    from vendor.identity.principal import AttributeValue

NAMESPACE: Final = "https://sts.amazonaws.com/"
"""The claim that holds all that AWS says of the principal."""
TAGS: Final = "request_tags"
"""The member in which STS repeats what the caller of GetWebIdentityToken made up."""

_NAMES: Final = ("account", "principal_arn", "organization_id")
_PATHS: Final = MappingProxyType(
    {"account": ("aws_account",), "principal_arn": ("principal_id",), "organization_id": ("org_id",)}
)
_ARN: Final = re.compile(r"arn:aws[a-z-]*:(?:iam|sts)::([0-9]{12}):[^:/]\S*", re.ASCII)
# What can be written in a configuration.
_ATTRIBUTE: Final = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)


def _read(_issuer: Issuer, subject: str, claims: Mapping[str, Any]) -> dict[str, AttributeValue]:
    """Return the principal and the tags that it asked for; `sub` is its ARN, and not every token repeats it."""
    said = claims.get(NAMESPACE)
    if not isinstance(said, dict):
        raise InvalidToken(Reason.CLAIMS, detail=f"the claims of {NAMESPACE} are missing")
    arn = _ARN.fullmatch(subject)
    if arn is None:
        raise InvalidToken(Reason.CLAIMS, detail="sub is not the ARN of a principal")
    found = {"principal_arn": subject, "account": arn[1], **texts(said, _PATHS)}
    if found["principal_arn"] != subject:
        raise InvalidToken(Reason.CLAIMS, detail="sub is not the ARN of the principal")
    if found["account"] != arn[1]:
        raise InvalidToken(Reason.CLAIMS, detail="account is not that of the principal's ARN")
    return {**_tags(said.get(TAGS, {})), **found}


def _tags(said: object) -> dict[str, str]:
    """Return the tags whose keys can be attributes; none takes the place of what AWS itself says."""
    if not isinstance(said, dict):
        raise InvalidToken(Reason.CLAIMS, detail=f"{TAGS} is no object")
    found = {key: value for key, value in said.items() if _ATTRIBUTE.fullmatch(key) and key not in _NAMES}
    for key, value in found.items():
        if not isinstance(value, str) or not is_identity(value):
            raise InvalidToken(Reason.CLAIMS, detail=f"the request tag {key} is not printable ASCII text")
    return found


_ARN_FORM: Final = Form(skeleton=re.compile("x:x:x::x:x[x:/]*"), example="arn:aws:iam::ACCOUNT:role/NAME")
RULES: Final = Rules(
    names=_NAMES,
    read=_read,
    audience=audience,
    optional=frozenset({"organization_id"}),
    forms=MappingProxyType({"subject": _ARN_FORM, "principal_arn": _ARN_FORM}),
    open=True,
    chosen=((NAMESPACE, TAGS),),
)
