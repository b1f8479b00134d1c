"""The desk: what operators do on the page is what they do at the doors for their tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from vendor.identity.principal import Principal
    from vendor.server.incidents import IncidentDoors
    from vendor.server.listener import Visit


class Desk:
    """Finds, explains, stops and lifts; each method raises Refusal."""

    def __init__(self, incidents: IncidentDoors, explain: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        self._incidents = incidents
        self.explain = explain

    async def find(self, access_key_id: str) -> dict[str, Any]:
        """Return who holds a key."""
        return await self._incidents.holder(access_key_id)

    async def revoke(self, members: dict[str, Any], principal: Principal, visit: Visit) -> dict[str, Any]:
        """Stop whom the members name, and return the revocation and what is out."""
        _, told = await self._incidents.stop(members, principal, visit)
        return told

    async def lift(self, revocation_id: str, principal: Principal, visit: Visit) -> dict[str, Any]:
        """Let somebody on, and return the revocation that was."""
        return await self._incidents.let_on(revocation_id, principal, visit)

    def standing(self) -> list[dict[str, Any]]:
        """Return the revocations in force, the oldest first."""
        return self._incidents.standing()
