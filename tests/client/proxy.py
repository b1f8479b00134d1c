"""A proxy that knows one thing, CONNECT, and takes every tunnel to one port of 127.0.0.1."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Self


class Proxy:
    """Runs while entered; `heads` holds what each caller said before its tunnel."""

    def __init__(self, port: int, *, answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n") -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._port = port
        self._answer = answer
        self._thread = threading.Thread(target=self._serve)
        self.heads: list[str] = []

    @property
    def port(self) -> int:
        return int(self._listening.getsockname()[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listening.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                caller, _ = self._listening.accept()
                with caller:
                    self._take(caller)

    def _take(self, caller: socket.socket) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += caller.recv(1)
        self.heads.append(head.decode())
        caller.sendall(self._answer)
        if b" 200 " not in self._answer:
            return
        with socket.create_connection(("127.0.0.1", self._port)) as server:
            back = threading.Thread(target=_copy, args=(server, caller))
            back.start()
            _copy(caller, server)
            back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(4096):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)
