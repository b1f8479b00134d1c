"""The STS wire door before scopes of every kind: what it lends, and where it sends those whom it cannot serve."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
import pytest_asyncio

from tests.server.http import get, post
from tests.server.sts_client import CALLER, NAMED, asked, assume, by, send, sign, unsigned
from tests.server.test_mints import ALL, ASSERTION, SERIAL, SPOKE, listed
from tests.service import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.server.sts_client import Said

pytestmark = pytest.mark.asyncio(loop_scope="module")

PROVIDER = "arn:aws:iam::444455556666:saml-provider/adfs"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    folder = tmp_path_factory.mktemp("mints")
    (folder / "secret").write_text("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n")
    world = World(folder, configuration=ALL)
    world.sts.others.devices[SERIAL] = b"12345678901234567890"
    async with world:
        await listed(world)
        yield world


async def with_saml(world: World, token: str | None, **changes: str | None) -> Said:
    """Send an assertion as the AWS CLI does, and a token in the header where there is one."""
    saml = {"Action": "AssumeRoleWithSAML", "RoleArn": f"{NAMED}by-assertion", "PrincipalArn": PROVIDER}
    given = asked(None, **{"RoleSessionName": None, **saml, "SAMLAssertion": ASSERTION, **changes})
    return await send(world.service.public, urlencode(given), Authorization=token or "")


@pytest.mark.parametrize("scheme", ["", "Bearer "])
async def test_an_assertion_is_for_aws_and_the_token_says_who_asks(world: World, scheme: str) -> None:
    said = await with_saml(world, scheme + world.token(f"batch-saml{len(scheme)}"), DurationSeconds="3600")
    assert (said.answer.status, said.root) == (200, "AssumeRoleWithSAMLResponse")
    sent = world.sts.requests[-1]
    assert (sent.parameters["SAMLAssertion"], sent.parameters["PrincipalArn"]) == (ASSERTION, PROVIDER)
    assert (sent.role_arn, sent.access_key_id) == (SPOKE, None)
    assert said.of["Arn"].startswith("arn:aws:sts::444455556666:assumed-role/spoke/")
    assert said.of["AssumedRoleId"].rpartition(":")[2] == said.of["Arn"].rpartition("/")[2]
    line = world.audit()[-1]
    assert (line["door"], line["action"], line["access_key_id"]) == (
        "sts",
        "AssumeRoleWithSAML",
        said.of["AccessKeyId"],
    )
    assert ASSERTION not in world.audit_path.read_text()


async def test_a_folded_and_long_assertion_gets_through(world: World) -> None:
    xml = b"<Response><!-- " + b"x" * 70_000 + b" --></Response>"
    said = await with_saml(world, world.token("batch-folded"), SAMLAssertion=base64.encodebytes(xml).decode())
    assert said.answer.status == 200
    assert world.sts.requests[-1].parameters["SAMLAssertion"] == base64.b64encode(xml).decode()


async def test_an_assertion_alone_proves_nothing_here(world: World) -> None:
    asks = len(world.sts.requests)
    said = await with_saml(world, None)
    assert said.error == (400, "InvalidIdentityToken")
    assert "JWT in the Authorization header" in said.of["Message"]
    assert (await with_saml(world, "none")).error == (400, "InvalidIdentityToken")
    assert len(world.sts.requests) == asks


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"PrincipalArn": f"{PROVIDER}-of-another"}, "ValidationError"),
        ({"PrincipalArn": None}, "ValidationError"),
        ({"SAMLAssertion": None}, "ValidationError"),
        ({"SAMLAssertion": "<a/>"}, "ValidationError"),
        ({"Policy": "{}"}, "ValidationError"),
        ({"RoleSessionName": "me"}, "ValidationError"),
        ({"RoleArn": f"{NAMED}by-token"}, "ValidationError"),
        ({"RoleArn": f"{NAMED}absent"}, "AccessDenied"),
    ],
)
async def test_what_does_not_fit_the_scope_is_refused(world: World, changes: dict[str, str | None], error: str) -> None:
    said = await with_saml(world, world.token("batch-unfit"), **changes)
    assert said.of["Code"] == error
    assert "AccessKeyId" not in said.of


async def test_the_provider_of_another_leaves_no_trace_of_having_issued(world: World) -> None:
    await with_saml(world, world.token("batch-provider"), PrincipalArn=f"{PROVIDER}-of-another")
    line = world.audit()[-1]
    assert (line["outcome"], line["reason"], line["access_key_id"]) == ("refused", "missing_proof", None)


async def test_a_web_identity_scope_shows_sts_the_token_that_came(world: World) -> None:
    token = world.token("batch-own")
    said = await assume(world.service.public, f"{token}\n", RoleArn=f"{NAMED}by-token")
    assert said.answer.status == 200
    assert world.sts.requests[-1].parameters["WebIdentityToken"] == token


async def test_a_chained_scope_is_lent_with_the_last_role_s_session(world: World) -> None:
    said = await assume(world.service.public, world.token("batch-chain"), RoleArn=f"{NAMED}chained")
    assert said.of["Arn"].startswith("arn:aws:sts::444455556666:assumed-role/spoke/")


@pytest.mark.parametrize("scope", ["by-assertion", "by-device", "federated", "root", "signed", "pooled", "by-code"])
async def test_what_this_door_does_not_give_is_refused_with_where_to_go(world: World, scope: str) -> None:
    said = await assume(world.service.public, world.token(), RoleArn=f"{NAMED}{scope}")
    assert said.error == (400, "ValidationError")
    assert "/v1/credentials/{scope}" in said.of["Message"]


async def test_a_role_of_scopes_of_several_kinds_is_refused_with_what_to_do(world: World) -> None:
    said = await assume(world.service.public, world.token(), RoleArn=SPOKE)
    assert said.error == (400, "ValidationError")
    assert f"{NAMED}SCOPE" in said.of["Message"]


async def test_a_federated_user_is_told_who_it_is(world: World) -> None:
    answer = await post(world.service.public, "/v1/credentials/federated", world.token("batch-user"))
    name = answer.json["SessionName"]
    said = await send(world.service.public, CALLER, **sign(unsigned(), by(answer.json)))
    assert said.of["Arn"] == f"arn:aws:sts::111122223333:federated-user/{name}"
    assert (said.of["UserId"], said.of["Account"]) == (f"111122223333:{name}", "111122223333")


async def test_who_holds_root_s_session_is_for_aws_to_say(world: World) -> None:
    document = (await get(world.service.public, "/v1/credentials/root", world.token("batch-root"))).json
    said = await send(world.service.public, CALLER, **sign(unsigned(), by(document)))
    assert said.error == (403, "InvalidClientTokenId")
    assert "known to AWS alone" in said.of["Message"]
