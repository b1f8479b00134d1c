"""How the tests of the kinds read claims: as attributes, or as the reason why they are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.identity import made
from vendor.identity import attributes
from vendor.refusals import InvalidToken, Reason

if TYPE_CHECKING:
    from vendor.identity.issuer import Kind

# No text of these may say who somebody is (T15, T16).
UNFIT = [1, True, 1.5, "", "caf\u00e9", "a\nb", "a\0b", "\u0430cme", ["a"], {"a": "b"}]


def read(kind: Kind, claims: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return the attributes of claims, but for issuer and subject."""
    issuer = made.issuer(kind=kind, url=claims["iss"], **changes)
    found = dict(attributes.read(issuer, claims["sub"], claims))
    assert (found.pop("issuer"), found.pop("subject")) == (issuer.name, claims["sub"])
    return found


def refused(kind: Kind, claims: dict[str, Any], **changes: Any) -> str:
    """Return why claims are refused."""
    with pytest.raises(InvalidToken) as caught:
        read(kind, claims, **changes)
    assert caught.value.reason is Reason.CLAIMS
    assert caught.value.public == InvalidToken.told
    return caught.value.detail
