"""T19: on connections that are kept, and for requests that are under way, no answer is by a rule that is no longer."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest
import pytest_asyncio

from tests.attacks.ground import container, keys_of, sts, twin, with_token
from tests.fakes import faults
from tests.server.http import Answer, Connection, exchange, get, post, request
from tests.server.test_operators import operator
from tests.service import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.fakes.sts_wire import Request

pytestmark = [pytest.mark.attacks, pytest.mark.asyncio(loop_scope="module")]

MONTH: Final = "2026-03"
SCOPE: Final = "reports:read"
DOORS: Final[tuple[Callable[[str], bytes], ...]] = (
    lambda token: container(token, month=MONTH),
    lambda token: twin(token, {"parameters": {"month": MONTH}}),
    lambda token: sts(with_token(token)),
    lambda token: container(f"Bearer {token}", month=MONTH),
)
# What a reload takes away: the passage that changes, and what it becomes.
NARROWED: Final = {
    "the namespace": ("namespace: analytics, service_account", "namespace: finance, service_account"),
    "the service accounts": ('{glob: "batch-*"}', "batch-none"),
    "the audience": ("audience: vendor", "audience: other"),
    "the issuer": ("kind: kubernetes", "kind: kubernetes, algorithms: [ES256]"),
    "the life of tokens": ("kind: kubernetes", "kind: kubernetes, max_token_lifetime: 5m"),
    "the token's own scope": ("kind: kubernetes", "kind: kubernetes, require_token_scope: true"),
    "one more that must match": ("service_account: [reporter", "pod: none, service_account: [reporter"),
}
# What another session comes of, and how that is seen at STS.
CHANGED: Final[dict[str, tuple[str, str, Callable[[Request], bool]]]] = {
    "the resource": ("s3:::reports/", "s3:::archive/", lambda asked: "s3:::archive/" in (asked.policy or "")),
    "the action": ('"s3:GetObject"', '"s3:ListBucket"', lambda asked: "s3:ListBucket" in (asked.policy or "")),
    "the role": (":role/reports", ":role/archive", lambda asked: asked.role_arn.endswith(":role/archive")),
    "the external id": (
        "CANARY-external-id",
        "CANARY-external-id-2",
        lambda asked: asked.parameters["ExternalId"].endswith("-2"),
    ),
    "the tags": (
        'tags: {namespace: "{{ namespace }}"}',
        'tags: {namespace: "{{ namespace }}", team: analytics}',
        lambda asked: asked.tags.get("team") == "analytics",
    ),
    "the duration": ("duration: 1h\n", "duration: 15m\n", lambda asked: asked.parameters["DurationSeconds"] == "900"),
}
REVOKED: Final[dict[str, dict[str, Any]]] = {
    "principals": {"attributes": {"service_account": {"glob": "batch-*"}}},
    "a namespace": {"attributes": {"namespace": "analytics"}},
    "the scope": {"scope": SCOPE},
    "an issuer": {"issuer": "cluster-a"},
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    environ = {"PYTHONOPTIMIZE": "1"}
    async with World(tmp_path_factory.mktemp("world"), environ=environ) as running:
        yield running
        assert not [line for line in running.service.log if '"defect"' in line or "Traceback" in line]


class Kept:
    """Connections that are never closed, one of each of some principals, who ask at all of the doors in turn."""

    def __init__(self, world: World, prefix: str) -> None:
        self._world = world
        self._tokens = [world.token(f"batch-{prefix}-{number}") for number in range(len(DOORS) * 2)]
        self._connections: list[Connection] = []

    async def ask(self) -> list[Answer]:
        """Return what each is answered, twice: the second request goes out before the first is answered."""
        return [one for pair in await asyncio.gather(*map(self._ask, range(len(self._tokens)))) for one in pair]

    async def _ask(self, number: int) -> list[Answer]:
        raw, connection = DOORS[number % len(DOORS)](self._tokens[number]), self._connections[number]
        await connection.send(raw, raw)
        return [await connection.read(), await connection.read()]

    @classmethod
    @asynccontextmanager
    async def open(cls, world: World, prefix: str) -> AsyncIterator[Kept]:
        """Connect, and be served once."""
        kept = cls(world, prefix)
        async with AsyncExitStack() as stack:
            for _ in kept._tokens:
                connection = await stack.enter_async_context(await Connection.open(world.service.public))
                kept._connections.append(connection)
            assert {answer.status for answer in await kept.ask()} == {200}
            yield kept


@asynccontextmanager
async def reloaded(world: World, old: str, new: str) -> AsyncIterator[None]:
    """Serve a configuration with a passage changed, from when it has been taken until the block ends."""
    path = world.folder / "vendor.yaml"
    good = path.read_text()
    assert good.count(old) == 1, old
    await _put(world, good.replace(old, new))
    try:
        yield
    finally:
        await _put(world, good)


async def _put(world: World, text: str) -> None:
    before = await _generation(world)
    other = world.folder / "vendor.yaml.new"
    other.write_text(text)
    other.rename(world.folder / "vendor.yaml")
    async with asyncio.timeout(30):
        while await _generation(world) == before:  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.05)


async def _generation(world: World) -> float:
    told = (await get(world.service.operations, "/metrics")).body.decode()
    (line,) = [line for line in told.splitlines() if line.startswith("vendor_config_generation ")]
    return float(line.rpartition(" ")[2])


@pytest.mark.parametrize("what", NARROWED, ids=[f"T19 {what}" for what in NARROWED])
async def test_t19_what_a_reload_takes_away_no_kept_connection_has_any_longer(world: World, what: str) -> None:
    """T19: narrowed: {what} is decided by on connections that were there before, at every door."""
    old, new = NARROWED[what]
    async with Kept.open(world, f"narrowed-{list(NARROWED).index(what)}") as kept:
        async with reloaded(world, old, new):
            answers = await kept.ask()
            assert {answer.status for answer in answers} <= {400, 401, 403}
            assert not [key for answer in answers for key in keys_of(answer)]
        assert {answer.status for answer in await kept.ask()} == {200}


@pytest.mark.parametrize("what", CHANGED, ids=[f"T19 {what}" for what in CHANGED])
async def test_t19_what_was_made_by_an_old_rule_is_lent_to_nobody(world: World, what: str) -> None:
    """T19: every key that comes over a kept connection once a session is another one was made as it is now."""
    old, new, is_new = CHANGED[what]
    async with Kept.open(world, f"changed-{list(CHANGED).index(what)}") as kept:
        async with reloaded(world, old, new):
            answers = await kept.ask()
        # By the STS door a role is asked for by its name, and another one is not had.
        keys = [key for answer in answers for key in keys_of(answer)]
        assert len(keys) >= len(answers) * 3 // 4
        assert all(is_new(world.sts.issued[key]) for key in keys)


@pytest.mark.parametrize("what", ["the namespace", "the audience", "the life of tokens"])
async def test_t19_a_request_that_waits_for_sts_is_decided_again(world: World, what: str) -> None:
    """T19: a reload that takes away what a request under way asks for is what answers it."""
    old, new = NARROWED[what]
    token = world.token(f"batch-waiting-{list(NARROWED).index(what)}")
    sent = len(world.sts.requests)
    world.sts.fault(faults.HOLD)
    async with asyncio.timeout(10), await Connection.open(world.service.public) as connection:
        await connection.send(container(token))
        await world.sts.arrived(sent + 1)
        async with reloaded(world, old, new):
            world.sts.heal()
            answer = await connection.read()
    assert answer.status in (401, 403, 503)
    assert keys_of(answer) == []


@pytest.mark.parametrize("what", REVOKED, ids=[f"T19 {what}" for what in REVOKED])
async def test_t19_who_is_stopped_is_stopped_on_every_kept_connection(world: World, what: str) -> None:
    """T19: from the answer to the operator on nothing is lent over any connection, and it is again when let on."""
    async with Kept.open(world, f"stopped-{list(REVOKED).index(what)}") as kept:
        made = await post(world.service.operations, "/v1/revocations", operator(world), REVOKED[what])
        assert made.status == 201, made.body
        answers = await kept.ask()
        assert {answer.status for answer in answers} == {403}
        assert {answer.code for answer in answers if answer.headers["content-type"] != "text/xml"} == {"revoked"}
        lifted = request(f"/v1/revocations/{made.json['id']}", operator(world), method="DELETE")
        assert (await exchange(world.service.operations, lifted)).status == 200
        assert {answer.status for answer in await kept.ask()} == {200}


async def test_t19_who_is_no_operator_any_longer_reads_and_stops_nothing(world: World) -> None:
    """T19: the operators' listener decides afresh too."""
    token = operator(world)
    async with await Connection.open(world.service.operations) as connection:
        await connection.send(request("/v1/leases", token))
        assert (await connection.read()).status == 200
        async with reloaded(world, "service_account: vendor-operator", "service_account: another"):
            for raw in (
                request("/v1/leases", token),
                request("/v1/revocations", token, method="POST", body=b'{"scope":"reports:read"}'),
            ):
                await connection.send(raw)
                assert (await connection.read()).status == 403
