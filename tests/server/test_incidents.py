"""Whose key is this, and stop them: the operators' doors, over sockets, and what the stopped meet at theirs (T19)."""

from __future__ import annotations

import asyncio
import json
import secrets
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from tests.fakes.faults import HOLD
from tests.fakes.sts import SECRET, TOKEN
from tests.server.http import Answer, exchange, get, post, request
from tests.server.test_operators import metrics, operator
from tests.server.test_refusals import check_refusal
from tests.service import CONFIGURATION, World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATH = "/v1/credentials/reports:read"
ROLE = "arn:aws:iam::111122223333:role/reports"


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def _nobody_stays_stopped(world: World) -> AsyncIterator[None]:
    yield
    while active := (await look(world, "/v1/revocations")).json["revocations"]:
        for one in active:
            await lift(world, one["id"])


async def ask(world: World, account: str = "reporter", **claims: Any) -> Answer:
    return await get(world.service.public, PATH, world.token(account, **claims))


async def revoke(world: World, **said: Any) -> Answer:
    return await post(world.service.operations, "/v1/revocations", operator(world), said)


async def look(world: World, path: str) -> Answer:
    return await get(world.service.operations, path, operator(world))


async def lift(world: World, revocation_id: str) -> Answer:
    raw = request(f"/v1/revocations/{revocation_id}", operator(world), method="DELETE")
    return await exchange(world.service.operations, raw)


def new_id() -> str:
    return f"inc-{secrets.token_hex(4)}"


def subject(account: str) -> str:
    return f"system:serviceaccount:analytics:{account}"


async def test_an_access_key_id_leads_to_its_holder_and_to_no_secret(world: World) -> None:
    lent = await ask(world, "batch-who")
    again = await ask(world, "batch-who")
    assert lent.key_id == again.key_id
    answer = await look(world, f"/v1/leases/{lent.key_id}")
    told = answer.json
    assert answer.status == 200
    line = next(line for line in world.audit() if line.get("access_key_id") == lent.key_id)
    for name in ("issuer", "subject", "attributes", "scope", "target", "role", "session_name", "source_identity"):
        assert told[name] == line[name], name
    assert (told["subject"], told["access_key_id"]) == (subject("batch-who"), lent.key_id)
    assert told["expiration"] == lent.json["Expiration"]
    assert (told["minted"], told["hand_outs"], told["held"]) == (lent.json["LastUpdated"], 2, True)
    assert told["revocation"] is None
    assert SECRET.encode() not in answer.body
    assert TOKEN.encode() not in answer.body


