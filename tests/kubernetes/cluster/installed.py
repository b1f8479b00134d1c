"""What a kubelet would do with what the chart installed: its configuration, secrets and arguments, run on loopback."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, Final

import yaml

from tests.service import ROOT, Served, ready, served

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator, Iterator, Mapping
    from pathlib import Path

    from tests.fakes.sts import STS
    from tests.kubernetes.cluster.cluster import Cluster

NAMESPACE: Final = "credentials"
_ACCOUNT: Final = "/var/run/secrets/kubernetes.io/serviceaccount/"


def mounted_secret(cluster: Cluster, name: str, folder: Path) -> Path:
    """Write the files that a secret's mount would hold."""
    folder.mkdir(parents=True, exist_ok=True)
    for key, value in cluster.get("secret", name)["data"].items():
        (folder / key).write_bytes(base64.b64decode(value))
    return folder


def mounted_account(cluster: Cluster, name: str, folder: Path) -> Path:
    """Write the files of a service account's own projected token."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "token").write_text(cluster.token(NAMESPACE, name, audience=None))
    (folder / "ca.crt").write_bytes(cluster.ca_file.read_bytes())
    return folder


@asynccontextmanager
async def service(cluster: Cluster, sts: STS, folder: Path, **issuer: Any) -> AsyncIterator[Served]:
    """Serve the chart's ConfigMap, with its certificate and its account; `issuer` changes how tokens are checked."""
    tls = mounted_secret(cluster, "vendor-tls", folder / "tls")
    account = mounted_account(cluster, "vendor", folder / "account")
    text = cluster.get("configmap", "vendor")["data"]["vendor.yaml"]
    configuration = yaml.safe_load(text.replace("/etc/vendor-tls", str(tls)))
    configuration["listen"]["address"] = configuration["operations"]["address"] = "127.0.0.1:0"
    configuration["targets"]["aws"]["endpoint_url"] = sts.url
    inside = {"token_file": str(account / "token"), "ca_file": str(account / "ca.crt")}
    configuration["issuers"]["cluster"] |= {"api_server": inside, **issuer}
    host, port = cluster.issuer.removeprefix("https://").split(":")
    environ = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}
    async with served(yaml.safe_dump(configuration), folder, environ=environ) as running:
        await ready(running)
        yield running


@asynccontextmanager
async def process(
    *arguments: str, said: str, environ: Mapping[str, str] | None = None
) -> AsyncIterator[tuple[Process, str]]:
    """Run a program of ours until the block ends; yields it and the first line of its stderr that says something."""
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *arguments),
        cwd=ROOT,
        env={**os.environ, **(environ or {})},
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    log: list[str] = []
    try:
        assert running.stderr
        async with asyncio.timeout(30):
            while not log or said not in log[-1]:
                line = await running.stderr.readline()
                if not line:
                    raise RuntimeError("".join(log))
                log.append(line.decode())
        reading = asyncio.create_task(running.stderr.read())
        yield running, log[-1]
        reading.cancel()
    finally:
        if running.returncode is None:
            running.terminate()
        await running.wait()


@asynccontextmanager
async def webhook(cluster: Cluster, folder: Path) -> AsyncIterator[Process]:
    """Run the webhook as its Deployment says, and have the API server find it on loopback."""
    tls = mounted_secret(cluster, "vendor-webhook-ca", folder / "webhook-tls")
    account = mounted_account(cluster, "vendor-webhook", folder / "webhook-account")
    deployment = cluster.get("deployment", "vendor-webhook")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    arguments = [each.replace("/etc/webhook-tls", str(tls)) for each in container["args"]]
    moved = ["--listen=127.0.0.1:0", "--certificate-name=localhost", f"--api-server={cluster.issuer}"]
    moved += [f"--api-token-file={account / 'token'}", f"--api-ca-file={account / 'ca.crt'}"]
    async with process("vendor.cli", *arguments, *moved, said='"listening"') as (running, line):
        port = json.loads(line)["webhook"].rpartition(":")[2]
        with _pointed(cluster, f"https://localhost:{port}/mutate"):
            yield running


@contextmanager
def _pointed(cluster: Cluster, url: str) -> Iterator[None]:
    """Send the API server to an address instead of to a service, which would need a node."""
    name = f"{NAMESPACE}-vendor-webhook"
    patch = (
        '[{"op": "remove", "path": "/webhooks/0/clientConfig/%s"},'
        ' {"op": "add", "path": "/webhooks/0/clientConfig/%s", "value": %s}]'
    )
    service = cluster.get("mutatingwebhookconfiguration", name)["webhooks"][0]["clientConfig"]["service"]
    change = ("patch", "mutatingwebhookconfiguration", name, "--type=json", "-p")
    cluster.kubectl(*change, patch % ("service", "url", json.dumps(url)))
    try:
        yield
    finally:
        cluster.kubectl(*change, patch % ("url", "service", json.dumps(service)))


def agent_arguments(cluster: Cluster) -> list[str]:
    """Return what the DaemonSet has an agent do, on loopback."""
    pod = cluster.get("daemonset", "vendor-agent")["spec"]["template"]["spec"]
    arguments: list[str] = pod["containers"][0]["args"]
    at = arguments.index("--listen") + 1
    return [*arguments[:at], "127.0.0.1:0", *arguments[at + 1 :]]


def environment(container: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables of a container."""
    return {one["name"]: one["value"] for one in container.get("env", [])}
