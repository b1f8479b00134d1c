"""The JSON twin of the container door."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.server.http import exchange, get, post, request

if TYPE_CHECKING:
    from tests.service import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATH = "/v1/credentials/reports:read"


async def test_it_answers_the_same_credentials_and_what_helps_its_own_client(world: World) -> None:
    token = world.token()
    plain = await get(world.service.public, f"{PATH}?month=2026-03", token)
    twin = await post(world.service.public, PATH, token, {"parameters": {"month": "2026-03"}, "duration_seconds": 3600})
    more = {name: twin.json[name] for name in ("RefreshAfter", "Scope", "SessionName")}
    assert twin.json == {**plain.json, **more}
    assert more["Scope"] == "reports:read"
    assert more["SessionName"] == world.sts.issued[twin.key_id].session_name
    assert datetime.fromisoformat(more["RefreshAfter"]) < datetime.fromisoformat(twin.json["Expiration"])
    assert world.audit()[-1]["door"] == "json"


async def test_no_body_asks_for_the_defaults(world: World) -> None:
    token = world.token()
    without = await exchange(world.service.public, request(PATH, token, method="POST"))
    assert (without.status, without.json) == (200, (await post(world.service.public, PATH, token, {})).json)


@pytest.mark.parametrize("media", ["application/json", "Application/JSON", "application/json; charset=UTF-8"])
async def test_json_may_be_said_in_these_ways(world: World, media: str) -> None:
    raw = request(PATH, world.token(), method="POST", body=b"{}", headers={"Content-Type": media})
    assert (await exchange(world.service.public, raw)).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": ""},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": "\xff/;;="},
        {"Content-Encoding": "gzip"},
    ],
)
async def test_any_other_media_type_is_refused(world: World, headers: dict[str, str]) -> None:
    raw = request(PATH, world.token(), method="POST", body=b"{}", headers=headers)
    answer = await exchange(world.service.public, raw)
    assert (answer.status, answer.code) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b'"text"',
        b"{",
        b"{}{}",
        b'\xef\xbb\xbf{"parameters":{}}',
        '{"parameters":{}}'.encode("utf-16"),
        b'{"parameters":{},"parameters":{}}',
        b'{"parameters":{"month":"2026-01","month":"2026-02"}}',
        b'{"parameters":{"month":"\\ud800"}}',
        b'{"parameters":{"month":"2026\\u0000"}}',
        b'{"duration_seconds":NaN}',
        b'{"a":' * 20 + b"1" + b"}" * 20,
    ],
)
async def test_what_is_not_strict_json_is_refused(world: World, body: bytes) -> None:
    answer = await exchange(world.service.public, request(PATH, world.token(), method="POST", body=body))
    assert (answer.status, answer.code) == (400, "invalid_request")


@pytest.mark.parametrize(
    "document",
    [
        {"scope": "reports:read"},
        {"policy": {}},
        {"role": "arn:aws:iam::111122223333:role/admin"},
        {"parameters": []},
        {"parameters": {"month": 202601}},
        {"parameters": {"other": "1"}},
        {"parameters": None},
        {"duration_seconds": "3600"},
        {"duration_seconds": True},
        {"duration_seconds": 3600.5},
        {"duration_seconds": 899},
        {"duration_seconds": 14_401},
        {"duration_seconds": [3600]},
    ],
)
async def test_what_is_not_declared_or_of_another_type_is_refused(world: World, document: dict[str, Any]) -> None:
    answer = await post(world.service.public, PATH, world.token(), document)
    assert (answer.status, answer.code) == (400, "invalid_request")


async def test_it_takes_no_query(world: World) -> None:
    answer = await post(world.service.public, f"{PATH}?month=2026-01", world.token())
    assert (answer.status, answer.code) == (400, "invalid_request")


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_beyond_64_kib_is_refused(world: World, *, chunked: bool) -> None:
    big = b" " * 65_537
    if chunked:
        head = request(
            PATH,
            world.token(),
            method="POST",
            headers={"Content-Type": "application/json", "Transfer-Encoding": "chunked"},
        )
        raw = head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(big), big)
    else:
        raw = request(PATH, world.token(), method="POST", body=big)
    answer = await exchange(world.service.public, raw)
    assert (answer.status, answer.code) == (413, "request_too_large")


async def test_a_chunked_body_is_read(world: World) -> None:
    head = request(
        PATH, world.token(), method="POST", headers={"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    )
    assert (await exchange(world.service.public, head + b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n")).status == 200
