"""The guarded GET: no redirect, no address that was not checked, no more bytes or seconds than are allowed (T4, T8)."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
import tracemalloc
from typing import TYPE_CHECKING

import pytest
import trustme
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from tests.fakes.issuer import JWKS, Issuer
from tests.fakes.loopback import Loopback
from vendor.identity import fetch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PACKED = gzip.compress(b"{}" * 1000, mtime=0)  # the same in every process, as tests are named by it


TLS = ssl.create_default_context()


class Page(Loopback):
    """Answers every path with the same bytes, and keeps the requests' headers."""

    def __init__(
        self, body: bytes, *, encoding: str | None = None, cookie: str | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        super().__init__(tls=tls)
        self.body = body
        headers = {"Content-Encoding": encoding, "Set-Cookie": cookie}
        self.headers = {name: value for name, value in headers.items() if value is not None}
        self.seen: list[dict[str, str]] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(dict(request.headers))
        return web.Response(body=self.body, headers=self.headers)


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with Issuer() as server:
        yield server


async def get(
    url: str,
    *,
    private: bool = True,
    longest: int = 10_000,
    seconds: float = 5.0,
    resolver: AbstractResolver | None = None,
) -> bytes:
    return await fetch.get(url, longest=longest, private=private, tls=TLS, seconds=seconds, resolver=resolver)


def port(server: Loopback) -> str:
    return server.url.rpartition(":")[2]


async def test_a_document_is_fetched_from_loopback_where_that_is_allowed(issuer: Issuer) -> None:
    assert b'"keys"' in await get(issuer.jwks_url)
    assert b'"keys"' in await get(issuer.jwks_url.replace("127.0.0.1", "localhost"))
    assert issuer.requests == {JWKS: 2}


async def test_no_secret_and_no_cookie_is_sent() -> None:
    async with Page(b"{}", cookie="a=b") as page:
        await get(page.url)
        await get(page.url)
    assert [set(seen) for seen in page.seen] == [{"Host", "Accept", "Accept-Encoding", "User-Agent"}] * 2


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "127.1", "2130706433", "0x7f000001"])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_loopback_in_any_spelling_is_out_of_reach_without_the_opt_in(
    issuer: Issuer, scheme: str, host: str
) -> None:
    with pytest.raises(fetch.FetchError):
        await get(f"{scheme}://{host}:{port(issuer)}{JWKS}", private=False)
    assert not issuer.requests


@pytest.mark.parametrize(
    "host", ["127.1", "2130706433", "127.0.0.1.", "0127.0.0.1", "\uff11\uff12\uff17.1", "[v1.fe:80]", "1"]
)
@pytest.mark.parametrize("private", [True, False])
async def test_an_address_in_an_odd_form_is_never_fetched(issuer: Issuer, host: str, private: bool) -> None:  # noqa: FBT001
    with pytest.raises(fetch.FetchError, match="odd form"):
        await get(f"https://{host}:{port(issuer)}{JWKS}", private=private)
    assert not issuer.requests


@pytest.mark.parametrize(
    "host",
    ["169.254.169.254", "[fe80::1]", "[fe80::1%25lo]", "[::ffff:169.254.169.254]", "[fd00:ec2::254]", "0.0.0.0"],  # noqa: S104
)
@pytest.mark.parametrize("private", [True, False])
async def test_metadata_services_are_out_of_reach_of_everyone(host: str, private: bool) -> None:  # noqa: FBT001
    with pytest.raises(fetch.FetchError, match="may not be connected to"):
        await get(f"https://{host}/latest/meta-data", private=private)


@pytest.mark.parametrize("host", ["10.0.0.1", "8.8.8.8", "[fd12::1]"])
async def test_plain_http_goes_to_loopback_alone(host: str) -> None:
    with pytest.raises(fetch.FetchError, match="may not be connected to"):
        await get(f"http://{host}{JWKS}")


