"""Paging: long lists in pieces, each of which has an end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from vendor.refusals import InvalidRequest, Reason
from vendor.server import documents

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST: Final = 500
"""Items of one page."""
MOST_BYTES: Final = 384 * 1024
"""Bytes of the items of one page, unless it is a single one: clients read a mebibyte."""


class Wanted(NamedTuple):
    """The items that are wanted: those behind a number, and at most how many."""

    after: int
    most: int


def read_wanted(members: dict[str, str]) -> Wanted:
    """Take `after` and `limit` out of a query, of which nothing may be left then.

    Raises InvalidRequest.
    """
    wanted = Wanted(_number(members, "after", 0), min(_number(members, "limit", MOST), MOST))
    if wanted.most == 0:
        raise InvalidRequest(Reason.MALFORMED_REQUEST, "limit must be at least 1")
    if members:
        raise InvalidRequest(Reason.UNDECLARED_PARAMETER, f"the query has no member {min(members):.63}")
    return wanted


def write_page(name: str, items: Iterable[tuple[int, dict[str, Any]]], wanted: Wanted) -> bytes:
    """Return a page of numbered items, with `next` to be sent as `after` for the one behind it, null if there is none.

    There must be one item more than are wanted, if there is one.
    """
    page: list[dict[str, Any]] = []
    size, last, following = 0, 0, None
    for number, item in items:
        size += len(documents.dump(item))
        if page and (len(page) == wanted.most or size > MOST_BYTES):
            following = str(last)
            break
        page.append(item)
        last = number
    return documents.dump({name: page, "next": following})


def _number(members: dict[str, str], name: str, default: int) -> int:
    said = members.pop(name, None)
    if said is None:
        return default
    if not (said.isascii() and said.isdigit() and len(said) < 16):  # noqa: PLR2004 - far beyond any number of items
        raise InvalidRequest(Reason.MALFORMED_REQUEST, f"{name} must be a whole number")
    return int(said)
