"""Generic: any OpenID Connect issuer, of whose claims nothing is known but what its configuration names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from vendor.identity.kinds.rules import JWT, Rules, audience

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vendor.identity.issuer import Issuer
    from vendor.identity.principal import AttributeValue


def _read(_issuer: Issuer, _subject: str, _claims: Mapping[str, Any]) -> dict[str, AttributeValue]:
    return {}


RULES: Final = Rules(names=(), read=_read, audience=audience, types=JWT | {"at+jwt"})
