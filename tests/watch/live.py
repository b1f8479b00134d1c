"""A real Prometheus that scrapes two replicas under a scripted load in which much goes wrong.

`python -m tests.watch.live` draws the dashboards of it into docs/pictures.
"""

from __future__ import annotations

import asyncio
import base64
import json
import tempfile
import time
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlencode
from urllib.request import urlopen

import yaml

from tests.fakes import faults
from tests.fakes.api_server import ApiServer
from tests.fakes.between import Between
from tests.fakes.issuer import Issuer
from tests.fakes.sts import STS
from tests.fakes.sts_others import Unit
from tests.fakes.valkey import Valkey, free_port
from tests.server.http import get, post
from tests.server.sts_client import assume
from tests.service import CONFIGURATION, ready, served
from tests.watch.promtool import RULES, tool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tests.service import Served

LASTS: Final = 80
"""Seconds that the script takes."""
MORE: Final = """\
  invoices:write:
    grants:
      - {{issuer: cluster-a, where: {{namespace: analytics}}}}
      - {{issuer: cluster-b, where: {{namespace: analytics}}}}
    target: aws
    mint: {{assume_role: {{role: "arn:aws:iam::111122223333:role/invoices"}}}}
    session: {{unrestricted: true, source_identity: "{{{{ namespace }}}}.{{{{ service_account }}}}"}}
  spokes:read:
    grants: [{{issuer: cluster-a, where: {{namespace: nobodys}}}}]
    parameters: {{account: {{accounts: {{organization: {{target: aws, parents: [r-ab12]}}}}}}}}
    target: aws
    mint: {{assume_role: {{role: "arn:aws:iam::{{{{ account }}}}:role/spoke"}}}}
    session: {{unrestricted: true}}
  trial:read:
    grants: [{{issuer: cluster-a, where: {{namespace: nobodys}}}}]
    mode: audit
    target: aws
    mint: {{assume_role: {{role: "arn:aws:iam::111122223333:role/trial"}}}}
    session: {{unrestricted: true, source_identity: "{{{{ namespace }}}}.{{{{ service_account }}}}"}}
"""
_ISSUERS: Final = """\
issuers:
  cluster-b:
    issuer: "{reviewed}"
    audience: vendor
    kind: kubernetes
    allow_private_addresses: true
    token_review: true
    api_server: {{url: "{api_server}", token_file: "{folder}/token", ca_file: "{folder}/ca.crt"}}
"""
_TARGET: Final = '{{endpoint_url: "{sts}", regions: [eu-west-1]}}'
_REGIONS: Final = (
    '{{endpoint_url: "http://127.0.0.1:{{region}}", regions: ["{first}", "{second}"], requests_per_second: 60}}'
)
_STORE: Final = 'store: {{redis: {{url: "{store}", encryption_keys: [{{id: k1, file: "{folder}/k1"}}]}}}}\n'
SCRAPED: Final = 1
"""Seconds between two scrapes."""


