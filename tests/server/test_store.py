"""Replicas that share a store, over sockets: what one was given the others lend, and a reload puts it in and out."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.fakes.faults import error
from tests.faults.scrape import Scrape
from tests.fleet import Fleet
from tests.server.http import Answer, get

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.service import Served

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATH = "/v1/credentials/reports:read"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def fleet(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Fleet]:
    async with Fleet(tmp_path_factory.mktemp("fleet")) as running:
        yield running


async def ask(replica: Served, fleet: Fleet, account: str) -> Answer:
    return await get(replica.public, PATH, fleet.token(account))


async def scrape(replica: Served) -> Scrape:
    return Scrape((await get(replica.operations, "/metrics")).body.decode())


async def generation(replica: Served, number: int) -> None:
    async with asyncio.timeout(20):
        while (await scrape(replica)).value("vendor_config_generation") < number:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)


async def stored(fleet: Fleet) -> None:
    """Wait until what was minted is in the store: it gets there while nobody waits, and its lock goes then."""
    async with asyncio.timeout(5), fleet.store.client() as client:
        while [key async for key in client.scan_iter("*:lock")]:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.01)


async def test_what_one_replica_was_given_the_other_lends_and_says_so(fleet: Fleet) -> None:
    one, other = fleet.replicas[:2]
    first = await ask(one, fleet, "batch-shared")
    await stored(fleet)
    second = await ask(other, fleet, "batch-shared")
    assert first.json["AccessKeyId"] == second.json["AccessKeyId"]
    assert [fleet.audit(number)[-1]["source"] for number in (0, 1)] == ["sts", "store"]
    metrics = await scrape(other)
    assert metrics.value("vendor_credentials_issued_total", source="store") >= 1
    assert metrics.value("vendor_store_requests_total", operation="claim", result="ok") >= 1


async def test_the_store_holds_no_name_and_no_secret_of_anybodys(fleet: Fleet) -> None:
    await ask(fleet.replicas[0], fleet, "batch-seen")
    await stored(fleet)
    async with fleet.store.client() as attacker:
        seen = b"".join([key + (await attacker.get(key) or b"") async for key in attacker.scan_iter("*:lease")])
    assert len(seen) > 500
    for word in (b"CANARY", b"batch", b"reports", b"ASIA", b"arn:"):
        assert word not in seen


async def test_a_replica_that_begins_during_an_outage_of_sts_serves_what_is_stored(fleet: Fleet) -> None:
    await ask(fleet.replicas[0], fleet, "batch-restart")
    await stored(fleet)
    fleet.sts.fault(error("ServiceUnavailable"))
    begun = await fleet.begin()
    try:
        assert (await ask(begun, fleet, "batch-restart")).status == 200
        assert fleet.audit(len(fleet.replicas) - 1)[-1]["source"] == "store"
        assert (await ask(begun, fleet, "batch-never-seen")).status == 503
    finally:
        fleet.sts.heal()


async def test_what_somebody_wrote_into_the_store_is_counted_and_told_and_not_lent(fleet: Fleet) -> None:
    one, other = fleet.replicas[:2]
    await ask(one, fleet, "batch-victim")
    await stored(fleet)
    async with fleet.store.client() as attacker:
        async for key in attacker.scan_iter("*:lease"):
            await attacker.set(key, b"FORGED-bytes", px=3_600_000)
    before = len(fleet.sts.requests)
    assert (await ask(other, fleet, "batch-victim")).status == 200
    assert len(fleet.sts.requests) == before + 1
    assert (await scrape(other)).value("vendor_store_integrity_failures_total") >= 1
    assert any("store holds something that is not ours" in line for line in other.log)
    assert not any("FORGED" in line for replica in fleet.replicas for line in replica.log)


async def test_a_reload_takes_the_store_out_and_puts_it_in_again(fleet: Fleet) -> None:
    one, other = fleet.replicas[:2]
    path = fleet.folders[1] / "vendor.yaml"
    sharing = path.read_text()
    (line,) = [line for line in sharing.splitlines() if line.startswith("store:")]
    number = int((await scrape(other)).value("vendor_config_generation"))
    await ask(one, fleet, "batch-reload")
    path.write_text(sharing.replace(f"{line}\n", ""))
    await generation(other, number + 1)
    assert (await ask(other, fleet, "batch-reload")).status == 200
    assert fleet.audit(1)[-1]["source"] == "sts"
    path.write_text(sharing)
    await generation(other, number + 2)
    await ask(one, fleet, "batch-after")
    await stored(fleet)
    assert (await ask(other, fleet, "batch-after")).status == 200
    assert fleet.audit(1)[-1]["source"] == "store"
    connected = (await scrape(other)).value("vendor_store_requests_total", operation="probe")
    path.write_text(sharing + "\n")
    await generation(other, number + 3)
    assert (await scrape(other)).value("vendor_store_requests_total", operation="probe") == connected


async def test_an_operator_is_told_that_the_store_is_away_and_that_it_is_back(fleet: Fleet) -> None:
    other = fleet.replicas[1]
    await fleet.between[1].down()
    for number in range(5):
        assert (await ask(other, fleet, f"batch-away-{number}")).status == 200
    await fleet.between[1].up()
    async with asyncio.timeout(20):
        while not any("store answers" in line for line in other.log):
            await ask(other, fleet, f"batch-back-{len(other.log)}-{len(fleet.sts.requests)}")
            await asyncio.sleep(0.1)
    (told,) = [line for line in other.log if "store let alone" in line]
    assert "ConnectionError" in told
    assert "CANARY" not in told


async def test_a_key_that_changes_is_followed(fleet: Fleet) -> None:
    """Each replica sees the file by itself; what was sealed with the old key is then nobody's word any more."""
    numbers = [int((await scrape(replica)).value("vendor_config_generation")) for replica in fleet.replicas]
    await ask(fleet.replicas[0], fleet, "batch-rotated")
    (fleet.folder / "k1").write_bytes(bytes(range(32)))
    for replica, number in zip(fleet.replicas, numbers, strict=True):
        await generation(replica, number + 1)
    assert (await ask(fleet.replicas[1], fleet, "batch-rotated")).status == 200
    assert fleet.audit(1)[-1]["source"] == "sts"
