"""Leases on the server: each a string that ends with it, and a lock beside it that ends in a moment.

Both are in one slot of a cluster. A lock is a token that nobody else has; scripts compare it, so that whoever has lost
it, by being slow, changes nothing that others have made since.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from vendor.leases.sealed import LONGEST
from vendor.leases.store import Slot

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vendor.redis.server import Server

# Of something that is no string or too long, as much is returned as shows that it is none of ours.
_PEEK: Final = f"""
local raw = redis.pcall('GETRANGE', KEYS[1], 0, {LONGEST})
if type(raw) == 'table' then raw = '?' end
local left = redis.call('PTTL', KEYS[1])
"""
_CLAIM: Final = f"""
{_PEEK}
if left >= tonumber(ARGV[2]) then return {{raw, left, 0}} end
if redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[3]) then return {{raw, left, 1}} end
return {{raw, left, redis.call('GET', KEYS[2]) == ARGV[1] and 1 or 0}}
"""
_LOOK: Final = f"""
{_PEEK}
return {{raw, left, 0}}
"""
_MINE: Final = "redis.call('GET', KEYS[2]) == ARGV[1]"
_HOLD_ON: Final = f"if {_MINE} then redis.call('PEXPIRE', KEYS[2], ARGV[2]) end"
_LET_GO: Final = f"if {_MINE} then redis.call('DEL', KEYS[2]) end"
_PUT: Final = f"""
if {_MINE} then
  redis.call('DEL', KEYS[2])
elseif redis.call('PTTL', KEYS[1]) >= tonumber(ARGV[3]) then
  return
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
"""
_DISCARD: Final = f"""
{_PEEK}
if raw == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""


class RedisLeases:
    """Sealed leases of a server; see `vendor.leases.store.Store`."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def claim(self, name: str, *, token: str, wanted: float, lock: float) -> Slot:
        """Return what there is, and lock it; see `vendor.leases.store.Store.claim`."""
        return await self._see("claim", _CLAIM, name, token, _milliseconds(wanted), _milliseconds(lock))

    async def peek(self, name: str) -> Slot:
        """Return what there is; see `vendor.leases.store.Store.peek`."""
        return await self._see("peek", _LOOK, name)

    async def hold_on(self, name: str, *, token: str, lock: float) -> None:
        """Hold a lock for longer; see `vendor.leases.store.Store.hold_on`."""
        await self._ask("hold_on", _HOLD_ON, name, token, _milliseconds(lock))

    async def put(self, name: str, raw: bytes, *, token: str, seconds: float) -> None:
        """Keep the bytes; see `vendor.leases.store.Store.put`."""
        await self._ask("put", _PUT, name, token, raw, _milliseconds(seconds))

    async def let_go(self, name: str, *, token: str) -> None:
        """Let go of the lock; see `vendor.leases.store.Store.let_go`."""
        await self._ask("let_go", _LET_GO, name, token)

    async def discard(self, name: str, raw: bytes) -> None:
        """Forget these bytes; see `vendor.leases.store.Store.discard`."""
        await self._ask("discard", _DISCARD, name, raw)

    async def forget(self, names: Iterable[str]) -> None:
        """Forget what there is; see `vendor.leases.store.Store.forget`."""
        asking = (self._server.ask("forget", "UNLINK", self._keys(name)[0]) for name in names)
        for failure in await asyncio.gather(*asking, return_exceptions=True):
            if isinstance(failure, BaseException):
                raise failure

    async def _see(self, operation: str, script: str, name: str, *arguments: Any) -> Slot:
        slot: Slot = await self._server.ask(operation, "EVAL", script, 2, *self._keys(name), *arguments, read=_slot)
        return slot

    async def _ask(self, operation: str, script: str, name: str, *arguments: Any) -> None:
        await self._server.ask(operation, "EVAL", script, 2, *self._keys(name), *arguments)

    def _keys(self, name: str) -> tuple[str, str]:
        place = f"{self._server.prefix}:{{{name}}}"
        return f"{place}:lease", f"{place}:lock"


def _slot(answer: Any) -> Slot:
    """Read what a script returns. Raises ValueError for anything else: what the server says is not ours to trust."""
    match answer:
        case [bytes(raw), int(left), int(ours)]:
            return Slot(raw, max(0.0, left / 1000), ours == 1)
    raise ValueError("no slot")


def _milliseconds(seconds: float) -> int:
    return max(1, int(seconds * 1000))
