"""At a real API server: what docs/kubernetes.md has one run, its tokens, its reviews and its admission chain."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import ssl
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.fakes.sts import STS
from tests.kubernetes.cluster import installed
from tests.kubernetes.cluster.cluster import Cluster, CommandError, running
from tests.kubernetes.cluster.installed import environment
from tests.server.http import Answer, exchange, request
from tests.service import ROOT, Served

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.kube

PAGE = (ROOT / "docs" / "kubernetes.md").read_text("utf-8")
(VALUES,) = re.findall(r"```yaml\n(image: .*?)```", PAGE, re.DOTALL)
(SHOWN,) = re.findall(r"```console\n(\$ helm install.*?)```", PAGE, re.DOTALL)
COMMANDS = [line.removeprefix("$ ") for line in SHOWN.splitlines()]
NO_FIXED_NAMES = "kubernetes.io/metadata.name"
BOTO3 = "import boto3; print(boto3.Session().get_credentials().get_frozen_credentials().access_key)"
PARTS = ("volumes", "initContainers", "containers")
DISCOVERY = (
    *("create", "clusterrolebinding", "discovery", "--clusterrole=system:service-account-issuer-discovery"),
    "--group=system:unauthenticated",
)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster after the five commands."""
    folder = tmp_path_factory.mktemp("cluster")
    with running(folder) as started:
        values = yaml.safe_load(VALUES)
        values["config"]["issuers"]["cluster"]["issuer"] = started.issuer
        (folder / "values.yaml").write_text(yaml.safe_dump(values))
        for command in COMMANDS:
            _run(started, command)
        for name in ("credentials", "analytics", "kube-system"):
            # Later versions label them by themselves.
            started.kubectl("label", "namespace", name, f"{NO_FIXED_NAMES}={name}")
        started.kubectl("create", "serviceaccount", "other", "--namespace", "analytics")
        started.kubectl("create", "serviceaccount", "reporter", "--namespace", "kube-system")
        started.kubectl("annotate", "serviceaccount", "reporter", "--namespace", "kube-system", "vendor.dev/scope=x")
        ca = installed.mounted_secret(started, "vendor-tls", folder / "tls") / "ca.crt"
        (folder / "vendor-ca.crt").write_bytes(ca.read_bytes())
        yield started


def _run(cluster: Cluster, command: str) -> None:
    """Run a command of the page."""
    program, *arguments = shlex.split(command.replace("values.yaml", str(cluster.folder / "values.yaml")))
    if program == "helm":
        # What this version does not have; and loopback is where we serve.
        cluster.helm(*arguments, "--set", "podDisruptionBudget.enabled=false,tls.dnsNames={localhost}")
    else:
        cluster.kubectl(*arguments)


@pytest.fixture(autouse=True)
def _no_pods(cluster: Cluster) -> Iterator[None]:
    yield
    for namespace in ("analytics", "kube-system"):
        cluster.kubectl("delete", "pods", "--all", "--namespace", namespace, "--grace-period=0", "--force")


def _pod(name: str, account: str = "reporter", **metadata: Any) -> dict[str, Any]:
    spec = {
        "serviceAccountName": account,
        "automountServiceAccountToken": False,
        "initContainers": [{"name": "before", "image": "x"}],
        "containers": [{"name": "app", "image": "x"}, {"name": "decided", "image": "x", "env": [_KEY]}],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, **metadata}, "spec": spec}


_KEY = {"name": "AWS_ACCESS_KEY_ID", "value": "AKIAOWN"}


def _create(cluster: Cluster, pod: dict[str, Any], namespace: str = "analytics") -> dict[str, Any]:
    made = cluster.kubectl("create", "--namespace", namespace, "-o", "json", "-f", "-", stdin=json.dumps(pod))
    created: dict[str, Any] = json.loads(made)
    return created


async def _until_injected(cluster: Cluster, name: str) -> dict[str, Any]:
    """Create pods until the API server has heard where its webhook is."""
    for attempt in range(60):
        pod = _create(cluster, _pod(f"{name}-{attempt}"))
        if "env" in pod["spec"]["containers"][0]:
            return pod
        await asyncio.sleep(0.25)
    raise AssertionError("no pod was injected")


async def _ask(service: Served, cluster: Cluster, token: str) -> Answer:
    tls = ssl.create_default_context(cafile=str(cluster.folder / "vendor-ca.crt"))
    url = service.public.replace("127.0.0.1", "localhost")
    return await exchange(url, request("/v1/credentials/reports:read", token), tls=tls)


