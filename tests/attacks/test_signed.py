"""GetCallerIdentity: nothing but the very request that was signed, by whoever holds the key, now, is answered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore import auth
from botocore.credentials import Credentials

from tests.attacks.ground import container
from tests.server.http import request
from tests.server.sts_client import CALLER, by, presign, sign, unsigned

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.attacks.ground import Ground

pytestmark = [pytest.mark.attacks, pytest.mark.asyncio(loop_scope="module")]

Headers = dict[str, str]


def _in(field: str, old: str, new: str) -> Callable[[Headers], Headers]:
    return lambda sent: {**sent, field: sent[field].replace(old, new)}


def _without(field: str) -> Callable[[Headers], Headers]:
    return lambda sent: {name: value for name, value in sent.items() if name != field}


CHANGED: Final[dict[str, Callable[[Headers], Headers]]] = {
    "another key id": _in("Authorization", "Credential=ASIA", "Credential=AKIA"),
    "no key id": lambda sent: {
        **sent,
        "Authorization": "AWS4-HMAC-SHA256 Credential=/" + sent["Authorization"].partition("/")[2],
    },
    "a signature of zeros": lambda sent: {
        **sent,
        "Authorization": sent["Authorization"].partition("Signature=")[0] + "Signature=" + "0" * 64,
    },
    "no signature": lambda sent: {
        **sent,
        "Authorization": sent["Authorization"].partition("Signature=")[0] + "Signature=",
    },
    "half a signature": lambda sent: {**sent, "Authorization": sent["Authorization"][:-32]},
    "a signature in capitals": lambda sent: {
        **sent,
        "Authorization": "Signature=".join(
            [sent["Authorization"].partition("Signature=")[0], sent["Authorization"][-64:].upper()]
        ),
    },
    "another algorithm": _in("Authorization", "AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"),
    "no algorithm": _in("Authorization", "AWS4-HMAC-SHA256 ", ""),
    "Bearer": _in("Authorization", "AWS4-HMAC-SHA256", "Bearer"),
    "another service": _in("Authorization", "/sts/", "/s3/"),
    "another region": _in("Authorization", "/eu-west-1/", "/us-east-1/"),
    "another end of the scope": _in("Authorization", "aws4_request", "aws5_request"),
    "fewer signed headers": _in("Authorization", "host;", ""),
    "no signed headers": lambda sent: {
        **sent,
        "Authorization": sent["Authorization"].replace("SignedHeaders=", "SignedHeaders=;"),
    },
    "a signed header that is not there": _in("Authorization", "SignedHeaders=", "SignedHeaders=accept;"),
    "two signatures": lambda sent: {**sent, "Authorization": sent["Authorization"] + ", Signature=" + "0" * 64},
    "another host": lambda sent: {**sent, "Host": "evil.test"},
    "another moment": lambda sent: {**sent, "X-Amz-Date": "20200101T000000Z"},
    "no moment": _without("X-Amz-Date"),
    "a moment that is none": lambda sent: {**sent, "X-Amz-Date": "now"},
    "no session token": _without("X-Amz-Security-Token"),
    "another session token": lambda sent: {**sent, "X-Amz-Security-Token": "x" * 400},
    "an empty session token": lambda sent: {**sent, "X-Amz-Security-Token": ""},
    "a session token that is longer": lambda sent: {**sent, "X-Amz-Security-Token": sent["X-Amz-Security-Token"] + "A"},
    "nothing at all": lambda _: {"Host": "sts.test"},
    "a header of forty kilobytes": lambda sent: {**sent, "Authorization": sent["Authorization"] + "A" * 40_000},
    "commas": lambda sent: {**sent, "Authorization": "AWS4-HMAC-SHA256 " + "," * 10_000},
}


async def _held(ground: Ground, name: str = "batch-signs") -> dict[str, Any]:
    document: dict[str, Any] = (await ground.ask(container(ground.reporter(name)))).json
    return document


def _raw(headers: Headers, body: bytes = CALLER.encode(), path: str = "/") -> bytes:
    fields = {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(body)), **headers}
    return request(path, method="POST", headers=fields) + body


async def test_t6_what_was_signed_is_answered(ground: Ground) -> None:
    headers = sign(unsigned(), by(await _held(ground)))
    assert (await ground.ask(_raw(headers))).status == 200


@pytest.mark.parametrize("name", CHANGED)
async def test_t6_what_was_changed_after_it_was_signed_is_not(ground: Ground, name: str) -> None:
    headers = CHANGED[name](sign(unsigned(), by(await _held(ground))))
    answer = await ground.ask(_raw(headers))
    assert answer.status in (400, 403, 431)
    assert b"<Arn>" not in answer.body


@pytest.mark.parametrize(
    "change", ["a body of another action", "a body that is longer", "another path", "a query more"]
)
async def test_t6_what_the_signature_covers_cannot_be_changed(ground: Ground, change: str) -> None:
    headers = sign(unsigned(), by(await _held(ground)))
    bodies = {
        "a body of another action": CALLER.replace("GetCallerIdentity", "AssumeRole").encode(),
        "a body that is longer": CALLER.encode() + b"&X-Amz-A=b",
    }
    path = {"another path": "/sts", "a query more": "/?X-Amz-A=b"}.get(change, "/")
    answer = await ground.ask(_raw(headers, bodies.get(change, CALLER.encode()), path))
    assert answer.status in (400, 403)


async def test_t17_a_key_with_the_token_of_another_is_nobodys(ground: Ground) -> None:
    mine, others = await _held(ground), await _held(ground, "batch-signed-for")
    mixed = ({**mine, "Token": others["Token"]}, {**mine, "SecretAccessKey": others["SecretAccessKey"]})
    for document in (*mixed, {**others, "AccessKeyId": mine["AccessKeyId"]}):
        assert (await ground.ask(_raw(sign(unsigned(), by(document))))).status == 403


@pytest.mark.parametrize("minutes", [-10_000, -60, -16, 16, 60, 10_000])
async def test_t6_what_was_signed_at_another_time_is_not_answered(
    ground: Ground, minutes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = await _held(ground)
    then = datetime.now(UTC).replace(tzinfo=None) + timedelta(minutes=minutes)
    monkeypatch.setattr(auth, "get_current_datetime", lambda *_, **__: then)
    headers = sign(unsigned(), by(document))
    monkeypatch.undo()
    assert (await ground.ask(_raw(headers))).status == 403


PRESIGNED: Final = {
    "a day more": ("X-Amz-Expires=60", "X-Amz-Expires=86460"),
    "for ever": ("X-Amz-Expires=60", "X-Amz-Expires=99999999"),
    "for less than no time": ("X-Amz-Expires=60", "X-Amz-Expires=-60"),
    "another action": ("GetCallerIdentity", "AssumeRole"),
    "no algorithm": ("X-Amz-Algorithm=AWS4-HMAC-SHA256&", ""),
    "another key": ("X-Amz-Credential=ASIA", "X-Amz-Credential=AKIA"),
    "no token": ("X-Amz-Security-Token=", "X-Amz-Security-Tokem="),
    "a member more": ("Action=", "A=b&Action="),
}


@pytest.mark.parametrize("name", PRESIGNED)
async def test_t6_what_was_changed_in_a_signed_query_is_not_answered(ground: Ground, name: str) -> None:
    query = presign(unsigned("", query=CALLER), by(await _held(ground)))
    assert (await ground.ask(_raw({"Host": "sts.test"}, b"", f"/?{query}"))).status == 200
    old, new = PRESIGNED[name]
    assert old in query
    answer = await ground.ask(_raw({"Host": "sts.test"}, b"", f"/?{query.replace(old, new)}"))
    assert answer.status in (400, 403)


async def test_t17_a_key_that_nobody_was_lent_is_unknown(ground: Ground) -> None:
    stranger = Credentials("ASIANOBODY0000000000", "secret", "token")
    assert b"InvalidClientTokenId" in (await ground.ask(_raw(sign(unsigned(), stranger)))).body
