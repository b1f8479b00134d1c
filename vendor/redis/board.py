"""A board on the server: a hash of notices, a set of their ends, and a channel that tells of each new one."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from redis.exceptions import RedisError

from vendor.leases.notices import LONGEST, LONGEST_NAME, MOST
from vendor.leases.store import StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vendor.redis.server import Server

SUBSCRIBE: Final = 1.0
"""Seconds for subscribing to the channel."""
TOGETHER: Final = 200
"""Notices, about, that are read in one go: all that there may be would take longer than the server is waited for."""
MOST_PAGES: Final = 1_000
"""Times that one goes on reading: what is there that is too long to be read has no end."""

_PIN: Final = """
local now = redis.call('TIME')[1]
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], now + ARGV[3], ARGV[1])
for _, key in ipairs(KEYS) do
  if redis.call('TTL', key) < tonumber(ARGV[3]) then redis.call('EXPIRE', key, ARGV[3]) end
end
"""
_PAGE: Final = f"""
local now = redis.call('TIME')[1]
for _, name in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, 1000)) do
  redis.call('HDEL', KEYS[1], name)
  redis.call('ZREM', KEYS[2], name)
end
local page = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', {TOGETHER})
local found = {{page[1]}}
for at = 1, #page[2], 2 do
  if #page[2][at] <= {LONGEST_NAME} and #page[2][at + 1] <= {LONGEST} then
    found[#found + 1] = page[2][at]
    found[#found + 1] = page[2][at + 1]
  end
end
return found
"""


class RedisBoard:
    """One board of a server, by its name; see `vendor.leases.store.Board`."""

    def __init__(self, server: Server, name: str) -> None:
        self._server = server
        self._keys = [f"{server.prefix}:{{{name}}}:notices", f"{server.prefix}:{{{name}}}:ends"]
        self._channel = f"{server.prefix}:{name}"
        self._listening: Any = None

    async def pin(self, name: str, raw: bytes, *, seconds: float) -> None:
        """Pin a notice and tell of it; see `vendor.leases.store.Board.pin`."""
        arguments = [*self._keys, name, raw, int(seconds) + 1]
        await self._server.ask("pin", "EVAL", _PIN, 2, *arguments)
        await self._server.ask("tell", "PUBLISH", self._channel, b"")

    async def pinned(self) -> Mapping[str, bytes]:
        """Return what is pinned; see `vendor.leases.store.Board.pinned`."""
        pinned: dict[str, bytes] = {}
        cursor = b"0"
        for _ in range(MOST_PAGES):
            cursor, found = await self._server.ask("read", "EVAL", _PAGE, 2, *self._keys, cursor, read=_page)
            pinned |= found
            if cursor == b"0" or len(pinned) >= MOST:
                break
        return pinned

    async def change(self, seconds: float) -> None:
        """Wait for a change; see `vendor.leases.store.Board.change`. That we listen now counts as one."""
        try:
            if self._listening is None:
                self._listening = self._server.listener()
                async with asyncio.timeout(SUBSCRIBE):
                    await self._listening.subscribe(self._channel)
            await self._listening.get_message(timeout=seconds)
        except (RedisError, OSError) as exc:
            await self.close()
            raise StoreError(type(exc).__name__) from exc

    async def close(self) -> None:
        """Stop listening."""
        listening, self._listening = self._listening, None
        if listening is not None:
            with suppress(RedisError, OSError):
                await listening.aclose()


def _page(answer: Any) -> tuple[bytes, dict[str, bytes]]:
    """Read what the script returns: where to go on, and notices by name. Raises ValueError for anything else."""
    match answer:
        case [bytes(cursor), *found] if all(isinstance(one, bytes) for one in found):
            pairs = zip(found[::2], found[1::2], strict=True)
            return cursor, {name.decode(errors="replace"): raw for name, raw in pairs}
    raise ValueError("no page")