async def test_sessions_are_listed_by_scope_issuer_and_principal_page_by_page(world: World) -> None:
    keys = [(await ask(world, f"batch-list-{number}")).key_id for number in range(3)]
    seen, after = [], ""
    while True:
        page = (await look(world, f"/v1/leases?scope=reports%3Aread&issuer=cluster-a&limit=2{after}")).json
        assert len(page["leases"]) <= 2
        seen += [one["access_key_id"] for one in page["leases"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert [key for key in seen if key in keys] == keys
    assert len(set(seen)) == len(seen)
    (only,) = (await look(world, f"/v1/leases?principal={subject('batch-list-1')}")).json["leases"]
    assert only["access_key_id"] == keys[1]
    (only,) = (await look(world, f"/v1/leases?scope=&principal={subject('batch-list-1')}")).json["leases"]
    assert only["access_key_id"] == keys[1]
    for none in ("scope=other", "principal=other", "issuer=other", f"after={10**15 - 1}"):
        assert (await look(world, f"/v1/leases?{none}")).json == {"leases": [], "next": None}


async def test_long_items_make_short_pages(world: World) -> None:
    names = [f"{new_id()}-{number}" for number in range(100)]
    for name in names:
        said = {"scope": "reports:read", "attributes": {"pod": "y" * 2_000, "node": "y" * 2_000}, "reason": "r" * 1_000}
        assert (await revoke(world, id=name, **said)).status == 201
    pages, after = [], "0"
    while after is not None:
        answer = await look(world, f"/v1/revocations?after={after}")
        assert len(answer.body) < 400_000
        pages.append([one["id"] for one in answer.json["revocations"]])
        after = answer.json["next"]
    assert len(pages) > 1
    assert [one for page in pages for one in page] == names


@pytest.mark.parametrize(
    "said",
    [
        {"principal": subject("batch-stop")},
        {"principal": subject("batch-stop"), "issuer": "cluster-a"},
        {"principal": {"issuer": "cluster-a", "subject": subject("batch-stop")}},
        {"principal": subject("batch-stop"), "scope": "reports:read"},
        {"scope": "reports:read"},
        {"issuer": "cluster-a", "attributes": {"service_account": {"glob": "batch-*"}}},
        {"attributes": {"service_account": ["batch-stop", "other"], "namespace": "analytics"}},
        {"access_key_id": None},
    ],
    ids="+".join,
)
async def test_t19_who_is_stopped_gets_no_credentials_until_they_are_let_on(world: World, said: dict[str, Any]) -> None:
    lent = await ask(world, "batch-stop")
    before = lent.key_id
    if "access_key_id" in said:
        said = {"access_key_id": before}
    active = (await metrics(world))["vendor_revocations_active{}"]
    made = await revoke(world, **said, reason="INTERNAL-reason")
    assert made.status == 201, made.json
    assert made.json["sessions"] >= 1
    assert made.json["last_expiration"]
    assert made.json["roles"] == [ROLE]
    assert (await metrics(world))["vendor_revocations_active{}"] == active + 1
    refused = await ask(world, "batch-stop")
    assert (refused.status, refused.code) == (403, "revoked")
    assert b"INTERNAL" not in refused.body
    check_refusal(refused)
    twin = await post(world.service.public, PATH, world.token("batch-stop"))
    assert (twin.status, twin.code) == (403, "revoked")
    line = world.audit()[-1]
    assert (line["code"], line["reason"], line["access_key_id"]) == ("revoked", "revoked", None)
    assert "INTERNAL-reason" in line["detail"]
    listed = (await look(world, f"/v1/leases?revocation={made.json['id']}")).json["leases"]
    assert before in [one["access_key_id"] for one in listed]
    assert all(one["revocation"] == made.json["id"] for one in listed)
    told = (await look(world, f"/v1/leases/{before}")).json
    assert (told["held"], told["revocation"]) == (False, made.json["id"])
    explained = (
        await post(world.service.public, "/v1/explain", world.token("batch-stop"), {"scope": "reports:read"})
    ).json
    assert (explained["allowed"], explained["refusal"]["code"], explained["session"]) == (False, "revoked", None)
    assert "INTERNAL" not in json.dumps(explained)
    lifted = await lift(world, made.json["id"])
    assert (lifted.status, lifted.json["id"]) == (200, made.json["id"])
    after = await ask(world, "batch-stop")
    assert after.status == 200
    assert after.json["Token"] != lent.json["Token"]


async def test_who_is_not_meant_is_served_on_with_what_is_held(world: World) -> None:
    other = (await ask(world, "batch-other")).key_id
    made = await revoke(world, principal=subject("batch-meant"))
    assert (made.json["sessions"], made.json["last_expiration"], made.json["roles"]) == (0, None, [])
    assert (await ask(world, "batch-other")).key_id == other
    assert (await ask(world, "batch-meant")).code == "revoked"


async def test_a_session_that_is_shared_with_who_is_stopped_is_made_anew_for_the_others(world: World) -> None:
    pods = [
        {
            "kubernetes.io": {
                "namespace": "analytics",
                "serviceaccount": {"name": "batch-pods", "uid": "u"},
                "pod": {"name": f"p-{n}", "uid": f"u-{n}"},
            }
        }
        for n in (1, 2)
    ]
    tokens = {(await ask(world, "batch-pods", **pod)).json["Token"] for pod in pods}
    assert len(tokens) == 1
    made = await revoke(world, attributes={"pod": "p-2"})
    assert made.json["sessions"] == 1
    assert (await ask(world, "batch-pods", **pods[1])).code == "revoked"
    fresh = await ask(world, "batch-pods", **pods[0])
    assert fresh.json["Token"] not in tokens
    assert (await ask(world, "batch-pods", **pods[0])).json["Token"] == fresh.json["Token"]


@pytest.mark.parametrize("by", ["principal", "attributes"])
async def test_an_answer_that_is_under_way_when_its_caller_is_stopped_never_leaves_t19_t20(
    world: World, by: str
) -> None:
    name = f"batch-flight-{by}"
    said = {"principal": subject(name)} if by == "principal" else {"attributes": {"service_account": name}}
    world.sts.next(HOLD)
    count = len(world.sts.requests) + 1
    asking = asyncio.create_task(ask(world, name))
    await world.sts.arrived(count)
    made = await revoke(world, **said)
    world.sts.release()
    answer = await asking
    assert (answer.status, answer.code) == (403, "revoked")
    assert world.audit()[-1]["code"] == "revoked"
    await lift(world, made.json["id"])
    minted = len(world.sts.requests)
    assert (await ask(world, name)).status == 200
    assert len(world.sts.requests) == minted + 1, "what was minted for who was stopped is not held"


async def test_what_came_too_late_for_who_is_then_stopped_is_not_held_t20(world: World) -> None:
    active = "vendor_credentials_active{scope=reports:read}"
    before = (await metrics(world)).get(active, 0.0)
    world.sts.next(HOLD)
    assert (await ask(world, "batch-late")).code == "sts_unavailable"
    world.sts.release()
    while (await metrics(world))[active] == before:  # noqa: ASYNC110 - it is another process
        await asyncio.sleep(0.02)
    made = await revoke(world, attributes={"service_account": "batch-late"})
    await lift(world, made.json["id"])
    minted = len(world.sts.requests)
    assert (await ask(world, "batch-late")).status == 200
    assert len(world.sts.requests) == minted + 1


async def test_each_act_of_an_operator_is_written_down(world: World) -> None:
    made = (await revoke(world, principal=subject("batch-told"), reason="found in a paste", duration_seconds=600)).json
    await lift(world, made["id"])
    lines = [line for line in world.audit() if line["event"] == "revocation"][-2:]
    assert [line["action"] for line in lines] == ["made", "lifted"]
    for line in lines:
        assert line["operator"] == {
            "issuer": "cluster-a",
            "subject": "system:serviceaccount:platform:vendor-operator",
        }
        assert (line["revocation"]["id"], line["revocation"]["reason"]) == (made["id"], "found in a paste")
        assert len(line["token_sha256"]) == 64
        assert line["request_id"]
    assert lines[0]["sessions"] == 0


async def test_the_same_again_is_no_second_one_and_another_by_its_id_is_a_conflict(world: World) -> None:
    name = new_id()
    said: dict[str, Any] = {"id": name, "principal": subject("batch-twice"), "deny_policy": True, "roles": [ROLE]}
    first, second = await revoke(world, **said), await revoke(world, **said)
    assert (first.status, second.status) == (201, 200)
    assert first.json == second.json
    assert (first.json["deny_policy"], first.json["roles"], first.json["kept"]) == (True, [ROLE], False)
    other = await revoke(world, id=name, scope="reports:read")
    assert (other.status, other.code) == (409, "conflict")
    check_refusal(other)
    path = f"/v1/revocations/{name}"
    found = await look(world, path)
    assert (found.status, found.json["principal"], found.json["sessions"]) == (200, said["principal"], 0)
    assert (await lift(world, name)).status == 200
    gone = await look(world, f"/v1/leases?revocation={name}")
    for answer in (await lift(world, name), await look(world, path), gone):
        assert (answer.status, answer.code) == (404, "not_found")
    late = await revoke(world, **said)
    assert (late.status, late.code) == (409, "conflict"), "other replicas may learn of the lifting later"


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"reason": "nobody"},
        {"scope": "reports:none"},
        {"scope": 1},
        {"scope": ""},
        {"issuer": "cluster-b"},
        {"principal": {"subject": "x"}},
        {"principal": {"issuer": "cluster-a", "subject": "x"}, "issuer": "cluster-a"},
        {"principal": {"issuer": "cluster-a", "subject": "x", "more": 1}},
        {"principal": {"issuer": "cluster-b", "subject": "x"}},
        {"principal": ["x"]},
        {"attributes": {}},
        {"attributes": []},
        {"attributes": {"issuer": "cluster-b"}},
        {"attributes": {"issuer": ["cluster-b", {"glob": "*-b"}]}, "scope": "reports:read"},
        {"attributes": {"namespace": {"glob": "*"}}},
        {"attributes": {"namespace": {"regex": ".*"}}},
        {"access_key_id": "ASIA1", "scope": "reports:read"},
        {"scope": "reports:read", "until": "2020-01-01T00:00:00Z"},
        {"scope": "reports:read", "until": "tomorrow"},
        {"scope": "reports:read", "until": 1},
        {"scope": "reports:read", "until": "2126-01-01T00:00:00Z"},
        {"scope": "reports:read", "until": "2026-12-01T00:00:00Z", "duration_seconds": 60},
        {"scope": "reports:read", "duration_seconds": 0},
        {"scope": "reports:read", "duration_seconds": "60"},
        {"scope": "reports:read", "duration_seconds": True},
        {"scope": "reports:read", "duration_seconds": 10**12},
        {"scope": "reports:read", "id": "Upper"},
        {"scope": "reports:read", "id": "x" * 33},
        {"scope": "reports:read", "id": "../x"},
        {"scope": "reports:read", "roles": [1]},
        {"scope": "reports:read", "roles": "arn"},
        {"scope": "reports:read", "roles": [ROLE] * 21},
        {"scope": "reports:read", "deny_policy": "yes"},
        {"scope": "reports:read", "reason": 1},
        {"scope": "reports:read", "reason": "stolen: eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.c2ln"},
        {"attributes": {"namespace": ["eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.c2ln"]}},
        {"scope": "reports:read", "attributes": dict.fromkeys(("namespace", "pod", "pod_uid", "node"), "x" * 2_000)},
        {"scope": "reports:read", "unknown": 1},
    ],
)
async def test_what_would_stop_nobody_or_cannot_be_meant_is_refused(world: World, said: dict[str, Any]) -> None:
    answer = await revoke(world, **said)
    assert (answer.status, answer.code) == (400, "invalid_request"), answer.json
    check_refusal(answer)
    assert (await look(world, "/v1/revocations")).json == {"revocations": [], "next": None}