async def _refused_after(ask: Callable[[], Awaitable[Answer]]) -> float:
    """Return after how many seconds the service stopped to answer with credentials."""
    begun = time.monotonic()
    while (answer := await ask()).status == 200:
        assert time.monotonic() - begun < 30
        await asyncio.sleep(0.2)
    assert answer.code == "invalid_token", answer
    return time.monotonic() - begun


async def _until(status: int, ask: Callable[[], Awaitable[Answer]]) -> None:
    async with asyncio.timeout(60):
        while (await ask()).status != status:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.2)


async def test_from_five_commands_to_credentials_in_an_unchanged_pod(cluster: Cluster, tmp_path: Path) -> None:
    """What a node would do is done here: mount, start, and find the agent at its address."""
    assert len(COMMANDS) == 5
    cluster.kubectl("delete", "pod", "report", "--namespace", "analytics", "--ignore-not-found", "--grace-period=0")
    async with STS() as sts, installed.webhook(cluster, tmp_path), installed.service(cluster, sts, tmp_path) as service:
        await _until_injected(cluster, "waiting")
        program, *arguments = shlex.split(COMMANDS[-1])
        assert program == "kubectl"
        cluster.kubectl(*arguments)
        pod = cluster.get("pod", "report", namespace="analytics")
        (container,) = pod["spec"]["containers"]
        token = _mounted(cluster, pod, tmp_path)
        variables = environment(container)
        assert variables["AWS_REGION"] == "eu-west-1"
        url = f"https://localhost:{service.public.rpartition(':')[2]}"
        node = {
            "VENDOR_URL": url,
            "VENDOR_CA_FILE": str(tmp_path / "tls" / "ca.crt"),
            "VENDOR_TOKEN_FILE": "/nonexistent",
        }
        agent = installed.agent_arguments(cluster)
        async with installed.process("vendor.client", *agent, said="serving at", environ=node) as (_, line):
            uri = variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"]
            assert uri == "http://169.254.170.23/v1/credentials/reports:read"
            variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = uri.replace("http://169.254.170.23", line.split()[-1])
            variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = str(token)
            printed = await asyncio.to_thread(_output, [sys.executable, "-c", BOTO3], variables)
        (minted,) = [one for one in sts.requests if one.action == "AssumeRole"]
    assert printed.strip() in sts.issued
    assert "arn:aws:s3:::reports/analytics/*" in minted.parameters["Policy"]


def _mounted(cluster: Cluster, pod: dict[str, Any], folder: Path) -> Path:
    """Write the token that the kubelet would put into the volume that the webhook added."""
    (volume,) = [one for one in pod["spec"]["volumes"] if one["name"] == "vendor-token"]
    ((asked,),) = [[one["serviceAccountToken"] for one in volume["projected"]["sources"]]]
    assert asked == {"audience": "vendor", "expirationSeconds": 3600, "path": "token"}
    path = folder / "token"
    account = pod["spec"]["serviceAccountName"]
    path.write_text(cluster.token("analytics", account, audience=asked["audience"], pod=pod["metadata"]["name"]))
    return path


