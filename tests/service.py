"""A running `vendor serve` as a process, between a fake issuer and a fake STS, for tests that come through a socket."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Self

from tests import audit_lines, canaries
from tests.fakes.issuer import Issuer
from tests.fakes.sts import STS
from tests.forked import Forked, fork
from tests.server.http import get

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

ROOT = Path(__file__).parent.parent
TOLD: Final = ("/metrics", "/", "/v1/status", "/v1/leases", "/v1/revocations")
"""What the operators' listener tells; only the first two tell anything to who is no operator."""
BASE_IDENTITY = {"AWS_ACCESS_KEY_ID": "AKIABASEIDENTITY0001", "AWS_SECRET_ACCESS_KEY": "CANARY-base-secret"}

CONFIGURATION = """\
version: 1
listen: {{address: "127.0.0.1:0"}}
operations:
  address: "127.0.0.1:0"
  operators: [{{issuer: cluster-a, where: {{namespace: platform, service_account: vendor-operator}}}}]
audit: {{path: "{audit}"}}
issuers:
  cluster-a: {{issuer: "{issuer}", audience: vendor, kind: kubernetes, allow_private_addresses: true}}
targets:
  aws: {{endpoint_url: "{sts}", regions: [eu-west-1]}}
scopes:
  reports:read:
    description: Read one team's monthly reports
    grants:
      - {{issuer: cluster-a, where: {{namespace: analytics, service_account: [reporter, {{glob: "batch-*"}}]}}}}
    parameters:
      month: {{pattern: "[0-9]{{4}}-[0-9]{{2}}", default: "2026-01"}}
    target: aws
    mint: {{assume_role: {{role: "arn:aws:iam::111122223333:role/reports", external_id: CANARY-external-id}}}}
    session:
      policy:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Action: "s3:GetObject"
            Resource: "arn:aws:s3:::reports/{{{{ namespace }}}}/{{{{ month }}}}/*"
      tags: {{namespace: "{{{{ namespace }}}}"}}
      transitive_tags: [namespace]
      source_identity: "{{{{ namespace }}}}.{{{{ service_account }}}}"
      duration: 1h
      max_duration: 4h
"""


@dataclass(slots=True)
class Served:
    """A process that serves; `log` holds the lines of its stderr, `sent` what it may repeat nowhere beside tokens."""

    process: asyncio.subprocess.Process | Forked
    sent: list[bytes] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    listening: dict[str, Any] = field(default_factory=dict)
    ready: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def public(self) -> str:
        """The public listener's URL."""
        return str(self.listening["public"])

    @property
    def operations(self) -> str:
        """The operators' listener's URL."""
        return str(self.listening["operations"])

    def terminate(self) -> None:
        """Ask it to end."""
        self.process.send_signal(signal.SIGTERM)

    async def told(self, operator: str | None) -> list[bytes]:
        """Return all that it tells of itself, if it still answers."""
        if self.process.returncode is None:
            with suppress(OSError, EOFError, TimeoutError):
                return [(await get(self.operations, path, operator)).body for path in TOLD]
        return []

    async def read_log(self) -> None:
        """Read stderr until it ends, noting where the service listens."""
        assert self.process.stderr
        async for raw in self.process.stderr:
            line = raw.decode(errors="replace").rstrip()
            self.log.append(line)
            if '"event": "listening"' in line:
                self.listening = json.loads(line)
                self.ready.set()
        self.ready.set()


async def _begin(path: Path, environ: dict[str, str], stdout: IO[bytes]) -> asyncio.subprocess.Process | Forked:
    arguments = "serve", "--config", str(path)
    # Among workers a start is cheap; what runs alone, or is to be another Python, is the program itself.
    another = any(name.startswith("PYTHON") and environ[name] != os.environ.get(name) for name in environ)
    if "PYTEST_XDIST_WORKER" in os.environ and not another:
        return await fork(arguments, environ=environ, stdout=stdout.fileno())
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "vendor.cli", *arguments),
        cwd=ROOT,
        env=environ,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=stdout,
        stderr=asyncio.subprocess.PIPE,
        limit=1 << 20,
    )


