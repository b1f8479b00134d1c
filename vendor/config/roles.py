"""Roles: the ARNs that mints name, and what may stand in their places."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from vendor.config.codes import Code
from vendor.config.reading import read_text
from vendor.policy.template import Text

if TYPE_CHECKING:
    from vendor.config.findings import Path
    from vendor.config.reading import Reading
    from vendor.config.values import Target

ACCOUNT: Final = re.compile(r"[0-9]{12}", re.ASCII)
_ROLE: Final = re.compile(r"arn:(aws|aws-us-gov|aws-cn):iam::([^:]*):role/(.+)", re.DOTALL)
_ROLE_TEXT: Final = re.compile(r"[A-Za-z0-9_+=,.@/-]*", re.ASCII)


def role(reading: Reading, at: Path, said: str, target: Target | None) -> Text | None:
    """Return a role's ARN, None with findings if it is no text; whatever else is wrong with it is found too.

    Its places may be filled with listed values only.
    """
    text = read_text(reading, at, said)
    if text is None:
        return None
    found = _ROLE.fullmatch(str(text))
    if found is None:
        reading.find(Code.ROLE, at, "expected a role's ARN: arn:aws:iam::111122223333:role/name")
        return text
    aws = target is not None and target.endpoint_url is None
    if not (is_account(reading, found[2]) or (found[2] == "" and not aws)):
        reading.find(Code.ROLE, at, "expected an account of twelve digits")
    if not _ROLE_TEXT.fullmatch("".join(part for part in Text.parse(found[3]).parts if isinstance(part, str))):
        reading.find(Code.ROLE, at, "holds a character that the name of a role cannot have")
    check_partition(reading, at, found[1], target)
    check_listed(reading, at, text)
    return text


def check_partition(reading: Reading, at: Path, partition: str, target: Target | None) -> None:
    """Find an ARN of another partition than that of AWS's regions which are asked about it."""
    if target is not None and target.endpoint_url is None and target.partition != partition:
        reading.find(Code.ROLE_PARTITION, at, f"the role is in {partition}, the target's regions are not")


def check_listed(reading: Reading, at: Path, text: Text) -> None:
    """Find a place that could be filled by anything but a listed value."""
    for name in text.names():
        declared, written = reading.said.parameters.get(name), (*reading.at, "parameters", name)
        known = {written, (*written, "one_of"), (*written, "accounts")}.isdisjoint(reading.document.left_out)
        if known and (declared is None or not (declared.one_of or declared.accounts)):
            reading.find(Code.PLACE_IN_ROLE, at, f"{name} may stand in a role only as a parameter with one_of")


def is_account(reading: Reading, account: str) -> bool:
    """Tell whether this is an account, or a place that is filled by nothing else."""
    place = re.fullmatch(r"\{\{ *([a-z0-9_]+) *\}\}", account)
    said = reading.said.parameters.get(place[1]) if place else None
    options = (said.one_of if said else None) or ()
    return all(map(ACCOUNT.fullmatch, options)) if place else ACCOUNT.fullmatch(account) is not None
