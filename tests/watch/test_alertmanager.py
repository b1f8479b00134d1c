"""Alerts on their way to people: by the documented configuration of a real Alertmanager, to whom and to whom not."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.request import Request, urlopen

import pytest
import yaml

from tests.fakes import faults
from tests.fakes.receiver import Receiver
from tests.fakes.valkey import free_port
from tests.server.http import get
from tests.service import ROOT, World
from tests.watch.live import Prometheus
from tests.watch.promtool import tool
from tests.watch.test_rules import alerts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

PACKAGE: Final = "prometheus-alertmanager"
PATH: Final = "/v1/credentials/reports:read"
SHOWN: Final = re.search(
    r"^```yaml\n(route:\n.*?)^```$", (ROOT / "docs" / "operations.md").read_text("utf-8"), re.MULTILINE | re.DOTALL
)
assert SHOWN
DOCUMENTED: Final = SHOWN[1]
RECEIVERS: Final = {"critical": "page", "warning": "ticket"}


class Alertmanager:
    """An Alertmanager with the documented configuration, but that both receivers are at `url` and nobody waits long."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder = folder
        self._url = url
        self.address = f"127.0.0.1:{free_port()}"

    def configuration(self) -> str:
        """Return what it reads."""
        said = yaml.safe_load(DOCUMENTED)
        for receiver in said["receivers"]:
            receiver["webhook_configs"] = [{"url": f"{self._url}/{receiver['name']}"}]
        for route in (said["route"], *said["route"]["routes"]):
            route |= {"group_wait": "1s", "group_interval": "1s"}
        return yaml.safe_dump(said)

    def ask(self, path: str, document: object = None) -> Any:
        """Return an answer of its API, of which some have a document and some none."""
        body = None if document is None else json.dumps(document).encode()
        sent = Request(f"http://{self.address}/api/v2/{path}", data=body, headers={"Content-Type": "application/json"})
        with urlopen(sent, timeout=10) as answer:  # noqa: S310 - loopback
            return json.loads(answer.read() or b"null")

    def inhibited(self) -> dict[str, bool]:
        """Return whether nobody is told of it, of each alert that it knows."""
        return {one["labels"]["alertname"]: bool(one["status"]["inhibitedBy"]) for one in self.ask("alerts")}

    async def is_ready(self) -> bool:
        """Return whether it answers."""
        try:
            await asyncio.to_thread(self.ask, "status")
        except OSError:
            return False
        return True


@asynccontextmanager
async def alertmanager(folder: Path, url: str) -> AsyncIterator[Alertmanager]:
    """Run one until the block ends."""
    made = Alertmanager(folder, url)
    path = folder / "alertmanager.yaml"
    path.write_text(made.configuration())
    with (folder / "alertmanager.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            tool("prometheus-alertmanager", PACKAGE),
            f"--config.file={path}",
            f"--storage.path={folder / 'alertmanager'}",
            f"--web.listen-address={made.address}",
            "--cluster.listen-address=",
            stderr=log,
        )
    try:
        async with asyncio.timeout(30):
            while not await made.is_ready():
                assert process.returncode is None, (folder / "alertmanager.log").read_text()
                await asyncio.sleep(0.1)
        yield made
    finally:
        process.terminate()
        await process.wait()


def amtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [tool("amtool", PACKAGE), *map(str, arguments)]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)  # noqa: S603 - our own


@pytest.fixture
def documented(tmp_path: Path) -> Path:
    """Return the file that the documents show."""
    path = tmp_path / "documented.yaml"
    path.write_text(DOCUMENTED)
    return path


def test_the_documented_configuration_is_sound(documented: Path) -> None:
    done = amtool("check-config", documented)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 receivers" in done.stdout
    documented.write_text(DOCUMENTED.replace("receiver: page", "receiver: nobody"))
    assert amtool("check-config", documented).returncode != 0


