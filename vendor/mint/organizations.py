"""Organizations: the active accounts below some parents, as AWS lists them.

Source: ListAccountsForParent, ListOrganizationalUnitsForParent and ListTagsForResource in the AWS Organizations API
reference. Accounts have a `State` now, and had a `Status` before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from vendor.leases.lane import Lane
from vendor.mint.answer import bad
from vendor.mint.call import Call

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from datetime import datetime

    from vendor.mint.asking import Asking
    from vendor.policy.parameter import Organization

SERVICE: Final = "organizations"
MOST_UNITS: Final = 2_000
"""Organizational units that are looked into."""
MOST_PAGES: Final = 10_000
"""Pages of one list."""
WHOM: Final = ("", SERVICE)
"""On whose behalf it is asked: the service's own."""


class Page(NamedTuple):
    """Some of a list, and what the next page is asked for by, None at its end."""

    items: list[dict[str, Any]]
    after: str | None


class List(Call[Page]):
    """Asks for one page of a list; `name` is the member of the answer that holds it."""

    account = ""
    signed = True
    signer = None

    def __init__(self, action: str, name: str, members: Mapping[str, str], after: str | None) -> None:
        self.action = action
        self._name = name
        self._members = {**members, **({} if after is None else {"NextToken": after})}

    def write(self, now: datetime) -> Mapping[str, Any]:  # noqa: ARG002 - it is asked alike at any time
        """Return the members; see `vendor.mint.call.Call.write`."""
        return self._members

    def read(self, answer: Mapping[str, Any], *, sent: Mapping[str, Any], now: datetime, region: str) -> Page:  # noqa: ARG002 - it holds no time
        """Return the page; an empty one may be followed by others."""
        items = answer.get(self._name)
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise bad(f"{self.action}: no {self._name}")
        return Page(items, answer.get("NextToken") or None)


async def accounts(organization: Organization, *, asking: Asking) -> frozenset[str]:
    """Return the active accounts below the parents of an organization, those that have all of its tags.

    All of them or none: raises Refusal.
    """
    found: set[str] = set()
    units, seen = list(organization.parents), set(organization.parents)
    while units:
        parent = {"ParentId": units.pop()}
        async for account in _each("ListAccountsForParent", "Accounts", parent, asking):
            if (account.get("State") or account.get("Status")) == "ACTIVE" and await _tagged(
                str(account.get("Id")), organization, asking
            ):
                found.add(str(account.get("Id")))
        async for unit in _each("ListOrganizationalUnitsForParent", "OrganizationalUnits", parent, asking):
            if unit.get("Id") not in seen:
                seen.add(str(unit.get("Id")))
                units.append(str(unit.get("Id")))
        if len(seen) > MOST_UNITS:
            raise bad(f"more than {MOST_UNITS} organizational units")
    return frozenset(found)


async def _tagged(account: str, organization: Organization, asking: Asking) -> bool:
    wanted = dict(organization.tags)
    if not wanted:
        return True
    had = {tag.get("Key"): tag.get("Value") async for tag in _each(*_TAGS, {"ResourceId": account}, asking)}
    return all(had.get(key) == value for key, value in wanted.items())


_TAGS: Final = ("ListTagsForResource", "Tags")


async def _each(action: str, name: str, members: Mapping[str, str], asking: Asking) -> AsyncIterator[dict[str, Any]]:
    after: str | None = None
    for _ in range(MOST_PAGES):
        page = await asking.ask(List(action, name, members, after), lane=Lane.FIRST, whom=WHOM)
        for item in page.items:
            yield item
        after = page.after
        if after is None:
            return
    raise bad(f"{action}: a list without an end")