@pytest.mark.parametrize(
    ("more", "whose"), [({}, "any token has"), ({"issuer": "cluster-a"}, "tokens of this issuer have")]
)
async def test_an_attribute_that_no_token_has_is_refused_with_those_that_there_are(
    world: World, more: dict[str, Any], whose: str
) -> None:
    answer = await revoke(world, attributes={"namespace": "analytics", "service_acount": "reporter"}, **more)
    assert (answer.status, answer.code) == (400, "invalid_request")
    assert answer.json["message"] == (
        f"no attribute that {whose} is called service_acount, so nobody would be stopped; "
        "there are issuer, namespace, node, pod, pod_uid, service_account, service_account_uid, subject"
    )
    check_refusal(answer)
    assert (await look(world, "/v1/revocations")).json == {"revocations": [], "next": None}


@pytest.mark.parametrize(
    ("attributes", "told"),
    [
        ({"pod": 1}, "pod is never a number: it is a text"),
        ({"pod": True}, "pod is never true or false: it is a text"),
        ({"pod": {"contains": "p-1"}}, "pod is never a list: it is a text"),
        (
            {"namespace": "analytics", "service_account": ["reporter", 1]},
            "service_account is never a number: it is a text",
        ),
    ],
)
@pytest.mark.parametrize("more", [{}, {"issuer": "cluster-a"}, {"scope": "reports:read"}])
async def test_a_value_of_a_type_that_the_attribute_never_has_is_refused(
    world: World, attributes: dict[str, Any], told: str, more: dict[str, Any]
) -> None:
    answer = await revoke(world, attributes=attributes, **more)
    assert (answer.status, answer.code) == (400, "invalid_request"), answer.json
    assert answer.json["message"] == f"the attribute {told}, so nobody would be stopped"
    check_refusal(answer)
    assert (await look(world, "/v1/revocations")).json == {"revocations": [], "next": None}


