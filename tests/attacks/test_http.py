"""T27: the edge of HTTP at both listeners, over TCP and TLS: nothing is read in two ways, nobody kept waiting."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Final

import pytest

from tests.attacks.ground import container, sts, twin, with_token
from tests.server.http import Answer, Connection, request
from tests.server.test_edge import GARBLED

if TYPE_CHECKING:
    from tests.attacks.ground import Ground

pytestmark = [pytest.mark.attacks, pytest.mark.asyncio(loop_scope="module")]

PATH: Final = "/v1/credentials/reports:read"
FORM: Final = "POST /v1/credentials/reports:read HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
CHUNKED: Final = "Transfer-Encoding: chunked\r\n"


def _post(fields: str, after: str = "") -> str:
    return f"{FORM}Authorization: TOKEN\r\n{fields}\r\n{after}"


def _get(fields: str, after: str = "") -> str:
    return f"GET {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: TOKEN\r\n{fields}\r\n{after}"


# HIDDEN is a whole request of its own that would be answered; what stands before it must not make it one.
SMUGGLED: Final = {
    "a length over chunks": _post(f"Content-Length: LENGTH\r\n{CHUNKED}", "0\r\n\r\nHIDDEN"),
    "chunks over a length": _post(f"{CHUNKED}Content-Length: 5\r\n", "0\r\n\r\nHIDDEN"),
    "chunks after a length of nothing": _post(f"Content-Length: 0\r\n{CHUNKED}", "0\r\n\r\nHIDDEN"),
    "two lengths, the smaller first": _post("Content-Length: 0\r\nContent-Length: LENGTH\r\n", "HIDDEN"),
    "two lengths, the larger first": _post("Content-Length: LENGTH\r\nContent-Length: 0\r\n", "HIDDEN"),
    "two lengths that are the same": _post("Content-Length: LENGTH\r\nContent-Length: LENGTH\r\n", "HIDDEN"),
    "a list of lengths": _post("Content-Length: LENGTH, 0\r\n", "HIDDEN"),
    "a length with a plus": _post("Content-Length: +0\r\n", "HIDDEN"),
    "a length with a minus": _post("Content-Length: -1\r\n", "HIDDEN"),
    "a length in hexadecimal": _post("Content-Length: 0x0\r\n", "HIDDEN"),
    "a length with an underscore": _post("Content-Length: 0_0\r\n", "HIDDEN"),
    "a length of no digits": _post("Content-Length: \r\n", "HIDDEN"),
    "a length in other digits": _post("Content-Length: \u0660\r\n", "HIDDEN"),
    "a length with a point": _post("Content-Length: 0.0\r\n", "HIDDEN"),
    "a length beyond any": _post(f"Content-Length: {'9' * 30}\r\n", "HIDDEN"),
    "a length with a space before the colon": _post("Content-Length : 0\r\n", "HIDDEN"),
    "an underscore for the hyphen": _get("Content_Length: LENGTH\r\nContent-Length: 0\r\n\r\n", "HIDDEN"),
    "another coding of the same name": _post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\nHIDDEN"),
    "a coding before chunked": _post("Transfer-Encoding: identity, chunked\r\n", "0\r\n\r\nHIDDEN"),
    "a coding after chunked": _post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\nHIDDEN"),
    "chunked in quotes": _post('Transfer-Encoding: "chunked"\r\n', "0\r\n\r\nHIDDEN"),
    "chunked with a vertical tab": _post("Transfer-Encoding: \x0bchunked\r\n", "0\r\n\r\nHIDDEN"),
    "chunked with a NUL": _post("Transfer-Encoding: chunked\0\r\n", "0\r\n\r\nHIDDEN"),
    "chunked with a parameter": _post("Transfer-Encoding: chunked;q=1\r\n", "0\r\n\r\nHIDDEN"),
    "chunked in two fields": _post(f"{CHUNKED}{CHUNKED}", "0\r\n\r\nHIDDEN"),
    "chunked and another in two fields": _post(f"{CHUNKED}Transfer-Encoding: x\r\n", "0\r\n\r\nHIDDEN"),
    "chunked on a folded line": _post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\nHIDDEN"),
    "chunked with a space before the colon": _post("Transfer-Encoding : chunked\r\n", "0\r\n\r\nHIDDEN"),
    "chunked of HTTP/1.0": _post(CHUNKED, "0\r\n\r\nHIDDEN").replace("HTTP/1.1", "HTTP/1.0", 1),
    "a chunk of a signed size": _post(CHUNKED, "+0\r\n\r\nHIDDEN"),
    "a chunk of a negative size": _post(CHUNKED, "-1\r\n\r\nHIDDEN"),
    "a chunk of a size with a prefix": _post(CHUNKED, "0x0\r\n\r\nHIDDEN"),
    "a chunk of a size with an underscore": _post(CHUNKED, "0_0\r\n\r\nHIDDEN"),
    "a chunk of no size": _post(CHUNKED, "\r\n\r\nHIDDEN"),
    "a chunk of a size beyond any": _post(CHUNKED, f"{'f' * 17}\r\n{{}}\r\n0\r\n\r\nHIDDEN"),
    "a chunk that is longer than it says": _post(CHUNKED, "1\r\n{}\r\n0\r\n\r\nHIDDEN"),
    "a chunk that ends in a bare line feed": _post(CHUNKED, "2\r\n{}\n0\r\n\r\nHIDDEN"),
    "a size that ends in a bare line feed": _post(CHUNKED, "2\n{}\r\n0\r\n\r\nHIDDEN"),
    "a size that ends in a bare carriage return": _post(CHUNKED, "2\r{}\r\n0\r\n\r\nHIDDEN"),
    "an extension with a bare line feed": _post(CHUNKED, "2;a\nb\r\n{}\r\n0\r\n\r\nHIDDEN"),
    "a last chunk that ends in bare line feeds": _post(CHUNKED, "2\r\n{}\r\n0\n\nHIDDEN"),
    "a trailer that is a length": _post(CHUNKED, "2\r\n{}\r\n0\r\nContent-Length: 9999\r\n\r\nHIDDEN"),
    "a GET with a length": _get("Content-Length: LENGTH\r\n", "HIDDEN"),
    "a GET with chunks": _get(CHUNKED, "SIZE\r\nHIDDEN\r\n0\r\n\r\n"),
    "a body of its own": _post("Content-Length: LENGTH\r\n", "HIDDEN"),
    "a body that is not waited for": _post("Expect: 100-continue\r\nContent-Length: 200000\r\n", "HIDDEN"),
    "a field with a bare carriage return": _get("X-A: a\rHIDDEN\r\n"),
    "a field with a bare line feed": _get("X-A: a\n\nHIDDEN\r\n"),
    "a head that ends in bare line feeds": _get("X-A: a\n\n").replace("\r\n", "\n") + "HIDDEN",
    "the connection's last": _get("Connection: close\r\n", "HIDDEN"),
    "an upgrade": _get("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: eA==\r\n\r\nHIDDEN").replace(
        "GET ", "OPTIONS ", 1
    ),
    "a tunnel": _get("", "HIDDEN").replace(f"GET {PATH}", "CONNECT x:80", 1),
}
ANSWERED: Final = {"an underscore for the hyphen", "a trailer that is a length"}
"""Whose message ends before the hidden request by every reading."""


def _hidden(ground: Ground, name: str) -> bytes:
    return container(ground.builder(), "builds:write", name=name)


def _filled(ground: Ground, raw: str, hidden: bytes) -> bytes:
    filled = raw.encode().replace(b"TOKEN", ground.reporter().encode()).replace(b"LENGTH", str(len(hidden)).encode())
    return filled.replace(b"SIZE", f"{len(hidden):x}".encode()).replace(b"HIDDEN", hidden)


async def _all(connection: Connection) -> list[Answer]:
    answers = [await connection.read()]
    try:
        async with asyncio.timeout(0.5):
            while True:
                answers.append(await connection.read())
    except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
        return answers


def _seen(ground: Ground, name: str) -> bool:
    lines = [json.loads(line) for line in ground.audit_path.read_text().splitlines()]
    return any(line.get("parameters", {}).get("name") == name for line in lines)


@pytest.mark.parametrize("name", SMUGGLED, ids=[f"T27 {name}" for name in SMUGGLED])
async def test_t27_what_is_hidden_in_a_request_is_not_asked(ground: Ground, name: str) -> None:
    marked = f"hidden-{list(SMUGGLED).index(name)}"
    raw = _filled(ground, SMUGGLED[name], _hidden(ground, marked))
    async with await Connection.open(ground.service.public, tls=ground.tls) as connection:
        await connection.send(raw)
        answers = await _all(connection)
    ground.answers += [(raw, answer) for answer in answers]
    assert answers
    assert all(answer.status in (200, 400, 405, 413, 415) for answer in answers)
    if name not in ANSWERED:
        assert not _seen(ground, marked), "it was read as a request"
    assert (await ground.ask(container(ground.reporter()))).status == 200


@pytest.mark.parametrize("operators", [False, True], ids=["public", "operators"])
@pytest.mark.parametrize("name", GARBLED, ids=[f"T27 {name}" for name in GARBLED])
async def test_t27_what_is_no_http_is_refused_at_both_listeners(ground: Ground, name: str, operators: bool) -> None:  # noqa: FBT001
    answer = await ground.ask(GARBLED[name], operators=operators)
    assert answer.status in (400, 404, 405)
    assert answer.json["request_id"] == answer.headers["x-request-id"]


FLOODS: Final = {
    "a field of 40 kB": f"X-A: {'a' * 40_000}\r\n",
    "a name of 40 kB": f"{'X' * 40_000}: a\r\n",
    "a hundred fields": "".join(f"X-{number}: a\r\n" for number in range(100)),
    "a field a hundred times": "X-A: a\r\n" * 100,
    "a megabyte of small fields": "X-A: a\r\n" * 130_000,
    "a field without a colon": "X-A\r\n",
    "a name of nothing": ": a\r\n",
    "a name with a space": "X A: a\r\n",
    "a name beyond ASCII": "X-\u00e4: a\r\n",
    "a name with a slash": "X/A: a\r\n",
}


@pytest.mark.parametrize("operators", [False, True], ids=["public", "operators"])
@pytest.mark.parametrize("name", FLOODS, ids=[f"T27 {name}" for name in FLOODS])
async def test_t27_heads_without_measure_are_refused(ground: Ground, name: str, operators: bool) -> None:  # noqa: FBT001
    raw = _get(FLOODS[name]).replace("TOKEN", ground.reporter()).encode()
    try:
        answer = await ground.ask(raw, operators=operators)
    except (ConnectionError, asyncio.IncompleteReadError):
        return  # it was cut off while we still sent
    assert answer.status in (400, 431)


TARGETS: Final = (
    *(
        "http://vendor.test/v1/credentials/reports:read",
        "//v1/credentials/reports:read",
        "/../v1/scopes",
        "/v1/../v1/scopes",
    ),
    *(
        "/v1/./scopes",
        "/v1//scopes",
        "/v1/scopes/",
        "/v1/scopes;a=b",
        "/v1/scopes%00",
        "/v1%2fscopes",
        "/V1/scopes",
        "/v1/Scopes",
    ),
    *(
        "v1/scopes",
        "*",
        "/v1/scopes#a",
        "/\\v1\\scopes",
        "/v1/scopes%",
        "/v1/scopes%2",
        "/v1/%73copes/",
        "/%76%31",
        "/v1/scopes?",
    ),
    *("/metrics", "/healthz", "/readyz", "/v1/leases", "/v1/revocations", "/v1/leases/ASIA", "/%6detrics", "/metrics/"),
)


@pytest.mark.parametrize("target", TARGETS, ids=[f"T27 {target}" for target in TARGETS])
async def test_t27_no_way_of_writing_a_path_leads_elsewhere(ground: Ground, target: str) -> None:
    answer = await ground.ask(request(target, ground.reporter("vendor-operator", namespace="platform")))
    # What ends in an empty query is the path itself; nobody else's is there.
    assert answer.status in (400, 404) or (target, answer.body) == ("/v1/scopes?", b'{"scopes":[]}')


async def test_t27_many_requests_at_once_are_answered_in_turn_each_with_its_own(ground: Ground) -> None:
    names = [f"batch-{number}" for number in range(30)]
    async with await Connection.open(ground.service.public, tls=ground.tls) as connection:
        await connection.send(*(container(ground.reporter(name)) for name in names))
        for name in names:
            answer = await connection.read()
            assert ground.behind(answer.key_id).source_identity == f"analytics.{name}"


async def test_t27_the_doors_take_turns_on_one_connection(ground: Ground) -> None:
    token = ground.reporter()
    asks = [
        container(token),
        twin(token, {}),
        sts(with_token(token)),
        request("/v1/scopes", token),
        request("/v2", token),
    ]
    async with await Connection.open(ground.service.public, tls=ground.tls) as connection:
        await connection.send(*asks * 4)
        assert [(await connection.read()).status for _ in asks * 4] == [200, 200, 200, 200, 404] * 4


async def test_t27_clients_that_do_not_finish_keep_nobody_waiting(ground: Ground) -> None:
    begun = [await Connection.open(ground.service.public, tls=ground.tls) for _ in range(150)]
    for number, connection in enumerate(begun):
        whole = twin(ground.reporter(), {})
        await connection.send(whole[: len(whole) * (number % 10) // 10])
    async with asyncio.timeout(5):
        assert (await ground.ask(container(ground.reporter("batch-quick")))).status == 200
    for connection in begun:
        connection.cut()


async def test_t27_a_body_that_drips_is_cut_off(ground: Ground) -> None:
    async with await Connection.open(ground.service.public, tls=ground.tls) as connection:
        await connection.send(twin(ground.reporter(), {})[:-2])
        drip = asyncio.create_task(_drip(connection))
        assert (await connection.read()).code == "invalid_request"
        drip.cancel()


async def _drip(connection: Connection) -> None:
    while True:
        await asyncio.sleep(0.5)
        await connection.send(b" ")


@pytest.mark.parametrize(
    "method", ["HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "get", "GETT", "PROPFIND", "MINT"]
)
async def test_t27_no_other_method_mints(ground: Ground, method: str) -> None:
    asked = len(ground.sts.requests)
    raw = container(ground.reporter(f"batch-{method.lower()}")).replace(b"GET", method.encode(), 1)
    assert (await ground.ask(raw)).status in (400, 405)
    assert len(ground.sts.requests) == asked
