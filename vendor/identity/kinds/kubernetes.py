"""Kubernetes: bound service account tokens.

Source: Kubernetes, "Managing Service Accounts", bound service account tokens; "Object Names and IDs".
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from vendor.identity.kinds.rules import Form, Rules, audience, texts
from vendor.refusals import InvalidToken, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vendor.identity.issuer import Issuer
    from vendor.identity.principal import AttributeValue

_PATHS: Final = MappingProxyType(
    {
        "namespace": ("namespace",),
        "service_account": ("serviceaccount", "name"),
        "service_account_uid": ("serviceaccount", "uid"),
        "pod": ("pod", "name"),
        "pod_uid": ("pod", "uid"),
        "node": ("node", "name"),
    }
)

_LONGEST: Final = MappingProxyType(
    {
        "namespace": 63,
        **dict.fromkeys(("service_account", "pod", "node"), 253),
        **dict.fromkeys(("service_account_uid", "pod_uid"), 36),
    }
)
"""Characters of the longest names that an API server takes: DNS labels, DNS subdomains and UUIDs."""
_REQUIRED: Final = frozenset({"namespace", "service_account"})


def _read(_issuer: Issuer, subject: str, claims: Mapping[str, Any]) -> dict[str, AttributeValue]:
    """Return what a token is bound to; one that is bound to no pod has none. `sub` must say the same."""
    bound = claims.get("kubernetes.io")
    if not isinstance(bound, dict):
        raise InvalidToken(Reason.CLAIMS, detail="the kubernetes.io claims are missing: this is no bound token")
    found = texts(bound, _PATHS, required=_REQUIRED)
    if subject != f"system:serviceaccount:{found['namespace']}:{found['service_account']}":
        raise InvalidToken(Reason.CLAIMS, detail="sub and the kubernetes.io claims do not agree")
    return {**found}


RULES: Final = Rules(
    names=tuple(_PATHS),
    read=_read,
    audience=audience,
    optional=frozenset(_PATHS) - _REQUIRED,
    longest=_LONGEST,
    forms=MappingProxyType(
        {"subject": Form(skeleton=re.compile("x:x:x:x"), example="system:serviceaccount:NAMESPACE:NAME")}
    ),
)
