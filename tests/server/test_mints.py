"""Every mint through the doors of a running service: what is asked of STS, what is answered, what is written down."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio

from tests.fakes.faults import error
from tests.fakes.sts import SECRET, TOKEN
from tests.fakes.sts_others import Unit
from tests.faults.scrape import Scrape
from tests.server.http import Answer, exchange, get, post, request
from tests.server.test_refusals import check_refusal
from tests.service import CONFIGURATION, World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio(loop_scope="module")

GRANTS = "grants: [{{issuer: cluster-a, where: {{namespace: analytics}}}}]\n    target: aws\n"
POLICY = (
    '{{Version: "2012-10-17", Statement: [{{Effect: Allow, Action: "s3:GetObject",'
    ' Resource: "arn:aws:s3:::reports/{{{{ namespace }}}}/*"}}]}}'
)
SPOKE = "arn:aws:iam::444455556666:role/spoke"
HUB = "arn:aws:iam::999988887777:role/hub"
SERIAL = "arn:aws:iam::111122223333:mfa/vendor"
POOL = "eu-west-1:00000000-0000-0000-0000-000000000000"
SCOPES = {
    "chained": (f'{{assume_role: {{role: "{SPOKE}", via: [{{role: "{HUB}", external_id: to-hub}}]}}}}', POLICY),
    "by-token": (f'{{web_identity: {{role: "{SPOKE}"}}}}', POLICY),
    "by-assertion": (
        f'{{saml: {{role: "{SPOKE}", provider: "arn:aws:iam::444455556666:saml-provider/adfs"}}}}',
        POLICY,
    ),
    "by-code": (f'{{session_token: {{mfa_serial: "{SERIAL}"}}}}', None),
    "by-device": (f'{{session_token: {{mfa_serial: "{SERIAL}", mfa_secret_file: secret}}}}', None),
    "federated": ('{federation_token: {name: "{{ namespace }}"}}', POLICY),
    "root": ('{root: {account: "444455556666", task_policy: S3UnlockBucketPolicy}}', None),
    "signed": ("{identity_token: {audience: https://a.example.com, signing_algorithm: ES384}}", None),
    "pooled": (f'{{cognito_identity: {{pool: "{POOL}", logins: {{oidc.example.com: token}}}}}}', None),
}
ASSERTION = base64.b64encode(b'<Response xmlns="urn:oasis:names:tc:SAML:2.0:assertion"/>').decode()


def _scope(name: str, mint: str, policy: str | None) -> str:
    session = "{{unrestricted: true}}" if policy is None else f"{{{{policy: {policy}}}}}"
    written = mint.replace("{", "{{").replace("}", "}}")
    return f"  {name}:\n    {GRANTS}    mint: {written}\n    session: {session}\n"


ALL = CONFIGURATION.replace(
    "regions: [eu-west-1]", 'regions: [eu-west-1], federation_url: "{sts}/federation"'
) + "".join(_scope(name, mint, policy) for name, (mint, policy) in SCOPES.items())

ALL += """\
  spokes:
    grants: [{{issuer: cluster-a, where: {{namespace: analytics}}}}]
    target: aws
    parameters: {{account: {{accounts: {{organization: {{target: aws, parents: [r-ab12], tags: {{env: prod}}}}}}}}}}
    mint: {{assume_role: {{role: "arn:aws:iam::{{{{ account }}}}:role/spoke"}}}}
    session: {{unrestricted: true}}
  unlisted:
    grants: [{{issuer: cluster-a, where: {{namespace: analytics}}}}]
    target: aws
    parameters: {{account: {{accounts: {{organization: {{target: aws, parents: [r-none]}}}}}}}}
    mint: {{assume_role: {{role: "arn:aws:iam::{{{{ account }}}}:role/spoke"}}}}
    session: {{unrestricted: true}}
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    folder = tmp_path_factory.mktemp("mints")
    (folder / "secret").write_text("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n")
    world = World(folder, configuration=ALL)
    world.sts.others.organization = {
        "r-ab12": Unit(accounts={"444455556666": {"env": "prod"}, "777788889999": {"env": "test"}})
    }
    world.sts.others.devices[SERIAL] = b"12345678901234567890"
    async with world:
        await listed(world)
        yield world


async def listed(world: World) -> None:
    """Wait until both organizations were asked for their accounts, which the service does by itself."""
    name = "vendor_organization_refresh_total"
    async with asyncio.timeout(20):
        while Scrape((await get(world.service.operations, "/metrics")).body.decode()).value(name) < 2:  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.05)


