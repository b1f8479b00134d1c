"""The edge of HTTP: what is no HTTP/1.1, what could be read in two ways, and who takes their time."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING

import pytest

from tests.server.http import Connection, exchange, get, post, request

if TYPE_CHECKING:
    from tests.service import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATH = "/v1/credentials/reports:read"
LINE = f"GET {PATH} HTTP/1.1\r\n".encode()
POST = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n".encode()
GARBLED = {
    "HTTP/2.0": f"GET {PATH} HTTP/2.0\r\nHost: x\r\n\r\n".encode(),
    "HTTP/2's preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/0.9 by its name": f"GET {PATH} HTTP/0.9\r\nHost: x\r\n\r\n".encode(),
    "HTTP/0.9 as it was": f"GET {PATH}\r\n\r\n".encode(),
    "HTTP/1.2": f"GET {PATH} HTTP/1.2\r\nHost: x\r\n\r\n".encode(),
    "an absolute target": f"GET http://vendor.test{PATH} HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
    "an asterisk": b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    "a tunnel": b"CONNECT sts.amazonaws.com:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    "a fragment": f"GET {PATH}#x HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
    "no Host": LINE + b"\r\n",
    "two Hosts": LINE + b"Host: x\r\nHost: y\r\n\r\n",
    "a method nobody knows": f"MINT {PATH} HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
    "a folded field": LINE + b"Host: x\r\nX-A: a\r\n b\r\n\r\n",
    "a space before the colon": LINE + b"Host: x\r\nAuthorization : x\r\n\r\n",
    "bare line feeds": LINE.replace(b"\r", b"") + b"Host: x\n\n",
    "NUL in a field": LINE + b"Host: x\r\nAuthorization: a\0b\r\n\r\n",
    "a carriage return in a field": LINE + b"Host: x\r\nAuthorization: a\rb\r\n\r\n",
    "NUL in the path": b"GET /v1/credentials/\0 HTTP/1.1\r\nHost: x\r\n\r\n",
    "%ff in the path": b"GET /v1/credentials/%ff HTTP/1.1\r\nHost: x\r\n\r\n",
    "a byte beyond ASCII in the path": b"GET /v1/credentials/\xff HTTP/1.1\r\nHost: x\r\n\r\n",
    "a surrogate in the path": b"GET /v1/credentials/%ed%a0%80 HTTP/1.1\r\nHost: x\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
    "prose": b"hello, vendor\r\n\r\n",
    "a length and chunks": POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "two lengths": POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "a list of lengths": POST + b"Content-Length: 2, 2\r\n\r\n{}",
    "a length with a sign": POST + b"Content-Length: +2\r\n\r\n{}",
    "a coding that is not chunked": POST + b"Transfer-Encoding: gzip\r\n\r\n{}",
    "chunked twice": POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "no size of a chunk": POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "two media types": POST + b"Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}",
}


@pytest.mark.parametrize("raw", GARBLED.values(), ids=GARBLED)
async def test_t27_what_is_no_http_1_1_as_it_should_be_is_refused_without_an_echo(world: World, raw: bytes) -> None:
    answer = await exchange(world.service.public, raw)
    assert (answer.status, answer.code) == (400, "invalid_request")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json["request_id"] == answer.headers["x-request-id"]
    assert b"reports:read" not in answer.body


async def test_http_1_0_is_served(world: World) -> None:
    raw = request(PATH, world.token()).replace(b"HTTP/1.1", b"HTTP/1.0")
    async with await Connection.open(world.service.public) as connection:
        await connection.send(raw)
        assert (await connection.read()).status == 200
        assert await connection.ended()


async def test_http_1_0_stays_where_it_is_asked_to(world: World) -> None:
    raw = request(PATH, world.token(), headers={"Connection": "keep-alive"}).replace(b"HTTP/1.1", b"HTTP/1.0")
    async with await Connection.open(world.service.public) as connection:
        for _ in range(2):
            await connection.send(raw)
            answer = await connection.read()
            assert (answer.status, answer.headers["connection"]) == (200, "keep-alive")


async def test_a_refusal_leaves_the_connection_open_for_the_next_try(world: World) -> None:
    refused = {
        request(PATH): 401,
        request(PATH, "none"): 401,
        request(PATH, world.token(namespace="other")): 403,
        request(f"{PATH}?unknown=1", world.token()): 400,
        request("/v2", world.token()): 404,
        request(PATH, world.token(), method="PUT"): 405,
        request("/", method="POST", body=b"Action=x&Version=2011-06-15"): 400,
        request("/", method="PUT"): 405,
    }
    async with await Connection.open(world.service.public) as connection:
        for raw, status in refused.items():
            await connection.send(raw)
            answer = await connection.read()
            assert (answer.status, "connection" in answer.headers) == (status, False)
        await connection.send(request(PATH, world.token()))
        assert (await connection.read()).status == 200


async def test_a_client_that_waits_to_be_told_to_send_its_body_is_told(world: World) -> None:
    head = request(PATH, world.token(), method="POST", headers={"Expect": "100-continue"}, body=b"{}")[:-2]
    async with await Connection.open(world.service.public) as connection:
        await connection.send(head)
        async with asyncio.timeout(5):
            assert await connection._reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        await connection.send(b"{}")
        assert (await connection.read()).status == 200


async def test_a_body_that_would_be_refused_is_not_asked_for(world: World) -> None:
    sent = {"Expect": "100-continue", "Content-Type": "application/json", "Content-Length": "200000"}
    answer = await exchange(world.service.public, request(PATH, world.token(), method="POST", headers=sent))
    assert (answer.status, answer.code) == (413, "request_too_large")


async def test_t27_two_authorization_headers_are_refused_even_when_they_are_the_same(world: World) -> None:
    field = f"Authorization: {world.token()}\r\n".encode()
    answer = await exchange(
        world.service.public, LINE + b"Host: x\r\n" + field + field.lower()[:14] + field[14:] + b"\r\n"
    )
    assert (answer.status, answer.code) == (400, "invalid_request")


async def test_two_tokens_in_one_header_are_no_token(world: World) -> None:
    token = world.token()
    answer = await get(world.service.public, PATH, f"{token}, {token}")
    assert (answer.status, answer.code) == (401, "invalid_token")


@pytest.mark.parametrize(
    "value", [b"\xe9\xff\x80.a.b", b"\xed\xa0\x80", "жетон".encode(), b"Bearer \xff", b"\x80" * 5000]
)
async def test_bytes_beyond_ascii_in_the_token_are_no_token(world: World, value: bytes) -> None:
    answer = await exchange(world.service.public, LINE + b"Host: x\r\nAuthorization: " + value + b"\r\n\r\n")
    assert (answer.status, answer.code) == (401, "invalid_token")
    assert world.audit()[-1]["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("blank", ["\u00a0", "\u0085", "\u2028", "\u3000", "\x1c", "\x0b", "\x0c"])
@pytest.mark.parametrize("scheme", ["", "Bearer "])
async def test_what_is_blank_in_other_scripts_is_not_taken_off_a_token(world: World, scheme: str, blank: str) -> None:
    for value in (f"{scheme}{blank}{world.token()}", f"{scheme}{world.token()}{blank}"):
        head = LINE + b"Host: x\r\nAuthorization: " + value.encode() + b"\r\n\r\n"
        answer = await exchange(world.service.public, head)
        assert answer.code in ("invalid_token", "invalid_request")


async def test_a_token_of_twelve_kilobytes_is_served(world: World) -> None:
    token = world.token(padding="x" * 9_000)
    assert len(token) > 12_000
    assert (await get(world.service.public, PATH, token)).status == 200


async def test_a_line_of_thirty_kilobytes_is_read(world: World) -> None:
    answer = await get(world.service.public, f"{PATH}?month={'1' * 30_000}", world.token())
    assert (answer.status, answer.code) == (403, "value_not_allowed")


@pytest.mark.parametrize(
    "field", [b"Content-Length: 2\r\n\r\n{}", b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"]
)
async def test_t27_a_get_with_a_body_is_refused_and_its_body_is_no_request(world: World, field: bytes) -> None:
    async with await Connection.open(world.service.public) as connection:
        await connection.send(request(PATH, world.token())[:-2] + field, request(PATH, world.token()))
        assert (await connection.read()).code == "invalid_request"
        assert (await connection.read()).status == 200


async def test_t27_a_transfer_coding_before_chunked_is_refused(world: World) -> None:
    raw = POST + f"Authorization: {world.token()}\r\n".encode() + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"
    async with await Connection.open(world.service.public) as connection:
        await connection.send(raw, request(PATH, world.token()))
        answer = await connection.read()
        assert (answer.status, answer.code) == (415, "unsupported_media_type")
        assert await connection.ended()


async def test_t27_a_request_hidden_behind_a_refused_one_is_not_read(world: World) -> None:
    smuggled = request("/v1/credentials/reports:read?month=2026-12", world.token())
    async with await Connection.open(world.service.public) as connection:
        await connection.send(POST + b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled)
        assert (await connection.read()).code == "invalid_request"
        assert await connection.ended()


async def test_an_upgrade_is_not_taken_up(world: World) -> None:
    wishes = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAMAAABkAARAAAAAAAIAAAAA"}
    answer = await get(world.service.public, PATH, world.token(), **wishes)
    assert (answer.status, answer.version) == (200, "HTTP/1.1")


async def test_a_body_that_breaks_off_or_turns_to_garbage_is_no_defect(world: World) -> None:
    head = request(
        PATH, world.token(), method="POST", headers={"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    )
    async with (
        await Connection.open(world.service.public) as left,
        await Connection.open(world.service.public) as garbage,
    ):
        await left.send(head, b"1\r\n{")
        await garbage.send(head, b"1\r\n{\r\n")
        await get(world.service.public, PATH)  # by now the heads were read
        left.cut()
        await garbage.send(b"CANARY-chunk\r\n")
        assert (await garbage.read()).code == "invalid_request"
    assert not [line for line in world.service.log if "defect" in line or "CANARY" in line or "Traceback" in line]


async def test_t27_a_body_that_does_not_come_is_not_waited_for(world: World) -> None:
    began = monotonic()
    async with await Connection.open(world.service.public) as connection:
        await connection.send(request(PATH, world.token(), method="POST", body=b"{}")[:-1])
        answer = await connection.read()
        assert (answer.status, answer.code) == (400, "invalid_request")
        assert await connection.ended()
    assert monotonic() - began < 10


async def test_a_token_in_the_wrong_place_is_refused_and_written_nowhere(world: World) -> None:
    token = world.token()
    asks = [
        f"{PATH}?token={token}",
        f"{PATH}?{token}=1",
        f"/v1/credentials/{token}",
        f"{PATH}?month={token.replace('.', '%2E')}",
    ]
    answers = [await get(world.service.public, ask, token) for ask in asks]
    answers.append(await post(world.service.public, PATH, token, {"parameters": {"month": token}}))
    assert {(answer.status, answer.code) for answer in answers} == {(400, "invalid_request")}
    claims = token.split(".")[1]
    written = (
        world.audit_path.read_text() + "".join(world.service.log) + "".join(str(answer.json) for answer in answers)
    )
    assert claims not in written
