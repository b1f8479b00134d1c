"""T12, T13, T28: a caller chooses nothing but what its scope lets it narrow, whatever it says and where."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.attacks.ground import ROLE, container, sts, twin, with_token
from tests.server.http import request

if TYPE_CHECKING:
    from tests.attacks.ground import Ground

pytestmark = [pytest.mark.attacks, pytest.mark.asyncio(loop_scope="module")]

ADMIN: Final = f"{ROLE}admin"
ALL: Final = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
WISHES: Final = {
    "role": ADMIN,
    "RoleArn": ADMIN,
    "role_arn": ADMIN,
    "account": "999999999999",
    "session_name": "admin",
    "RoleSessionName": "admin",
    "policy": ALL,
    "Policy": ALL,
    "policy_arns": "arn:aws:iam::aws:policy/AdministratorAccess",
    "tags": "team=admin",
    "Tags.member.1.Key": "team",
    "source_identity": "admin",
    "external_id": "acme-7",
    "target": "aws",
    "region": "us-east-1",
    "mode": "audit",
    "unrestricted": "true",
    "duration": "12h",
    "DurationSeconds": "3600",
    "max_duration": "43200",
    "namespace": "kube-system",
    "service_account": "admin",
    "subject": "admin",
    "issuer": "builds",
    "scope": "builds:admin",
    "parameters": "month=1",
    "token": "x",
    "access_token": "x",
    "_method": "DELETE",
    "callback": "x",
    "": "x",
}
DURATIONS: Final[tuple[Any, ...]] = (
    *(
        0,
        1,
        899,
        43_201,
        999_999,
        10**9,
        10**40,
        -900,
        900.5,
        "1h",
        "",
        "0x384",
        "900 ",
        "+900",
        "9e2",
        "\u0669\u0660\u0660",
    ),
    *(True, [900], {"seconds": 900}),
)
BODIES: Final = {
    "no object": b"[]",
    "a text": b'"x"',
    "nothing but a space": b" ",
    "a member twice": b'{"duration_seconds":900,"duration_seconds":3600}',
    "a parameter twice": b'{"parameters":{"name":"a","name":"b"}}',
    "a member in another spelling": b'{"Parameters":{}}',
    "a comment": b'{/**/"parameters":{}}',
    "a comma behind": b'{"parameters":{},}',
    "NaN": b'{"duration_seconds":NaN}',
    "infinity": b'{"duration_seconds":Infinity}',
    "more behind": b'{}{"parameters":{}}',
    "a BOM": b"\xef\xbb\xbf{}",
    "UTF-16": '{"parameters":{}}'.encode("utf-16"),
    "no UTF-8": b'{"parameters":{"name":"\xff"}}',
    "a lone surrogate": b'{"parameters":{"name":"\\ud800"}}',
    "a NUL": b'{"parameters":{"name":"a\\u0000b"}}',
    "a thousand brackets": b'{"parameters":' + b"[" * 1_000 + b"]" * 1_000 + b"}",
    "thirty thousand brackets": b'{"parameters":' + b"[" * 30_000,
    "a prototype": b'{"__proto__":{"admin":true}}',
    "an assertion": b'{"saml_assertion":"PHNhbWw+"}',
    "a code": b'{"mfa_code":"123456"}',
    "an assertion that is a list": b'{"saml_assertion":["x"]}',
    "parameters that are a list": b'{"parameters":[]}',
    "a parameter that is a list": b'{"parameters":{"name":["a"]}}',
    "a number in quotes": b'{"duration_seconds":"3600"}',
    "a number of a million digits": b'{"duration_seconds":' + b"9" * 60_000 + b"}",
}
ROLES: Final = (
    *(
        ADMIN,
        f"{ROLE}reports*",
        f"{ROLE}*",
        "*",
        f"{ROLE}reports/",
        f"{ROLE}Reports",
        f"{ROLE}reports ",
        f" {ROLE}reports",
    ),
    *(
        "arn:aws:iam::111122223333:user/reports",
        "arn:aws:iam::999999999999:role/reports",
        "arn:aws-cn:iam::111122223333:role/reports",
    ),
    *(
        "arn:aws:iam::000000000000:role/builds:admin",
        "arn:aws:iam::000000000000:role/*",
        "arn:aws:iam::000000000000:role/",
    ),
    *(
        "arn:aws:iam::000000000000:role/reports:read/../builds:admin",
        "arn:aws:iam::000000000000:role/none:such",
        "x" * 3_000,
    ),
    *(
        f"{ROLE}builds-dev",
        f"{ROLE}builds-{{{{ stage }}}}",
        "",
        "\u0430rn:aws:iam::111122223333:role/reports",
        f"{ROLE}reports\n",
    ),
)
STS: Final = {
    "a policy": {"Policy": ALL},
    "a policy of nothing": {"Policy": ""},
    "policy ARNs": {"PolicyArns.member.1.arn": "arn:aws:iam::aws:policy/AdministratorAccess"},
    "tags": {"Tags.member.1.Key": "team", "Tags.member.1.Value": "admin"},
    "transitive tags": {"TransitiveTagKeys.member.1": "team"},
    "an external id": {"ExternalId": "acme-7"},
    "a source identity": {"SourceIdentity": "admin"},
    "a provider": {"ProviderId": "accounts.google.com"},
    "a device": {"SerialNumber": "arn:aws:iam::111122223333:mfa/x", "TokenCode": "123456"},
    "a context": {"ProvidedContexts.member.1.ProviderArn": "x"},
    "something unknown": {"Whatever": "x"},
    "a name in another case": {"rolearn": ADMIN},
    "a name with a space": {"RoleArn ": ADMIN},
    "a session name that is too short": {"RoleSessionName": "a"},
    "a session name that is too long": {"RoleSessionName": "a" * 65},
    "a session name with a slash": {"RoleSessionName": "a/b"},
    "a session name beyond ASCII": {"RoleSessionName": "\u0430dmin"},
    "a session name with a newline": {"RoleSessionName": "admin\n"},
    "too short": {"DurationSeconds": "899"},
    "too long": {"DurationSeconds": "43201"},
    "no number": {"DurationSeconds": "1h"},
    "other digits": {"DurationSeconds": "\u0669\u0660\u0660"},
    "another version": {"Version": "2011-06-16"},
    "no version": {"Version": ""},
}
ACTIONS: Final = (
    *(
        "AssumeRole",
        "AssumeRoot",
        "GetSessionToken",
        "GetFederationToken",
        "GetAccessKeyInfo",
        "DecodeAuthorizationMessage",
    ),
    *(
        "assumerolewithwebidentity",
        "AssumeRoleWithWebIdentity ",
        "",
        "*",
        "GetWebIdentityToken",
        "../AssumeRole",
        "a" * 5_000,
    ),
)


@pytest.mark.parametrize("name", WISHES, ids=[f"T13 {name}" for name in WISHES])
async def test_t13_what_is_not_declared_is_refused_at_every_door(ground: Ground, name: str) -> None:
    asked, token, value = len(ground.sts.requests), ground.reporter("batch-wish"), WISHES[name]
    answers = [
        await ground.ask(container(token, **{name: value})),
        await ground.ask(twin(token, {name: value})),
        await ground.ask(twin(token, {"parameters": {name: value}})),
    ]
    assert {answer.code for answer in answers} == {"invalid_request"}
    assert len(ground.sts.requests) == asked


@pytest.mark.parametrize("seconds", DURATIONS, ids=[f"T13 {seconds!a}"[:40] for seconds in DURATIONS])
async def test_t13_no_duration_but_one_in_bounds_is_taken(ground: Ground, seconds: Any) -> None:
    asked, token = len(ground.sts.requests), ground.reporter("batch-long")
    answers = [await ground.ask(twin(token, {"duration_seconds": seconds}))]
    if isinstance(seconds, int | str):
        answers.append(await ground.ask(container(token, duration_seconds=str(seconds))))
    assert {answer.code for answer in answers} == {"invalid_request"}
    assert len(ground.sts.requests) == asked


@pytest.mark.parametrize("name", BODIES, ids=[f"T7 {name}" for name in BODIES])
async def test_t7_what_is_no_strict_json_is_refused(ground: Ground, name: str) -> None:
    asked, token = len(ground.sts.requests), ground.builder(team="body")
    for path in ("/v1/credentials/builds:write", "/v1/console/builds:write", "/v1/explain"):
        answer = await ground.ask(request(path, token, method="POST", body=BODIES[name]))
        assert (answer.status, answer.code) == (400, "invalid_request")
    assert len(ground.sts.requests) == asked


@pytest.mark.parametrize("role", ROLES, ids=[f"T13 {role!a}"[:60] for role in ROLES])
async def test_t13_a_role_that_is_not_the_callers_is_no_role(ground: Ground, role: str) -> None:
    asked = len(ground.sts.requests)
    answer = await ground.ask(sts(with_token(ground.reporter("batch-role"), role)))
    assert answer.status in (400, 403)
    assert len(ground.sts.requests) == asked


@pytest.mark.parametrize("name", STS, ids=[f"T13 {name}" for name in STS])
async def test_t13_sts_takes_nothing_that_the_scope_has_to_say(ground: Ground, name: str) -> None:
    asked = len(ground.sts.requests)
    answer = await ground.ask(sts({**with_token(ground.reporter("batch-sts")), **STS[name]}))
    assert answer.status == 400
    assert len(ground.sts.requests) == asked


@pytest.mark.parametrize("action", ACTIONS, ids=[f"T13 {action}"[:50] for action in ACTIONS])
async def test_t13_no_other_action_is_answered(ground: Ground, action: str) -> None:
    answer = await ground.ask(sts({**with_token(ground.reporter("batch-act")), "Action": action}))
    assert answer.status == 400
    assert b"InvalidAction" in answer.body


@pytest.mark.parametrize("name", ["RoleArn", "WebIdentityToken", "Action", "Version", "DurationSeconds"])
async def test_t13_a_parameter_that_stands_twice_is_refused(ground: Ground, name: str) -> None:
    form = {**with_token(ground.reporter("batch-twice")), "DurationSeconds": "900"}
    raw = sts("&".join([*(f"{key}={value}" for key, value in form.items()), f"{name}={form[name]}"]).encode())
    assert (await ground.ask(raw)).status == 400


SCOPES: Final = (
    "builds:write",
    "builds:admin",
    "none:such",
    "reports:read2",
    "reports",
    "Reports:read",
    "reports:read%00",
    "*",
)


@pytest.mark.parametrize("scope", SCOPES, ids=[f"T28 {scope}" for scope in SCOPES])
async def test_t28_a_scope_of_others_reads_as_one_that_is_not(ground: Ground, scope: str) -> None:
    token = ground.reporter("batch-scopes")
    for raw in (
        container(token, scope),
        twin(token, {}, scope),
        request(f"/v1/console/{scope}", token, method="POST", body=b"{}"),
    ):
        answer, other = await ground.ask(raw), await ground.ask(container(token, "no:where"))
        assert (answer.status, {**answer.json, "request_id": ""}) == (403, {**other.json, "request_id": ""})
        assert len(answer.body) == len(other.body)


@pytest.mark.parametrize("more", [{}, {"parameters": {"name": "*"}}, {"duration_seconds": 43_200}], ids=str)
async def test_t28_an_explanation_tells_of_no_scope_that_is_for_other_issuers_alone(
    ground: Ground, more: dict[str, Any]
) -> None:
    token = ground.reporter("batch-scopes")
    told = {}
    for scope in ("builds:write", "builds:wrote"):
        raw = request("/v1/explain", token, method="POST", body=json.dumps({"scope": scope, **more}).encode())
        answer = await ground.ask(raw)
        assert (answer.status, answer.json["grants"], answer.json["session"]) == (200, [], None)
        told[scope] = len(answer.body), answer.headers.keys(), answer.json | {"asked": None}
    assert told["builds:write"] == told["builds:wrote"]
