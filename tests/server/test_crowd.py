"""Who is turned away unread: what they are told, what becomes of their connection, and who is read all the same."""

from __future__ import annotations

import asyncio
import socket
import ssl
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import trustme

from tests.fakes.clock import Clock
from tests.server.http import Answer as Told
from tests.server.http import Connection, exchange
from vendor.refusals import Code, Reason
from vendor.server import answer as written
from vendor.server import connection as connections
from vendor.server import crowd, documents, sts_wire
from vendor.server.answer import Answer
from vendor.server.crowd import Whole, waited, whole
from vendor.server.gate import FEWEST, Gate
from vendor.server.listener import Listener
from vendor.server.public import PublicDoors

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from vendor.refusals import Refusal
    from vendor.server.connection import Server
    from vendor.server.listener import Visit

ONE_IN = round(1 / FEWEST)
"""One in so many is let in at least, however much comes."""
SMALL = 2048
"""Bytes of the buffers in which answers wait for who does not read them."""
PLAIN = b"GET /v1/credentials/a?b=c HTTP/1.1\r\nHost: a\r\nAuthorization: eyJ.a.b\r\n\r\n"
FORM = b"POST /sts HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na=b"


class Crowded:
    """A listener where there has been far too much work for a while; `told` has what was refused at its edge."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.gate = Gate(clock=self.clock, most=1_000)
        self.told: list[Refusal] = []
        self.listener = Listener(
            find=lambda _: {"GET": self._answer, "POST": self._answer},
            observer=self,
            clock=self.clock,
            voice=lambda path: PublicDoors.voice(self, path),  # type: ignore[arg-type]  # it has no need of itself
            gate=self.gate,
        )
        self.server: Server

    def refused(self, refusal: Refusal) -> None:
        self.told.append(refusal)

    def failed(self, request_id: str, exc: BaseException | None) -> None:
        raise AssertionError(request_id) from exc

    def look(self, *, late: float, times: int) -> None:
        """Let the loop be so late at each of so many looks."""
        for _ in range(times):
            self.clock.advance(0.1 + late)
            self.gate.note_lag(late)

    async def _answer(self, visit: Visit) -> Answer:
        return Answer(200, b"{}", visit.request_id)


@asynccontextmanager
async def crowded(*, at_first: bool = True, tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[Crowded, str]]:
    """Serve where there is too much work, or where there will be once it is said."""
    world = Crowded()
    if at_first:
        world.look(late=0.3, times=100)
        assert world.gate.pressed
    server = world.server = world.listener.server()
    listening = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0, ssl=tls)
    listening.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
    try:
        yield world, f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    finally:
        listening.close()
        await server.shutdown(1)
        await listening.wait_closed()


async def _ask(connection: Connection, raw: bytes) -> Told:
    await connection.send(raw)
    return await connection.read()


@pytest.mark.parametrize("at_first", [True, False], ids=["a new connection", "a kept one"])
async def test_a_connection_stays_open_behind_it_until_its_turn_comes(*, at_first: bool) -> None:
    async with crowded(at_first=at_first) as (world, url), await Connection.open(url) as connection:
        if not at_first:
            assert (await _ask(connection, PLAIN)).status == 200
            world.look(late=0.3, times=100)
        answers = [await _ask(connection, PLAIN) for _ in range(2 * ONE_IN)]
    served = [answer for answer in answers if answer.status == 200]
    refused = [answer for answer in answers if answer.status != 200]
    assert len(served) == 2
    assert {(one.status, one.code, one.headers["retry-after"]) for one in refused} == {(503, "overloaded", "1")}
    assert {(one.code, one.reason) for one in world.told} == {(Code.OVERLOADED, Reason.LATE)}
    assert len(world.told) == len(refused)


@pytest.mark.parametrize("raw", [PLAIN, FORM], ids=["JSON", "STS"])
async def test_it_is_told_in_the_words_of_who_was_read_with_a_request_id_of_its_own(raw: bytes) -> None:
    async with crowded() as (world, url):
        answers = [await exchange(url, raw) for _ in range(3)]
        world.listener.draining = True  # while it does everybody is read
        answers.append(await exchange(url, raw))
    ids = [one.headers["x-request-id"] for one in answers]
    assert len(set(ids)) == len(answers)
    said = {one.body.replace(request_id.encode(), b"") for one, request_id in zip(answers, ids, strict=True)}
    assert len(said) == 1
    assert all(request_id.encode() in one.body for one, request_id in zip(answers, ids, strict=True))
    heads = [
        {
            name: value
            for name, value in one.headers.items()
            if value != request_id and name not in {"connection", "date"}
        }
        for one, request_id in zip(answers, ids, strict=True)
    ]
    assert [(one.status, head) for one, head in zip(answers, heads, strict=True)] == [(503, heads[-1])] * len(answers)


async def test_it_says_what_time_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    async with crowded() as (world, url):
        for date in ("Sat, 28 Nov 2026 00:00:00 GMT", "Sat, 28 Nov 2026 00:00:01 GMT"):
            monkeypatch.setattr(written, "rfc822_formatted_time", lambda date=date: date)
            assert (await exchange(url, PLAIN)).headers["date"] == date
            world.clock.advance(1.0)


@pytest.mark.parametrize(
    "raw",
    [
        FORM,
        PLAIN.replace(b"1.1", b"1.0"),
        PLAIN.replace(b"Host", b"Connection: close\r\nHost"),
        PLAIN.replace(b"Host", b"content-length: 0\r\nHost"),
    ],
)
async def test_a_connection_is_closed_behind_all_that_is_not_plain(raw: bytes) -> None:
    async with crowded() as (_, url), await Connection.open(url) as connection:
        answer = await _ask(connection, raw)
        assert answer.status == 503
        assert answer.headers["connection"] == "close"
        assert await connection.ended()


@pytest.mark.parametrize(
    ("begun", "rest"),
    [(PLAIN[:9], PLAIN[9:]), (b"GET /v1/scopes HTTP/1.1\r\nX: ", PLAIN)],
    ids=["a half", "what looks like a whole"],
)
async def test_what_has_not_come_as_a_whole_is_read(begun: bytes, rest: bytes) -> None:
    async with crowded() as (world, url), await Connection.open(url) as connection:
        await connection.send(begun)
        await asyncio.sleep(0.05)
        assert (await _ask(connection, rest)).code == "overloaded"
        assert [one.detail for one in world.told] != [one.public for one in world.told]


@pytest.mark.parametrize("at_first", [True, False], ids=["a new connection", "a kept one"])
@pytest.mark.parametrize(
    "begun", [b"GE", b"POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nX-Field: "], ids=["method", "head"]
)
async def test_what_ends_a_head_that_has_begun_is_no_request(begun: bytes, *, at_first: bool) -> None:
    """Though it looks like one: answered as one, the answers behind it would be somebody else's."""
    async with crowded(at_first=at_first) as (world, url), await Connection.open(url) as connection:
        await connection.send(PLAIN + begun)
        await connection.read()
        world.look(late=0.3, times=100)
        unread = len(world.told)
        await connection.send(PLAIN)
        assert (await connection.read()).status == 400  # it has two hosts, or there is no such method
        assert [one.code for one in world.told[unread:]] == [Code.INVALID_REQUEST]
        assert await connection.ended()


