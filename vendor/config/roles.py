"""The mint of a scope: the role that it assumes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from vendor.config import shape
from vendor.config.codes import Code
from vendor.config.reading import check_literal, read_text
from vendor.config.targets import partition
from vendor.policy.mint import AssumeRole
from vendor.policy.template import Text

if TYPE_CHECKING:
    from vendor.config.findings import Path
    from vendor.config.reading import Reading
    from vendor.config.values import Target

_MINTS: Final = tuple(shape.Mint.model_fields)
_ROLE: Final = re.compile(r"arn:(aws|aws-us-gov|aws-cn):iam::([^:]*):role/(.+)", re.DOTALL)
_ACCOUNT: Final = re.compile(r"[0-9]{12}", re.ASCII)
_ROLE_TEXT: Final = re.compile(r"[A-Za-z0-9_+=,.@/-]*", re.ASCII)
_EXTERNAL_TEXT: Final = re.compile(r"[A-Za-z0-9_+=,.@:/-]*", re.ASCII)


def mint(reading: Reading, target: Target | None) -> AssumeRole | None:
    """Return how the scope's credentials are made, None with findings if they cannot be."""
    said = reading.said.mint
    if len(said.model_fields_set) != 1:
        reading.find(Code.EXACTLY_ONE, ("mint",), f"expected exactly one of {', '.join(_MINTS)}", of=_MINTS)
        return None
    if said.assume_role is None:
        (other,) = said.model_fields_set
        reading.find(Code.NOT_YET, ("mint", other), f"{other} is not in this release", key=True)
        return None
    if said.assume_role.via:
        reading.find(Code.NOT_YET, ("mint", "assume_role", "via"), "via is not in this release")
    at: Path = ("mint", "assume_role")
    role = read_text(reading, (*at, "role"), said.assume_role.role)
    external_id = read_text(reading, (*at, "external_id"), said.assume_role.external_id)
    if external_id is not None:
        check_literal(reading, (*at, "external_id"), external_id, _EXTERNAL_TEXT, shortest=2, longest=1224)
    if role is None:
        return None
    _check_role(reading, (*at, "role"), role, target)
    return AssumeRole(role=role, external_id=external_id)


def _check_role(reading: Reading, at: Path, role: Text, target: Target | None) -> None:
    """Find a role that is no role ARN, or whose places could be filled by anything but a listed value."""
    found = _ROLE.fullmatch(str(role))
    if found is None:
        reading.find(Code.ROLE, at, "expected a role's ARN: arn:aws:iam::111122223333:role/name")
        return
    aws = target is not None and target.endpoint_url is None
    if not (_is_account(reading, found[2]) or (found[2] == "" and not aws)):
        reading.find(Code.ROLE, at, "expected an account of twelve digits")
    if not _ROLE_TEXT.fullmatch("".join(part for part in Text.parse(found[3]).parts if isinstance(part, str))):
        reading.find(Code.ROLE, at, "holds a character that the name of a role cannot have")
    if aws and target is not None and partition(target.regions[0]) != found[1]:
        reading.find(Code.ROLE_PARTITION, at, f"the role is in {found[1]}, the target's regions are not")
    for name in role.names():
        declared, written = reading.said.parameters.get(name), (*reading.at, "parameters", name)
        known = {written, (*written, "one_of")}.isdisjoint(reading.document.left_out)
        if known and (declared is None or not declared.one_of):
            reading.find(Code.PLACE_IN_ROLE, at, f"{name} may stand in a role only as a parameter with one_of")


def _is_account(reading: Reading, account: str) -> bool:
    """Tell whether this is an account, or a place that is filled by nothing else."""
    place = re.fullmatch(r"\{\{ *([a-z0-9_]+) *\}\}", account)
    said = reading.said.parameters.get(place[1]) if place else None
    options = (said.one_of if said else None) or ()
    return all(map(_ACCOUNT.fullmatch, options)) if place else _ACCOUNT.fullmatch(account) is not None
