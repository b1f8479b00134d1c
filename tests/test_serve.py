"""`vendor serve` as a process: how it starts, follows its certificate, and ends."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import ssl
from typing import TYPE_CHECKING

import pytest
import trustme

from tests.fakes import faults
from tests.server.http import Answer, Connection, exchange, get, request
from tests.service import CONFIGURATION, World, served

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

PATH = "/v1/credentials/reports:read"


async def test_under_load_sigterm_resets_nothing_and_leaves_no_request_unanswered(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        raw = request(PATH, world.token())
        assert (await exchange(world.service.public, raw)).status == 200
        enough = asyncio.Event()
        working = [asyncio.create_task(_work(world, raw, enough)) for _ in range(20)]
        await enough.wait()
        world.service.terminate()
        answers = [answer for answers in await asyncio.gather(*working) for answer in answers]
        assert {answer.status for answer in answers} == {200}
        assert await world.service.process.wait() == 0


async def _work(world: World, raw: bytes, enough: asyncio.Event) -> list[Answer]:
    """Ask again and again until an answer says that it is the connection's last one."""
    answers: list[Answer] = []
    async with await Connection.open(world.service.public) as connection:
        while not answers or answers[-1].headers.get("connection") != "close":
            await connection.send(raw)
            answers.append(await connection.read())
            if len(answers) == 20:
                enough.set()
        assert await connection.ended()
    return answers


async def test_what_is_in_flight_at_sigterm_is_answered_and_readiness_ends_first(tmp_path: Path) -> None:
    async with World(tmp_path) as world, await Connection.open(world.service.public) as idle:
        warm = world.token()
        assert (await get(world.service.public, PATH, warm)).status == 200
        world.sts.fault(faults.HOLD)
        async with await Connection.open(world.service.public) as flying:
            await flying.send(request(PATH, world.token("batch-flying")))
            await world.sts.arrived(2)
            world.service.terminate()
            async with asyncio.timeout(10):
                while (ready := await get(world.service.operations, "/readyz")).status == 200:
                    pass
            assert ready.json["detail"] == "draining"
            world.sts.release()
            answer = await flying.read()
            assert (answer.status, answer.headers["connection"]) == (200, "close")
        with pytest.raises(ConnectionRefusedError):
            await get(world.service.public, PATH, warm)
        await idle.send(request(PATH, warm))
        assert (await idle.read()).status == 200
        assert await world.service.process.wait() == 0