class Prometheus:
    """A server that scrapes these addresses, evaluates the chart's rules and tells an Alertmanager if there is one."""

    def __init__(self, folder: Path, targets: list[str], *, alertmanager: str | None = None) -> None:
        self._folder = folder
        self._targets = targets
        self._alertmanager = alertmanager
        self.url = f"http://127.0.0.1:{free_port()}"

    def ask(self, path: str, **parameters: Any) -> Any:
        """Return the data of an answer of its API."""
        with urlopen(f"{self.url}/api/v1/{path}?{urlencode(parameters)}", timeout=30) as answer:  # noqa: S310 - loopback
            told = json.load(answer)
        assert told["status"] == "success", told
        return told["data"]

    async def __aenter__(self) -> Self:
        configuration: dict[str, Any] = {
            "global": {"scrape_interval": f"{SCRAPED}s", "evaluation_interval": "5s"},
            "rule_files": [str(path) for path in RULES],
            "scrape_configs": [{"job_name": "vendor", "static_configs": [{"targets": self._targets}]}],
        }
        if self._alertmanager:
            configuration["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [self._alertmanager]}]}]}
        path = self._folder / "prometheus.yaml"
        path.write_text(yaml.safe_dump(configuration))
        arguments = ["--storage.tsdb.path", str(self._folder / "tsdb"), "--enable-feature=exemplar-storage"]
        with (self._folder / "prometheus.log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                tool("prometheus"),
                f"--config.file={path}",
                f"--web.listen-address={self.url.removeprefix('http://')}",
                *arguments,
                stderr=log,
            )
        async with asyncio.timeout(30):
            while not await asyncio.to_thread(self._is_ready):
                assert self._process.returncode is None, (self._folder / "prometheus.log").read_text()
                await asyncio.sleep(0.1)
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._process.terminate()
        await self._process.wait()

    def _is_ready(self) -> bool:
        try:
            with urlopen(f"{self.url}/-/ready", timeout=5) as answer:  # noqa: S310 - loopback
                return bool(answer.status == 200)
        except OSError:
            return False


class Watched:
    """Two replicas with a store between them and two regions of STS behind them, and the Prometheus that watches."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.issuer, self.reviewed = Issuer(), Issuer()
        self.api_server = ApiServer(self.reviewed)
        self.regions = {"eu-west-1": STS(), "eu-central-1": STS()}
        self.store = Valkey()
        self.replicas: list[Served] = []
        self.began = 0.0

    def pod(self, uid: str) -> str:
        """Return the token of a pod in the cluster whose API server is asked."""
        account = {"name": "reporter", "uid": "u-1"}
        bound = {"namespace": "analytics", "serviceaccount": account, "pod": {"name": "reporter-0", "uid": uid}}
        return self.reviewed.token({"kubernetes.io": bound})

    def token(self, account: str, *, namespace: str = "analytics") -> str:
        """Return a good token of a service account."""
        bound = {"namespace": namespace, "serviceaccount": {"name": account, "uid": "u-1"}}
        return self.issuer.token({"sub": f"system:serviceaccount:{namespace}:{account}", "kubernetes.io": bound})

    def operator(self) -> str:
        """Return a good token of an operator."""
        return self.token("vendor-operator", namespace="platform")

    async def act(self) -> None:
        """Go through the script."""
        self.began = time.time()
        for sts, seconds in zip(self.regions.values(), (45, 400), strict=True):
            sts.lifetime = timedelta(seconds=seconds)
            sts.packed_policy_size = 62
        callers = [asyncio.create_task(self._call(number)) for number in range(8)]
        events = [
            self._store_away(),
            self._throttled(),
            self._region_down(),
            self._reloads(),
            self._revoked(),
            self._late(),
        ]
        done = asyncio.gather(*events)
        await asyncio.sleep(LASTS)
        await done
        for caller in callers:
            caller.cancel()
        await asyncio.gather(*callers, return_exceptions=True)

    async def _call(self, number: int) -> None:
        """Ask as a workload does, again and again, and now and then for what one may not have."""
        token = self.token(f"batch-{number}")
        asked = 0
        while True:
            asked += 1
            replica = self.replicas[(number + asked) % 2].public
            await get(replica, "/v1/credentials/reports:read", token)
            await post(replica, "/v1/credentials/invoices:write", token, {})
            reports, invoices = "/v1/credentials/reports:read", "/v1/credentials/invoices:write"
            others: list[Callable[[], Awaitable[Any]]] = [
                partial(get, replica, "/v1/credentials/trial:read", token),
                partial(assume, replica, token, RoleArn="arn:aws:iam::000000000000:role/reports:read"),
                partial(get, replica, f"{reports}?month=*", token),
                partial(get, replica, invoices, self.token("x", namespace="elsewhere")),
                partial(get, replica, reports, self.token(f"batch-{number}-{asked}")),
                partial(get, replica, invoices, self.pod(f"pod-{number}" if asked % 5 else "deleted")),
            ]
            await others[asked % len(others)]()
            await asyncio.sleep(0.5)

    async def _store_away(self) -> None:
        await asyncio.sleep(10)
        for between in self.between:
            await between.down()
        await asyncio.sleep(12)
        for between in self.between:
            await between.up()

    async def _throttled(self) -> None:
        await asyncio.sleep(30)
        for sts in self.regions.values():
            sts.throttle_above(2)
        for number in range(40):
            await get(self.replicas[0].public, "/v1/credentials/reports:read", self.token(f"batch-herd-{number}"))
            await asyncio.sleep(0.2)
        for sts in self.regions.values():
            sts.throttle_above(None)

    async def _region_down(self) -> None:
        await asyncio.sleep(44)
        self.regions["eu-west-1"].fault(faults.HANG)
        await asyncio.sleep(20)
        self.regions["eu-west-1"].heal()

    async def _late(self) -> None:
        """Let one answer in ten of the second region come late."""
        self.regions["eu-central-1"].sometimes(faults.latency(0.2), 0.5)

    async def _reloads(self) -> None:
        await asyncio.sleep(66)
        path = self.folder / "replica-0" / "vendor.yaml"
        good = path.read_text()
        path.write_text(good + "nonsense: 1\n")
        await asyncio.sleep(4)
        path.write_text(good + "\n")

    async def _revoked(self) -> None:
        await asyncio.sleep(40)
        operator = self.operator()
        document = {
            "scope": "trial:read",
            "principal": "system:serviceaccount:analytics:batch-3",
            "duration_seconds": 900,
        }
        answer = await post(self.replicas[0].operations, "/v1/revocations", operator, document)
        assert answer.status == 201, answer.body

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            for server in (self.issuer, self.reviewed, self.api_server):
                await stack.enter_async_context(server)
            self.api_server.files(self.folder)
            self.api_server.deleted.add("deleted")
            for sts in self.regions.values():
                sts.others.organization = {"r-ab12": Unit(accounts={"444455556666": {}, "777788889999": {}})}
                await stack.enter_async_context(sts)
            await stack.enter_async_context(self.store)
            self.between = [await stack.enter_async_context(Between(self.store.port)) for _ in range(2)]
            (self.folder / "k1").write_bytes(base64.b64encode(b"CANARY-key-of-the-store-32-bytes"))
            for number in range(2):
                folder = self.folder / f"replica-{number}"
                folder.mkdir()
                self.replicas.append(
                    await stack.enter_async_context(served(self._text(number), folder, operator=self.operator))
                )
            for replica in self.replicas:
                await ready(replica)
            scraped = [replica.operations.removeprefix("http://") for replica in self.replicas]
            self.prometheus = await stack.enter_async_context(Prometheus(self.folder, scraped))
            self._standing = stack.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._standing.aclose()

    def _text(self, number: int) -> str:
        template = CONFIGURATION.replace(_TARGET, _REGIONS).replace("issuers:\n", _STORE + _ISSUERS) + MORE
        first, second = (sts.url.rpartition(":")[2] for sts in self.regions.values())
        return template.format(
            audit=self.folder / f"replica-{number}" / "audit.jsonl",
            issuer=self.issuer.issuer,
            reviewed=self.reviewed.issuer,
            api_server=self.api_server.url,
            first=first,
            second=second,
            store=f"redis://127.0.0.1:{self.between[number].port}",
            folder=self.folder,
        )


def filled(query: str) -> str:
    """Return a query as Grafana would send it for the whole of the script."""
    for name, value in (("$__rate_interval", "6s"), ("$__range", f"{LASTS}s"), ("$scope", ".*"), ("$target", ".*")):
        query = query.replace(name, value)
    return query


@asynccontextmanager
async def watched(folder: Path) -> AsyncIterator[Watched]:
    """Watch the whole script and yield when it is over."""
    async with Watched(folder) as world:
        await world.act()
        yield world


async def _draw() -> None:
    from tests.watch.pictures import draw  # noqa: PLC0415 - who only asks needs no pictures

    with tempfile.TemporaryDirectory() as folder:
        async with watched(Path(folder)) as world:
            draw(world)


if __name__ == "__main__":
    asyncio.run(_draw())
