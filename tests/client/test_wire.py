from __future__ import annotations

import base64
import socket
import ssl
from typing import TYPE_CHECKING

import pytest
import trustme

from tests.client.proxy import Proxy
from tests.client.service import TOKEN, Handler, Service, golden, raw, vended
from vendor.client import Client, Unreachable, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.client.conftest import Patient

AUTHORITY = trustme.CA()


@pytest.fixture
def ca_file(tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    AUTHORITY.cert_pem.write_to_path(str(path))
    return path


def serving(*names: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    AUTHORITY.issue_cert(*names).configure_cert(context)
    return context


@pytest.fixture
def secure() -> Iterator[Service]:
    with Service(tls=serving("127.0.0.1", "vendor.example", "2001:db8::1")) as running:
        yield running


def test_a_private_authority_is_trusted_when_it_is_named(secure: Service, token_file: Path, ca_file: Path) -> None:
    Client(secure.url, token_file=token_file, ca_file=ca_file, environ={}).credentials("reports:read")
    environ = {"VENDOR_CA_FILE": str(ca_file)}
    Client(secure.url, token_file=token_file, environ=environ).credentials("reports:read")
    assert len(secure.asked) == 2


def test_an_unknown_authority_is_not_trusted_and_not_asked_again(
    secure: Service, token_file: Path, clock: Patient
) -> None:
    with pytest.raises(Unreachable, match=r"its certificate is not trusted .*; VENDOR_CA_FILE names") as caught:
        Client(secure.url, token_file=token_file, environ={}, clock=clock).credentials("reports:read")
    assert caught.value.final
    assert not clock.slept
    assert not secure.asked


def test_the_authority_of_the_service_says_nothing_about_github(
    secure: Service, service: Service, ca_file: Path, clock: Patient
) -> None:
    environ = {
        "VENDOR_CA_FILE": str(ca_file),
        "ACTIONS_ID_TOKEN_REQUEST_URL": secure.url,
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "runner-token",
    }
    with pytest.raises(Unreachable, match="not trusted"):
        Client(service.url, environ=environ, clock=clock).credentials("reports:read")
    assert not secure.asked


def test_a_certificate_of_another_host_is_not_trusted(token_file: Path, ca_file: Path) -> None:
    with Service(tls=serving("other.example")) as other, pytest.raises(Unreachable, match="not trusted"):
        Client(other.url, token_file=token_file, ca_file=ca_file, environ={}).credentials("reports:read")
    assert not other.asked


def test_tls_to_a_port_that_speaks_none_is_told(service: Service, token_file: Path, clock: Patient) -> None:
    url = service.url.replace("http://", "https://")
    with pytest.raises(Unreachable, match="TLS failed") as caught:
        Client(url, token_file=token_file, environ={}, clock=clock).credentials("reports:read")
    assert caught.value.final
    assert not service.asked


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_a_ca_file_without_an_authority_is_a_usage_error(
    secure: Service, token_file: Path, tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "empty.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UsageError, match=r"the CA file .*empty\.pem cannot be used"):
        Client(secure.url, token_file=token_file, ca_file=path, environ={}).credentials("reports:read")


@pytest.mark.parametrize(
    ("host", "user", "authorization"),
    [
        ("vendor.example", "", None),
        ("vendor.example", "user:p%40ss@", "Basic " + base64.b64encode(b"user:p@ss").decode()),
        ("[2001:db8::1]", "", None),
    ],
)
def test_a_proxy_sees_the_name_and_its_own_password_and_no_more(
    secure: Service, token_file: Path, ca_file: Path, host: str, user: str, authorization: str | None
) -> None:
    with Proxy(secure.port) as proxy:
        environ = {"HTTPS_PROXY": f"http://{user}127.0.0.1:{proxy.port}", "VENDOR_CA_FILE": str(ca_file)}
        Client(f"https://{host}", token_file=token_file, environ=environ).credentials("reports:read")
    (head,) = proxy.heads
    lines = head.strip().split("\r\n")
    assert lines[0] == f"CONNECT {host}:443 HTTP/1.1"
    assert f"Host: {host}:443" in lines
    assert (f"Proxy-Authorization: {authorization}" in lines) is (authorization is not None)
    assert TOKEN not in head
    assert secure.asked[0].headers["Host"] == host


@pytest.mark.parametrize("answer", [b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", b"HTTP/1.1 403 no\r\n\r\n"])
def test_a_proxy_that_refuses_is_told_by_its_status(token_file: Path, clock: Patient, answer: bytes) -> None:
    with Proxy(1, answer=answer) as proxy:
        environ = {"HTTPS_PROXY": f"http://user:hunter2@127.0.0.1:{proxy.port}"}
        client = Client("https://vendor.example", token_file=token_file, environ=environ, clock=clock)
        with pytest.raises(Unreachable, match=r"the proxy .* refused the tunnel: HTTP 40[37]") as caught:
            client.credentials("reports:read")
    assert "hunter2" not in str(caught.value)


def test_the_next_address_of_a_name_is_tried(
    service: Service, token_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = socket.getaddrinfo

    def twice(host: str, *arguments: int, **more: int) -> list[tuple[object, ...]]:
        if host != "localhost":
            return list(found(host, *arguments, **more))
        # Nobody listens on ::1 at that port, if the machine has it at all.
        return [(socket.AF_INET6, 1, 6, "", ("::1", 0, 0, 0)), (socket.AF_INET, 1, 6, "", ("127.0.0.1", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", twice)
    client = Client(f"http://localhost:{service.port}", token_file=token_file, environ={})
    assert client.credentials("reports:read").scope == "reports:read"


def unreachable(service: Service, token_file: Path, clock: Patient) -> str:
    with pytest.raises(Unreachable) as caught:
        Client(service.url, token_file=token_file, environ={}, clock=clock).credentials("reports:read")
    return str(caught.value)


def test_what_does_not_speak_http_is_told(service: Service, token_file: Path, clock: Patient) -> None:
    service.then(raw(b"SSH-2.0-OpenSSH_9.2\r\n"))
    assert "does not speak HTTP (BadStatusLine)" in unreachable(service, token_file, clock)


def test_an_answer_cut_short_is_none(service: Service, token_file: Path, clock: Patient) -> None:
    service.then(raw(b'HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{"AccessKeyId"'))
    assert "closed before the answer was whole" in unreachable(service, token_file, clock)


def test_a_chunked_answer_is_read(service: Service, token_file: Path) -> None:
    body = str(golden()).replace("'", '"').encode()
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    service.then(raw(head, b"%x\r\n%b\r\n" % (len(body), body), b"0\r\n\r\n"))
    assert Client(service.url, token_file=token_file, environ={}).credentials("reports:read").scope == "reports:read"


def test_a_name_that_is_none_is_told(token_file: Path, clock: Patient) -> None:
    client = Client(f"https://{'a' * 64}.example", token_file=token_file, environ={}, clock=clock)
    with pytest.raises(Unreachable, match="its name is no host name"):
        client.credentials("reports:read")


def test_a_server_that_says_nothing_is_given_up(token_file: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes the call into its backlog, and that is all
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(Unreachable, match="no answer in time"):
            Client(url, token_file=token_file, timeout=0.05, environ={}).credentials("reports:read")


def test_a_server_that_drips_its_answer_is_given_up_and_asked_again(
    service: Service, token_file: Path, clock: Patient
) -> None:
    def drip(handler: Handler) -> None:
        clock.seconds += 6  # more than one attempt may take
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        for _ in range(1_000_000):
            handler.wfile.write(b"X")

    service.then(drip, vended())
    Client(service.url, token_file=token_file, environ={}, clock=clock).credentials("reports:read")
    assert len(service.asked) == 2
    service.then(drip)
    assert "no answer in time" in unreachable(service, token_file, clock)