async def test_sigint_ends_it_as_well(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        world.service.process.send_signal(signal.SIGINT)
        assert await world.service.process.wait() == 0
    assert not [line for line in world.service.log if "Traceback" in line]


async def test_a_mint_that_nobody_waits_for_does_not_keep_it(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        world.sts.fault(faults.HANG)
        assert (await get(world.service.public, PATH, world.token())).code == "sts_unavailable"
        world.service.terminate()
        async with asyncio.timeout(8):
            assert await world.service.process.wait() == 0


class Certificates:
    """A CA, and the files of the certificate that is served."""

    def __init__(self, folder: Path) -> None:
        self._ca = trustme.CA()
        self.certificate, self.private_key = folder / "tls.crt", folder / "tls.key"
        self.trusting = ssl.create_default_context()
        self._ca.configure_trust(self.trusting)

    def issue(self) -> tuple[bytes, bytes]:
        """Return a fresh chain and its key."""
        leaf = self._ca.issue_cert("127.0.0.1")
        return b"".join(blob.bytes() for blob in leaf.cert_chain_pems), leaf.private_key_pem.bytes()

    async def serial(self, url: str) -> str:
        """Return the serial number of the certificate that a new connection is shown."""
        async with await Connection.open(url, tls=self.trusting) as connection:
            shown = connection.transport.get_extra_info("peercert")
        return str(shown["serialNumber"])


async def test_the_certificate_is_followed_and_a_pair_that_does_not_fit_leaves_the_last_one(tmp_path: Path) -> None:
    certificates = Certificates(tmp_path)
    chain, key = certificates.issue()
    certificates.certificate.write_bytes(chain)
    certificates.private_key.write_bytes(key)
    tls = f"tls: {{{{certificate: {certificates.certificate}, private_key: {certificates.private_key}}}}}"
    configuration = CONFIGURATION.replace(
        'listen: {{address: "127.0.0.1:0"', f'listen: {{{{address: "127.0.0.1:0", {tls}'
    )
    async with World(tmp_path, configuration=configuration) as world:
        url = world.service.public
        assert url.startswith("https://")
        answer = await exchange(url, request(PATH, world.token()), tls=certificates.trusting)
        assert answer.status == 200
        first = await certificates.serial(url)
        chain, key = certificates.issue()
        certificates.certificate.write_bytes(chain)
        await _logged(world, "certificate not reloaded")
        assert await certificates.serial(url) == first
        certificates.private_key.write_bytes(key)
        await _logged(world, "certificate reloaded")
        assert await certificates.serial(url) != first
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await exchange(url.replace("https", "http"), request(PATH, world.token()))
        assert (await exchange(url, request(PATH, world.token()), tls=certificates.trusting)).status == 200
    assert not [line for line in world.service.log if "Traceback" in line or "eyJ" in line]


async def _logged(world: World, event: str) -> None:
    async with asyncio.timeout(10):
        while not any(f'"event": "{event}"' in line for line in world.service.log):  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.05)


async def _fails(configuration: str, folder: Path, **environ: str) -> list[str]:
    """Return the lines that a service writes which does not start."""
    text = configuration.format(audit=folder / "audit.jsonl", issuer="https://localhost", sts="http://127.0.0.1:9")
    with pytest.raises(RuntimeError) as failed:
        async with served(text, folder, environ=environ):
            pass
    return str(failed.value).splitlines()


async def test_of_many_warnings_the_first_hundred_are_logged_and_the_rest_is_counted(tmp_path: Path) -> None:
    unused = "".join(f"  unused-{number}: {{{{Effect: Deny, Action: '*', Resource: '*'}}}}\n" for number in range(103))
    async with World(tmp_path, configuration=f"{CONFIGURATION}policies:\n{unused}") as world:
        logged = [json.loads(line) for line in world.service.log if '"event": "configuration"' in line]
        assert [line["level"] for line in logged] == ["warning"] * 101
        assert logged[0]["finding"].endswith("policies.unused-0: no scope uses this policy [V651]")
        assert (logged[100]["more"], logged[100]["hint"]) == (3, "vendor check tells them all")


async def test_a_port_in_use_is_told_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (line,) = await _fails(CONFIGURATION.replace('127.0.0.1:0"}}', f'127.0.0.1:{port}"}}}}', 1), tmp_path)
    assert "cannot serve" in line
    assert str(port) in line


async def test_an_audit_file_that_cannot_be_opened_is_told_in_one_line(tmp_path: Path) -> None:
    (line,) = await _fails(CONFIGURATION.replace("{audit}", "{audit}/nowhere"), tmp_path)
    assert "cannot serve" in line


async def test_a_certificate_that_is_not_there_is_told_with_its_name(tmp_path: Path) -> None:
    listen = 'listen: {{address: "127.0.0.1:0", tls: {{certificate: tls.crt, private_key: tls.key}}}}\n'
    *_, line = await _fails(re.sub(r"(?m)^listen:.*\n", listen, CONFIGURATION), tmp_path)
    assert "cannot serve" in line
    assert "tls.crt" in line


async def test_an_aws_profile_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    (line,) = await _fails(CONFIGURATION, tmp_path, AWS_PROFILE="nobody")
    assert "cannot serve" in line
    assert "nobody" in line


async def test_a_broken_configuration_is_told_with_every_finding(tmp_path: Path) -> None:
    broken = CONFIGURATION.replace("version: 1", "version: 2").replace("audience: vendor", "audiences: vendor")
    lines = await _fails(broken, tmp_path)
    assert len(lines) >= 2
    assert all(line.startswith(f"{tmp_path / 'vendor.yaml'}:") for line in lines)