def somebody(world: World) -> str:
    """Return the token of somebody who has not asked for anything yet."""
    return world.token(f"batch-{uuid.uuid4().hex}")


async def asked(world: World, scope: str, token: str | None = None, **members: Any) -> Answer:
    world.sts.requests.clear()
    return await post(world.service.public, f"/v1/credentials/{scope}", token or somebody(world), members)


def line(world: World) -> dict[str, Any]:
    return world.audit()[-1]


async def test_a_chain_is_walked_once_and_written_down(world: World) -> None:
    answer = await asked(world, "chained")
    assert (answer.status, answer.json["RoleArn"], answer.json["AccountId"]) == (200, SPOKE, "444455556666")
    assert [sent.role_arn for sent in world.sts.requests] == [HUB, SPOKE]
    assert (line(world)["action"], line(world)["via"], line(world)["role"]) == ("AssumeRole", [HUB], SPOKE)
    await asked(world, "chained", world.token("another"))
    assert [sent.role_arn for sent in world.sts.requests] == [SPOKE]


async def test_the_callers_own_token_goes_to_sts_and_into_no_log(world: World) -> None:
    token = world.token()
    answer = await get(world.service.public, "/v1/credentials/by-token", token)
    assert (answer.status, answer.json["RoleArn"]) == (200, SPOKE)
    sent = world.sts.requests[-1]
    assert (sent.parameters["WebIdentityToken"], sent.access_key_id) == (token, None)
    assert "reports/analytics" in (sent.policy or "")
    assert line(world)["action"] == "AssumeRoleWithWebIdentity"
    written = world.audit_path.read_text() + "\n".join(world.service.log)
    assert token not in written
    assert token.rpartition(".")[2] not in written


async def test_f7_a_role_that_is_denied_is_not_asked_for_again_for_each_run_of_a_job(world: World) -> None:
    account = f"batch-{uuid.uuid4().hex}"
    world.sts.next(error("AccessDenied"))
    answers = [await asked(world, "by-token", world.token(account, run_id=str(number))) for number in range(3)]
    assert [answer.code for answer in answers] == ["role_refused"] * 3
    assert world.sts.requests == []
    assert (await asked(world, "by-token")).status == 200


async def test_an_assertion_is_posted_and_each_is_judged_by_sts(world: World) -> None:
    token = world.token()
    answer = await asked(world, "by-assertion", token, saml_assertion=ASSERTION)
    assert (answer.status, answer.json["RoleArn"], answer.json["SessionName"]) == (200, SPOKE, "")
    assert world.sts.requests[0].parameters["SAMLAssertion"] == ASSERTION
    assert (await asked(world, "by-assertion", token, saml_assertion=ASSERTION)).key_id == answer.key_id
    assert world.sts.requests == []
    other = base64.b64encode(b"<Response/>").decode()
    await asked(world, "by-assertion", token, saml_assertion=other)
    assert world.sts.requests[0].parameters["SAMLAssertion"] == other
    assert ASSERTION not in world.audit_path.read_text()


async def test_an_assertion_of_the_longest_kind_gets_through_and_nothing_else_as_long(world: World) -> None:
    xml = b"<Response><!-- " + b"x" * 74_000 + b" --></Response>"
    assert (await asked(world, "by-assertion", saml_assertion=base64.b64encode(xml).decode())).status == 200
    answer = await asked(world, "by-assertion", parameters={"x": "y" * 70_000})
    assert (answer.status, answer.code) == (413, "request_too_large")


@pytest.mark.parametrize(
    ("scope", "members", "public"),
    [
        ("by-assertion", {}, "this scope needs saml_assertion: POST it to /v1/credentials/{scope} in the JSON body"),
        ("by-code", {}, "this scope needs mfa_code: POST it to /v1/credentials/{scope} in the JSON body"),
        ("by-code", {"mfa_code": "12345"}, "mfa_code must be six digits"),
        ("by-code", {"mfa_code": 123456}, "mfa_code must be a string"),
        ("by-assertion", {"saml_assertion": "<a/>"}, "saml_assertion must be"),
        ("by-token", {"mfa_code": "123456"}, "this scope takes no mfa_code"),
        ("by-code", {"saml_assertion": "QUJD", "mfa_code": "123456"}, "this scope takes no saml_assertion"),
    ],
)
async def test_a_proof_that_is_missing_unfit_or_not_asked_for_is_told(
    world: World, scope: str, members: dict[str, Any], public: str
) -> None:
    answer = await asked(world, scope, **members)
    assert (answer.status, answer.code) == (400, "invalid_request")
    assert answer.json["message"].startswith(public)
    check_refusal(answer)
    assert world.sts.requests == []


