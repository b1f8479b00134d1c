"""Attributes: what each kind of issuer says of its workloads, read out of verified claims."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, assert_never

from vendor.identity.issuer import Kind
from vendor.refusals import InvalidToken, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vendor.identity.issuer import Issuer
    from vendor.identity.principal import AttributeValue

ALWAYS: Final = ("issuer", "subject")
KUBERNETES: Final = ("namespace", "service_account", "service_account_uid", "pod", "pod_uid", "node")
OPTIONAL: Final = frozenset({"service_account_uid", "pod", "pod_uid", "node"})
"""Attributes that a good token may lack: a token that is bound to no pod has none of one."""


def names(issuer: Issuer) -> tuple[str, ...]:
    """Return the names of all attributes that tokens of this issuer can yield."""
    extra = tuple(name for name, _ in issuer.extra_attributes)
    match issuer.kind:
        case Kind.KUBERNETES:
            return (*ALWAYS, *KUBERNETES, *extra)
        case Kind.GENERIC:
            return (*ALWAYS, *extra)
        case _:  # pragma: no cover
            assert_never(issuer.kind)


def read(issuer: Issuer, subject: str, claims: Mapping[str, Any]) -> Mapping[str, AttributeValue]:
    """Return the attributes of verified claims.

    An extra attribute whose claim is missing, or is neither a string, an integer, a boolean nor a list of strings, is
    absent: a grant that asks for it then does not match. Raises InvalidToken where the claims contradict themselves.
    """
    found: dict[str, AttributeValue] = {"issuer": issuer.name, "subject": subject}
    match issuer.kind:
        case Kind.KUBERNETES:
            found |= _kubernetes(subject, claims)
        case Kind.GENERIC:
            pass
        case _:  # pragma: no cover
            assert_never(issuer.kind)
    for name, path in issuer.extra_attributes:
        value = _value(claims, path)
        if value is not None:
            found[name] = value
    return MappingProxyType(found)


def _kubernetes(subject: str, claims: Mapping[str, Any]) -> dict[str, AttributeValue]:
    """Read a bound service account token, whose `sub` and `kubernetes.io` claims must agree.

    Source: Kubernetes, "Managing Service Accounts", bound service account tokens.
    """
    bound = claims.get("kubernetes.io")
    found = {
        "namespace": _value(bound, ("namespace",)),
        "service_account": _value(bound, ("serviceaccount", "name")),
        "service_account_uid": _value(bound, ("serviceaccount", "uid")),
        "pod": _value(bound, ("pod", "name")),
        "pod_uid": _value(bound, ("pod", "uid")),
        "node": _value(bound, ("node", "name")),
    }
    if found["namespace"] is None or found["service_account"] is None:
        raise InvalidToken(Reason.CLAIMS, detail="the kubernetes.io claims name no service account")
    if subject != f"system:serviceaccount:{found['namespace']}:{found['service_account']}":
        raise InvalidToken(Reason.CLAIMS, detail="sub and the kubernetes.io claims do not agree")
    for name, value in found.items():
        if value is not None and not _is_identity(value):
            raise InvalidToken(Reason.CLAIMS, detail=f"the claim behind {name} is not printable ASCII")
    return {name: value for name, value in found.items() if value is not None}


def _is_identity(value: object) -> bool:
    return isinstance(value, str) and value != "" and value.isascii() and value.isprintable()


def _value(claims: object, path: tuple[str, ...]) -> AttributeValue | None:
    for member in path:
        if not isinstance(claims, dict):
            return None
        claims = claims.get(member)
    if isinstance(claims, list) and all(isinstance(item, str) for item in claims):
        return tuple(claims)
    return claims if isinstance(claims, str | int | bool) else None
