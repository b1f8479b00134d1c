"""Sockets, and as many callers at a time as there is room for: the slowest make room for the next."""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import threading
import time
from collections import Counter

from vendor.client.agent import wire

TYPE_CHECKING = False  # as in client/address.py
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_MOST = 256  # callers at a time
_MOST_EACH = 128  # of one address
_STOP = 2.0  # seconds that callers have left when it stops
_BUSY = wire.refused(503, "overloaded", "too many callers at once", retry_after=1)


class Listener:
    """Answers what comes over listening sockets, each caller in a thread of its own.

    A caller that sends slowly holds its place only until somebody else wants it.
    """

    def __init__(self, sockets: Sequence[socket.socket], answer: Callable[[wire.Asked], wire.Reply]) -> None:
        self._sockets = sockets
        self._answer = answer
        self._lock = threading.Lock()
        self._reading: dict[socket.socket, str] = {}  # in the order in which they came
        self._present: Counter[str] = Counter()
        self._threads: set[threading.Thread] = set()
        self._ear, self._mouth = os.pipe()

    def run(self) -> None:
        """Answer until `stop` is called, and then those that are being answered."""
        with selectors.DefaultSelector() as selector:
            for each in self._sockets:
                each.settimeout(0)
                selector.register(each, selectors.EVENT_READ)
            selector.register(self._ear, selectors.EVENT_READ)
            while True:
                ready = {key.fd for key, _ in selector.select()}
                if self._ear in ready:
                    break
                for each in self._sockets:
                    if each.fileno() in ready:
                        self._accept(each)
        for each in self._sockets:
            each.close()
        with self._lock:
            while self._make_room(""):
                pass
        until = time.monotonic() + _STOP
        for thread in list(self._threads):
            thread.join(max(0.0, until - time.monotonic()))
        os.close(self._ear)

    def stop(self) -> None:
        """End `run`, from any thread."""
        os.close(self._mouth)

    def _accept(self, listening: socket.socket) -> None:
        try:
            caller, _ = listening.accept()
        except OSError:  # it left, or there are no descriptors, which would be told again at once
            time.sleep(0.01)
            return
        peer = _peer(caller)
        with self._lock:
            full = self._present.total() >= _MOST or self._present[peer] >= _MOST_EACH
            if full and not self._make_room(peer if self._present[peer] >= _MOST_EACH else ""):
                _turn_away(caller)
                return
            self._present[peer] += 1
            self._reading[caller] = peer
        thread = threading.Thread(target=self._serve, args=(caller, peer), daemon=True)
        self._threads.add(thread)
        try:
            thread.start()
        except RuntimeError:  # the system allows no more threads
            self._forget(caller, peer, thread)
            _turn_away(caller)

    def _make_room(self, peer: str) -> bool:
        """Hang up on whoever has been sending for the longest time, of one address or of any."""
        slowest = next((each for each, its in self._reading.items() if not peer or its == peer), None)
        if slowest is None:
            return False
        del self._reading[slowest]
        with contextlib.suppress(OSError):
            slowest.shutdown(socket.SHUT_RDWR)
        return True

    def _serve(self, caller: socket.socket, peer: str) -> None:
        try:
            with caller, contextlib.suppress(OSError):
                reply = self._reply(caller)
                if reply:
                    wire.write(caller, reply)
        finally:
            self._forget(caller, peer, threading.current_thread())

    def _forget(self, caller: socket.socket, peer: str, thread: threading.Thread) -> None:
        with self._lock:
            self._reading.pop(caller, None)
            self._present[peer] -= 1
            self._present += Counter()  # drops who is no longer there
        self._threads.discard(thread)

    def _reply(self, caller: socket.socket) -> wire.Reply | None:
        try:
            asked = wire.read(caller)
        except wire.BadRequest as exc:
            return exc.reply
        with self._lock:
            self._reading.pop(caller, None)
        if asked is None:
            return None
        try:
            return self._answer(asked)
        except Exception as exc:  # noqa: BLE001  # a defect is told by its kind, and ends one request
            return wire.refused(503, "internal_error", f"this should not have happened: {type(exc).__name__}")


def _peer(caller: socket.socket) -> str:
    with contextlib.suppress(OSError):
        where = caller.getpeername()
        return str(where[0]) if isinstance(where, tuple) else ""
    return ""


def _turn_away(caller: socket.socket) -> None:
    with caller, contextlib.suppress(OSError):
        caller.settimeout(0)
        caller.send(_BUSY.dump())