async def test_a_code_of_the_callers_is_judged_by_sts_each_time(world: World) -> None:
    answer = await asked(world, "by-code", mfa_code="000000")
    assert (answer.status, answer.code) == (502, "role_refused")
    assert world.sts.requests[0].parameters["TokenCode"] == "000000"


async def test_a_device_of_the_services_gives_a_session_without_a_role(world: World) -> None:
    answer = await get(world.service.public, "/v1/credentials/by-device", world.token())
    assert answer.status == 200
    assert answer.json.keys() == {
        "Code", "Type", "LastUpdated", "AccessKeyId", "SecretAccessKey", "Token", "Expiration", "AccountId"
    }  # fmt: skip
    assert answer.json["AccountId"] == "111122223333"
    again = await get(world.service.public, "/v1/credentials/by-device", world.token("another"))
    assert (again.status, again.code) == (503, "overloaded")
    assert 1 <= int(again.headers["retry-after"]) <= 30


async def test_a_federated_user_has_a_name_of_its_own(world: World) -> None:
    answer = await asked(world, "federated")
    assert (answer.status, answer.json["AccountId"]) == (200, "111122223333")
    assert "RoleArn" not in answer.json
    sent = world.sts.requests[0]
    assert sent.parameters["Name"] == answer.json["SessionName"]
    assert sent.parameters["Name"].startswith("analytics-")
    assert len(sent.parameters["Name"]) <= 32
    assert "reports/analytics" in (sent.policy or "")


async def test_a_root_session_is_short(world: World) -> None:
    answer = await asked(world, "root")
    assert (answer.status, answer.json["RoleArn"]) == (200, "arn:aws:iam::444455556666:root")
    assert world.sts.requests[0].duration_seconds == 900
    refused = await asked(world, "root", duration_seconds=901)
    assert (refused.status, refused.code) == (400, "invalid_request")


async def test_a_signed_token_is_given_at_the_json_door_alone(world: World) -> None:
    answer = await asked(world, "signed")
    assert answer.status == 200
    assert answer.json.keys() == {
        "Code", "Type", "LastUpdated", "Token", "Expiration", "RefreshAfter", "Scope", "SessionName"
    }  # fmt: skip
    assert (answer.json["Type"], answer.json["Token"].count(".")) == ("JWT", 2)
    told = hashlib.sha256(answer.json["Token"].encode()).hexdigest()
    assert line(world)["access_key_id"] == f"JWT-{told[:32]}"
    assert answer.json["Token"] not in world.audit_path.read_text()
    world.sts.requests.clear()
    role = "arn:aws:iam::000000000000:role/signed"
    form = f"Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=ab&RoleArn={role}"
    body = f"{form}&WebIdentityToken={world.token()}".encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    at_sts = await exchange(world.service.public, request("/", method="POST", headers=headers, body=body))
    assert at_sts.status == 400
    assert b"a token that AWS signs" in at_sts.body
    refused = await get(world.service.public, "/v1/credentials/signed", world.token())
    assert (refused.status, refused.code) == (400, "invalid_request")
    assert refused.json["message"] == (
        "this scope gives a token that AWS signs: POST to /v1/credentials/{scope} for it"
    )
    assert world.sts.requests == []


async def test_a_pool_is_shown_the_callers_token(world: World) -> None:
    token = world.token()
    answer = await asked(world, "pooled", token)
    assert answer.status == 200
    assert {"AccountId", "RoleArn"}.isdisjoint(answer.json)
    first = json.loads(world.sts.requests[0].parameters["JSON"])
    assert first == {"IdentityPoolId": POOL, "Logins": {"oidc.example.com": token}}


async def test_only_the_accounts_of_the_organization_may_be_asked_for(world: World) -> None:
    async with asyncio.timeout(10):
        while (listed := await asked(world, "spokes", parameters={"account": "444455556666"})).status == 503:  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.05)
    assert (listed.status, listed.json["RoleArn"]) == (200, SPOKE)
    for account in ("777788889999", "111122223333"):
        answer = await asked(world, "spokes", parameters={"account": account})
        assert (answer.status, answer.code) == (403, "value_not_allowed")
        assert world.sts.requests == []
    exposed = (await get(world.service.operations, "/metrics")).body.decode()
    assert 'vendor_organization_accounts{parameter="account",scope="spokes"} 1.0' in exposed
    assert 'vendor_organization_age_seconds{parameter="account",scope="unlisted"} +Inf' in exposed
    assert 'vendor_organization_refresh_total{result="ok",target="aws"} 1.0' in exposed