async def test_a_form_on_a_kept_connection_is_turned_away_unread() -> None:
    async with crowded(at_first=False) as (world, url), await Connection.open(url) as connection:
        assert (await _ask(connection, FORM)).status == 200
        world.look(late=0.3, times=100)
        answer = await _ask(connection, FORM)
        assert (answer.status, answer.headers["connection"]) == (503, "close")
        assert await connection.ended()


async def test_who_asks_with_the_last_word_of_a_tls_handshake_is_turned_away_unread() -> None:
    """Its session tickets wait to be sent when the request is there, and are no answer that it has not read."""
    authority, tls = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    async with crowded(tls=tls) as (_, url), await Connection.open(url, tls=client) as connection:
        answer = await _ask(connection, FORM)
        assert (answer.status, answer.headers.get("connection")) == (503, "close")


async def test_whoever_was_not_let_in_is_still_connected() -> None:
    async with crowded() as (world, url), await Connection.open(url) as connection:
        assert (await _ask(connection, PLAIN)).status == 503
        assert len(world.server.connections) == 1
        world.server.pre_shutdown()
        assert await connection.ended()
        assert not world.server.connections


async def test_while_the_service_drains_everybody_is_read() -> None:
    async with crowded() as (world, url), await Connection.open(url) as connection:
        world.listener.draining = True
        assert (await _ask(connection, PLAIN)).headers["connection"] == "close"
        assert await connection.ended()


