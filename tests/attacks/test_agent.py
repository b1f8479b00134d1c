"""T27 at `vend agent`: what is no request of an SDK is refused, asks nobody anything, and keeps nobody waiting."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Final

import pytest

from tests.client.agent.conftest import Agent, agent_of
from tests.client.service import SECRET, TOKEN, Service
from tests.server.test_edge import GARBLED

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.attacks

PUT: Final = b"PUT /latest/api/token HTTP/1.1\r\nHost: x\r\nX-aws-ec2-metadata-token-ttl-seconds: "
HEAD: Final = b"GET /v1/credentials HTTP/1.1\r\nHost: 127.0.0.1\r\n"
IMDS: Final = b"GET /latest/meta-data/iam/security-credentials/ HTTP/1.1\r\nHost: 169.254.169.254\r\n"
RAW: Final = {
    **GARBLED,
    "a head of a megabyte": HEAD + b"X-A: " + b"a" * 1_000_000 + b"\r\n\r\n",
    "fields without an end": HEAD + b"X-A: a\r\n" * 20_000 + b"\r\n",
    "a page of another site": b"GET /v1/credentials HTTP/1.1\r\nHost: evil.test\r\nOrigin: http://evil.test\r\n\r\n",
    "a name that now means us": b"GET /v1/credentials HTTP/1.1\r\nHost: rebound.evil.test\r\n\r\n",
    "a script's request": HEAD + b"Origin: null\r\nSec-Fetch-Site: cross-site\r\n\r\n",
    "IMDS of the first version": IMDS + b"\r\n",
    "IMDS with a token of nobody's": IMDS + b"X-aws-ec2-metadata-token: AAAA\r\n\r\n",
    "IMDS with an empty token": IMDS + b"X-aws-ec2-metadata-token: \r\n\r\n",
    "a token for no time": PUT + b"0\r\n\r\n",
    "a token for ever": PUT + b"21601\r\n\r\n",
    "a token for a time without measure": PUT + b"9" * 5_000 + b"\r\n\r\n",
    "a token through a proxy": PUT + b"60\r\nX-Forwarded-For: 10.0.0.1\r\n\r\n",
    "what a proxy passes on": HEAD + b"X-Forwarded-For: 10.0.0.1\r\n\r\n",
    "a duration without measure": HEAD.replace(b" HTTP", b"?duration_seconds=" + b"9" * 5_000 + b" HTTP") + b"\r\n",
    "a path that climbs": b"GET /v1/credentials/../../latest HTTP/1.1\r\nHost: x\r\n\r\n",
    "a line break in a scope": b"GET /v1/credentials/a%0d%0aX-A:%20b HTTP/1.1\r\nHost: x\r\n\r\n",
}
# It answers who says nothing that no SDK says, as no page in a browser could: its listener is on loopback.
ANSWERED: Final = {"no Host", "a line break in a scope", "a path that climbs"}


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with Service() as running:
        yield running


@pytest.fixture(scope="module")
def agent(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    home = tmp_path_factory.mktemp("home")
    (home / "token").write_text(TOKEN)
    environ = {"VENDOR_URL": service.url, "VENDOR_TOKEN_FILE": str(home / "token")}
    with agent_of(environ, home, "reports:read") as running:
        yield running


def _heard(agent: Agent, raw: bytes) -> bytes:
    host, _, port = agent.url.removeprefix("http://").rpartition(":")
    heard = b""
    with socket.create_connection((host, int(port)), timeout=10) as caller:
        try:
            caller.sendall(raw)
            caller.shutdown(socket.SHUT_WR)
            while piece := caller.recv(65536):
                heard += piece
        except ConnectionError:
            pass  # it was cut off while it still sent
    return heard


@pytest.mark.parametrize("name", RAW, ids=[f"T27 {name}" for name in RAW])
def test_t27_what_is_no_request_of_an_sdk_is_refused(agent: Agent, name: str) -> None:
    heard = _heard(agent, RAW[name])
    assert SECRET.encode() not in heard or name in ANSWERED
    assert not heard or heard.startswith(b"HTTP/1.")
    assert b" 500 " not in heard.partition(b"\r\n")[0]
    assert b"X-A: b" not in heard.partition(b"\r\n\r\n")[0]
    assert agent.ask("/v1/credentials").status == 200


def test_t27_callers_that_do_not_finish_keep_nobody_waiting(agent: Agent) -> None:
    host, _, port = agent.url.removeprefix("http://").rpartition(":")
    begun = [socket.create_connection((host, int(port)), timeout=10) for _ in range(100)]
    for caller in begun:
        caller.sendall(HEAD)
    assert agent.ask("/v1/credentials").status == 200
    for caller in begun:
        caller.close()
    assert "Traceback" not in agent.told