def test_every_alert_goes_to_whom_its_severity_says(documented: Path) -> None:
    for name, alert in alerts().items():
        labels = [f"alertname={name}", *(f"{label}={value}" for label, value in alert["labels"].items())]
        done = amtool("config", "routes", "test", f"--config.file={documented}", *labels)
        assert (done.returncode, done.stdout.strip()) == (0, RECEIVERS[alert["labels"]["severity"]]), name


def test_what_is_inhibited_is_an_alert_of_ours(documented: Path) -> None:
    for rule in yaml.safe_load(documented.read_text())["inhibit_rules"]:
        for matcher in (*rule["source_matchers"], *rule["target_matchers"]):
            pattern = matcher.partition('"')[2].rstrip('"')
            for one in pattern.split("|"):
                assert any(re.fullmatch(one, name) for name in alerts()), matcher


@pytest.mark.watch
async def test_a_real_alert_fires_is_told_to_whom_it_should_and_is_over(tmp_path: Path) -> None:
    """AWS does not know the service itself for a while: one page, with its runbook, and then an end."""
    name = "VendorBaseIdentityUnhealthy"
    async with AsyncExitStack() as stack:
        receiver = await stack.enter_async_context(Receiver())
        manager = await stack.enter_async_context(alertmanager(tmp_path, receiver.url))
        world = await stack.enter_async_context(World(tmp_path))
        scraped = [world.service.operations.removeprefix("http://")]
        await stack.enter_async_context(Prometheus(tmp_path, scraped, alertmanager=manager.address))
        assert (await get(world.service.public, PATH, world.token())).status == 200
        world.sts.fault(faults.error("ExpiredToken"))
        asking = asyncio.create_task(_ask(world))
        fired = await receiver.alert("page", name, "firing", within=110)
        assert fired["labels"] == {"alertname": name, "severity": "critical", "target": "aws"}
        assert fired["annotations"]["runbook_url"].endswith("/base-identity-unhealthy.md")
        assert (ROOT / fired["annotations"]["runbook_url"]).is_file()
        world.sts.heal()
        await receiver.alert("page", name, "resolved", within=40)
        asking.cancel()
        assert [alert for alert in receiver.told["ticket"] if alert["labels"]["alertname"] == name] == []


async def _ask(world: World) -> None:
    """Ask as somebody new again and again."""
    number = 0
    while True:
        await get(world.service.public, PATH, world.token(f"batch-{number}"))
        number += 1
        await asyncio.sleep(1)


@pytest.mark.watch
async def test_what_has_one_cause_is_told_once(tmp_path: Path) -> None:
    def fire(*names: str) -> None:
        labels = [{"alertname": name, **alerts()[name]["labels"]} for name in names]
        manager.ask("alerts", [{"labels": one, "annotations": {"runbook_url": "docs"}} for one in labels])

    async with Receiver() as receiver, alertmanager(tmp_path, receiver.url) as manager:
        await asyncio.to_thread(fire, "VendorStsAllRegionsOpen")
        await receiver.alert("page", "VendorStsAllRegionsOpen", "firing", within=30)
        await asyncio.to_thread(fire, "VendorExchangesFailing", "VendorStsRegionOpen", "VendorReloadFailed")
        await receiver.alert("ticket", "VendorReloadFailed", "firing", within=30)
        assert await asyncio.to_thread(manager.inhibited) == {
            "VendorStsAllRegionsOpen": False,
            "VendorExchangesFailing": True,
            "VendorStsRegionOpen": True,
            "VendorReloadFailed": False,
        }
        await asyncio.to_thread(fire, "VendorAbsent")
        await receiver.alert("page", "VendorAbsent", "firing", within=30)
        await asyncio.to_thread(fire, "VendorProberFailed")
        async with asyncio.timeout(30):
            while (known := await asyncio.to_thread(manager.inhibited)).get("VendorProberFailed") is not True:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.1)
        assert [name for name, inhibited in known.items() if not inhibited] == ["VendorAbsent"]
        told = [alert["labels"]["alertname"] for alerts_told in receiver.told.values() for alert in alerts_told]
        assert not {"VendorExchangesFailing", "VendorStsRegionOpen", "VendorProberFailed"} & set(told)
