"""GetCallerIdentity: who holds credentials that we lent, told to whoever signs with them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import botocore.auth
import pytest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.server.http import exchange, get
from tests.server.sts_client import CALLER, by, presign, read, send, sign, unsigned

if TYPE_CHECKING:
    from tests.service import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

Document = dict[str, str]


async def lent(world: World, name: str = "reporter") -> Document:
    document: Document = (await get(world.service.public, "/v1/credentials/reports:read", world.token(name))).json
    return document


@pytest.mark.parametrize("path", ["/", "/sts", "/sts/"])
async def test_whoever_signs_is_told_who_they_are(world: World, path: str) -> None:
    document = await lent(world)
    name = world.audit()[-1]["session_name"]
    said = await send(world.service.public, CALLER, path=path, **sign(unsigned(path=path), by(document)))
    assert (said.answer.status, said.root) == (200, "GetCallerIdentityResponse")
    assert said.of == {
        "Arn": f"arn:aws:sts::111122223333:assumed-role/reports/{name}",
        "UserId": f"AROAFAKEFAKEFAKEFAKE:{name}",
        "Account": "111122223333",
        "RequestId": said.answer.headers["x-request-id"],
    }


async def test_a_request_may_be_signed_in_its_query(world: World) -> None:
    document = await lent(world)
    signed = presign(unsigned("", query=CALLER), by(document))
    assert (await send(world.service.public, query=signed)).answer.status == 200
    later = presign(unsigned("", query=CALLER), by(document), expires=604_800)
    assert (await send(world.service.public, query=later)).answer.status == 200


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "cn-north-1"])
async def test_any_region_may_be_signed_for(world: World, region: str) -> None:
    document = await lent(world)
    said = await send(world.service.public, CALLER, **sign(unsigned(), by(document), region=region))
    assert said.answer.status == 200


async def test_boto3_is_told_who_it_is_with_what_it_was_lent_at_the_same_door(world: World) -> None:
    document = await lent(world, "batch-boto3")

    def use(secret: str) -> Any:
        client = boto3.client(
            "sts",
            endpoint_url=world.service.public,
            region_name="eu-west-1",
            aws_access_key_id=document["AccessKeyId"],
            aws_secret_access_key=secret,
            aws_session_token=document["Token"],
        )
        return client.get_caller_identity()

    assert (await asyncio.to_thread(use, document["SecretAccessKey"]))["Account"] == "111122223333"
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        await asyncio.to_thread(use, "another")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"AccessKeyId": "ASIANOBODYKNOWSTHIS0"}, "InvalidClientTokenId"),
        ({"Token": "another"}, "InvalidClientTokenId"),
        ({"Token": ""}, "InvalidClientTokenId"),
        ({"Token": "é"}, "InvalidClientTokenId"),
        ({"SecretAccessKey": "another"}, "SignatureDoesNotMatch"),
        ({"SecretAccessKey": ""}, "SignatureDoesNotMatch"),
    ],
)
async def test_other_credentials_are_nobody_s(world: World, change: Document, error: str) -> None:
    changed = {**await lent(world), **change}
    headers = sign(unsigned(), Credentials(changed["AccessKeyId"], changed["SecretAccessKey"], "x"))
    said = await send(world.service.public, CALLER, **{**headers, "X-Amz-Security-Token": changed["Token"]})
    assert said.error == (403, error)


async def test_one_workload_cannot_sign_for_another(world: World) -> None:
    mine, other = await lent(world, "batch-mine"), await lent(world, "batch-other")
    headers = sign(unsigned(), by({**mine, "AccessKeyId": other["AccessKeyId"], "Token": other["Token"]}))
    assert (await send(world.service.public, CALLER, **headers)).error == (403, "SignatureDoesNotMatch")


async def test_nothing_that_was_signed_may_be_changed(world: World) -> None:
    document = await lent(world)
    headers, url = sign(unsigned(), by(document)), world.service.public
    another = "20000101T000000Z" if headers["X-Amz-Date"].endswith("59Z") else headers["X-Amz-Date"][:-3] + "59Z"
    wrong = [
        await send(url, CALLER.replace("=Get", "=%47et"), **headers),
        await send(url, CALLER, path="/sts", **headers),
        await send(url, CALLER, query="X-Amz-More=1", **headers),
        await send(url, CALLER, **{**headers, "Host": "other.test"}),
        await send(url, CALLER, **{**headers, "X-Amz-Date": another}),
    ]
    assert all(said.answer.status == 403 for said in wrong)
    assert {said.of["Code"] for said in wrong[:4]} == {"SignatureDoesNotMatch"}
    assert (await send(url, CALLER, **headers)).answer.status == 200


@pytest.mark.parametrize("minutes", [-16, 16, -14, 14])
@pytest.mark.parametrize("where", ["header", "query"])
async def test_a_signature_holds_for_a_quarter_of_an_hour_or_as_long_as_it_says(
    world: World, monkeypatch: pytest.MonkeyPatch, minutes: int, where: str
) -> None:
    document = await lent(world)
    moment = datetime.now(UTC) + timedelta(minutes=minutes)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: moment.replace(tzinfo=None))
    if where == "query":
        said = await send(world.service.public, query=presign(unsigned("", query=CALLER), by(document)))
        good = minutes == 14  # it is our clock that is late; what was signed before has ended after a minute
    else:
        said = await send(world.service.public, CALLER, **sign(unsigned(), by(document)))
        good = abs(minutes) == 14
    assert (said.answer.status == 200) == good
    assert good or said.error == (403, "SignatureDoesNotMatch")


@pytest.mark.parametrize("year", [1, 9999])
async def test_a_signature_of_another_age_is_refused(world: World, monkeypatch: pytest.MonkeyPatch, year: int) -> None:
    document = await lent(world)
    # botocore writes a year before 1000 with fewer digits than it has.
    moment = SimpleNamespace(strftime=lambda form: datetime(2026, 1, 1).strftime(form).replace("2026", f"{year:04}"))  # noqa: DTZ001
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: moment)
    for query in ("", presign(unsigned("", query=CALLER), by(document), expires=604_800)):
        headers = {} if query else sign(unsigned(), by(document))
        said = await send(world.service.public, "" if query else CALLER, query=query, **headers)
        assert said.error == (403, "SignatureDoesNotMatch")
        assert said.of["Message"] == "Signature expired, or not yet current"


async def test_bytes_that_are_no_text_may_be_signed_as_well(world: World) -> None:
    headers = sign(unsigned(), by(await lent(world)))
    headers["Authorization"] = headers["Authorization"].replace("=host;", "=a;host;")
    lines = [f"{name}: {value}" for name, value in headers.items()]
    head = "\r\n".join(["POST / HTTP/1.1", *lines, f"Content-Length: {len(CALLER)}", "A: \xff", "", CALLER])
    said = read(await exchange(world.service.public, head.encode("latin-1")))
    assert said.error == (403, "SignatureDoesNotMatch")


@pytest.mark.parametrize(
    "authorization",
    [
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=",
        "AWS4-HMAC-SHA256 Credential=A, SignedHeaders=host, Signature=0",
        "AWS4-ECDSA-P256-SHA256 Credential=ASIAX/20260101/sts/aws4_request, SignedHeaders=host, Signature=00",
        "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.",
        "Basic YTpi",
        "",
    ],
)
async def test_what_is_no_signature_is_refused(world: World, authorization: str) -> None:
    headers = {**sign(unsigned(), by(await lent(world))), "Authorization": authorization}
    said = await send(world.service.public, CALLER, **headers)
    missing = not authorization
    assert said.error == (403, "MissingAuthenticationToken" if missing else "IncompleteSignature")


async def test_a_parameter_too_many_is_refused(world: World) -> None:
    headers = sign(unsigned(f"{CALLER}&a=b"), by(await lent(world)))
    assert (await send(world.service.public, f"{CALLER}&a=b", **headers)).error == (400, "ValidationError")


async def test_other_signed_actions_are_refused_in_xml_at_once(world: World) -> None:
    document = await lent(world)

    def use() -> None:
        client = boto3.client(
            "sts",
            endpoint_url=world.service.public,
            region_name="eu-west-1",
            aws_access_key_id=document["AccessKeyId"],
            aws_secret_access_key=document["SecretAccessKey"],
            aws_session_token=document["Token"],
        )
        client.assume_role(RoleArn="arn:aws:iam::111122223333:role/x", RoleSessionName="me")

    with pytest.raises(ClientError, match=r"InvalidAction.*AssumeRoleWithSAML and GetCallerIdentity"):
        await asyncio.to_thread(use)
