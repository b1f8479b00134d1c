"""Each way to a store: with a user and a password, under TLS, a cluster, and by way of sentinels."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from tests.fakes.valkey import Valkey, free_port, redis, valkey
from vendor.credentials import Secret
from vendor.leases.store import StoreError
from vendor.process import SystemClock
from vendor.redis.board import RedisBoard
from vendor.redis.client import Place, connect, tls_context
from vendor.redis.leases import RedisLeases
from vendor.redis.server import Server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

HOST = "127.0.0.1"
with_redis = pytest.mark.skipif(redis() is None, reason="the machine has no redis-server, and the wheel's knows no TLS")
with_valkey = pytest.mark.skipif(valkey() is None, reason="there is no wheel of valkey-server for this machine")


@asynccontextmanager
async def server_at(place: Place, results: Counter[tuple[str, str]] | None = None) -> AsyncIterator[Server]:
    counted: Counter[tuple[str, str]] = Counter() if results is None else results

    def report(operation: str, result: str) -> None:
        counted[operation, result] += 1

    server = Server(connect(place), prefix="vendor", clock=SystemClock(), report=report, rest=0.1, tick=0.1)
    await server.open()
    try:
        yield server
    finally:
        await server.close()


async def works(server: Server, names: int = 1) -> None:
    """Do all that is ever done with a store."""
    store, board = RedisLeases(server), RedisBoard(server, "revocations")
    for name in map(str, range(names)):
        assert (await store.claim(name, token="a", wanted=10, lock=5)).ours
        await store.hold_on(name, token="a", lock=5)
        await store.put(name, b"raw", token="a", seconds=60)
        assert (await store.peek(name)).raw == b"raw"
        await store.let_go(name, token="a")
        await store.discard(name, b"other")
    await asyncio.gather(*(store.claim(str(name), token="b", wanted=10, lock=5) for name in range(names)))
    await store.forget(map(str, range(names)))
    await board.change(0.2)
    listening = asyncio.create_task(board.change(5))
    await asyncio.sleep(0.05)
    await board.pin("notice", b"raw", seconds=60)
    async with asyncio.timeout(2):
        await listening
    assert await board.pinned() == {"notice": b"raw"}
    await board.close()


async def refuses(place: Place) -> None:
    results: Counter[tuple[str, str]] = Counter()
    async with server_at(place, results) as server:
        with pytest.raises(StoreError):
            await RedisLeases(server).peek("name")
    assert results["probe", "error"] == 1


@pytest.mark.parametrize("binary", [pytest.param(redis(), marks=with_redis), pytest.param(valkey(), marks=with_valkey)])
async def test_everything_works_with_redis_and_with_valkey_in_any_database(binary: str) -> None:
    async with Valkey(binary=binary) as server, server_at(Place(nodes=((HOST, server.port),), database=3)) as asked:
        await works(asked)


async def test_a_user_has_a_password() -> None:
    async with Valkey("--user", "vendor", "on", ">CANARY-password", "~vendor:*", "&vendor:*", "+@all") as server:
        place = Place(nodes=((HOST, server.port),), user="vendor", password=Secret("CANARY-password"))
        assert "CANARY" not in repr(place)
        async with server_at(place) as asked:
            await works(asked)
            assert "CANARY" not in repr(asked._client)
        await refuses(Place(nodes=((HOST, server.port),), user="vendor", password=Secret("CANARY-wrong")))


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    for name in (HOST, "client"):
        made = authority.issue_cert(name)
        made.private_key_pem.write_to_path(tmp_path / f"{name}.key")
        made.cert_chain_pems[0].write_to_path(tmp_path / f"{name}.pem")
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    return tmp_path


def _tls(folder: Path, port: int) -> list[str]:
    files = ["--tls-cert-file", f"{folder}/{HOST}.pem", "--tls-key-file", f"{folder}/{HOST}.key"]
    return ["--port", "0", "--tls-port", str(port), "--tls-ca-cert-file", f"{folder}/ca.pem", *files]


@with_redis
async def test_under_tls_both_sides_show_who_they_are(certificates: Path) -> None:
    port = free_port()
    given: dict[str, Any] = {"nodes": ((HOST, port),), "tls": True}
    shown: dict[str, Any] = {"certificate": certificates / "client.pem", "private_key": certificates / "client.key"}
    async with Valkey(*_tls(certificates, port), binary=redis(), port=port):
        async with server_at(Place(**given, ca_file=certificates / "ca.pem", **shown)) as asked:
            await works(asked)
        await refuses(Place(**given, ca_file=certificates / "ca.pem"))
        await refuses(Place(**given, ca_file=certificates / "other.pem", **shown))
        await refuses(Place(**given, **shown))
        await refuses(Place(nodes=((HOST, port),)))


def test_a_ca_file_takes_the_place_of_the_systems_certificates(certificates: Path) -> None:
    pinned = tls_context(Place(nodes=(), tls=True, ca_file=certificates / "ca.pem"))
    assert len(pinned.get_ca_certs()) == 1
    assert pinned.verify_mode is ssl.CERT_REQUIRED
    assert pinned.check_hostname
    assert pinned.minimum_version is ssl.TLSVersion.TLSv1_2
    with pytest.raises(OSError, match="No such file"):
        tls_context(Place(nodes=(), tls=True, ca_file=certificates / "none.pem"))


async def _joined(nodes: list[Valkey]) -> None:
    """Make a cluster of servers, each with its share of the slots."""
    share = 16384 // len(nodes)
    for number, node in enumerate(nodes):
        last = 16383 if number == len(nodes) - 1 else (number + 1) * share - 1
        async with node.client() as client:
            await client.execute_command("CLUSTER", "ADDSLOTSRANGE", number * share, last)  # type: ignore[no-untyped-call]
            await client.execute_command("CLUSTER", "MEET", HOST, nodes[0].port)  # type: ignore[no-untyped-call]
    async with asyncio.timeout(20):
        for node in nodes:
            async with node.client() as client:
                while True:
                    info: Any = await client.execute_command("CLUSTER", "INFO")  # type: ignore[no-untyped-call]
                    if b"cluster_state:ok" in info and b"cluster_known_nodes:%d" % len(nodes) in info:
                        break
                    await asyncio.sleep(0.05)


@asynccontextmanager
async def cluster(binary: str | None, options: list[list[str]], ports: list[int]) -> AsyncIterator[list[Valkey]]:
    always = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"]
    nodes = [Valkey(*always, *more, binary=binary, port=port) for more, port in zip(options, ports, strict=True)]
    try:
        for node in nodes:
            await node.start()
        yield nodes
    finally:
        for node in nodes:
            await node.stop()


@with_valkey
async def test_a_cluster_is_found_by_one_of_its_nodes() -> None:
    async with cluster(valkey(), [[], []], [_low_port(), _low_port()]) as nodes:
        await _joined(nodes)
        place = Place(nodes=((HOST, nodes[1].port),), cluster=True)
        async with server_at(place) as asked:
            await works(asked, 100)
        for node in nodes:
            async with node.client() as client:
                assert int((await client.info("commandstats"))["cmdstat_eval"]["calls"]) > 100


@with_redis
async def test_a_cluster_may_be_under_tls(certificates: Path) -> None:
    port = _low_port()
    options = [*_tls(certificates, port), "--tls-cluster", "yes"]
    async with cluster(redis(), [options], [port]) as (node,):
        shown: dict[str, Any] = {
            "ca_file": certificates / "ca.pem",
            "certificate": certificates / "client.pem",
            "private_key": certificates / "client.key",
        }
        place = Place(nodes=((HOST, port),), tls=True, cluster=True, **shown)
        async with connect(replace(place, cluster=False)) as client:
            await client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        async with asyncio.timeout(20), connect(replace(place, cluster=False)) as client:
            while True:
                info: Any = await client.execute_command("CLUSTER", "INFO")
                if b"cluster_state:ok" in info:
                    break
                await asyncio.sleep(0.05)
        async with server_at(place) as asked:
            await works(asked, 10)
        assert node.process


class Sentinel(Valkey):
    """A server that watches another one."""

    def __init__(self, folder: Path, primary: int, *, password: str) -> None:
        file = folder / "sentinel.conf"
        port = free_port()
        file.write_text(
            f"port {port}\nbind {HOST}\nrequirepass {password}\n"
            f"sentinel monitor store {HOST} {primary} 1\nsentinel down-after-milliseconds store 300\n"
            "sentinel failover-timeout store 2000\n"
        )
        super().__init__("--sentinel", port=port)
        self._file = file

    def arguments(self) -> list[str]:
        """Sentinels are told everything by a file, into which they write."""
        return [str(self._file), "--sentinel"]


@pytest.mark.thorough
@with_valkey
async def test_sentinels_tell_where_the_store_is_and_where_it_went(tmp_path: Path) -> None:
    async with Valkey() as primary, Valkey("--replicaof", HOST, str(primary.port)) as replica:
        await _linked(replica)
        async with Sentinel(tmp_path, primary.port, password="CANARY-sentinel") as sentinel:
            place = Place(
                nodes=((HOST, 1), (HOST, sentinel.port)),
                service="store",
                sentinel_password=Secret("CANARY-sentinel"),
            )
            async with server_at(place) as asked:
                await works(asked)
                await _seen(sentinel)
                await primary.stop()
                async with asyncio.timeout(20):
                    while True:
                        try:
                            await RedisLeases(asked).put("name", b"raw", token="a", seconds=60)
                        except StoreError:
                            await asyncio.sleep(0.1)
                        else:
                            break
            async with replica.client() as client:
                assert await client.get("vendor:{name}:lease") == b"raw"
            await refuses(Place(nodes=((HOST, sentinel.port),), service="store"))


async def _linked(replica: Valkey) -> None:
    async with asyncio.timeout(10), replica.client() as client:
        while (await client.info("replication"))["master_link_status"] != "up":  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)


async def _seen(sentinel: Valkey) -> None:
    """Wait until a sentinel knows of the replica."""
    async with asyncio.timeout(30), sentinel.client(password="CANARY-sentinel") as client:
        while not await client.sentinel_slaves("store"):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.1)


def _low_port() -> int:
    """Return a free port that leaves room for that of the cluster's own talk, 10,000 above."""
    while (port := free_port()) > 55_535:
        pass
    return port