async def test_nobody_enters_later_on_the_turn_of_who_was_let_in_and_cannot_be_read() -> None:
    async with crowded() as (world, url):
        answers = [await exchange(url, PLAIN.replace(b"Host: a", b"Host: a\r\nHost: b")) for _ in range(10 * ONE_IN)]
        assert [one.status for one in answers].count(400) == 10
        world.look(late=0.3, times=2)
        chunked = FORM.partition(b"Content")[0] + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        assert [(await exchange(url, chunked)).status for _ in range(ONE_IN // 2)] == [503] * (ONE_IN // 2)


async def test_once_there_is_less_to_do_nobody_is_turned_away_any_more() -> None:
    async with crowded() as (world, url), await Connection.open(url) as connection:
        assert (await _ask(connection, PLAIN)).status == 503
        world.look(late=0.0, times=60)
        assert not world.gate.pressed
        for _ in range(ONE_IN):
            assert (await _ask(connection, PLAIN)).status == 200
            assert (await exchange(url, FORM)).status == 200


async def test_who_says_nothing_is_left_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd, "IDLE", 0.05)
    async with crowded() as (_, url), await Connection.open(url) as connection:
        assert (await _ask(connection, PLAIN)).status == 503
        assert await connection.ended()


@pytest.mark.parametrize("at_first", [True, False], ids=["a new connection", "a kept one"])
async def test_who_goes_on_asking_is_not_left(monkeypatch: pytest.MonkeyPatch, *, at_first: bool) -> None:
    for room in (crowd, connections):
        monkeypatch.setattr(room, "IDLE", 0.3)
    async with crowded(at_first=at_first) as (world, url), await Connection.open(url) as connection:
        if not at_first:
            assert (await _ask(connection, PLAIN)).status == 200
            world.look(late=0.3, times=100)
        for _ in range(14):
            assert (await _ask(connection, PLAIN)).status == 503
            await asyncio.sleep(0.06)


async def test_who_never_reads_an_answer_is_left_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd, "IDLE", 0.1)
    async with crowded() as (world, url):
        world.gate._share = 0.0
        with socket.socket() as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            one.connect(("127.0.0.1", int(url.rpartition(":")[2])))
            while not any(porch._transport.get_write_buffer_size() for porch in world.server._porches):
                one.send(PLAIN)
                await asyncio.sleep(0.005)
            async with asyncio.timeout(5):
                while world.server.connections:  # noqa: ASYNC110 - nothing tells of it
                    await asyncio.sleep(0.01)


class Unsent(asyncio.Transport):
    """A connection whose other end has not read its last answer."""

    def get_write_buffer_size(self) -> int:
        return 1 << 16


def test_who_does_not_read_the_answers_is_given_no_more_of_them_unread() -> None:
    world = Crowded()
    world.look(late=0.3, times=100)
    kept = world.listener._unread
    assert kept is not None
    assert not kept.turn_away(Unsent(), PLAIN)


