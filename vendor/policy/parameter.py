"""Parameters: what a caller may say to narrow a grant, and which values may enter a policy at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from vendor.refusals import Reason, StsUnavailable, ValueNotAllowed

if TYPE_CHECKING:
    import re
    from collections.abc import Set as AbstractSet

LONGEST: Final = 256
"""Characters of the longest value that is looked at."""

PLAIN: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._=@-")
"""What a value may be made of when nothing widens it: no delimiter of an ARN, nothing that IAM or JSON reads."""

NEVER: Final = frozenset("*?$\"'`\\{}") | frozenset(map(chr, [*range(0x20), *range(0x7F, 0xA0)]))
"""What no declaration admits: IAM's wildcards and variables, quotes, braces and control characters."""


class Organization(NamedTuple):
    """The active accounts below these parents of an organization that have all of these tags."""

    target: str
    parents: tuple[str, ...]
    tags: tuple[tuple[str, str], ...]


class _Any(frozenset[str]):
    """Every account there could be."""

    def __contains__(self, _: object) -> bool:
        return True


def any_account(_: Organization) -> frozenset[str]:
    """Take every account for one of an organization, where nobody can ask AWS and nothing is minted."""
    return _Any()


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One declared parameter.

    `pattern` is matched against the whole value; `one_of` lists the values; with `path`, and in a list, `/` may stand
    between non-empty segments. `default` None means that the caller must give it. With `organization` the values
    are accounts that AWS lists, which are known from time to time.
    """

    name: str
    pattern: re.Pattern[str] | None
    one_of: tuple[str, ...]
    path: bool
    default: str | None
    description: str = ""
    organization: Organization | None = None

    def admit(self, value: str, *, listed: AbstractSet[str] | None = None) -> str:
        """Return the value if it may be put into a policy; `listed` are the accounts of its organization.

        Raises ValueNotAllowed, or StsUnavailable while nobody has listed them.
        """
        if self.organization is not None and listed is None:
            public = "the accounts of the organization cannot be had at the moment"
            raise StsUnavailable(Reason.ACCOUNTS_UNKNOWN, public, retry_after=2)
        if not self._admits(value) or (listed is not None and value not in listed):
            raise ValueNotAllowed(
                Reason.VALUE,
                f"the value of parameter {self.name} is not allowed",
                detail=f"parameter {self.name} is {value[:LONGEST]!r}",
            )
        return value

    def _admits(self, value: str) -> bool:
        # A list says each value in full, so that a `/` in one of them surprises nobody.
        if not is_fillable(value, path=self.path or bool(self.one_of)):
            return False
        if self.one_of:
            return value in self.one_of
        if self.pattern is not None:
            return self.pattern.fullmatch(value) is not None
        return PLAIN.issuperset(value.replace("/", "") if self.path else value)


def admit_attribute(name: str, value: object) -> str:
    """Return an attribute's value if it may be put into a policy: a plain string, of the closed character set.

    Raises ValueNotAllowed.
    """
    if isinstance(value, str) and PLAIN.issuperset(value) and is_fillable(value, path=False):
        return value
    raise ValueNotAllowed(
        Reason.VALUE,
        f"the attribute {name} of this identity may not be put into a policy",
        detail=f"attribute {name} is {value!r:.{LONGEST}}",
    )


def is_fillable(value: str, *, path: bool) -> bool:
    """Tell whether a value keeps to what no declaration can widen."""
    segments = value.split("/") if path else [value]
    return (
        len(value) <= LONGEST
        and max(value, default="") <= "\xff"
        and NEVER.isdisjoint(value)
        and (path or "/" not in value)
        and all(segment not in {"", ".", ".."} for segment in segments)
    )
