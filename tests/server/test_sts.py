"""The STS wire door, as every SDK with a web identity speaks it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import boto3
import pytest
import pytest_asyncio
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.fakes.sts import SECRET, TOKEN
from tests.server.http import Connection, exchange, get, request
from tests.server.sts_client import NAMED, ROLE, asked, assume, send, unencoded
from tests.service import CONFIGURATION, World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio(loop_scope="module")

# Two scopes with one role, one that a parameter makes, one that is for somebody else.
MORE = """\
  short:
    description: What ends soon
    grants: [{{issuer: cluster-a, where: {{namespace: analytics}}}}]
    target: aws
    mint: {{assume_role: {{role: "arn:aws:iam::111122223333:role/path/to/short"}}}}
    session: {{unrestricted: true, duration: 15m, max_duration: 30m}}
  twin.one: &x_
    grants: [{{issuer: cluster-a, where: {{namespace: analytics}}}}]
    target: aws
    mint: {{assume_role: {{role: "arn:aws:iam::111122223333:role/twin"}}}}
    session: {{unrestricted: true}}
  twin.two:
    grants: [{{issuer: cluster-a, where: {{namespace: analytics}}}}]
    target: aws
    mint: {{assume_role: {{role: "arn:aws:iam::111122223333:role/twin"}}}}
    session: {{unrestricted: true}}
  by-account:
    grants: [{{issuer: cluster-a, where: {{namespace: analytics}}}}]
    parameters: {{account: {{one_of: ["111122223333", "444455556666"], default: "111122223333"}}}}
    target: aws
    mint: {{assume_role: {{role: "arn:aws:iam::{{{{ account }}}}:role/by-account"}}}}
    session: {{unrestricted: true}}
  others:
    grants: [{{issuer: cluster-a, where: {{namespace: other}}}}]
    target: aws
    mint: {{assume_role: {{role: "arn:aws:iam::111122223333:role/others"}}}}
    session: {{unrestricted: true}}
