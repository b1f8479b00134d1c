"""The guarded GET: no redirect, no address that was not checked, no more bytes or seconds than are allowed (T4, T8)."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from typing import TYPE_CHECKING, Self

import pytest
import trustme
from aiohttp import web

from tests.fakes.issuer import JWKS, Issuer
from tests.fakes.loopback import Loopback
from vendor.identity import fetch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TLS = ssl.create_default_context()


class Page(Loopback):
    """Answers every path with the same bytes, and keeps the requests' headers."""

    def __init__(self, body: bytes, **headers: str) -> None:
        super().__init__()
        self.body = body
        self.headers = headers
        self.seen: list[dict[str, str]] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(dict(request.headers))
        return web.Response(body=self.body, headers=self.headers)


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with Issuer() as server:
        yield server


async def get(url: str, *, private: bool = True, longest: int = 10_000, seconds: float = 5.0) -> bytes:
    return await fetch.get(url, longest=longest, private=private, tls=TLS, seconds=seconds)


def port(server: Loopback) -> str:
    return server.url.rpartition(":")[2]


@pytest.mark.parametrize(
    ("address", "public", "private"),
    [
        ("8.8.8.8", True, True),
        ("2606:4700::1111", True, True),
        ("10.0.0.1", False, True),
        ("172.16.0.1", False, True),
        ("192.168.0.1", False, True),
        ("fd12::1", False, True),
        ("127.0.0.1", False, True),
        ("127.8.8.8", False, True),
        ("::1", False, True),
        ("::ffff:127.0.0.1", False, True),
        ("::ffff:10.0.0.1", False, True),
        ("::ffff:8.8.8.8", True, True),
        ("64:ff9b::808:808", True, True),
        ("64:ff9b::a00:1", False, True),
        ("2002:808:808::1", True, True),
        ("2002:a00:1::1", False, True),
        ("169.254.169.254", False, False),
        ("169.254.170.2", False, False),
        ("169.254.170.23", False, False),
        ("::ffff:169.254.169.254", False, False),
        ("64:ff9b::a9fe:a9fe", False, False),
        ("2002:a9fe:a9fe::1", False, False),
        ("fe80::1", False, False),
        ("fe80::1%2", False, False),
        ("fd00:ec2::254", False, False),
        ("fd00:ec2::23", False, False),
        ("0.0.0.0", False, False),  # noqa: S104
        ("::", False, False),
        ("::ffff:0.0.0.0", False, False),
        ("::127.0.0.1", False, False),
        ("224.0.0.1", False, False),
        ("ff02::1", False, False),
        ("240.0.0.1", False, False),
        ("255.255.255.255", False, False),
    ],
)
def test_an_address_is_allowed_as_the_table_says(address: str, public: bool, private: bool) -> None:  # noqa: FBT001
    assert fetch.is_allowed(address, private=False) is public
    assert fetch.is_allowed(address, private=True) is private


async def test_a_document_is_fetched_from_loopback_where_that_is_allowed(issuer: Issuer) -> None:
    assert b'"keys"' in await get(issuer.jwks_url)
    assert b'"keys"' in await get(issuer.jwks_url.replace("127.0.0.1", "localhost"))
    assert issuer.requests == {JWKS: 2}


async def test_no_secret_and_no_cookie_is_sent() -> None:
    async with Page(b"{}", **{"Set-Cookie": "a=b"}) as page:
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


async def test_a_small_answer_that_unpacks_to_a_large_one_is_cut_off() -> None:
    packed = gzip.compress(b" " * 50_000_000)
    async with Page(packed, **{"Content-Encoding": "gzip"}) as page:
        with pytest.raises(fetch.FetchError):
            await get(page.url, longest=fetch._CHUNK)
    assert len(packed) < 64_000


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
async def test_an_answer_that_cannot_be_unpacked_is_refused(encoding: str) -> None:
    async with Page(b'{"keys": 1}', **{"Content-Encoding": encoding}) as page:
        with pytest.raises(fetch.FetchError):
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


class Secure(Page):
    """The page behind TLS, for one name."""

    def __init__(self, authority: trustme.CA, name: str) -> None:
        super().__init__(b"{}")
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert(name).configure_cert(self._tls)

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/", self.answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.01)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls).start()
        self._port = self._runner.addresses[0][1]
        return self


async def test_a_certificate_must_be_of_a_known_authority_and_of_the_name() -> None:
    authority = trustme.CA()
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    async with Secure(authority, "localhost") as page:
        named, numbered = f"https://localhost:{port(page)}/", f"https://127.0.0.1:{port(page)}/"
        assert await fetch.get(named, longest=10, private=True, tls=trusting) == b"{}"
        with pytest.raises(fetch.FetchError, match="Certificate"):
            await fetch.get(numbered, longest=10, private=True, tls=trusting)
        with pytest.raises(fetch.FetchError, match="Certificate"):
            await fetch.get(named, longest=10, private=True, tls=TLS)
    assert len(page.seen) == 1