def _output(command: list[str], variables: dict[str, str]) -> str:
    done = subprocess.run(  # noqa: S603 - ours
        command, env={"PATH": os.defpath, **variables}, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


@pytest.mark.parametrize("keys", ["kubernetes", "discovery"])
async def test_tokens_are_taken_whichever_way_the_keys_come(cluster: Cluster, tmp_path: Path, keys: str) -> None:
    if keys == "discovery":  # anybody may read the keys, where the cluster says so
        cluster.kubectl(*DISCOVERY)
    more = {"keys": keys, **({} if keys == "kubernetes" else _discovered(cluster))}
    async with STS() as sts, installed.service(cluster, sts, tmp_path, **more) as service:
        assert (await _ask(service, cluster, cluster.token("analytics", "reporter"))).status == 200
        assert (await _ask(service, cluster, cluster.token("analytics", "other"))).code == "access_denied"
        for audience in (None, "somebody-else"):
            token = cluster.token("analytics", "reporter", audience=audience)
            assert (await _ask(service, cluster, token)).code == "invalid_token"


def _discovered(cluster: Cluster) -> dict[str, Any]:
    return {"ca_file": str(cluster.ca_file), "allow_private_addresses": True}


async def test_t6_who_is_deleted_is_refused_within_ten_seconds(cluster: Cluster, tmp_path: Path) -> None:
    _create(cluster, _pod("short"))
    bound, unbound = cluster.token("analytics", "reporter", pod="short"), cluster.token("analytics", "reporter")
    async with STS() as sts, installed.service(cluster, sts, tmp_path) as service:
        assert (await _ask(service, cluster, bound)).status == 200
        cluster.kubectl("delete", "pod", "short", "--namespace", "analytics", "--grace-period=0", "--force")
        assert await _refused_after(lambda: _ask(service, cluster, bound)) < 10
        assert (await _ask(service, cluster, unbound)).status == 200
        cluster.kubectl("delete", "serviceaccount", "reporter", "--namespace", "analytics")
        try:
            assert await _refused_after(lambda: _ask(service, cluster, unbound)) < 10
        finally:
            for command in COMMANDS[2:4]:
                cluster.kubectl(*shlex.split(command)[1:])
        # Another account of the same name is another one.
        assert (await _ask(service, cluster, unbound)).code == "invalid_token"
        assert (await _ask(service, cluster, cluster.token("analytics", "reporter"))).status == 200


async def test_without_a_review_a_deleted_pod_is_believed_until_its_token_ends(
    cluster: Cluster, tmp_path: Path
) -> None:
    _create(cluster, _pod("short"))
    token = cluster.token("analytics", "reporter", pod="short")
    async with STS() as sts, installed.service(cluster, sts, tmp_path, token_review=False) as service:
        cluster.kubectl("delete", "pod", "short", "--namespace", "analytics", "--grace-period=0", "--force")
        await asyncio.sleep(1)
        assert (await _ask(service, cluster, token)).status == 200


async def test_another_signing_key_is_followed_and_one_that_is_gone_is_no_longer_believed(
    cluster: Cluster, tmp_path: Path
) -> None:
    before = cluster.token("analytics", "reporter")
    async with STS() as sts, installed.service(cluster, sts, tmp_path) as service:
        assert (await _ask(service, cluster, before)).status == 200
        await asyncio.to_thread(cluster.sign_with_another_key, forget=False)
        after = cluster.token("analytics", "reporter")
        await _until(200, lambda: _ask(service, cluster, after))
        assert (await _ask(service, cluster, before)).status == 200
        await asyncio.to_thread(cluster.sign_with_another_key, forget=True)
        # The service's own account has a token of the key before; a kubelet would have fetched another.
        installed.mounted_account(cluster, "vendor", tmp_path / "account")
        await _until(401, lambda: _ask(service, cluster, before))
        newest = cluster.token("analytics", "reporter")
        await _until(200, lambda: _ask(service, cluster, newest))
        assert (await _ask(service, cluster, before)).code == "invalid_token"


async def test_t31_the_admission_chain_gives_pods_what_they_lack_and_nothing_more(
    cluster: Cluster, tmp_path: Path
) -> None:
    async with installed.webhook(cluster, tmp_path):
        pod = await _until_injected(cluster, "first")
        containers = {one["name"]: one for kind in ("initContainers", "containers") for one in pod["spec"][kind]}
        for name in ("before", "app"):
            assert environment(containers[name])["VENDOR_SCOPE"] == "reports:read"
            assert [one["mountPath"] for one in containers[name]["volumeMounts"]] == ["/var/run/secrets/vendor"]
        assert containers["decided"]["env"] == [_KEY]
        assert "volumeMounts" not in containers["decided"]

        again = _create(cluster, {**pod, "metadata": {"name": "again"}})
        assert [again["spec"][part] for part in PARTS] == [pod["spec"][part] for part in PARTS]

        others = {
            "unannotated": _create(cluster, _pod("unannotated", "other")),
            "declining": _create(cluster, _pod("declining", annotations={"vendor.dev/inject": "false"})),
            "of the system": _create(cluster, _pod("system"), "kube-system"),
        }
        for name, other in others.items():
            assert "env" not in other["spec"]["containers"][0], name


async def test_an_ephemeral_container_of_this_version_is_let_in_as_it_is(cluster: Cluster, tmp_path: Path) -> None:
    """Before 1.23 the API server asks about a kind of its own, which cannot be told whose pod it is for."""
    async with installed.webhook(cluster, tmp_path):
        name = (await _until_injected(cluster, "debugged"))["metadata"]["name"]
        more = {
            "apiVersion": "v1",
            "kind": "EphemeralContainers",
            "metadata": {"name": name},
            "ephemeralContainers": [{"name": "debug", "image": "x", "terminationMessagePolicy": "File"}],
        }
        path = tmp_path / "ephemeral.json"
        path.write_text(json.dumps(more))
        at = f"/api/v1/namespaces/analytics/pods/{name}/ephemeralcontainers"
        cluster.kubectl("replace", "--raw", at, "-f", str(path))
        (debug,) = cluster.get("pod", name, namespace="analytics")["spec"]["ephemeralContainers"]
    assert "env" not in debug


async def test_t31_pods_start_although_the_webhook_is_away(cluster: Cluster, tmp_path: Path) -> None:
    async with installed.webhook(cluster, tmp_path) as process:
        await _until_injected(cluster, "with")
        process.kill()
        await process.wait()
        pod = _create(cluster, _pod("without"))
    assert "env" not in pod["spec"]["containers"][0]


async def test_the_job_of_helm_test_passes(cluster: Cluster, tmp_path: Path) -> None:
    manifest = cluster.helm("get", "hooks", "vendor", "--namespace", "credentials")
    objects = {one["kind"]: one for one in yaml.safe_load_all(manifest) if one}
    cluster.apply(objects["ServiceAccount"])
    (container,) = objects["Job"]["spec"]["template"]["spec"]["containers"]
    (tmp_path / "own").write_text(cluster.token("credentials", objects["ServiceAccount"]["metadata"]["name"]))
    async with STS() as sts, installed.service(cluster, sts, tmp_path) as service:
        environ = {"VENDOR_CA_FILE": str(tmp_path / "tls" / "ca.crt"), "VENDOR_TOKEN_FILE": str(tmp_path / "own")}
        url = f"https://localhost:{service.public.rpartition(':')[2]}"
        command = [sys.executable, "-m", "vendor.cli", *container["args"], "--url", url]
        printed = await asyncio.to_thread(_output, command, {**environ, "PYTHONPATH": str(ROOT)})
    assert "no:such:scope" in printed


def test_an_upgrade_keeps_what_was_made_once_and_a_rollback_too(cluster: Cluster) -> None:
    def kept() -> list[Any]:
        names = ("vendor-tls", "vendor-webhook-ca", "vendor-store-keys", "vendor-valkey")
        return [cluster.get("secret", name)["data"] for name in names]

    def upgrade(*more: str) -> str:
        rendered = ("--reuse-values", "--set", "valkey.enabled=true", *more)
        return cluster.helm("upgrade", "vendor", "helm/vendor", "--namespace", "credentials", *rendered)

    upgrade()
    before = kept()
    upgrade("--set", "replicas=3")
    assert kept() == before
    assert cluster.get("deployment", "vendor")["spec"]["replicas"] == 3
    cluster.helm("rollback", "vendor", "--namespace", "credentials")
    assert kept() == before
    assert cluster.get("deployment", "vendor")["spec"]["replicas"] == 2


def test_an_install_after_an_uninstall_goes_on_with_the_same_certificates(cluster: Cluster) -> None:
    def kept() -> list[Any]:
        return [cluster.get("secret", name)["data"] for name in ("vendor-tls", "vendor-webhook-ca")]

    before = kept()
    cluster.helm("uninstall", "vendor", "--namespace", "credentials")
    assert kept() == before
    with pytest.raises(CommandError, match="not found"):
        cluster.get("deployment", "vendor")
    _run(cluster, COMMANDS[0])
    assert kept() == before
    assert cluster.get("deployment", "vendor")["spec"]["replicas"] == 2


def test_the_service_may_create_reviews_and_do_nothing_else(cluster: Cluster) -> None:
    def may(account: str, *what: str) -> bool:
        who = f"--as=system:serviceaccount:credentials:{account}"
        try:
            return cluster.kubectl("auth", "can-i", *what, who, "--all-namespaces").strip() == "yes"
        except CommandError:
            return False

    assert may("vendor", "create", "tokenreviews")
    assert may("vendor-webhook", "get", "serviceaccounts")
    for what in (
        ("get", "secrets"),
        ("create", "pods"),
        ("list", "serviceaccounts"),
        ("create", "serviceaccounts/token"),
    ):
        assert not may("vendor", *what), what
        assert not may("vendor-webhook", *what), what
        assert not may("vendor-agent", *what), what