""".replace("&x_", "")
GETTING = CONFIGURATION.replace("listen: {{", "listen: {{sts_get: true, ") + MORE


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with World(tmp_path_factory.mktemp("sts"), configuration=GETTING) as running:
        yield running


async def test_the_answer_is_the_one_of_aws(world: World) -> None:
    said = await assume(world.service.public, world.token())
    line = world.audit()[-1]
    sent = world.sts.issued[said.of["AccessKeyId"]]
    assert said.root == "AssumeRoleWithWebIdentityResponse"
    assert said.of == {
        "SubjectFromWebIdentityToken": "system:serviceaccount:analytics:reporter",
        "Audience": "vendor",
        "AssumedRoleId": f"AROAFAKEFAKEFAKEFAKE:{sent.session_name}",
        "Arn": f"arn:aws:sts::111122223333:assumed-role/reports/{sent.session_name}",
        "AccessKeyId": line["access_key_id"],
        "SecretAccessKey": said.of["SecretAccessKey"],
        "SessionToken": said.of["SessionToken"],
        "Expiration": line["expiration"],
        "Provider": world.issuer.issuer,
        "PackedPolicySize": "6",
        "SourceIdentity": "analytics.reporter",
        "RequestId": line["request_id"],
    }
    assert said.of["SecretAccessKey"].startswith(SECRET)
    assert said.of["SessionToken"].startswith(TOKEN)
    assert (line["door"], line["scope"], line["asked_role"], line["outcome"]) == ("sts", "reports:read", ROLE, "issued")
    assert len(said.answer.body) < 10_000


async def test_the_headers_are_the_ones_of_aws_and_ours(world: World) -> None:
    for said in (await assume(world.service.public, world.token()), await assume(world.service.public, "none")):
        headers = said.answer.headers
        assert headers["content-type"] == "text/xml"
        assert headers["x-amzn-requestid"] == headers["x-request-id"] == said.of["RequestId"]
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"


async def test_a_second_answer_differs_in_its_request_id_alone(world: World) -> None:
    token, asks = world.token("batch-twice"), len(world.sts.requests)
    first, second = [(await assume(world.service.public, token)).of for _ in range(2)]
    assert first.pop("RequestId") != second.pop("RequestId")  # type: ignore[attr-defined]
    assert first == second
    assert len(world.sts.requests) == asks + 1


async def test_all_doors_lend_the_same_session(world: World) -> None:
    token = world.token("batch-doors")
    container = (await get(world.service.public, "/v1/credentials/reports:read", token)).json
    said = await assume(world.service.public, token)
    assert (said.of["AccessKeyId"], said.of["SessionToken"]) == (container["AccessKeyId"], container["Token"])


@pytest.mark.parametrize("path", ["/", "/sts", "/sts/"])
async def test_parameters_stand_in_the_body_or_in_the_query(world: World, path: str) -> None:
    form = urlencode(asked(world.token()))
    url = world.service.public
    body = await send(url, form, path=path)
    query = await send(url, path=path, query=form)
    naked = await send(url, path=path, query=form, Content_Type="", Content_Length="")
    bare = await send(url, path=path, query=unencoded(asked(world.token())), method="GET")
    assert [said.answer.status for said in (body, query, naked, bare)] == [200] * 4


async def test_what_the_body_says_is_meant_where_the_query_says_otherwise(world: World) -> None:
    query = urlencode({"RoleArn": f"{NAMED}others", "WebIdentityToken": "none", "Action": "AssumeRole"})
    said = await send(world.service.public, urlencode(asked(world.token())), query=query)
    assert said.answer.status == 200


@pytest.mark.parametrize("kind", ["", "text/plain", "application/json", "multipart/form-data; boundary=x"])
async def test_the_media_type_does_not_matter(world: World, kind: str) -> None:
    said = await send(world.service.public, urlencode(asked(world.token())), Content_Type=kind)
    assert said.answer.status == 200


@pytest.mark.parametrize("blank", ["\u00a0", "\u0085", "\u2028", "\x0b", "\x1f"])
async def test_what_is_blank_in_other_scripts_is_a_part_of_the_token(world: World, blank: str) -> None:
    for token in (f"{blank}{world.token()}", f"{world.token()}{blank}", blank):
        assert (await assume(world.service.public, token)).error == (400, "InvalidIdentityToken")


@pytest.mark.parametrize("around", ["{}\n", "{}\r\n", " {} ", "\n{}"])
async def test_white_space_around_the_token_does_not_matter(world: World, around: str) -> None:
    assert (await assume(world.service.public, around.format(world.token()))).answer.status == 200


@pytest.mark.parametrize(
    ("role", "scope"),
    [
        (ROLE, "reports:read"),
        (f"{NAMED}reports:read", "reports:read"),
        ("arn:aws:iam::111122223333:role/path/to/short", "short"),
        (f"{NAMED}twin.two", "twin.two"),
        (f"{NAMED}by-account", "by-account"),
    ],
)
async def test_the_role_says_which_scope(world: World, role: str, scope: str) -> None:
    assert (await assume(world.service.public, world.token(), RoleArn=role)).answer.status == 200
    assert world.audit()[-1]["scope"] == scope


async def test_the_role_says_the_parameters_that_make_it(world: World) -> None:
    role = "arn:aws:iam::444455556666:role/by-account"
    said = await assume(world.service.public, world.token(), RoleArn=role)
    assert said.of["Arn"].startswith("arn:aws:sts::444455556666:assumed-role/by-account/")
    assert world.sts.requests[-1].role_arn == role


async def test_the_last_part_of_a_role_stands_in_the_arn_of_its_session(world: World) -> None:
    said = await assume(world.service.public, world.token(), RoleArn="arn:aws:iam::111122223333:role/path/to/short")
    assert said.of["Arn"].startswith("arn:aws:sts::111122223333:assumed-role/short/")


async def test_a_role_of_several_scopes_is_refused_with_what_to_do(world: World) -> None:
    said = await assume(world.service.public, world.token(), RoleArn="arn:aws:iam::111122223333:role/twin")
    assert said.error == (400, "ValidationError")
    assert f"{NAMED}SCOPE" in said.of["Message"]
    assert world.audit()[-1]["code"] == "scope_required"


@pytest.mark.parametrize(
    ("seconds", "given"), [(None, 900), ("900", 900), ("1800", 1800), ("3600", 1800), ("43200", 1800)]
)
async def test_a_duration_is_lowered_to_what_the_scope_gives(world: World, seconds: str | None, given: int) -> None:
    token = world.token(f"batch-{seconds}")
    said = await assume(world.service.public, token, RoleArn=f"{NAMED}short", DurationSeconds=seconds)
    assert said.answer.status == 200
    assert world.sts.requests[-1].duration_seconds == given
    left = datetime.fromisoformat(said.of["Expiration"]) - datetime.now(UTC)
    assert timedelta(seconds=given - 60) < left <= timedelta(seconds=given)


@pytest.mark.parametrize("seconds", ["899", "43201", "0", "-1", "3600.0", "1h", "", "9999999"])
async def test_a_duration_that_sts_would_not_give_is_refused(world: World, seconds: str) -> None:
    said = await assume(world.service.public, world.token(), DurationSeconds=seconds)
    assert said.error == (400, "ValidationError")


@pytest.mark.parametrize(
    "more",
    [
        {"Policy": "{}"},
        {"Policy": ""},
        {"PolicyArns.member.1.arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"},
        {"Tags.member.1.Key": "a", "Tags.member.1.Value": "b"},
        {"ProviderId": "www.amazon.com"},
        {"SourceIdentity": "me"},
        {"SerialNumber": "x"},
        {"month": "2026-03"},
        {"x\0y": "z"},
        {"X-Amz-Signature": "z"},
    ],
)
async def test_whatever_else_a_caller_asks_for_is_refused_and_never_passed_over(
    world: World, more: dict[str, str]
) -> None:
    asks = len(world.sts.requests)
    for said in (
        await assume(world.service.public, world.token(), **more),
        await send(world.service.public, urlencode(asked(world.token())), query=urlencode(more)),
    ):
        assert said.error == (400, "ValidationError")
        assert "what a session may do is said by its scope alone" in said.of["Message"]
    assert len(world.sts.requests) == asks


@pytest.mark.parametrize("name", ["RoleArn", "RoleSessionName", "WebIdentityToken"])
async def test_a_parameter_that_is_missing_is_told_as_aws_tells_it(world: World, name: str) -> None:
    without: dict[str, Any] = {name: None}
    said = await assume(world.service.public, world.token(), **without)
    assert said.error == (400, "ValidationError")
    at = f"{name[0].lower()}{name[1:]}"
    assert said.of["Message"] == (
        f"1 validation error detected: Value null at '{at}' failed to satisfy constraint: Member must not be null"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RoleArn", "short"),
        ("RoleArn", "arn:aws:iam::111122223333:role/" + "x" * 2048),
        ("RoleArn", "arn:aws:iam::111122223333:role/rép"),
        ("RoleArn", f"{NAMED}eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0."),
        ("RoleSessionName", "x"),
        ("RoleSessionName", "x" * 65),
        ("RoleSessionName", "a b"),
        ("RoleSessionName", "a:b"),
        ("WebIdentityToken", ""),
        ("WebIdentityToken", " \n"),
    ],
)
async def test_a_parameter_of_another_shape_is_refused(world: World, name: str, value: str) -> None:
    assert (await assume(world.service.public, world.token(), **{name: value})).error == (400, "ValidationError")


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ("", (400, "MissingAction")),
        ("Version=2011-06-15", (400, "MissingAction")),
        ("Action=AssumeRoleWithWebIdentity", (400, "InvalidAction")),
        ("Action=AssumeRoleWithWebIdentity&Version=2010-05-08", (400, "InvalidAction")),
        ("Action=AssumeRole&Version=2011-06-15", (400, "InvalidAction")),
        ("Action=GetSessionToken&Version=2011-06-15", (400, "InvalidAction")),
        ("Action=&Version=2011-06-15", (400, "InvalidAction")),
        ("Action=%00%01&Version=2011-06-15", (400, "InvalidAction")),
        ("Action=GetCallerIdentity&Version=2011-06-15", (403, "MissingAuthenticationToken")),
        ("Action=A&Action=B&Version=2011-06-15", (400, "ValidationError")),
        ("Action", (400, "ValidationError")),
        ("Action=%ff", (400, "ValidationError")),
        ('{"Action":"x"}', (400, "ValidationError")),
        ("&".join(f"a{number}=" for number in range(70)), (400, "ValidationError")),
    ],
)
async def test_what_is_no_request_to_sts_is_refused_in_xml(world: World, form: str, error: tuple[int, str]) -> None:
    said = await send(world.service.public, form)
    assert said.error == error
    assert said.root == "ErrorResponse"
    assert said.of["Type"] == "Sender"
    assert said.of.keys() == {"Type", "Code", "Message", "RequestId"}


@pytest.mark.parametrize("path", ["/", "/sts", "/sts/"])
async def test_what_http_itself_refuses_is_in_xml_too(world: World, path: str) -> None:
    url = world.service.public
    assert (await send(url, path=path, method="PUT")).error == (405, "InvalidAction")
    assert (await send(url, path=path, Content_Length="100000")).error == (400, "ValidationError")
    assert (await send(url, "a=b", path=path, Content_Encoding="gzip")).error == (400, "ValidationError")
    assert (await send(url, "a=b", path=path, method="GET", Content_Length="3")).error == (400, "ValidationError")


async def test_every_kind_of_token_is_judged(world: World) -> None:
    now = int(world.issuer.claims()["iat"])
    past: dict[str, Any] = {"iat": now - 7200, "nbf": now - 7200, "exp": now - 3600}
    for token, error in (
        ("none", "InvalidIdentityToken"),
        (world.issuer.token({}, key=world.issuer.stranger()), "InvalidIdentityToken"),
        (world.token(aud="another"), "InvalidIdentityToken"),
        (world.token(**past), "ExpiredTokenException"),
    ):
        assert (await assume(world.service.public, token)).error == (400, error)
        assert world.audit()[-1]["door"] == "sts"


async def test_a_role_or_scope_of_others_reads_as_one_that_is_not(world: World) -> None:
    roles = ("arn:aws:iam::111122223333:role/others", "arn:aws:iam::111122223333:role/absent")
    named = (f"{NAMED}others", f"{NAMED}absent")
    told = []
    for role in (*roles, *named):
        said = await assume(world.service.public, world.token(), RoleArn=role)
        assert said.error == (403, "AccessDenied")
        changing = {"date": "", "x-request-id": "", "x-amzn-requestid": ""}
        told.append(({**said.of, "RequestId": ""}, {**said.answer.headers, **changing}))
    assert all(one == told[0] for one in told)
    reasons = [(line["asked_role"], line["reason"]) for line in world.audit()[-2:]]
    assert reasons == [(named[0], "no_grant"), (named[1], "unknown_scope")]


async def test_a_signature_is_not_asked_for_and_two_of_them_are_refused(world: World) -> None:
    form = urlencode(asked(world.token())).encode()
    one = request("/", "AWS4-HMAC-SHA256 Credential=x", method="POST", body=form)
    two = one.replace(b"Host:", b"Authorization: a\r\nHost:")
    assert (await exchange(world.service.public, one)).status == 200
    answer = await exchange(world.service.public, two)
    assert (answer.status, b"<Code>ValidationError</Code>" in answer.body) == (400, True)


async def test_a_get_is_answered_only_where_that_is_wanted(
    world: World, tmp_path_factory: pytest.TempPathFactory
) -> None:
    query = urlencode(asked(world.token()))
    assert (await send(world.service.public, query=query, method="GET")).answer.status == 200
    async with World(tmp_path_factory.mktemp("post")) as other:
        said = await send(other.service.public, query=urlencode(asked(other.token())), method="GET")
        assert (said.error, said.answer.headers["allow"]) == ((405, "InvalidAction"), "POST")
        assert (await send(other.service.public, urlencode(asked(other.token())))).answer.status == 200
        assert not [line for line in other.service.log if "eyJ" in line]


async def test_head_and_options_mint_nothing(world: World) -> None:
    asks = len(world.sts.requests)
    for method in ("HEAD", "OPTIONS", "DELETE", "TRACE"):
        answer = await exchange(world.service.public, request(f"/?{urlencode(asked(world.token()))}", method=method))
        assert (answer.status, answer.headers["allow"]) == (405, "POST, GET")
    assert len(world.sts.requests) == asks


async def test_a_client_that_waits_to_be_told_to_send_its_form_is_told(world: World) -> None:
    form = urlencode(asked(world.token())).encode()
    head = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {len(form)}\r\nExpect: 100-Continue\r\n\r\n".encode()
    async with await Connection.open(world.service.public) as connection:
        await connection.send(head)
        async with asyncio.timeout(5):
            assert await connection._reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        await connection.send(form)
        assert (await connection.read()).status == 200


async def test_no_token_is_kept_in_the_log_or_the_audit_trail(world: World) -> None:
    await send(world.service.public, query=urlencode(asked(world.token("batch-secret"))), method="GET")
    written = world.audit_path.read_text() + "\n".join(world.service.log)
    assert "eyJ" not in written
    assert SECRET not in written


async def test_boto3_reads_answers_and_refusals(world: World) -> None:
    def use(token: str) -> dict[str, Any]:
        config = Config(signature_version=UNSIGNED, retries={"max_attempts": 0})
        client = boto3.client("sts", endpoint_url=world.service.public, region_name="eu-west-1", config=config)
        read: dict[str, Any] = client.assume_role_with_web_identity(
            RoleArn=ROLE, RoleSessionName="me", WebIdentityToken=token
        )
        return read

    read = await asyncio.to_thread(use, world.token())
    assert read["AssumedRoleUser"]["Arn"].startswith("arn:aws:sts::111122223333:assumed-role/reports/")
    assert read["Credentials"]["Expiration"].tzinfo is not None
    assert read["PackedPolicySize"] == 6
    with pytest.raises(ClientError, match=r"AccessDenied.*this identity may not have this scope"):
        await asyncio.to_thread(use, world.token(namespace="other"))
