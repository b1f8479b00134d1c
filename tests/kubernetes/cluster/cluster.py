"""The cluster: API server and etcd as processes, and kubectl and helm for it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import ssl
import subprocess
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.conftest import MACHINE
from tests.helm import tools
from tests.service import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

BUILT: Final = ROOT / ".cache" / "kube"
ADMIN: Final = "the-administrator-of-the-test"
HELM: Final = "3"
"""Helm 4 writes by server-side apply, which 1.20 had in beta alone."""


class CommandError(Exception):
    """kubectl or helm ended with an error; the message is what they said."""


class Cluster:
    """A running API server; `issuer` is its URL, and that of the tokens that it makes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ports = _free_ports(3)
        self.issuer = f"https://127.0.0.1:{self._ports[0]}"
        self.ca_file = folder / "pki" / "apiserver.crt"
        self.kubeconfig = folder / "kubeconfig"
        self._keys = [_new_key(folder / "sa-1.key")]
        self._etcd: subprocess.Popen[bytes] | None = None
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start both and wait until the API server is ready."""
        (self.folder / "tokens.csv").write_text(f'{ADMIN},admin,admin,"system:masters"\n')
        self._etcd = self._run("etcd", shutil.which("etcd") or "etcd", *self._etcd_flags())
        self.start_server()
        self.kubeconfig.write_text(yaml.safe_dump(self._access()))

    def start_server(self) -> None:
        """Start the API server."""
        self._server = self._run("kube-apiserver", str(api_server()), *self._server_flags())
        context = ssl._create_unverified_context()  # noqa: S323 - it makes its certificate as it starts
        deadline = time.monotonic() + 120
        while True:
            try:
                with urllib.request.urlopen(f"{self.issuer}/readyz", timeout=2, context=context):  # noqa: S310 - ours
                    return
            except OSError as exc:
                if self._server.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((self.folder / "kube-apiserver.log").read_text()[-3000:]) from exc
            time.sleep(0.2)

    def stop_server(self) -> None:
        """Stop the API server; what it was told is in etcd."""
        _end(self._server)

    def stop(self) -> None:
        """Stop both."""
        _end(self._server)
        _end(self._etcd)

    def sign_with_another_key(self, *, forget: bool) -> None:
        """Restart the API server with another key for its tokens; with `forget`, the ones before are taken no more."""
        key = _new_key(self.folder / f"sa-{len(list(self.folder.glob('sa-*.key'))) + 1}.key")
        self._keys = [key] if forget else [key, *self._keys]
        self.stop_server()
        self.start_server()

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl as administrator and return what it prints. Raises CommandError."""
        return self._command(str(tools.helm(HELM).with_name("kubectl")), *arguments, stdin=stdin)

    def helm(self, *arguments: str) -> str:
        """Run helm as administrator and return what it prints. Raises CommandError."""
        return self._command(str(tools.helm(HELM)), *arguments)

    def get(self, kind: str, name: str, *, namespace: str = "credentials") -> dict[str, Any]:
        """Return an object."""
        found: dict[str, Any] = json.loads(self.kubectl("get", kind, name, "--namespace", namespace, "-o", "json"))
        return found

    def apply(self, *objects: dict[str, Any]) -> None:
        """Create or change objects."""
        self.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(objects))

    def token(self, namespace: str, account: str, *, audience: str | None = "vendor", pod: str | None = None) -> str:
        """Return a token as the kubelet asks for it, by TokenRequest, bound to a pod if one is named."""
        command = ["create", "token", account, "--namespace", namespace]
        if audience is not None:
            command += ["--audience", audience]
        if pod is not None:
            uid = self.get("pod", pod, namespace=namespace)["metadata"]["uid"]
            command += ["--bound-object-kind", "Pod", "--bound-object-name", pod, "--bound-object-uid", uid]
        return self.kubectl(*command).strip()

    def _command(self, *command: str, stdin: str | None = None) -> str:
        environ = {**os.environ, "KUBECONFIG": str(self.kubeconfig), "HOME": str(self.folder)}
        done = subprocess.run(  # noqa: S603 - ours
            command, input=stdin, env=environ, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
        )
        if done.returncode:
            raise CommandError(done.stderr)
        return done.stdout

    def _run(self, name: str, *command: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log)  # noqa: S603 - ours

    def _etcd_flags(self) -> list[str]:
        client, peer = (f"http://127.0.0.1:{port}" for port in self._ports[1:])
        return [
            *("--data-dir=etcd", "--unsafe-no-fsync", f"--initial-cluster=default={peer}"),
            *(f"--listen-client-urls={client}", f"--advertise-client-urls={client}"),
            *(f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}"),
        ]

    def _server_flags(self) -> list[str]:
        return [
            *(f"--etcd-servers=http://127.0.0.1:{self._ports[1]}", "--cert-dir=pki"),
            *("--bind-address=127.0.0.1", f"--secure-port={self._ports[0]}", "--service-cluster-ip-range=10.0.0.0/24"),
            *(f"--service-account-key-file={key}" for key in self._keys),
            f"--service-account-signing-key-file={self._keys[0]}",
            f"--service-account-issuer={self.issuer}",
            f"--service-account-jwks-uri={self.issuer}/openid/v1/jwks",
            *("--token-auth-file=tokens.csv", "--authorization-mode=RBAC", "--allow-privileged=true"),
            # What later versions do by themselves.
            "--feature-gates=BoundServiceAccountTokenVolume=true,EphemeralContainers=true",
        ]

    def _access(self) -> dict[str, Any]:
        cluster = {"server": self.issuer, "certificate-authority": str(self.ca_file)}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "it", "cluster": cluster}],
            "users": [{"name": "admin", "user": {"token": ADMIN}}],
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "admin"}}],
            "current-context": "it",
        }


@contextmanager
def running(folder: Path) -> Iterator[Cluster]:
    """Run a cluster until the block ends."""
    cluster = Cluster(folder)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


def api_server() -> Path:
    """Return the API server that KUBE_APISERVER names, else one that is built under .cache when first wanted."""
    if named := os.environ.get("KUBE_APISERVER"):
        return Path(named)
    built = BUILT / "kube-apiserver"
    if not built.exists():
        script = Path(__file__).with_name("build.sh")
        machine = json.loads(os.environ[MACHINE])
        subprocess.run([script, BUILT], check=True, env={**os.environ, **machine})  # noqa: S603 - ours
    return built


def _end(process: subprocess.Popen[bytes] | None) -> None:
    if process is not None and process.poll() is None:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _new_key(path: Path) -> Path:
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
    return path
