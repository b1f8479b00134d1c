"""How STS is reached: through a proxy where the environment names one, and never by way of a redirect."""

from __future__ import annotations

import asyncio
import ssl
import threading
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from tests.fakes.loopback import Loopback
from tests.made import session
from tests.mint.conftest import Rig
from vendor.refusals import Reason, StsUnavailable

if TYPE_CHECKING:
    from tests.fakes.clock import Clock
    from tests.fakes.sts import STS


def _rig(clock: Clock, url: str) -> Rig:
    rig = Rig(None, clock, url=url)
    rig.aws.set_credentials("AKIAVENDOR", "the service's own")
    return rig


async def test_a_proxy_of_the_environment_is_gone_through(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines.append((await reader.readline()).decode().strip())
        writer.write(b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as proxy:
        url = f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
        for name, value in (("HTTP_PROXY", url), ("http_proxy", url), ("NO_PROXY", ""), ("no_proxy", "")):
            monkeypatch.setenv(name, value)
        rig = _rig(clock, "http://sts.nowhere.invalid:9000")
        with pytest.raises(StsUnavailable):
            await rig.sts.mint(session())
        await rig.sts.close()
    assert set(lines) == {"POST http://sts.nowhere.invalid:9000/ HTTP/1.1"}


async def test_what_needs_no_proxy_is_asked_directly(fake: STS, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    rig = _rig(clock, fake.url)
    await rig.sts.mint(session())
    await rig.sts.close()
    assert len(fake.requests) == 1


async def test_a_redirect_is_not_followed(fake: STS, clock: Clock) -> None:
    async with Elsewhere(fake.url) as server:
        rig = _rig(clock, server.url)
        with pytest.raises(StsUnavailable) as refused:
            await rig.sts.mint(session())
        await rig.sts.close()
    assert refused.value.reason is Reason.BAD_ANSWER
    assert fake.requests == []


class Elsewhere(Loopback):
    """Sends everybody somewhere else."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    async def answer(self, request: web.Request) -> web.StreamResponse:
        return web.Response(status=307, headers={"Location": self._url})


async def test_certificates_are_read_beside_the_loop_that_serves_f25(
    fake: STS, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, readers = ssl.create_default_context, list[int]()

    def note(*given: Any, **named: Any) -> ssl.SSLContext:
        readers.append(threading.get_ident())
        return made(*given, **named)

    monkeypatch.setattr(ssl, "create_default_context", note)
    rig = _rig(clock, fake.url)
    await rig.sts.mint(session())
    await rig.sts.close()
    assert readers
    assert threading.get_ident() not in readers
