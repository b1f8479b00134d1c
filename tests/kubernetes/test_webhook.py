"""`vendor webhook` as a process: over TLS, beside an API server, as the real one would ask it."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import re
import signal
import ssl
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
import trustme
import yaml
from cryptography import x509

from tests.fakes.api_server import ApiServer
from tests.kubernetes.patching import apply
from tests.service import ROOT
from vendor.cli import main
from vendor.kubernetes.webhook import BODY_IN_TIME, LONGEST, MOST, SMALL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

NAME = "vendor-webhook.vendor.svc"
SCOPE = {"vendor.dev/scope": "reports:read"}


def review(pod: dict[str, Any], **request: Any) -> dict[str, Any]:
    asked = {"uid": "u-1", "namespace": "analytics", "object": pod, "operation": "CREATE", **request}
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": asked}


def pod(account: str | None = "reporter", **metadata: Any) -> dict[str, Any]:
    spec: dict[str, Any] = {"containers": [{"name": "a", "image": "x"}]}
    return {
        "kind": "Pod",
        "metadata": metadata,
        "spec": {**spec, **({"serviceAccountName": account} if account else {})},
    }


class Served:
    """A webhook that serves; `ask` asks it as the API server would, trusting its CA alone."""

    def __init__(self, process: asyncio.subprocess.Process, ca: Path) -> None:
        self.process = process
        self.log: list[str] = []
        self.port = 0
        self._tls = ssl.create_default_context(cafile=str(ca))

    async def listening(self) -> None:
        assert self.process.stderr
        async for raw in self.process.stderr:
            self.log.append(raw.decode())
            if '"listening"' in self.log[-1]:
                self.port = int(json.loads(self.log[-1])["webhook"].rpartition(":")[2])
                return
        raise RuntimeError("".join(self.log))

    def most_memory(self) -> int:
        """Return the most KiB that it has had at once."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.findall(r"VmHWM:\s+([0-9]+) kB", status)[0])

    async def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        data = None if body is None else io.BytesIO(body)
        async with (
            aiohttp.ClientSession() as session,
            session.request(
                method, f"https://127.0.0.1:{self.port}{path}", data=data, ssl=self._tls, server_hostname=NAME
            ) as answer,
        ):
            return answer.status, await answer.read()

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port, ssl=self._tls, server_hostname=NAME)

    async def review(self, question: Any) -> dict[str, Any]:
        status, body = await self.ask("POST", "/mutate", json.dumps(question).encode())
        assert status == 200, body
        response: dict[str, Any] = json.loads(body)["response"]
        assert response["uid"] == "u-1"
        assert response["allowed"] is True
        return response

    def serial(self) -> int:
        pem = ssl.get_server_certificate(("127.0.0.1", self.port))
        return x509.load_pem_x509_certificate(pem.encode()).serial_number


def _ca(folder: Path) -> None:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(folder / "signing.crt"))
    ca.private_key_pem.write_to_path(str(folder / "signing.key"))


@asynccontextmanager
async def served(server: ApiServer, folder: Path, *more: str) -> AsyncIterator[Served]:
    at = server.files(folder)
    _ca(folder)
    arguments = [
        *("--listen=127.0.0.1:0", "--service-url=https://vendor.vendor.svc", f"--certificate-name={NAME}"),
        *(f"--ca-certificate={folder / 'signing.crt'}", f"--ca-private-key={folder / 'signing.key'}"),
        *(f"--api-server={at.origin}", f"--api-token-file={at.token_file}", f"--api-ca-file={at.ca_file}", *more),
    ]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "vendor.cli", "webhook", *arguments),
        cwd=ROOT,
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if name != "SSL_CERT_FILE"},
    )
    webhook = Served(process, folder / "signing.crt")
    try:
        async with asyncio.timeout(30):
            await webhook.listening()
        yield webhook
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.fixture
async def server() -> AsyncIterator[ApiServer]:
    async with ApiServer() as made:
        made.accounts["analytics", "reporter"] = SCOPE
        yield made


async def test_a_pod_of_an_annotated_account_is_patched_and_others_are_let_in_as_they_are(
    server: ApiServer, tmp_path: Path
) -> None:
    server.accounts["analytics", "plain"] = {}
    server.accounts["analytics", "default"] = {**SCOPE, "vendor.dev/mode": "agent"}
    async with served(server, tmp_path) as webhook:
        response = await webhook.review(review(pod()))
        assert response["patchType"] == "JSONPatch"
        patch = json.loads(base64.b64decode(response["patch"]))
        after = apply(pod(), patch)
        names = {one["name"] for one in after["spec"]["containers"][0]["env"]}
        assert "AWS_CONTAINER_CREDENTIALS_FULL_URI" in names
        assert await webhook.review(review(after)) == {"uid": "u-1", "allowed": True}
        assert "patch" in await webhook.review(review(pod(None)))
        mirror = pod(annotations={"kubernetes.io/config.mirror": "d2a4"})
        for other in (pod("plain"), pod("nobody"), pod(annotations={"vendor.dev/inject": "false"}), mirror):
            assert await webhook.review(review(other)) == {"uid": "u-1", "allowed": True}
        assert "patch" not in await webhook.review(review({"kind": "Binding", "metadata": {}}))
        metrics = (await webhook.ask("GET", "/metrics"))[1].decode()
    assert 'vendor_webhook_reviews_total{result="injected"} 2.0' in metrics
    assert 'vendor_webhook_reviews_total{result="unchanged"} 6.0' in metrics
    assert "_created" not in metrics