async def test_a_name_is_judged_by_the_addresses_that_it_has() -> None:
    plain = fetch._CheckedResolver(private=True, loopback_only=True)
    assert {found["host"] for found in await plain.resolve("localhost", 80)} <= {"127.0.0.1", "::1"}
    with pytest.raises(OSError, match="no address"):
        await plain.resolve("10.0.0.1", 80)
    guarded = fetch._CheckedResolver(private=False, loopback_only=False)
    with pytest.raises(OSError, match="localhost has no address that may be connected to"):
        await guarded.resolve("localhost", 443)
    assert [found["host"] for found in await guarded.resolve("8.8.8.8", 443)] == ["8.8.8.8"]
    await plain.close()
    await guarded.close()


class Names(AbstractResolver):
    """A resolver whose answers change each time it is asked: what an attacker's name server does."""

    def __init__(self, *answers: tuple[str, ...]) -> None:
        self._answers = list(answers)
        self.asked = 0

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_INET,
    ) -> list[ResolveResult]:
        self.asked += 1
        found = self._answers.pop(0)
        return [
            ResolveResult(hostname=host, host=address, port=port, family=socket.AF_INET, proto=0, flags=0)
            for address in found
        ]

    async def close(self) -> None:
        pass


async def test_the_address_that_was_checked_is_the_one_connected_to(issuer: Issuer) -> None:
    """T4, rebinding: a name is asked about once, so a second answer that is worse is never heard."""
    names = Names(("127.0.0.1",), ("169.254.169.254",))
    assert b'"keys"' in await get(f"http://issuer.example:{port(issuer)}{JWKS}", resolver=names)
    assert names.asked == 1
    with pytest.raises(fetch.FetchError, match="no address that may be connected to"):
        await get(f"http://issuer.example:{port(issuer)}{JWKS}", resolver=names)
    assert issuer.requests == {JWKS: 1}


@pytest.mark.parametrize("private", [True, False])
async def test_a_name_that_turns_to_loopback_or_metadata_is_not_followed(issuer: Issuer, private: bool) -> None:  # noqa: FBT001
    """T4, rebinding: the address counts, whatever the name and however often it was good before."""
    for address in ("169.254.169.254", "0.0.0.0", *(() if private else ("127.0.0.1", "10.0.0.1", "100.64.0.1"))):  # noqa: S104
        with pytest.raises(fetch.FetchError, match="no address that may be connected to"):
            await get(f"https://issuer.example:{port(issuer)}/", private=private, resolver=Names((address,)))
    assert not issuer.requests


async def test_of_several_addresses_only_those_that_were_allowed_are_tried(issuer: Issuer) -> None:
    names = Names(("169.254.169.254", "10.0.0.1", "127.0.0.1"))
    assert b'"keys"' in await get(f"http://issuer.example:{port(issuer)}{JWKS}", resolver=names, seconds=2)


async def test_the_machines_proxy_is_not_asked(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert b'"keys"' in await get(issuer.jwks_url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x",
        "/keys",
        "https://",
        "https:///keys",
        "https://user@127.0.0.1/",
        "https://user:secret@127.0.0.1/",
        "https://127.0.0.1/#fragment",
        "https://[::1",
        "https://127.0.0.1:99999/",
        "https://127.0.0.1:x/",
        "https://xn--a/",
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "ws://127.0.0.1/",
        "javascript:alert(1)",
        "https://a..b/",
        "https://" + "a" * 300 + "/",
        "https://exa mple/",
        "https://a\nb/",
        "https://%31%32%37.0.0.1/",
        "\ud800://x",
        "https://\ud800/",
    ],
)
async def test_what_is_no_url_that_may_be_fetched_is_refused(url: str) -> None:
    with pytest.raises(fetch.FetchError):
        await get(url)


async def test_plain_http_needs_the_opt_in() -> None:
    with pytest.raises(fetch.FetchError, match="is not https"):
        await get("http://127.0.0.1/", private=False)


async def test_a_redirect_is_not_followed(issuer: Issuer) -> None:
    issuer.fault = "redirect"
    with pytest.raises(fetch.FetchError, match="status 302"):
        await get(issuer.jwks_url)
    assert issuer.requests == {JWKS: 1}