@pytest.mark.parametrize(
    ("raw", "seen"),
    [
        (PLAIN, Whole("/v1/credentials/a", stays=True)),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", Whole("/", stays=True)),
        (FORM, Whole("/sts", stays=False)),
        (PLAIN.replace(b"1.1", b"1.0"), Whole("/v1/credentials/a", stays=False)),
        # A second request for a reader that takes half of a line's end for a whole one:
        (PLAIN.replace(b"Host: a", b"Host: a\n\nGET / HTTP/1.1"), Whole("/v1/credentials/a", stays=False)),
        (PLAIN.replace(b"Host: a", b"Host: a\r\rGET / HTTP/1.1"), Whole("/v1/credentials/a", stays=False)),
        (PLAIN.replace(b"Host: a", b"Host: a\r\n Content-length: 9"), Whole("/v1/credentials/a", stays=False)),
        (PLAIN.replace(b"Host: a", b"CONTENT-LENGTH : 9"), Whole("/v1/credentials/a", stays=False)),
        (PLAIN.replace(b"Host: a", b"transfer-Encoding: chunked"), Whole("/v1/credentials/a", stays=False)),
        (PLAIN.replace(b"Host: a", b"Connection: x"), Whole("/v1/credentials/a", stays=False)),
        (PLAIN.replace(b"Host: a", b"Content_Length: 9"), Whole("/v1/credentials/a", stays=False)),
        (PLAIN.replace(b"Host: a", b"Content-\0Length: 9"), Whole("/v1/credentials/a", stays=False)),
        (PLAIN.replace(b"Host: a", b"Host: a\0"), Whole("/v1/credentials/a", stays=False)),
        (PLAIN.replace(b"Host: a", b"Host a"), Whole("/v1/credentials/a", stays=False)),
        (PLAIN.replace(b"?b=c", b"?b c"), Whole("/v1/credentials/a", stays=False)),
        (PLAIN + PLAIN, None),
        (PLAIN + b"x", None),
        (PLAIN[:-2], None),
        (FORM[:-1], None),
        (FORM.replace(b"3", b"0").partition(b"\r\n\r\n")[0] + b"\r\nX-Field: ", None),
        (FORM + b"c", None),
        (FORM.replace(b"Content-Length: 3", b"Transfer-Encoding: chunked"), None),
        (b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", None),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", None),
        (b"GET", None),
        (b"", None),
    ],
)
def test_what_is_one_whole_request(raw: bytes, seen: Whole | None) -> None:
    assert whole(raw) == seen


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells for how long a connection waited")
async def test_for_how_long_a_connection_waited_counts_from_what_it_sent_last() -> None:
    heard: list[float] = []

    class Taken(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            heard.append(waited(transport))
            transport.close()

    with socket.create_server(("127.0.0.1", 0)) as listening, socket.create_connection(listening.getsockname()) as one:
        one.send(b"GET")
        await asyncio.sleep(0.3)
        await asyncio.get_running_loop().connect_accepted_socket(Taken, listening.accept()[0])
    assert 0.25 <= heard[0] < 10


def test_where_the_system_does_not_tell_nobody_has_waited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert waited(asyncio.BaseTransport()) == 0.0


def test_who_left_before_it_was_taken_in_has_waited_for_nothing() -> None:
    class Gone(asyncio.BaseTransport):
        def get_extra_info(self, _name: str, _default: object = None) -> object:
            closed = socket.socket()
            closed.close()
            return closed

    assert waited(Gone()) == 0.0


def test_the_voices_are_those_of_the_doors() -> None:
    assert PublicDoors.voice(Crowded(), "/sts") is sts_wire  # type: ignore[arg-type]
    assert PublicDoors.voice(Crowded(), "/v1/scopes") is documents  # type: ignore[arg-type]
