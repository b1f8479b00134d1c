from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from base64 import urlsafe_b64encode
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from shutil import which
from typing import TYPE_CHECKING, Any

import pytest

from tests.client.conftest import ROOT
from tests.client.service import SECRET, TOKEN, Handler, Service, golden, raw, refused, vended
from vendor.client.agent import callers
from vendor.client.agent.callers import user_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tests.client.agent.conftest import Agent

    Start = Callable[..., AbstractContextManager[Agent]]

pytestmark = pytest.mark.slow

PATH = "/v1/credentials/reports:read"
NOBODY = 65_534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can ask as another user")


def token(subject: str = "reporter", *, lasts: float = 3600, **claims: Any) -> str:
    payload = {"sub": subject, "exp": int(time.time() + lasts), **claims}
    return f"e30.{urlsafe_b64encode(json.dumps(payload).encode()).decode().rstrip('=')}.c2ln"


def at(**when: float) -> str:
    return f"{datetime.now(UTC) + timedelta(**when):%Y-%m-%dT%H:%M:%SZ}"


def eventually(true: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not true():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_it_answers_the_container_protocol(agent: Start, service: Service) -> None:
    with agent("reports:read") as one:
        came = one.ask(PATH)
        assert (came.status, came.headers["content-type"]) == (200, "application/json")
        assert came.headers["cache-control"] == "no-store"
        expected = golden()
        for ours in ("RefreshAfter", "Scope", "SessionName"):
            del expected[ours]
        answered = json.loads(came.body)
        assert list(answered) == list(expected)
        assert answered["SecretAccessKey"] == SECRET
        assert one.ask("/v1/credentials").body == one.ask("/v1/credentials/").body == one.ask("//v1/credentials").body
        assert one.stop() == 0
    assert len(service.asked) == 1
    assert SECRET not in one.told + one.err
    assert TOKEN not in one.told + one.err


def test_what_it_is_to_keep_ready_is_there_before_anybody_asks(agent: Start, service: Service) -> None:
    with agent("reports:read?month=2026-03&duration_seconds=900", "batch") as one:
        eventually(lambda: len(service.asked) == 2)
        bodies = sorted(json.loads(asked.body).get("duration_seconds", 0) for asked in service.asked)
        assert bodies == [0, 900]
        assert one.ask(f"{PATH}?duration_seconds=900&month=2026-03").status == 200
        assert one.ask("/v1/credentials/batch").status == 200
        assert len(service.asked) == 2
        assert one.ask("/v1/credentials/third").status == 200
        assert len(service.asked) == 3


def test_it_answers_from_memory_through_an_outage(agent: Start, service: Service) -> None:
    service.then(vended(RefreshAfter=at(seconds=-1), Expiration=at(minutes=5)), raw())
    with agent("reports:read") as one:
        assert one.ask(PATH).status == 200
        time.sleep(1.1)  # it may try again
        took = []
        for _ in range(20):
            began = time.monotonic()
            assert one.ask(PATH).status == 200
            took.append(time.monotonic() - began)
        assert sorted(took)[10] < 0.5
        eventually(lambda: len(service.asked) > 1)


def test_it_tells_its_log_when_it_cannot_renew(agent: Start, service: Service) -> None:
    service.then(vended(RefreshAfter=at(seconds=-1), Expiration=at(minutes=5)), refused(503, "sts_unavailable"))
    with agent("reports:read", "--timeout", "1s") as one:
        one.ask(PATH)
        time.sleep(1.1)
        one.ask(PATH)
        time.sleep(1.5)
        one.stop()
    assert "vend: reports:read: sts_unavailable: no (request req-7); what is held ends" in one.err


def test_who_asks_while_nothing_is_there_gets_503_within_a_second(agent: Start, service: Service) -> None:
    go = threading.Event()

    def slow(handler: Handler) -> None:
        go.wait(10)
        vended()(handler)

    service.then(slow)
    with agent() as one:
        began = time.monotonic()
        came = one.ask_once(PATH)
        assert time.monotonic() - began < 9
        go.set()
        assert (came.status, came.headers["retry-after"]) == (503, "1")
        assert json.loads(came.body)["code"] == "service_unreachable"
        assert one.ask(PATH).status == 200
    assert len([asked for asked in service.asked if asked.target.endswith("reports%3Aread")]) == 1


def test_many_at_once_are_one_question(agent: Start, service: Service) -> None:
    def slow(handler: Handler) -> None:
        time.sleep(0.3)
        vended()(handler)

    service.then(slow)
    with agent("batch") as one, ThreadPoolExecutor(40) as pool:
        assert {came.status for came in pool.map(lambda _: one.ask(PATH), range(80))} == {200}
    assert len([asked for asked in service.asked if asked.target.endswith("reports%3Aread")]) == 1


@pytest.mark.parametrize(
    ("status", "code", "told"),
    [
        (400, "invalid_request", 400),
        (401, "expired_token", 401),
        (403, "access_denied", 403),
        (404, "not_found", 503),
        (429, "rate_limited", 429),
        (500, "internal_error", 503),
        (502, "role_refused", 502),
    ],
)
def test_a_refusal_is_told_as_the_service_told_it_and_never_as_404(
    agent: Start, service: Service, status: int, code: str, told: int
) -> None:
    service.then(refused(status, code, "not for you", Retry_After="30"))
    with agent("--timeout", "1s", "reports:read") as one:
        came = one.ask(PATH)
        assert came.status == told
        body = json.loads(came.body)
        assert (body["code"], body["Code"], body["message"], body["Message"]) == (code, code, *["not for you"] * 2)
        assert body["request_id"] == "req-7"
        before = len(service.asked)
        assert one.ask(PATH).status == told
        assert len(service.asked) == before  # an SDK asks three to five times


def test_a_token_of_ours_that_is_missing_is_passing(agent: Start, token_file: Path, service: Service) -> None:
    text = token_file.read_text()
    token_file.unlink()
    with agent() as one:
        came = one.ask(PATH)
        assert (came.status, json.loads(came.body)["code"]) == (503, "token_unavailable")
        assert not service.asked
        token_file.write_text(text)
        eventually(lambda: one.ask(PATH).status == 200)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/healthz", 200),
        ("GET", "/", 404),
        ("GET", "/v1/scopes", 404),
        ("POST", PATH, 405),
        ("HEAD", PATH, 405),
        ("GET", f"{PATH}?month", 400),
        ("GET", f"{PATH}?a=1&a=2", 400),
        ("GET", f"{PATH}?duration_seconds=soon", 400),
        ("GET", f"{PATH}?a=%FF", 400),
        ("GET", "/v1/credentials/Reports", 400),
        ("GET", f"{PATH}/", 400),
    ],
)
def test_what_is_not_there_is_refused(shared: Agent, method: str, path: str, status: int) -> None:
    assert shared.ask(path, method=method).status == status


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One agent for all that changes nothing."""
    from tests.client.agent.conftest import agent_of  # noqa: PLC0415

    home = tmp_path_factory.mktemp("home")
    (home / "token").write_text(TOKEN)
    with Service() as service:
        environ = {"VENDOR_URL": service.url, "VENDOR_TOKEN_FILE": str(home / "token"), "AWS_REGION": "eu-west-1"}
        with agent_of(environ, home, "reports:read") as one:
            yield one


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200),
        ("localhost:9911", 200),
        ("LOCALHOST", 200),
        ("[::1]:80", 200),
        ("169.254.170.23", 200),
        ("evil.example", 403),
        ("evil.example:9911", 403),
        ("127.0.0.1.evil.example", 403),
        ("", 403),
    ],
)
def test_a_name_that_a_web_page_made_point_here_is_refused(shared: Agent, host: str, status: int) -> None:
    assert shared.ask(PATH, Host=host).status == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec_Fetch_Site": "none"}, 200),  # typed by a person
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_a_web_page_has_nothing_asked(shared: Agent, headers: dict[str, str], status: int) -> None:
    assert shared.ask(PATH, **headers).status == status


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", b"200"),
        (b"GET /healthz HTTP/1.0\r\n\r\n", b"200"),
        (b"GET /healthz HTTP/2.0\r\n\r\n", b"400"),
        (b"GET http://localhost/healthz HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /healthz#x HTTP/1.1\r\n\r\n", b"400"),
        (b"get /healthz HTTP/1.1\r\n\r\n", b"400"),
        (b"GET  /healthz HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /v1/credentials HTTP/1.1\r\nAuthorization: a\r\nauthorization: b\r\n\r\n", b"400"),
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n", b"400"),
        (b"GET /healthz HTTP/1.1\r\n folded: x\r\n\r\n", b"400"),
        (b"GET /healthz HTTP/1.1\r\nno colon\r\n\r\n", b"400"),
        (b"GET /healthz HTTP/1.1\r\nX: a\x00b\r\n\r\n", b"400"),
        (b"GET /healthz HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", b"413"),
        (b"GET /healthz HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"413"),
        (b"GET /healthz HTTP/1.1\r\nX: " + b"y" * 40_000 + b"\r\n\r\n", b"431"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n", b"400"),
    ],
)
def test_broken_http_is_refused(shared: Agent, head: bytes, status: bytes) -> None:
    host, port = shared.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as caller:
        caller.sendall(head)
        answer = caller.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 " + status)


def test_long_tokens_fit(shared: Agent) -> None:
    assert shared.ask(PATH, "e30." + "x" * 16_000 + ".c2ln").status == 200


def test_slow_callers_keep_nobody_out(shared: Agent) -> None:
    host, port = shared.url.removeprefix("http://").split(":")
    with ExitStack() as stack:
        slow = [stack.enter_context(socket.create_connection((host, int(port)))) for _ in range(300)]
        for each in slow:
            each.sendall(b"GET /v1/cred")
        for _ in range(20):
            assert shared.ask(PATH).status == 200
        slow[-1].settimeout(5)
        assert slow[-1].recv(100) == b""  # hung up on when its two seconds were over


def test_a_caller_that_leaves_is_nothing_special(shared: Agent) -> None:
    host, port = shared.url.removeprefix("http://").split(":")
    for head in (b"", b"GET /", b"GET /healthz HTTP/1.1\r\n\r\n"):
        for _ in range(20):
            with socket.create_connection((host, int(port))) as caller:
                caller.sendall(head)
    assert shared.ask("/healthz").status == 200


# Whose program asks.


@pytest.fixture(params=["asked", "read"])
def told(request: pytest.FixtureRequest) -> Callable[[socket.socket], int | None]:
    """Both ways of knowing the user: a kernel that is asked, and one whose tables are read."""
    if request.param == "asked":
        return lambda caller: callers._asked(caller.family, caller.getpeername(), caller.getsockname())
    return lambda caller: callers._read(caller.getpeername(), caller.getsockname())


@pytest.mark.allow_hosts(["127.0.0.1", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize(
    ("family", "host"),
    [
        (socket.AF_INET, "127.0.0.1"),
        (socket.AF_INET6, "::1"),
        (socket.AF_INET6, "::ffff:127.0.0.1"),  # as Java connects
    ],
)
def test_the_kernel_knows_the_user_behind_a_caller(
    told: Callable[[socket.socket], int | None], family: socket.AddressFamily, host: str
) -> None:
    ours = host.removeprefix("::ffff:")
    with (
        socket.create_server((ours, 0), family=socket.AF_INET6 if ours == "::1" else socket.AF_INET) as listening,
        socket.socket(family) as caller,
    ):
        caller.connect((host, listening.getsockname()[1]))
        accepted, _ = listening.accept()
        with accepted:
            assert told(accepted) == user_of(accepted) == os.geteuid()
            caller.shutdown(socket.SHUT_WR)
            assert told(accepted) == user_of(accepted) == os.geteuid()


def test_a_caller_that_closed_is_nobodys(told: Callable[[socket.socket], int | None]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        caller = socket.create_connection(listening.getsockname())
        accepted, _ = listening.accept()
        with accepted:
            caller.close()
            assert told(accepted) is None  # the kernel would call it root's
            assert user_of(accepted) is None


def test_a_socket_that_is_not_there_is_nobodys() -> None:
    nowhere = ("127.0.0.1", 1), ("127.0.0.1", 2)
    with pytest.raises(OSError, match="knows no such socket"):
        callers._asked(socket.AF_INET, *nowhere)
    assert callers._read(*nowhere) is None


def test_the_user_behind_a_unix_socket_is_known(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as caller:
        listening.bind(str(tmp_path / "socket"))
        listening.listen()
        caller.connect(str(tmp_path / "socket"))
        accepted, _ = listening.accept()
        with accepted:
            assert user_of(accepted) == os.geteuid()


ASKING = """
import encodings.idna, http.client, os, sys
where, path = sys.argv[1:]
connection = http.client.HTTPConnection(where)
os.setgroups([])
os.setuid(65534)
connection.request("GET", path)
answer = connection.getresponse()
print(answer.status, answer.read().decode(), end="")
"""


def as_nobody(agent: Agent, path: str) -> str:
    """Ask as the user `nobody`, and return status and body."""
    command = [sys.executable, "-c", ASKING, agent.url.removeprefix("http://"), path]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout  # noqa: S603


@as_root
def test_programs_of_other_users_are_not_served(agent: Start, service: Service) -> None:
    with agent("reports:read") as one:
        assert one.ask(PATH).status == 200
        before = len(service.asked)
        refusal = as_nobody(one, PATH)
        assert refusal.startswith("403 ")
        assert f"user {NOBODY} is not served here" in refusal
        assert as_nobody(one, "/latest/meta-data/iam/security-credentials/").startswith("403 ")
        assert as_nobody(one, "/healthz") == "200 ok\n"
        assert len(service.asked) == before


@as_root
def test_another_user_is_served_when_allowed(agent: Start) -> None:
    with agent("reports:read", "--allow-uid", str(NOBODY)) as one:
        assert as_nobody(one, PATH).startswith("200 ")
        assert one.ask(PATH).status == 200


def test_a_token_of_the_agent_is_wanted_when_it_writes_one(agent: Start, tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("of a run before")
    path.chmod(0o644)
    with agent("reports:read", "--token-file-out", str(path)) as one:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        local = path.read_text()
        assert local == local.strip()
        assert one.ask(PATH, local).status == one.ask(PATH, f"Bearer {local}").status == 200
        assert (one.ask(PATH).status, one.ask(PATH, "wrong").status, one.ask(PATH, "w\xff").status) == (401, 401, 401)
        assert one.stop() == 0
        assert not path.exists()
        assert local not in one.told + one.err


@pytest.mark.parametrize("header", ["X_Forwarded_For", "Forwarded", "Via"])
def test_what_a_proxy_passes_on_is_not_given_our_identity(shared: Agent, header: str) -> None:
    came = shared.ask(PATH, **{header: "for=10.0.0.1"})
    assert (came.status, json.loads(came.body)["code"]) == (403, "access_denied")
    assert shared.ask("/healthz", **{header: "for=10.0.0.1"}).status == 200
    assert shared.ask(PATH).status == 200


# A node's agent: each caller's own token, and never ours.


def test_a_node_agent_asks_with_its_callers_own_tokens(agent: Start, service: Service, token_file: Path) -> None:
    token_file.unlink()  # it has none
    service.then(vended(AccessKeyId="ASIA1"), vended(AccessKeyId="ASIA2"))
    first, second = token("first"), token("second")
    with agent("--pass-through") as one:
        keys = [
            json.loads(one.ask(PATH, each).body)["AccessKeyId"] for each in (first, second, first, f"Bearer {first}")
        ]
        assert keys == ["ASIA1", "ASIA2", "ASIA1", "ASIA1"]
        assert [asked.headers["Authorization"] for asked in service.asked] == [f"Bearer {first}", f"Bearer {second}"]


@pytest.mark.parametrize("sent", [None, "", "Bearer ", "no.jwt", "a b.c.d", "Basic dTpw"])
def test_a_node_agent_never_uses_its_own_identity(agent: Start, service: Service, sent: str | None) -> None:
    with agent("--pass-through") as one:  # though VENDOR_TOKEN_FILE names a good one
        came = one.ask(PATH, sent)
        assert came.status == 401
        assert json.loads(came.body)["code"] == ("invalid_token" if sent and sent.strip("Bear ") else "missing_token")
        for path in ("/latest/meta-data/iam/security-credentials/", "/latest/api/token"):
            assert one.ask(path, sent).status == 404
        time.sleep(0.1)
    assert not service.asked


def test_the_same_bad_token_is_asked_about_once(agent: Start, service: Service) -> None:
    service.then(refused(401, "invalid_token"))
    with agent("--pass-through") as one:
        began = time.monotonic()
        assert [one.ask(PATH, "e30.e30.e30").status for _ in range(5)] == [401] * 5
        assert len(service.asked) <= 1 + (time.monotonic() - began) // 5


# Starting and stopping.


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--listen", "0.0.0.0:80"], "would cross a network in clear"),
        (["--listen", "10.0.0.1:80"], "would cross a network in clear"),
        (["--listen", "vendor.example:80"], "--listen reads"),
        (["--listen", "127.0.0.1"], "--listen reads"),
        (["--listen", "127.0.0.1:99999"], "--listen reads"),
        (["--listen", "unix:/nonexistent/socket"], "cannot listen at unix:/nonexistent/socket: No such file"),
        (["--pass-through", "batch"], "SCOPE has no meaning"),
        (["--pass-through", "--allow-uid", "0"], "--allow-uid has no meaning"),
        (["--pass-through", "--imdsv1"], "--imdsv1 has no meaning"),
        (["--pass-through", "--token-file-out", "x"], "--token-file-out has no meaning"),
        (["--token-file-out", "/nonexistent/x"], "cannot be written: No such file"),
        (["Batch"], "no scope has this name"),
        (["batch?x"], "the query is malformed"),
        (["--url", "http://vendor.example"], "must not travel in clear"),
    ],
)
def test_what_cannot_be_served_is_exit_2(
    vend: Callable[..., subprocess.CompletedProcess[str]], service: Service, arguments: list[str], reason: str
) -> None:
    done = vend("agent", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert reason in done.stderr
    assert done.stderr.count("\n") == 1
    assert not service.asked


def test_an_address_that_is_taken_is_told(shared: Agent, vend: Callable[..., Any]) -> None:
    done = vend("agent", "--listen", shared.url.removeprefix("http://"))
    assert done.returncode == 2
    assert "Address already in use" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_ends_what_is_under_way_and_then_itself(agent: Start, service: Service, number: int) -> None:
    def slow(handler: Handler) -> None:
        time.sleep(0.5)
        vended()(handler)

    service.then(slow)
    with agent("batch") as one, ThreadPoolExecutor(1) as pool:
        came = pool.submit(one.ask, "/v1/credentials/other")
        eventually(lambda: len(service.asked) == 2)
        assert one.stop(number) == 0
        assert came.result().status == 200


def test_it_listens_at_several_places(agent: Start, tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as left:  # of an agent that is no more
        left.bind(str(path))
    with agent("batch", "--listen", f"unix:{path}", "--listen", "[::1]:0", "--listen", "127.0.0.1:0") as one:
        assert f"unix:{path}, http://[::1]:" in one.told
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert one.ask("/v1/credentials").status == 200
        with socket.socket(socket.AF_UNIX) as caller:
            caller.connect(str(path))
            caller.sendall(b"GET /v1/credentials HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert caller.makefile("rb").readline() == b"HTTP/1.1 200 OK\r\n"
        assert one.stop() == 0
        assert not path.exists()


def test_a_file_that_is_no_socket_stays(vend: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("somebody's")
    done = vend("agent", "--listen", f"unix:{file}")
    assert (done.returncode, file.read_text()) == (2, "somebody's")
    assert "Address already in use" in done.stderr


def test_a_link_local_address_that_is_not_here_is_told_with_the_mend(vend: Callable[..., Any]) -> None:
    done = vend("agent", "--listen", "169.254.170.23:80")
    assert done.returncode == 2
    assert "ip addr add 169.254.170.23/32 dev lo" in done.stderr


@pytest.mark.skipif(
    os.geteuid() != 0 or not all(map(which, ("unshare", "ip", "nsenter"))), reason="needs root and network namespaces"
)
def test_a_node_serves_its_pods_with_their_own_tokens_alone(tmp_path: Path) -> None:
    done = subprocess.run(  # noqa: S603
        ["unshare", "-n", sys.executable, "-m", "tests.client.agent.node", str(tmp_path)],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["pod"] == "container-role ASIAIOSFODNN7EXAMPLE"
    assert told["with"] == [True]
    assert {"169.254.170.23/32", "169.254.170.2/32", "fd00:ec2::23/128"} <= set(told["addresses"])
    assert "Operation not permitted; --add-address needs NET_ADMIN" in told["without NET_ADMIN"]
    assert "this agent asks with its caller's own" in told["pod without a token"]
    assert told["after that"] == 1
    assert told["node by a relative URI"] == "container-role ASIAIOSFODNN7EXAMPLE"
    assert told["node by IPv6"] == "container-role ASIAIOSFODNN7EXAMPLE"
    assert "another machine or network namespace" in told["pod of an agent that has an identity of its own"]