async def test_a_claim_of_any_type_is_compared_by_its_type_and_how_many_that_met_is_told(tmp_path: Path) -> None:
    more = "kind: kubernetes, attributes: {{tier: [tier]}}"
    async with World(tmp_path, configuration=CONFIGURATION.replace("kind: kubernetes", more)) as world:
        assert (await ask(world, "batch-1", tier=1)).status == 200
        for said, met in (("1", 0), (True, 0), ({"contains": "1"}, 0), ({"glob": "1*"}, 0), (1, 1), ([True, 1], 1)):
            made = await revoke(world, attributes={"tier": said})
            assert (made.status, made.json["sessions"]) == (201, met), said
            assert (await ask(world, "batch-1", tier=1)).status == (403 if met else 200), said
            await lift(world, made.json["id"])


async def test_attributes_that_no_token_has_together_are_refused(tmp_path: Path) -> None:
    forge = 'issuers:\n  forge: {{issuer: "https://forge.example.com", audience: vendor, kind: github}}\n'
    async with World(tmp_path, configuration=CONFIGURATION.replace("issuers:\n", forge)) as world:
        answer = await revoke(world, attributes={"namespace": "analytics", "repository": "acme/site"})
        assert (answer.status, answer.code) == (400, "invalid_request"), answer.json
        assert answer.json["message"] == "no token has all of these attributes, so nobody would be stopped"
        assert (await revoke(world, attributes={"repository": "acme/site"})).status == 201


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=x", "limit=-1", "after=%C2%B2", "after=x", "unknown=1", "limit=1&limit=2"]
)
@pytest.mark.parametrize("path", ["/v1/leases", "/v1/revocations"])
async def test_a_malformed_query_is_refused(world: World, path: str, query: str) -> None:
    answer = await look(world, f"{path}?{query}")
    assert (answer.status, answer.code) == (400, "invalid_request")


