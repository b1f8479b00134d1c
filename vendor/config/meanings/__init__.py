"""Meanings: what each code of a finding says, why that matters, and how it is mended."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from vendor.config.meanings.ceilings import CEILINGS
from vendor.config.meanings.files import FILES
from vendor.config.meanings.grants import GRANTS
from vendor.config.meanings.issuers import ISSUERS
from vendor.config.meanings.language import LANGUAGE
from vendor.config.meanings.linted import LINTED
from vendor.config.meanings.places import PLACES
from vendor.config.meanings.sessions import SESSIONS
from vendor.config.meanings.shape import SHAPE
from vendor.config.meanings.stores import STORES
from vendor.config.meanings.targets import TARGETS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vendor.config.codes import Code
    from vendor.config.meanings.meaning import Meaning

MEANINGS: Final[Mapping[Code, Meaning]] = MappingProxyType(
    LANGUAGE | SHAPE | ISSUERS | GRANTS | PLACES | SESSIONS | LINTED | TARGETS | STORES | CEILINGS | FILES
)
"""The meaning of every code."""