async def test_ephemeral_containers_are_given_what_their_pod_has(server: ApiServer, tmp_path: Path) -> None:
    async with served(server, tmp_path) as webhook:
        patch = json.loads(base64.b64decode((await webhook.review(review(pod())))["patch"]))
        debugged = apply(pod(), patch)
        debugged["spec"]["ephemeralContainers"] = [{"name": "debug", "image": "x"}]
        response = await webhook.review(
            review(debugged, operation="UPDATE", subResource="ephemeralcontainers", name="p")
        )
        before = json.loads(json.dumps(debugged))
        debugged["spec"]["ephemeralContainers"].append({"name": "again", "image": "x"})
        again = await webhook.review(
            review(debugged, operation="UPDATE", subResource="ephemeralcontainers", name="p", oldObject=before)
        )
    paths = [operation["path"] for operation in json.loads(base64.b64decode(response["patch"]))]
    assert paths == ["/spec/ephemeralContainers/0/env", "/spec/ephemeralContainers/0/volumeMounts"]
    paths = [operation["path"] for operation in json.loads(base64.b64decode(again["patch"]))]
    assert paths == ["/spec/ephemeralContainers/1/env", "/spec/ephemeralContainers/1/volumeMounts"], (
        "an API server refuses whoever changes an ephemeral container that is there"
    )


async def test_where_the_account_cannot_be_read_the_pod_is_let_in_and_its_author_told(
    server: ApiServer, tmp_path: Path
) -> None:
    async with served(server, tmp_path) as webhook:
        for fault in ("403", "500", "html", "oversize", "disconnect", "redirect", "list"):
            server.fault = fault
            response = await webhook.review(review(pod()))
            assert "patch" not in response, fault
            assert "service account reporter cannot be read" in response["warnings"][0], fault
        server.fault = None
        assert "patch" in await webhook.review(review(pod()))


async def test_an_annotation_that_cannot_be_followed_is_told_to_who_made_the_pod(
    server: ApiServer, tmp_path: Path
) -> None:
    server.accounts["analytics", "reporter"] = {**SCOPE, "vendor.dev/mode": "magic"}
    async with served(server, tmp_path) as webhook:
        response = await webhook.review(review(pod()))
    assert response["warnings"] == [
        "vendor.dev/mode must be one of agent, direct, sts, not 'magic'; nothing is injected"
    ]


async def test_what_is_no_review_is_refused_and_the_next_one_answered(server: ApiServer, tmp_path: Path) -> None:
    async with served(server, tmp_path) as webhook:
        for body in (
            b"",
            b"[]",
            b"{",
            b"\xff",
            b"[" * 100_000,
            json.dumps(review({"kind": "Pod"})).encode(),
            b'{"kind":"Pod"}',
        ):
            status, answer = await webhook.ask("POST", "/mutate", body)
            assert status == 400, body
            assert json.loads(answer)["message"]
        assert (await webhook.ask("GET", "/mutate"))[0] == 405
        assert (await webhook.ask("GET", "/readyz"))[0] == 200
        assert "patch" in await webhook.review(review(pod()))


async def test_it_signs_its_certificate_and_another_one_when_the_ca_is_another(
    server: ApiServer, tmp_path: Path
) -> None:
    async with served(server, tmp_path, "--look=0.1") as webhook:
        before = await asyncio.to_thread(webhook.serial)
        (tmp_path / "signing.key").write_text("half of a k")
        await asyncio.sleep(0.4)
        assert await asyncio.to_thread(webhook.serial) == before
        _ca(tmp_path)
        async with asyncio.timeout(10):
            while await asyncio.to_thread(webhook.serial) == before:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.1)
        webhook._tls = ssl.create_default_context(cafile=str(tmp_path / "signing.crt"))
        assert (await webhook.ask("GET", "/healthz"))[0] == 200


async def test_it_ends_with_0_when_it_is_told_to(server: ApiServer, tmp_path: Path) -> None:
    async with served(server, tmp_path) as webhook:
        webhook.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(15):
            assert await webhook.process.wait() == 0


WRONG = [
    [],
    ["--tls-certificate", "c"],
    ["--tls-certificate", "c", "--tls-private-key", "k", "--ca-certificate", "c"],
    ["--ca-certificate", "c", "--ca-private-key", "k"],
]