async def test_only_an_answer_of_200_is_a_document(issuer: Issuer) -> None:
    issuer.fault = "down"
    with pytest.raises(fetch.FetchError, match="status 500"):
        await get(issuer.jwks_url)
    with pytest.raises(fetch.FetchError, match="status 404"):
        await get(issuer.issuer + "/nothing")


async def test_the_longest_document_is_read_and_a_longer_one_is_not() -> None:
    async with Page(b"x" * 100_000) as page:
        assert len(await get(page.url, longest=100_000)) == 100_000
        with pytest.raises(fetch.FetchError, match="more than 99999 bytes"):
            await get(page.url, longest=99_999)


@pytest.mark.parametrize("encoding", ["gzip", "GZIP"])
async def test_an_answer_that_lies_packed_in_its_store_is_unpacked(encoding: str) -> None:
    async with Page(gzip.compress(b"{}" * 1000), encoding=encoding) as page:
        assert await get(page.url) == b"{}" * 1000
    assert page.seen[0]["Accept-Encoding"] == "identity"


async def test_a_small_answer_that_unpacks_to_a_large_one_is_cut_off_before_it_is_large() -> None:
    """T8: a bomb of 50 MB costs less memory than the packed answer may be long."""
    packed = gzip.compress(b" " * 50_000_000)
    assert len(packed) < 64_000
    async with Page(packed, encoding="gzip") as page:
        tracemalloc.start()
        with pytest.raises(fetch.FetchError, match="more than 65536 bytes"):
            await get(page.url, longest=65_536)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert most < 2_000_000


async def test_the_longest_document_may_come_packed_and_a_longer_one_may_not() -> None:
    async with Page(gzip.compress(b"x" * 100_000), encoding="gzip") as page:
        assert len(await get(page.url, longest=100_000)) == 100_000
        with pytest.raises(fetch.FetchError, match="more than 99999 bytes"):
            await get(page.url, longest=99_999)


@pytest.mark.parametrize(
    ("encoding", "body", "why"),
    [
        ("gzip", b'{"keys": 1}', "no gzip"),
        ("gzip", PACKED[:-1], "no whole gzip"),
        ("gzip", PACKED + b"x", "no whole gzip"),
        ("gzip", PACKED * 2, "no whole gzip"),
        ("gzip", b"", "no whole gzip"),
        ("gzip, gzip", gzip.compress(PACKED, mtime=0), "packed as gzip, gzip"),
        ("deflate", b"{}", "packed as deflate"),
        ("br", b"{}", "packed as br"),
        ("zstd", b"{}", "packed as zstd"),
        ("", b"{}", "packed as"),
    ],
)
async def test_an_answer_that_cannot_be_unpacked_is_refused(encoding: str, body: bytes, why: str) -> None:
    async with Page(body, encoding=encoding) as page:
        with pytest.raises(fetch.FetchError, match=why):
            await get(page.url)


async def test_a_server_that_never_answers_is_given_up(issuer: Issuer) -> None:
    issuer.fault = "hang"
    async with asyncio.timeout(2):
        with pytest.raises(fetch.FetchError, match="TimeoutError"):
            await get(issuer.jwks_url, seconds=0.05)
    assert issuer.requests == {JWKS: 1}


async def test_a_server_that_is_not_there_is_an_error_for_operators() -> None:
    async with Issuer() as gone:
        url = gone.jwks_url
    with pytest.raises(fetch.FetchError, match="ClientConnectorError"):
        await get(url)


async def test_a_certificate_must_be_of_a_known_authority_and_of_the_name() -> None:
    authority = trustme.CA()
    trusting, serving = ssl.create_default_context(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.configure_trust(trusting)
    authority.issue_cert("localhost").configure_cert(serving)
    async with Page(b"{}", tls=serving) as page:
        named, numbered = f"https://localhost:{port(page)}/", f"https://127.0.0.1:{port(page)}/"
        assert await fetch.get(named, longest=10, private=True, tls=trusting) == b"{}"
        with pytest.raises(fetch.FetchError, match="Certificate"):
            await fetch.get(numbered, longest=10, private=True, tls=trusting)
        with pytest.raises(fetch.FetchError, match="Certificate"):
            await fetch.get(named, longest=10, private=True, tls=TLS)
    assert len(page.seen) == 1
