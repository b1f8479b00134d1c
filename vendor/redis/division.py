"""What replicas want of something that they divide: a hash of numbers, each with its end."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from vendor.redis.server import Server

MOST: Final = 1_000
"""Replicas that are counted; what else is in the hash is forgotten."""
_DIVIDE: Final = f"""
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ':' .. string.format('%.0f', now + ARGV[3]))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
if redis.call('HLEN', KEYS[1]) > {MOST} then redis.call('DEL', KEYS[1]) end
local all, count = redis.call('HGETALL', KEYS[1]), 0
local total = 0
for at = 1, #all, 2 do
  local wanted, ends = string.match(all[at + 1], '^(%d%d?%d?%d?%d?%d?%d?%d?%d?):(%d+)$')
  if wanted and tonumber(ends) > now and tonumber(ends) <= now + ARGV[3] then
    total = total + wanted
    count = count + 1
  else
    redis.call('HDEL', KEYS[1], all[at])
  end
end
return {{total, count}}
"""


class RedisDivision:
    """What replicas want, on a server; each object is one replica. See `vendor.mint.shares.Division`."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._replica = secrets.token_hex(8)

    async def divide(self, name: str, *, wanted: int, lasts: float) -> tuple[int, int]:
        """Note what this replica wants; see `vendor.mint.shares.Division.divide`."""
        key = f"{self._server.prefix}:{{budget:{name}}}"
        lasting = int(lasts * 1000)
        command = ("EVAL", _DIVIDE, 1, key, self._replica, wanted, lasting)
        shared: tuple[int, int] = await self._server.ask("divide", *command, read=_shared)
        return shared


def _shared(answer: Any) -> tuple[int, int]:
    """Read what the script returns. Raises ValueError for anything else."""
    match answer:
        case [int(total), int(count)]:
            return total, count
    raise ValueError("no numbers")
