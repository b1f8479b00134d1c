"""The world of the demo, on loopback: a cloud with two teams' objects, a cluster's issuer, and the real service."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shlex
import string
import sys
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from vendor.demo.child import Child, clean_environment, free_port, running, told_by
from vendor.demo.cloud import ROOT_KEY, ROOT_SECRET, Cloud, embedded_cloud
from vendor.demo.issuer import Issuer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/reports"
EXTERNAL_ID = "acme-7"
SCOPE = "reports:read"
BUCKET = "reports"
OWN = "analytics/2026-01/summary.csv"
OTHERS = "payments/2026-01/summary.csv"
OBJECTS = {
    OWN: "region,visits\neu-west-1,10482\neu-central-1,7911\n",
    OTHERS: "account,settled\nacme,1200000\nglobex,845000\n",
}
_HERE = Path(__file__).parent
_SEARCH = str(_HERE.parents[1])  # where this very package lies, installed or checked out


@dataclass(frozen=True, slots=True)
class World:
    """Everything that runs, and where its files lie (all below `folder`, which goes when the world ends)."""

    folder: Path
    cloud: Cloud
    issuer: Issuer
    service: Child
    service_url: str
    operations_url: str
    vendor_keys: dict[str, str] = field(repr=False)

    @property
    def configuration(self) -> Path:
        """The service's vendor.yaml."""
        return self.folder / "vendor.yaml"

    @property
    def audit_file(self) -> Path:
        """Where the service writes its audit lines."""
        return self.folder / "audit.jsonl"

    @property
    def token_file(self) -> Path:
        """The projected token of the pod analytics/reporter."""
        return self.folder / "token"

    @property
    def pod_environment(self) -> Path:
        """The pod's settings, for a shell to read in."""
        return self.folder / "pod.env"

    @property
    def operator_file(self) -> Path:
        """The projected token of an operator of the service."""
        return self.folder / "operator"

    def project_tokens(self) -> None:
        """Write fresh tokens where the pod and the operator expect them, by rename as a kubelet does."""
        reporter = self.issuer.token(namespace="analytics", service_account="reporter", pod="reporter-0")
        operator = self.issuer.token(namespace="platform", service_account="vendor-operator", pod="operator-0")
        for file, token in ((self.token_file, reporter), (self.operator_file, operator)):
            fresh = file.with_suffix(".fresh")
            fresh.touch(mode=0o600)
            fresh.write_text(token, encoding="ascii")
            fresh.replace(file)

    def pod_settings(self) -> dict[str, str]:
        """Return the variables that make an AWS SDK ask the service, and where the embedded S3 is."""
        return {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{self.service_url}/v1/credentials/{SCOPE}",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(self.token_file),
            "AWS_REGION": self.cloud.region,
            "AWS_DEFAULT_REGION": self.cloud.region,  # boto3 looks at this one only
            "AWS_ENDPOINT_URL_S3": self.cloud.url,
        }


@contextlib.asynccontextmanager
async def open_world(*, cache: Path, folder: Path, progress: Callable[[str], None]) -> AsyncIterator[World]:
    """Run the whole world while entered; end every part of it afterwards.

    Raises DemoFailed when a part does not come up.
    """
    async with (
        embedded_cloud(cache=cache, folder=folder, account=ACCOUNT, progress=progress) as cloud,
        Issuer() as issuer,
    ):
        issuer.rotate()  # an issuer that has lived: more than one key is published
        progress("making the role, the bucket and two teams' objects")
        keys = await _seed(cloud, folder=folder)
        public, operations = free_port(), free_port()
        _write_configuration(folder, cloud=cloud, issuer=issuer, public_port=public, operations_port=operations)
        progress("starting vendor serve")
        environment = clean_environment(
            home=folder, AWS_ACCESS_KEY_ID=keys["AccessKeyId"], AWS_SECRET_ACCESS_KEY=keys["SecretAccessKey"]
        )
        async with running(
            name="service",
            python=Path(sys.executable),
            module=["vendor.cli", "serve", "--config", str(folder / "vendor.yaml")],
            environment=environment,
            folder=folder,
            search=_SEARCH,
        ) as service:
            operations_url = f"http://127.0.0.1:{operations}"
            await service.answers(f"{operations_url}/readyz")
            world = World(folder, cloud, issuer, service, f"http://127.0.0.1:{public}", operations_url, keys)
            world.project_tokens()
            world.pod_environment.write_text(_as_exports(world.pod_settings()), encoding="utf-8")
            yield world


async def keep_alive(world: World, *, every: float = 300.0) -> None:
    """Rotate the issuer's keys and renew the pod's token every so many seconds, until the service ends."""
    while True:
        with contextlib.suppress(TimeoutError):
            return await asyncio.wait_for(world.service.ended(), timeout=every)
        world.issuer.rotate()
        world.project_tokens()


def _as_exports(settings: Mapping[str, str]) -> str:
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in settings.items())


async def _seed(cloud: Cloud, *, folder: Path) -> dict[str, str]:
    plan = {
        "endpoint": cloud.url,
        "region": cloud.region,
        "account": cloud.account,
        "key": ROOT_KEY,
        "secret": ROOT_SECRET,
        "role": "reports",
        "external_id": EXTERNAL_ID,
        "bucket": BUCKET,
        "objects": OBJECTS,
    }
    printed = await told_by(
        program=_HERE / "seed.py", arguments=[], environment=clean_environment(home=folder), said=json.dumps(plan)
    )
    keys: dict[str, str] = json.loads(printed)
    return keys


def _write_configuration(folder: Path, *, cloud: Cloud, issuer: Issuer, public_port: int, operations_port: int) -> None:
    template = string.Template(resources.files("vendor.demo").joinpath("world.yaml").read_text("utf-8"))
    filled = template.substitute(
        public_port=public_port,
        operations_port=operations_port,
        audit_file=folder / "audit.jsonl",
        issuer_url=issuer.url,
        cloud_url=cloud.url,
        region=cloud.region,
        role=ROLE,
        external_id=EXTERNAL_ID,
    )
    (folder / "vendor.yaml").write_text(filled, encoding="utf-8")