@pytest.mark.parametrize("key", ["ASIAUNKNOWN000000000", "x", "%00", "ASIA%2e%2e", "a" * 129])
async def test_a_key_that_nobody_knows_is_not_found(world: World, key: str) -> None:
    answer = await look(world, f"/v1/leases/{key}")
    assert (answer.status, answer.code) == (404, "not_found")
    check_refusal(answer)
    stopped = await revoke(world, access_key_id=key)
    assert (stopped.status, stopped.code) == (404, "not_found")


DOORS = [
    ("GET", "/v1/leases"),
    ("GET", "/v1/leases/ASIAUNKNOWN000000000"),
    ("GET", "/v1/revocations"),
    ("POST", "/v1/revocations"),
    ("GET", "/v1/revocations/r-1"),
    ("DELETE", "/v1/revocations/r-1"),
]


@pytest.mark.parametrize(("method", "path"), DOORS)
async def test_only_an_operator_is_answered(world: World, method: str, path: str) -> None:
    told = len(world.audit())
    for token, status, code in (
        (None, 401, "missing_token"),
        (world.token(), 403, "access_denied"),
        (world.issuer.hostile()["algorithm none"], 401, "invalid_token"),
    ):
        answer = await exchange(world.service.operations, request(path, token, method=method))
        assert (answer.status, answer.code) == (status, code)
        check_refusal(answer)
    cookie = request(path, None, method=method, headers={"Cookie": f"Authorization={operator(world)}"})
    assert (await exchange(world.service.operations, cookie)).status == 401
    assert len(world.audit()) == told


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/v1/leases", "GET"),
        ("HEAD", "/v1/leases", "GET"),
        ("DELETE", "/v1/leases/ASIAUNKNOWN000000000", "GET"),
        ("PUT", "/v1/revocations", "GET, POST"),
        ("DELETE", "/v1/revocations", "GET, POST"),
        ("PATCH", "/v1/revocations/r-1", "GET, DELETE"),
    ],
)
async def test_a_door_has_its_methods_and_no_others(world: World, method: str, path: str, allowed: str) -> None:
    answer = await exchange(world.service.operations, request(path, operator(world), method=method))
    assert (answer.status, answer.headers["allow"]) == (405, allowed)


async def test_what_a_door_does_not_take_is_refused(world: World) -> None:
    for method, path in DOORS:
        if path not in ("/v1/leases", "/v1/revocations") or method == "POST":
            answer = await exchange(world.service.operations, request(f"{path}?a=b", operator(world), method=method))
            assert (answer.status, answer.code) == (400, "invalid_request")
    body = request("/v1/revocations/r-1", operator(world), method="DELETE", body=b"{}")
    answer = await exchange(world.service.operations, body)
    assert (answer.status, answer.code) == (400, "invalid_request")


async def test_nothing_of_it_is_on_the_public_listener(world: World) -> None:
    for method, path in DOORS:
        answer = await exchange(world.service.public, request(path, operator(world), method=method))
        assert (answer.status, answer.code) == (404, "not_found")
