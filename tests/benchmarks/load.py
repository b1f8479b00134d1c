"""A closed-loop load generator on raw sockets, cheap enough that the server is what is measured.

`python -m tests.benchmarks.load URL --requests N --connections C [--header 'Name: value']` prints one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from urllib.parse import urlsplit

_HEAD_END = b"\r\n\r\n"


class _Connection(asyncio.Protocol):
    """Sends the same request again as soon as its answer is whole."""

    def __init__(self, request: bytes, load: Load) -> None:
        self._request = request
        self._load = load
        self._buffer = bytearray()
        self._size = 0
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._size:
            self._size = self._whole()
        if self._size and len(self._buffer) >= self._size:
            good = self._buffer.startswith(b"HTTP/1.1 200 ")
            self._buffer.clear()
            self._size = 0
            if self._load.done(time.perf_counter() - self._sent, good=good):
                self._send()
            else:
                self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._load.lost(exc)

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(self._request)

    def _whole(self) -> int:
        """Return the size of the whole answer, 0 while its head is not complete."""
        head, found, _ = bytes(self._buffer).partition(_HEAD_END)
        if not found:
            return 0
        line = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        return len(head) + len(_HEAD_END) + int(line.split(b":")[1])


class Load:
    """Counts what the connections did."""

    def __init__(self, requests: int) -> None:
        self._left = requests
        self._open = 0
        self.seconds: list[float] = []
        self.failed = 0
        self.finished = asyncio.Event()

    def done(self, seconds: float, *, good: bool) -> bool:
        """Note one answer and tell whether another request is wanted."""
        self.seconds.append(seconds)
        self.failed += not good
        self._left -= 1
        return self._left > 0

    def lost(self, _exc: Exception | None) -> None:
        """Note a connection that ended."""
        self._open -= 1
        if self._open == 0:
            self.finished.set()

    async def run(self, url: str, headers: list[str], connections: int) -> float:
        """Run the whole load and return its seconds."""
        parts = urlsplit(url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        lines = [f"GET {path} HTTP/1.1", f"Host: {parts.netloc}", "Accept: application/json", *headers]
        request = ("\r\n".join(lines) + "\r\n\r\n").encode()
        host, port = parts.hostname or "127.0.0.1", parts.port or 80
        began = time.perf_counter()
        self._open = connections
        for _ in range(connections):
            await asyncio.get_running_loop().create_connection(lambda: _Connection(request, self), host, port)
        await self.finished.wait()
        return time.perf_counter() - began


async def measure(url: str, headers: list[str], *, requests: int, connections: int) -> dict[str, float]:
    """Return requests per second, latencies in milliseconds and the answers that were not 200."""
    load = Load(requests)
    took = await load.run(url, headers, connections)
    ordered = sorted(load.seconds)
    return {
        "rps": len(ordered) / took,
        "p50_ms": ordered[len(ordered) // 2] * 1000,
        "p99_ms": ordered[len(ordered) * 99 // 100] * 1000,
        "failed": load.failed,
    }


def main() -> None:
    """Run one load and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--header", action="append", default=[])
    options = parser.parse_args()
    result = asyncio.run(
        measure(options.url, options.header, requests=options.requests, connections=options.connections)
    )
    print(json.dumps(result))  # noqa: T201 - its output


if __name__ == "__main__":
    main()
