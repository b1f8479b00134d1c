"""Places: a service and a small S3 beside it, also by TLS, also alone in a network of their own."""

from __future__ import annotations

import ctypes
import os
import subprocess
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
import trustme

from tests.fakes.s3 import S3
from tests.fakes.sts import TOKEN
from tests.service import CONFIGURATION, World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tests.fakes.s3 import Signed

_NEW_NETWORK = 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)
AT_METADATA = "169.254.170.2"
"""Where SDKs look for what AWS_CONTAINER_CREDENTIALS_RELATIVE_URI names."""


@dataclass(frozen=True, slots=True)
class Place:
    """A served world and a small S3; `authorities` vouch for the service where it speaks TLS."""

    world: World
    s3: S3
    authorities: Path | None = None
    seen: list[Signed] = field(default_factory=list)

    def since(self) -> list[Signed]:
        """Return the requests that S3 has had since the last look."""
        came, self.s3.requests = self.s3.requests, []
        return came

    def check_signed_with_what_was_vended(self) -> None:
        """Check that every request since the last look was signed with the key id of the latest audit line."""
        vended, came = self.world.audit()[-1], self.since()
        assert came
        assert vended["outcome"] == "issued"
        assert {one.access_key_id for one in came} == {vended["access_key_id"]}
        assert all((one.session_token or "").startswith(TOKEN) for one in came)


@asynccontextmanager
async def plain(folder: Path) -> AsyncIterator[Place]:
    """Serve on loopback without TLS."""
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(World(folder))
        yield Place(world, await stack.enter_async_context(S3()))


@asynccontextmanager
async def secured(folder: Path, *, port: int = 0) -> AsyncIterator[Place]:
    """Serve by TLS, with a certificate of a private authority."""
    authority = trustme.CA()
    leaf = authority.issue_cert("127.0.0.1", "localhost")
    (folder / "tls.crt").write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    (folder / "tls.key").write_bytes(leaf.private_key_pem.bytes())
    authority.cert_pem.write_to_path(str(folder / "ca.crt"))
    tls = "tls: {{certificate: tls.crt, private_key: tls.key}}"
    configuration = CONFIGURATION.replace('address: "127.0.0.1:0"', f'address: "127.0.0.1:{port}", {tls}', 1)
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(World(folder, configuration=configuration))
        yield Place(world, await stack.enter_async_context(S3()), folder / "ca.crt")


@asynccontextmanager
async def at_metadata(folder: Path) -> AsyncIterator[Place]:
    """Serve on the address of a container's metadata, in a network of our own that has nothing but loopback.

    What this process opens and starts meanwhile is in there too.
    """
    configuration = CONFIGURATION.replace("127.0.0.1:0", f"{AT_METADATA}:80", 1)
    with _network():
        async with AsyncExitStack() as stack:
            world = await stack.enter_async_context(World(folder, configuration=configuration))
            yield Place(world, await stack.enter_async_context(S3()))


@asynccontextmanager
async def at_443(folder: Path) -> AsyncIterator[Place]:
    """Serve by TLS on the port of https, in a network of our own."""
    with _network():
        async with secured(folder, port=443) as place:
            yield place


@contextmanager
def _network() -> Iterator[None]:
    """Move this thread into a network of its own, and back."""
    if os.geteuid() != 0:
        pytest.skip("only root may make a network of its own")
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if _LIBC.unshare(_NEW_NETWORK):
            pytest.skip(f"no network of our own can be made: {os.strerror(ctypes.get_errno())}")
        addresses = [f"address add {address}/32 dev lo" for address in (AT_METADATA, "169.254.169.254")]
        for command in ("link set lo up", *addresses):
            subprocess.run(["ip", *command.split()], check=True)  # noqa: S603, S607 - ours, from the machine's path
        yield
    finally:
        _LIBC.setns(before, _NEW_NETWORK)
        os.close(before)
