"""T13, T27 and the operators' listener: who is no operator learns nothing and stops nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.attacks.ground import container
from tests.attacks.hostile import HERE
from tests.server.http import request

if TYPE_CHECKING:
    from tests.attacks.ground import Ground

pytestmark = [pytest.mark.attacks, pytest.mark.asyncio(loop_scope="module")]

DOORS: Final = {
    "leases": ("GET", "/v1/leases", None),
    "a lease": ("GET", "/v1/leases/ASIAEXAMPLE", None),
    "revocations": ("GET", "/v1/revocations", None),
    "a revocation": ("GET", "/v1/revocations/x", None),
    "revoke": ("POST", "/v1/revocations", b'{"scope":"reports:read"}'),
    "lift": ("DELETE", "/v1/revocations/x", None),
    "explain": ("POST", "/v1/explain", b'{"issuer":"RS256","scope":"reports:read"}'),
    "document": ("GET", "/openapi.json", None),
}
HOSTILE: Final = [name for name, case in HERE.items() if case.algorithm == "RS256"][::25]
STRANGERS: Final = (
    "nobody",
    "a reporter",
    "a builder",
    "an operator elsewhere",
    "an operator of another issuer",
    "in a cookie",
)


def _token(ground: Ground, stranger: str) -> str | None:
    match stranger:
        case "a reporter":
            return ground.reporter()
        case "a builder":
            return ground.builder()
        case "an operator elsewhere":
            return ground.reporter("vendor-operator")
        case "an operator of another issuer":
            return ground.reporter("vendor-operator", namespace="platform", algorithm="ES256")
        case _:
            return None


@pytest.mark.parametrize("stranger", STRANGERS)
@pytest.mark.parametrize("door", DOORS)
async def test_t13_a_stranger_is_turned_away(ground: Ground, door: str, stranger: str) -> None:
    method, path, body = DOORS[door]
    operator = ground.reporter("vendor-operator", namespace="platform")
    # A browser sends cookies by itself: were a token taken there, any page could ask.
    more = {"Cookie": f"token={operator}; Authorization={operator}"} if stranger == "in a cookie" else None
    raw = request(path, _token(ground, stranger), method=method, body=body, headers=more)
    answer = await ground.ask(raw, operators=True)
    assert answer.status in (401, 403)


@pytest.mark.parametrize("name", HOSTILE, ids=[f"{HERE[name].threat} {name}" for name in HOSTILE])
async def test_t1_a_hostile_token_makes_no_operator(ground: Ground, name: str) -> None:
    token = HERE[name].make(ground.pen()).encode("utf-8", "surrogatepass").decode("latin-1")
    for method, path, body in DOORS.values():
        assert (await ground.ask(request(path, token, method=method, body=body), operators=True)).status in (
            400,
            401,
            431,
        )


STOPS: Final = {
    "nobody": b"{}",
    "no object": b"[]",
    "an unknown scope": b'{"scope":"none:such"}',
    "an unknown issuer": b'{"issuer":"none"}',
    "an unknown key": b'{"access_key_id":"ASIANOBODY0000000000"}',
    "a key and a scope": b'{"access_key_id":"ASIANOBODY0000000000","scope":"reports:read"}',
    "an empty scope": b'{"scope":""}',
    "an empty principal": b'{"principal":""}',
    "a principal of no issuer": b'{"principal":{"subject":"x"}}',
    "a list": b'{"scope":["reports:read"]}',
    "a glob of all": b'{"attributes":{"namespace":{"glob":"*"}}}',
    "a regular expression": b'{"attributes":{"namespace":{"regex":".*"}}}',
    "a matcher of nothing": b'{"attributes":{"namespace":{}}}',
    "an empty list": b'{"attributes":{"namespace":[]}}',
    "a point": b'{"attributes":{"level":1.5}}',
    "in the past": b'{"scope":"reports:read","until":"2020-01-01T00:00:00Z"}',
    "for ever": b'{"scope":"reports:read","until":"9999-12-31T23:59:59Z"}',
    "for no time": b'{"scope":"reports:read","duration_seconds":0}',
    "for less than no time": b'{"scope":"reports:read","duration_seconds":-1}',
    "for an age": b'{"scope":"reports:read","duration_seconds":1e300}',
    "for two times": b'{"scope":"reports:read","duration_seconds":60,"until":"2030-01-01T00:00:00Z"}',
    "no time": b'{"scope":"reports:read","until":"tomorrow"}',
    "a day that is none": b'{"scope":"reports:read","until":"2030-02-30T00:00:00Z"}',
    "an id with a slash": b'{"scope":"reports:read","id":"a/b"}',
    "an id of a kilobyte": b'{"scope":"reports:read","id":"' + b"a" * 1_000 + b'"}',
    "a reason of a megabyte": b'{"scope":"reports:read","reason":"' + b"a" * 60_000 + b'"}',
    "a token for a reason": b'{"scope":"reports:read","reason":"eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.x"}',
    "roles that are none": b'{"scope":"reports:read","roles":["*"]}',
    "a flag that is a text": b'{"scope":"reports:read","deny_policy":"true"}',
    "by somebody else": b'{"scope":"reports:read","by":{"issuer":"RS256","subject":"x"}}',
    "a member twice": b'{"scope":"reports:read","scope":"reports:read"}',
    "a NUL": b'{"principal":"a\\u0000b"}',
}


@pytest.mark.parametrize("name", STOPS)
async def test_t30_a_slip_of_an_operators_pen_stops_nobody(ground: Ground, name: str) -> None:
    operator = ground.reporter("vendor-operator", namespace="platform")
    answer = await ground.ask(request("/v1/revocations", operator, method="POST", body=STOPS[name]), operators=True)
    assert answer.status in (400, 404, 413)
    assert (await ground.ask(request("/v1/revocations", operator), operators=True)).json["revocations"] == []
    assert (await ground.ask(container(ground.reporter()))).status == 200


KEYS: Final = (
    "%00",
    "..",
    "../metrics",
    "a" * 200,
    "ASIA'--",
    "*",
    "%2e%2e%2fmetrics",
    "ASIA%0d%0aX-A:%20a",
    "\u0430",
    "",
)


@pytest.mark.parametrize("key", KEYS)
async def test_t13_a_key_that_is_none_is_nobodys(ground: Ground, key: str) -> None:
    operator = ground.reporter("vendor-operator", namespace="platform")
    for path in (f"/v1/leases/{key}", f"/v1/revocations/{key}"):
        raw = request(path.encode().decode("latin-1"), operator)
        assert (await ground.ask(raw, operators=True)).status in (400, 404)


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=-1", "limit=a", "after=-1", "after=1e9", "limit=1&limit=2", "x=1", "after=%00", "&", "="],
)
async def test_t7_a_query_that_is_none_is_refused(ground: Ground, query: str) -> None:
    operator = ground.reporter("vendor-operator", namespace="platform")
    for path in ("/v1/leases", "/v1/revocations"):
        assert (await ground.ask(request(f"{path}?{query}", operator), operators=True)).code == "invalid_request"
