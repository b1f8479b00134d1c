"""The service's own identities: the meaning of their shapes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from vendor.config.codes import Code
from vendor.config.values import AccessKey, Profile, TokenFile

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet
    from pathlib import Path as FilePath

    from vendor.config import shape
    from vendor.config.document import Document
    from vendor.config.findings import Path

_KINDS: Final = ("profile", "web_identity", "access_key")
_ROLE: Final = re.compile(r"arn:(aws|aws-us-gov|aws-cn):iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]{1,576}", re.ASCII)
_KEY: Final = re.compile(r"[A-Za-z0-9_.-]{3,128}", re.ASCII)


def identity(
    document: Document, at: Path, said: shape.Own, folder: FilePath, partitions: AbstractSet[str]
) -> Profile | TokenFile | AccessKey | None:
    """Return an identity, None for what AWS's SDKs find by themselves, or with findings if it cannot be one.

    Its files may come later: they are read when they are needed.
    """
    if isinstance(said, str):
        return None
    if said.web_identity is not None and said.profile is None and said.access_key is None:
        _check_role(document, (*at, "web_identity", "role"), said.web_identity.role, partitions)
        return TokenFile(role=said.web_identity.role, file=str(folder / said.web_identity.token_file))
    if said.access_key is not None and said.profile is None and said.web_identity is None:
        _check_key(document, (*at, "access_key", "id"), said.access_key.id)
        return AccessKey(id=said.access_key.id, secret_file=str(folder / said.access_key.secret_file))
    if said.profile is not None and said.web_identity is None and said.access_key is None:
        return Profile(name=said.profile)
    document.find(Code.EXACTLY_ONE, at, f"expected exactly one of {', '.join(_KINDS)}", of=_KINDS)
    return None


def _check_role(document: Document, at: Path, role: str, partitions: AbstractSet[str]) -> None:
    found = _ROLE.fullmatch(role)
    if found is None:
        document.find(Code.ROLE, at, "expected a role's ARN: arn:aws:iam::111122223333:role/name")
    elif found[1] not in partitions:
        document.find(Code.ROLE_PARTITION, at, f"the role is in {found[1]}, the target's regions are not")


def _check_key(document: Document, at: Path, key: str) -> None:
    if not _KEY.fullmatch(key):
        document.find(Code.OWN_KEY, at, "expected the id of an access key such as AKIAIOSFODNN7EXAMPLE")
    elif key.startswith("ASIA"):
        document.find(Code.OWN_KEY, at, "this id is of a session, which ends: expected that of an access key")