@pytest.mark.parametrize("arguments", WRONG)
def test_half_a_certificate_is_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["webhook", "--service-url", "https://vendor", "--api-server", "https://127.0.0.1:1", *arguments])
    assert ended.value.code == 2
    assert "--ca-certificate" in capsys.readouterr().err


@pytest.mark.parametrize(
    "bad",
    [
        ["--listen", "8443"],
        ["--listen", "0.0.0.0:70000"],
        ["--service-url", "ftp://x"],
        ["--service-url", "https://u:p@x"],
        ["--token-expiration", "60"],
        ["--mode", "magic"],
    ],
)
def test_a_flag_that_makes_no_sense_is_refused(bad: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    good = ["--service-url", "https://vendor", "--tls-certificate", "c", "--tls-private-key", "k"]
    with pytest.raises(SystemExit) as ended:
        main(["webhook", *good, *bad])
    assert ended.value.code == 2
    assert bad[0] in capsys.readouterr().err


def test_outside_of_a_pod_it_asks_where_the_api_server_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(SystemExit):
        main(["webhook", "--service-url", "https://vendor", "--tls-certificate", "c", "--tls-private-key", "k"])
    assert "--api-server" in capsys.readouterr().err


def test_without_a_ca_that_can_sign_it_says_so_and_exits_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("c", "k"):
        (tmp_path / name).write_text("nothing of use")
    files = ["--ca-certificate", str(tmp_path / "c"), "--ca-private-key", str(tmp_path / "k")]
    arguments = ["--service-url", "https://vendor", "--api-server", "https://127.0.0.1:1", "--certificate-name", NAME]
    assert main(["webhook", *arguments, *files]) == 1
    assert "the CA is no certificate and key in PEM" in capsys.readouterr().err


HEAD = b"POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


async def test_a_flood_of_reviews_that_never_come_keeps_no_pod_waiting_t31(server: ApiServer, tmp_path: Path) -> None:
    async with served(server, tmp_path) as webhook:
        slow = [await webhook.connect() for _ in range(MOST // 4 + 10)]
        for _, writer in slow:
            writer.write((HEAD % 1_000) + b"{")
        answers = [asyncio.create_task(reader.readline()) for reader, _ in slow]
        done, _ = await asyncio.wait(answers, timeout=BODY_IN_TIME / 2)
        assert [answer.result() for answer in done] == [b"HTTP/1.1 503 Service Unavailable\r\n"] * 10
        assert "patch" in await webhook.review(review(pod()))
        late = await asyncio.gather(*answers)
        assert late.count(b"HTTP/1.1 400 Bad Request\r\n") == MOST // 4
        for _, writer in slow:
            writer.transport.abort()
        metrics = (await webhook.ask("GET", "/metrics"))[1].decode()
    assert 'vendor_webhook_reviews_total{result="overloaded"} 10.0' in metrics


async def test_of_a_review_that_breaks_off_nothing_is_logged(server: ApiServer, tmp_path: Path) -> None:
    async with served(server, tmp_path) as webhook:
        _, writer = await webhook.connect()
        writer.write((HEAD % 1_000) + b"{")
        await writer.drain()
        await asyncio.sleep(0.2)
        writer.transport.abort()
        await asyncio.sleep(0.2)
        metrics = (await webhook.ask("GET", "/metrics"))[1].decode()
    assert 'vendor_webhook_reviews_total{result="malformed"} 1.0' in metrics
    assert 'vendor_webhook_reviews_total{result="defect"} 0.0' in metrics


async def test_many_large_reviews_at_once_take_no_more_memory_than_the_chart_gives(
    server: ApiServer, tmp_path: Path
) -> None:
    async with served(server, tmp_path) as webhook:
        dense = b"[" + b"{}," * (LONGEST // 3 - 2) + b"{}]"
        asked = [asyncio.create_task(webhook.ask("POST", "/mutate", dense)) for _ in range(12)]
        smaller = b"[" + b"{}," * (SMALL // 3 - 2) + b"{}]"
        asked += [asyncio.create_task(webhook.ask("POST", "/mutate", smaller)) for _ in range(40)]
        assert "patch" in await webhook.review(review(pod()))
        assert {status for status, _ in await asyncio.gather(*asked)} <= {400, 503}
        assert webhook.most_memory() < _limit()


def _limit() -> int:
    values = yaml.safe_load((ROOT / "helm" / "vendor" / "values.yaml").read_text())
    return int(values["webhook"]["resources"]["limits"]["memory"].removesuffix("Mi")) * 1024


async def test_no_review_takes_more_memory_than_the_chart_gives(server: ApiServer, tmp_path: Path) -> None:
    async with served(server, tmp_path) as webhook:
        dense = b"[" + b"{}," * (LONGEST // 3 - 2) + b"{}]"
        assert (await webhook.ask("POST", "/mutate", dense))[0] == 400
        assert (await webhook.ask("POST", "/mutate", dense * 2))[0] == 413
        assert webhook.most_memory() < _limit()
