from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from vendor.client.agent import wire
from vendor.client.agent.listener import Listener

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest

ASK = b"GET / HTTP/1.1\r\n\r\n"


@contextmanager
def listening(answer: Callable[[wire.Asked], wire.Reply]) -> Iterator[tuple[str, int]]:
    """Listen until the block ends, and yield where."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as opened:
        where = opened.getsockname()
        listener = Listener([opened], answer)
        running = threading.Thread(target=listener.run, daemon=True)
        running.start()
        try:
            yield where
        finally:
            listener.stop()
            running.join(10)
        assert not running.is_alive()
        assert not listener._reading
        assert not +listener._present


def heard(where: tuple[str, int], said: bytes = ASK) -> bytes:
    with socket.create_connection(where) as caller:
        caller.settimeout(10)
        caller.sendall(said)
        return caller.makefile("rb").read()


def test_a_defect_ends_one_request_and_tells_its_kind_alone() -> None:
    def fail(_: wire.Asked) -> wire.Reply:
        raise ZeroDivisionError("secret")

    with listening(fail) as where:
        for _ in range(2):
            answer = heard(where)
            assert answer.startswith(b"HTTP/1.1 503 ")
            assert b"ZeroDivisionError" in answer
            assert b"secret" not in answer


def test_more_than_it_has_room_for_are_told_to_come_again() -> None:
    go = threading.Event()
    waiting = threading.Semaphore(0)

    def wait(_: wire.Asked) -> wire.Reply:
        waiting.release()
        go.wait(10)
        return wire.Reply(200, b"{}")

    with listening(wait) as where:
        callers = [socket.create_connection(where) for _ in range(128)]
        for caller in callers:
            caller.sendall(ASK)
            assert waiting.acquire(timeout=10)
        assert b"overloaded" in heard(where, b"")
        go.set()
        for caller in callers:
            with caller:
                assert caller.recv(12) == b"HTTP/1.1 200"


def test_where_no_thread_can_be_started_it_says_so_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    start = threading.Thread.start

    def fail(thread: threading.Thread) -> None:
        if thread.name.endswith("(_serve)"):
            raise RuntimeError("can't start new thread")
        start(thread)

    with listening(lambda _: wire.Reply(200, b"{}")) as where:
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", fail)
            assert b"overloaded" in heard(where, b"")
        assert heard(where).startswith(b"HTTP/1.1 200 ")


def test_it_stops_though_a_caller_says_nothing() -> None:
    with listening(lambda _: wire.Reply(200, b"{}")) as where:
        caller = socket.create_connection(where)
        assert heard(where).startswith(b"HTTP/1.1 200 ")
    with caller:
        assert caller.recv(1) == b""
