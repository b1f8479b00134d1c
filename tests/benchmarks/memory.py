"""Memory for each lease: what a process grows by when many principals are lent their first credentials.

`python -m tests.benchmarks.memory --leases 100000` goes the way of an exchange, from decision to hand-out, with a mint
that answers at once with a session token of AWS's size, and prints the growth. All that is kept of it counts: the lease
and its turn, the expiry ledger, whose key it is, and the memories that are bounded whatever the number of leases.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import sys
import tempfile
import time
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_bytes, token_urlsafe
from typing import TYPE_CHECKING, Any, Final

from tests import made
from tests.service import CONFIGURATION
from vendor.audit import Door, Entry
from vendor.config import load
from vendor.credentials import Credentials, Secret
from vendor.leases.expiry import ExpiryLedger
from vendor.leases.holders import Holders
from vendor.leases.lease import Warrant
from vendor.leases.leases import LOOK, Leases
from vendor.policy.decision import Asked, Mapping
from vendor.process import SystemClock, calm_collector

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from vendor.identity.principal import Principal
    from vendor.leases.lane import Lane
    from vendor.policy.proof import Proof
    from vendor.policy.session import RoleSession

TOKEN_SIZE: Final = 1_000
"""Characters of the session token of a role session with a policy and tags, as AWS gives them."""
FIRST: Final = 100
LOOKED_AFTER: Final = 250
"""Leases after which is looked at what is due: a service that mints a thousand a second does."""
WARM: Final = 20_000
"""Warm requests that are timed, of as many principals, or of all where there are fewer."""
PAGE: Final = os.sysconf("SC_PAGE_SIZE")
ASKED: Final = Asked(scope="reports:read", parameters={"month": "2026-03"})


class Mint:
    """Answers at once."""

    async def mint(self, session: RoleSession, *, lane: Lane, proof: Proof) -> Credentials:
        return Credentials(
            access_key_id=f"ASIA{token_urlsafe(12)}",
            secret_access_key=Secret(token_urlsafe(30)),
            session_token=Secret(b64encode(token_bytes(TOKEN_SIZE * 3 // 4)).decode()),
            expiration=datetime.now(UTC).replace(microsecond=0) + session.duration,
            account_id=sys.intern(session.role_arn.split(":")[4]),
            role_arn=session.role_arn,
            user_id=f"AROA{token_urlsafe(12)}:{session.session_name}",
            packed_policy_size=12,
            region="eu-west-1",
        )


class Vendor:
    """What is behind the doors, without a wire."""

    def __init__(self, mapping: Mapping) -> None:
        self._mapping = mapping
        self._clock = SystemClock()
        self._holders = Holders(clock=self._clock)
        self.expiry = ExpiryLedger(clock=self._clock)
        self.leases = Leases(mint=Mint(), clock=self._clock, expiry=self.expiry)

    async def lend(self, principal: Principal) -> None:
        """Lend a principal its credentials, and note what an exchange notes."""
        permission, asked = self._mapping.settle(principal, ASKED)
        session = self._mapping.open(permission, principal, asked, holder=self.leases)
        now = self._clock.now()
        entry = Entry(
            time=now,
            request_id="0123456789abcdef",
            door=Door.CONTAINER,
            asked=asked,
            generation=1,
            token_sha256=principal.token_sha256,
        )
        lease, entry.source = await self.leases.lend(
            session,
            deadline=self._clock.monotonic() + 30,
            warrant=Warrant(permission.scope, principal.token_expires),
        )
        entry.principal, entry.permission, entry.session = principal, permission, session
        entry.credentials, entry.minted = lease.credentials, lease.minted
        self._holders.observe(entry)

    async def look(self, seconds: float) -> None:
        """Look at what is due for so long, as often as the service does."""
        until = self._clock.monotonic() + seconds
        while self._clock.monotonic() < until:
            self.leases.look()
            await asyncio.sleep(LOOK)


def principal(number: int) -> Principal:
    """Return a pod's identity with all that a Kubernetes token tells of it, made anew as a token's are."""
    name = f"batch-{number:06d}"
    subject = f"system:serviceaccount:analytics:{name}"
    attributes = {
        "issuer": "cluster-a",
        "subject": subject,
        "namespace": "analytics",
        "service_account": name,
        "service_account_uid": f"00000000-0000-4000-8000-{number:012d}",
        "pod": f"{name}-7d4b9c6f5d-x{number % 9973:04d}",
        "pod_uid": f"11111111-0000-4000-8000-{number:012d}",
        "node": f"ip-10-0-{number % 250}-17.eu-west-1.compute.internal",
    }
    return made.principal(
        subject=subject,
        attributes=attributes,
        token_sha256=f"{number:064x}",
        token_expires=datetime.now(UTC) + timedelta(hours=1),
    )


def resident() -> int:
    """Return the bytes that this process holds resident (proc(5), statm)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


async def growth(leases: int) -> dict[str, float]:
    """Return by how many bytes the process grows for so many leases, and what they cost those that come afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "vendor.yaml"
        file.write_text(CONFIGURATION.format(audit="-", issuer="https://localhost:1", sts="http://127.0.0.1:9"))
        configuration = load(file, environ={})
    vendor = Vendor(Mapping(scopes=configuration.scopes, generation=1))
    for number in range(FIRST):  # what is made once is no growth
        await vendor.lend(principal(number))
    gc.collect()
    before = resident()
    for number in range(FIRST, FIRST + leases):
        await vendor.lend(principal(number))
        if number % LOOKED_AFTER == 0:
            vendor.leases.look()
    gc.collect()
    grown = resident() - before
    assert sum(vendor.expiry.active().values()) == FIRST + leases
    calm_collector()
    return {"leases": leases, "bytes": grown, "each": grown / leases, **await _costs(vendor, leases)}


async def _costs(vendor: Vendor, leases: int) -> dict[str, float]:
    """Return the CPU of a warm request behind its door, and for how long a turn keeps the loop, at rest and in a sweep.

    All of it is CPU, so that other work on the machine does not count.
    """
    asking = min(WARM, leases)
    coming = [principal(FIRST + number * leases // asking) for number in range(asking)]
    for one in coming:
        await vendor.lend(one)
    began = time.thread_time()
    for number in range(WARM):
        await vendor.lend(coming[number % asking])
    warm = (time.thread_time() - began) / WARM
    rest = await _longest(vendor.look(1.0))
    began = time.thread_time()
    swept = await _longest(vendor.leases.drop())
    sweep = time.thread_time() - began
    return {"warm_us": warm * 1e6, "sweep_s": sweep, "rest_most_ms": rest * 1000, "sweep_most_ms": swept * 1000}


async def _longest(work: Coroutine[Any, Any, None]) -> float:
    """Return the seconds of the longest turn of the loop while this runs."""
    task, longest = asyncio.create_task(work), 0.0
    while not task.done():
        began = time.thread_time()
        await asyncio.sleep(0)
        longest = max(longest, time.thread_time() - began)
    return longest


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.memory", description=__doc__)
    parser.add_argument("--leases", type=int, default=100_000, help="how many principals are lent credentials")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    found = asyncio.run(growth(options.leases))
    text = f"{options.leases} leases: {found['bytes'] / 1e6:.0f} MB, {found['each']:.0f} bytes each"
    print(json.dumps(found) if options.json else text)  # noqa: T201 - its output


if __name__ == "__main__":
    main()
