"""The client to an API server: whom it asks, whom it never tells its token (T4), and what it makes of answers."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes.api_server import JWKS, ApiServer
from tests.fakes.issuer import Issuer
from tests.fakes.keys import as_jwks
from vendor.files import Followed
from vendor.identity.api_server import ApiServerClient
from vendor.identity.fetch import FetchError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from vendor.identity.issuer import ApiServer as Configured

QUESTION = b'{"kind": "TokenReview"}'


def of(server: Configured, **changes: Any) -> ApiServerClient:
    at = replace(server, **changes)
    return ApiServerClient(server=at, token=Followed(at.token_file), ca=Followed(at.ca_file))


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with Issuer() as server:
        yield server


@pytest.fixture
async def server(issuer: Issuer) -> AsyncIterator[ApiServer]:
    async with ApiServer(issuer) as running:
        yield running


@pytest.fixture
async def client(server: ApiServer, tmp_path: Path) -> AsyncIterator[ApiServerClient]:
    made = of(server.files(tmp_path))
    yield made
    await made.close()


async def fails(client: ApiServerClient) -> str:
    """Return why the keys cannot be had, in a text that tells nobody the token."""
    with pytest.raises(FetchError) as failed:
        await client.keys()
    await client.close()
    assert "own-token" not in repr(failed.value)
    return str(failed.value)


async def test_the_keys_are_had_with_the_token_of_the_service(
    server: ApiServer, client: ApiServerClient, issuer: Issuer
) -> None:
    assert await client.keys() == as_jwks(*issuer.published)
    assert [(asked.path, asked.authorization) for asked in server.asked] == [(JWKS, "Bearer own-token-1")]


async def test_anything_else_is_read_with_the_same_token_and_a_cap(server: ApiServer, client: ApiServerClient) -> None:
    server.accounts["analytics", "reporter"] = {"a": "b"}
    path = "/api/v1/namespaces/analytics/serviceaccounts/reporter"
    reply = await client.read(path, longest=1000, seconds=5)
    assert (reply.status, b'"a": "b"' in reply.body) == (200, True)
    assert server.asked[-1].authorization == "Bearer own-token-1"
    with pytest.raises(FetchError, match="more than 10 bytes"):
        await client.read(path, longest=10, seconds=5)


async def test_t4_a_redirect_is_not_followed_and_the_token_stays_here(
    server: ApiServer, client: ApiServerClient, issuer: Issuer
) -> None:
    async with ApiServer(issuer) as elsewhere:
        server.fault, server.elsewhere = "redirect", elsewhere.url
        assert (await client.review(QUESTION, seconds=5)).status == 307
        assert "status 307" in await fails(client)
        assert elsewhere.asked == []


async def test_t4_who_cannot_prove_to_be_the_one_origin_is_not_told_the_token(
    server: ApiServer, issuer: Issuer, tmp_path: Path
) -> None:
    async with ApiServer(issuer) as impostor:
        assert "CERTIFICATE_VERIFY_FAILED" in await fails(of(server.files(tmp_path), origin=impostor.url))
        assert impostor.asked == []


async def test_t4_a_certificate_of_the_right_ca_and_another_name_is_not_enough(issuer: Issuer, tmp_path: Path) -> None:
    async with ApiServer(issuer, host="kubernetes.example") as other:
        assert "CERTIFICATE_VERIFY_FAILED" in await fails(of(other.files(tmp_path)))
        assert other.asked == []


@pytest.mark.parametrize(
    "held", [b"", b"# none yet\n", b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"]
)
async def test_t4_a_file_that_vouches_for_nobody_is_no_wish_for_the_systems_certificates(
    server: ApiServer, tmp_path: Path, held: bytes
) -> None:
    at = server.files(tmp_path)
    (tmp_path / "ca.crt").write_bytes(held)
    await fails(of(at))
    assert server.asked == []


def test_t4_no_client_is_made_for_an_origin_without_tls(server: ApiServer, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="https"):
        of(server.files(tmp_path), origin="http://127.0.0.1:1")


@pytest.mark.parametrize(
    "held", [b"", b" \n", b"own-token-1\r\nX-Remote-User: admin", b"own token", "own-tökén".encode()]
)
async def test_what_is_no_token_is_not_sent_and_not_told(server: ApiServer, tmp_path: Path, held: bytes) -> None:
    at = server.files(tmp_path)
    (tmp_path / "token").write_bytes(held)
    assert await fails(of(at)) == "the token file of the API server holds no token"
    assert server.asked == []


async def test_a_token_file_that_ends_with_a_newline_is_as_good(server: ApiServer, tmp_path: Path) -> None:
    at = server.files(tmp_path)
    (tmp_path / "token").write_text("own-token-1\n")
    client = of(at)
    assert await client.keys()
    await client.close()


@pytest.mark.parametrize("name", ["token", "ca.crt"])
async def test_a_file_that_is_not_there_is_told(server: ApiServer, tmp_path: Path, name: str) -> None:
    at = server.files(tmp_path)
    (tmp_path / name).unlink()
    assert name in await fails(of(at))


async def test_a_token_that_was_renewed_is_the_next_one_sent(
    server: ApiServer, client: ApiServerClient, tmp_path: Path
) -> None:
    await client.keys()
    server.taken = {"own-token-2"}
    with pytest.raises(FetchError, match="does not take the service's own token"):
        await client.keys()
    (tmp_path / "token").write_text("own-token-2")
    await client.keys()
    assert [asked.authorization[-1] for asked in server.asked] == ["1", "1", "2"]


async def test_a_ca_that_was_renewed_is_trusted_at_once_and_the_old_one_no_longer(
    server: ApiServer, client: ApiServerClient, issuer: Issuer, tmp_path: Path
) -> None:
    await client.keys()
    async with ApiServer(issuer) as other:
        (tmp_path / "ca.crt").write_bytes("# von der Behörde\n".encode() + other.ca)
        with pytest.raises(FetchError, match="CERTIFICATE_VERIFY_FAILED"):
            await client.keys()
    (tmp_path / "ca.crt").write_bytes(other.ca + server.ca)
    assert await client.keys()


async def test_one_connection_serves_one_question_after_the_other(
    server: ApiServer, client: ApiServerClient, issuer: Issuer
) -> None:
    question = {"kind": "TokenReview", "spec": {"token": issuer.token(), "audiences": ["vendor"]}}
    for _ in range(3):
        await client.keys()
        assert (await client.review(json.dumps(question).encode(), seconds=5)).status == 201
    assert len({asked.port for asked in server.asked}) == 1


async def test_a_connection_that_was_closed_meanwhile_costs_no_answer(
    server: ApiServer, client: ApiServerClient
) -> None:
    server.faults.extend(["disconnect", "html"])
    assert (await client.review(QUESTION, seconds=5)).status == 200
    assert len(server.asked) == 2


async def test_who_always_closes_is_not_asked_for_ever(server: ApiServer, client: ApiServerClient) -> None:
    server.fault = "disconnect"
    with pytest.raises(FetchError, match="ServerDisconnectedError"):
        await client.review(QUESTION, seconds=5)
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("401", "does not take the service's own token"),
        ("403", "lacks the role for it"),
        ("429", "fewer requests"),
        ("500", "status 500"),
        ("oversize", "more than 262144 bytes"),
        ("gzip", "packed"),
    ],
)
async def test_an_answer_of_no_use_is_told(server: ApiServer, client: ApiServerClient, fault: str, told: str) -> None:
    server.fault = fault
    assert told in await fails(client)


async def test_a_server_that_hangs_is_left_in_time(server: ApiServer, client: ApiServerClient) -> None:
    server.fault = "hang"
    began = time.monotonic()
    with pytest.raises(FetchError, match="TimeoutError"):
        await client.review(QUESTION, seconds=0.05)
    assert time.monotonic() - began < 10


async def test_a_server_that_is_down_is_told(tmp_path: Path, issuer: Issuer) -> None:
    async with ApiServer(issuer) as gone:
        at = gone.files(tmp_path)
    assert "ClientConnectorError" in await fails(of(at))


@pytest.mark.parametrize(
    ("said", "heeded"),
    [("7", 7), ("0", 1), ("86400", 30), ("9" * 400, None), ("soon", None), ("-1", None), ("²", None)],
)
async def test_a_pause_that_is_asked_for_is_heeded_within_reason(
    server: ApiServer, client: ApiServerClient, said: str, heeded: int | None
) -> None:
    server.fault, server.retry_after = "429", said
    assert (await client.review(QUESTION, seconds=5)).retry_after == heeded