@asynccontextmanager
async def served(
    configuration: str,
    folder: Path,
    *,
    environ: Mapping[str, str] | None = None,
    operator: Callable[[], str] | None = None,
) -> AsyncIterator[Served]:
    """Serve a configuration in a process of its own until the block ends; no secret stands then in what it told.

    `operator` makes the token with which it is asked for what it tells operators.
    """
    path = folder / "vendor.yaml"
    path.write_text(configuration)
    with (folder / "stdout").open("wb") as stdout:
        service = Served(await _begin(path, {**os.environ, **BASE_IDENTITY, **(environ or {})}, stdout))
    reading = asyncio.create_task(service.read_log())
    try:
        async with asyncio.timeout(60):
            await service.ready.wait()
        if not service.listening:
            await service.process.wait()
            raise RuntimeError("\n".join(service.log))
        yield service
        told = await service.told(operator and operator())
    finally:
        if service.process.returncode is None:
            service.process.kill()
        await service.process.wait()
        await reading
    canaries.check(*told, *_written(configuration, folder), *service.log, sent=service.sent)


def _written(configuration: str, folder: Path) -> list[bytes]:
    """Return what a service wrote into files: its stdout, and its audit file, those from before a rotation too."""
    paths = [folder / "stdout"]
    for audit in map(Path, re.findall(r'^audit: \{path: "([^"]+)"', configuration, re.MULTILINE)):
        paths += audit.parent.glob(f"{audit.name}*")
    return [path.read_bytes() for path in paths if path.is_file()]


def without_uvloop(folder: Path) -> dict[str, str]:
    """Return an environment in which uvloop cannot be imported, as where it is not installed."""
    (folder / "without").mkdir()
    (folder / "without" / "uvloop.py").write_text("raise ImportError\n")
    return {"PYTHONPATH": str(folder / "without")}


def with_room(folder: Path, leases: int) -> dict[str, str]:
    """Return an environment in which a service holds so many leases at most, not 100,000."""
    (folder / "room").mkdir()
    (folder / "room" / "sitecustomize.py").write_text(
        f"from vendor.leases.leases import Leases\nLeases.__init__.__kwdefaults__['capacity'] = {leases}\n"
    )
    return {"PYTHONPATH": str(folder / "room")}


async def ready(service: Served) -> None:
    """Wait until a service says that it can serve: it listens before the keys have come."""
    async with asyncio.timeout(30):
        while (await get(service.operations, "/readyz")).status != 200:  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.02)


class World:
    """An issuer, an STS and a service between them."""

    def __init__(
        self, folder: Path, *, configuration: str = CONFIGURATION, environ: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self._environ = environ
        self._configuration = configuration
        self.issuer = Issuer()
        self.sts = STS()

    @property
    def audit_path(self) -> Path:
        """Where the service writes its audit lines."""
        return self.folder / "audit.jsonl"

    def audit(self) -> list[dict[str, Any]]:
        """Return the audit lines so far."""
        return [json.loads(line) for line in self.audit_path.read_text().splitlines()]

    def token(self, service_account: str = "reporter", *, namespace: str = "analytics", **claims: Any) -> str:
        """Return a good token of a service account; an override of None removes a claim."""
        given = {
            "sub": f"system:serviceaccount:{namespace}:{service_account}",
            "kubernetes.io": {"namespace": namespace, "serviceaccount": {"name": service_account, "uid": "u-1"}},
        }
        return self.issuer.token({**given, **claims})

    def operator(self) -> str:
        """Return a good token of an operator."""
        return self.token("vendor-operator", namespace="platform")

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.issuer)
            await stack.enter_async_context(self.sts)
            text = self._configuration.format(audit=self.audit_path, issuer=self.issuer.issuer, sts=self.sts.url)
            self.service = await stack.enter_async_context(
                served(text, self.folder, environ=self._environ, operator=self.operator)
            )
            if self.issuer.fault is None:
                await ready(self.service)
            self._standing = stack.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._standing.aclose()
        if exc[0] is None and self.audit_path.is_file():
            audit_lines.check(self.audit_path.read_text().splitlines())
