"""T18 and F23 under traffic: somebody has the store's password, reads all that is in it and writes what they like."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest
from redis.exceptions import ResponseError

from tests import canaries
from tests.fakes.clock import START
from tests.fakes.sts import numbered
from tests.fakes.valkey import redis, valkey
from tests.faults import always, calls
from tests.faults.replicas import FleetRig
from tests.made import credentials, session
from tests.server.http import get, post
from tests.service import with_room
from vendor.leases import stored
from vendor.leases.sealed import LONGEST, Ring

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from redis.asyncio import Redis

    from tests.faults.telling import Tell
    from tests.faults.traffic import Results

pytestmark = pytest.mark.faults

SERVERS: Final = {"valkey": valkey(), "redis": redis()}
VICTIMS: Final = 300
ROOM: Final = 100
"""Leases that a replica holds: for all others it has to ask the store, again and again."""
SECONDS: Final = 30
SOURCES: Final = ("memory", "store", "sts")
LIFE: Final = 40
"""Seconds that a session lives: what is put back later has ended."""
NOTICES: Final = "vendor:{revocations}:notices"
ENDS: Final = "vendor:{revocations}:ends"
# What would tell who is served, with what, and to whom.
TELLING: Final = (b"ASIA", b"victim", b"analytics", b"reports", b"arn:", b"111122223333", b"serviceaccount")


def _sealed_elsewhere(key_id: str) -> bytes:
    """Return a lease as another service seals it, which has a key of its own under an id that may be ours."""
    of = session()
    return stored.seal(credentials(of), session=of, minted=START, ring=Ring({key_id: os.urandom(32)}))


class Attacker:
    """Writes into a store: `written` counts what by kind, `read` the values that were read, `told` what they told."""

    def __init__(self, store: Redis) -> None:
        self._store: Any = store
        self._dice = random.Random(2026)  # noqa: S311 - a die that falls alike in every run
        self._oldest: dict[bytes, bytes] = {}
        self._seen: dict[bytes, bytes] = {}
        self.written: Counter[str] = Counter()
        self.read = 0
        self.told: set[bytes] = set()
        self.kinds: dict[str, Callable[[bytes, bytes], Awaitable[object]]] = {
            "swapped": lambda name, _: self._put(name, self._another()),
            "older": lambda name, _: self._put(name, self._oldest[name]),
            "older in another place": lambda name, _: self._put(name, self._dice.choice(list(self._oldest.values()))),
            "a notice": self._put_notice,
            "cut": lambda name, raw: self._put(name, raw[: self._dice.randrange(1, len(raw))]),
            "a bit flipped": lambda name, raw: self._put(name, self._flipped(raw)),
            "another key": lambda name, _: self._put(name, _sealed_elsewhere("k1")),
            "another key id": lambda name, _: self._put(name, _sealed_elsewhere("k2")),
            "rubbish": lambda name, _: self._put(name, os.urandom(1_000)),
            "too large": lambda name, raw: self._put(name, raw + bytes(LONGEST)),
            "a megabyte": lambda name, _: self._put(name, bytes(1 << 20)),
            "a list": lambda name, raw: self._retype(name, "rpush", raw),
            "a hash": lambda name, raw: self._retype(name, "hset", "field", raw),
            "without an end": lambda name, _: self._store.persist(name),
            "deleted": lambda name, _: self._store.delete(name),
            "locked": lambda name, _: self._store.set(name.replace(b":lease", b":lock"), "mine", px=200),
        }

    async def attack(self) -> None:
        """Look at all there is and change twenty things of it, twenty times a second, for ever."""
        while True:
            names = await self._look()
            for name in self._dice.sample(names, min(20, len(names))):
                kind = self._dice.choice(list(self.kinds))
                await self._try(kind, self.kinds[kind](name, self._seen[name]))
            await self._try("of revocations", self._lie_about_revocations())
            await asyncio.sleep(0.05)

    async def _try(self, kind: str, writing: Awaitable[object]) -> None:
        """Write, unless what is there is just then of another type."""
        with suppress(ResponseError):
            await writing
            self.written[kind] += 1

    async def _look(self) -> list[bytes]:
        names = [name async for name in self._store.scan_iter("*:lease", count=1_000)]
        for name, raw in zip(names, await self._store.mget(names) if names else [], strict=True):
            if raw is not None:  # it is a string
                self._note(name, raw[:LONGEST])
                if 1 < len(raw) < LONGEST:
                    self._oldest.setdefault(name, raw)
                    self._seen[name] = raw
        for name, raw in (await self._pinned()).items():
            self._note(name, raw)
        return [name for name in names if name in self._seen]

    def _note(self, name: bytes, raw: bytes) -> None:
        self.read += 1
        self.told |= canaries.find(name + b" " + raw) | {word for word in TELLING if word in raw or word in name}

    async def _pinned(self) -> dict[bytes, bytes]:
        with suppress(ResponseError):  # it is a string
            pinned: dict[bytes, bytes] = await self._store.hgetall(NOTICES)
            return pinned
        return {}

    async def _lie_about_revocations(self) -> None:
        """Take the notices away, put them where they are not, and tell everybody to look."""
        pinned = await self._pinned()
        raw = next((raw for raw in pinned.values() if len(raw) > 100), b"")
        match self._dice.randrange(5):
            case 0:
                await self._store.delete(NOTICES, ENDS)
            case 1:
                await self._store.hset(NOTICES, mapping={name: self._flipped(raw) for name in pinned} or {b"x": b"y"})
            case 2:
                await self._store.hset(NOTICES, mapping={f"of-{self._dice.random()}": raw or b"x"})
            case 3:
                await self._store.zadd(ENDS, dict.fromkeys(pinned, 0) or {b"x": 0})
            case 4:
                await self._store.set(NOTICES, "a string")
        await self._store.publish("vendor:revocations", os.urandom(20))

    def _another(self) -> bytes:
        return self._dice.choice(list(self._seen.values()))

    def _flipped(self, raw: bytes) -> bytes:
        changed = bytearray(raw or b"x")
        changed[self._dice.randrange(len(changed))] ^= 1 << self._dice.randrange(8)
        return bytes(changed)

    async def _put(self, name: bytes, raw: bytes) -> None:
        await self._store.set(name, raw, px=3_600_000)

    async def _put_notice(self, name: bytes, _: bytes) -> None:
        """Put what the same keys have sealed for another use."""
        pinned = await self._pinned()
        await self._put(name, next(iter(pinned.values()), b"none"))

    async def _retype(self, name: bytes, command: str, *arguments: Any) -> None:
        await self._store.delete(name)
        await getattr(self._store, command)(name, *arguments)


@pytest.mark.parametrize("server", SERVERS)
async def test_t18_f23_who_writes_into_the_store_is_lent_nothing_and_lends_nothing(
    tmp_path: Path, tell: Tell, server: str
) -> None:
    """F23, T18: somebody with the password of a store reads, swaps, cuts, forges and replays what replicas keep.

    Promised: nobody is given anything but their own; what is none of ours is counted; no secret and no name is read;
    who was stopped stays so.
    """
    if SERVERS[server] is None:
        pytest.skip(f"there is no {server} on this machine")
    async with FleetRig(tmp_path, straight=True, environ=with_room(tmp_path, ROOM), server=SERVERS[server]) as rig:
        sts = rig.fleet.sts
        sts.ids, sts.lifetime = numbered(), timedelta(seconds=LIFE)
        await _stop(rig, "batch-stopped-0")
        async with rig.fleet.store.client() as client:
            attacker = Attacker(client)
            attacking = asyncio.create_task(attacker.attack())
            victims = calls.of(rig.fleet, calls.names("victim", VICTIMS))
            stopped = await rig.send(calls.of(rig.fleet, calls.names("stopped", 1)), rate=5, seconds=SECONDS)
            flows = []
            for number in range(3):  # half of all is asked for what is asked for often
                dice = random.Random(number)  # noqa: S311 - alike in every run
                mixed = [dice.choice(victims[: dice.choice((ROOM // 2, VICTIMS))]) for _ in range(3_000)]
                flows += await rig.send(mixed, rate=100, seconds=SECONDS, to=[number])
            results = await rig.all_results(flows)
            turned_away = await rig.all_results(stopped)
            assert not attacking.done(), attacking.exception()
            attacking.cancel()
        broken = await rig.total("vendor_store_integrity_failures_total")
        sources = {one: await rig.total("vendor_credentials_issued_total", source=one) for one in SOURCES}
        refused, asked = _all_counts(turned_away)["403 revoked"], _all_counts(turned_away).total()
        wrong = always.mistaken(results, sts.issued)
        served = sum(one.counts.get("200", 0) for one in results)
        tell(f"written {dict(attacker.written)}; {broken} counted; {'; '.join(one.told() for one in results)}")
        tell.measured(
            f"{attacker.written.total():,} writes of {len(attacker.written)} kinds; {attacker.read:,} read, with "
            f"{len(attacker.told)} secrets or names; {served:,} hand-outs ({_listed(sources)}), {len(wrong)} wrong; "
            f"{broken:,} counted; {len(sts.requests):,} STS calls; who was stopped refused {refused:,} of {asked:,}"
        )
        assert (wrong, attacker.told) == ([], set())
        assert {kind for one in results for kind in one.counts} <= {"200", "503 sts_unavailable"}
        assert served > 0.99 * sum(len(one.answers) for one in results)
        assert refused == asked > 100
        assert min(sources.values()) > 100
        assert broken > 100
        assert len(attacker.written) == len(attacker.kinds) + 1


async def _stop(rig: FleetRig, name: str) -> None:
    """Stop a service account, and return once every replica knows."""
    said = {"principal": f"system:serviceaccount:analytics:{name}"}
    made = await post(rig.fleet.replicas[0].operations, "/v1/revocations", rig.fleet.operator(), said)
    assert made.status == 201
    for replica in rig.fleet.replicas:
        while (await get(replica.public, calls.PATH, rig.fleet.token(name))).status != 403:  # noqa: ASYNC110 - a process
            await asyncio.sleep(0.05)


def _all_counts(results: list[Results]) -> Counter[str]:
    return sum((Counter(one.counts) for one in results), Counter())


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items())