async def test_before_accounts_are_listed_nobody_has_any(world: World) -> None:
    answer = await asked(world, "unlisted", parameters={"account": "444455556666"})
    assert (answer.status, answer.code) == (503, "sts_unavailable")
    assert answer.json["message"] == "the accounts of the organization cannot be had at the moment"
    check_refusal(answer)


async def test_what_was_issued_is_counted_by_its_action(world: World) -> None:
    await asked(world, "pooled")
    exposed = (await get(world.service.operations, "/metrics")).body.decode()
    assert 'vendor_credentials_issued_total{action="GetCredentialsForIdentity",scope="pooled",source="sts"}' in exposed
    assert 'action="GetCredentialsForIdentity",region="eu-west-1",result="ok",target="aws"' in exposed


async def console(world: World, scope: str, **members: Any) -> Answer:
    world.sts.others.signed_in.clear()
    return await post(world.service.public, f"/v1/console/{scope}", somebody(world), members)


async def test_a_link_to_the_console_holds_a_token_and_no_credentials(world: World) -> None:
    answer = await console(world, "by-token")
    assert (answer.status, answer.json.keys()) == (200, {"Url", "Expiration", "Scope"})
    query = parse_qs(urlsplit(answer.json["Url"]).query)
    assert query["Action"] == ["login"]
    assert query["Destination"] == ["https://console.aws.amazon.com/"]
    assert query["SigninToken"][0].startswith("CANARYSIGNIN")
    assert SECRET not in answer.json["Url"]
    assert answer.json["Scope"] == "by-token"
    (shown,) = world.sts.others.signed_in
    session = json.loads(shown["Session"])
    assert session.keys() == {"sessionId", "sessionKey", "sessionToken"}
    assert session["sessionKey"].startswith(SECRET)
    assert "SessionDuration" not in shown
    assert (line(world)["door"], line(world)["outcome"], line(world)["access_key_id"]) == (
        "console", "issued", session["sessionId"]
    )  # fmt: skip
    written = world.audit_path.read_text() + "\n".join(world.service.log)
    assert "CANARYSIGNIN" not in written
    assert TOKEN not in written


async def test_a_session_longer_than_an_hour_signs_in_for_as_long_as_it_lasts(world: World) -> None:
    answer = await console(world, "reports:read", duration_seconds=7200)
    assert answer.status == 200
    assert 7190 <= int(world.sts.others.signed_in[0]["SessionDuration"]) <= 7200


@pytest.mark.parametrize("scope", ["by-device", "root", "signed", "pooled"])
async def test_what_the_console_takes_no_session_of_is_refused_before_anything_is_minted(
    world: World, scope: str
) -> None:
    world.sts.requests.clear()
    answer = await console(world, scope)
    assert (answer.status, answer.code) == (400, "invalid_request")
    assert world.sts.requests == []


@pytest.mark.parametrize(
    ("status", "body", "expected", "code"),
    [
        (400, "no", 502, "role_refused"),
        (500, "no", 503, "sts_unavailable"),
        (302, "", 503, "sts_unavailable"),
        (200, "{}", 503, "sts_unavailable"),
        (200, "[]", 503, "sts_unavailable"),
        (200, "no", 503, "sts_unavailable"),
        (200, '{"SigninToken": 5}', 503, "sts_unavailable"),
        (200, "x" * 70_000, 503, "sts_unavailable"),
    ],
)
async def test_a_page_that_gives_no_token_gives_no_link(
    world: World, status: int, body: str, expected: int, code: str
) -> None:
    others = world.sts.others
    others.sign_in_status, others.sign_in_body = status, body
    try:
        answer = await console(world, "federated")
    finally:
        others.sign_in_status, others.sign_in_body = 200, None
    assert (answer.status, answer.code) == (expected, code)
    check_refusal(answer)
    assert (line(world)["outcome"], line(world)["code"]) == ("refused", code)


async def test_only_a_post_signs_in(world: World) -> None:
    for method in ("GET", "HEAD", "PUT"):
        answer = await exchange(world.service.public, request("/v1/console/by-token", world.token(), method=method))
        assert answer.status == 405
