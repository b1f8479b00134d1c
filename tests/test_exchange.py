"""The order of the steps, and what becomes of a failure in each."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes import tokens
from tests.fakes.clock import START, Clock
from tests.fakes.keys import SigningKey, make_key
from tests.leases.test_revocations import revocation
from tests.made import SECRET, TOKEN, credentials, scope
from vendor.allowance import Allowance
from vendor.audit import Door, Entry, Ledger, SinkError, Source
from vendor.credentials import Secret
from vendor.exchange import Exchange, Request
from vendor.identity.authentication import Authenticator, TrustedIssuer, VerificationKey
from vendor.identity.issuer import GivenKeys, Issuer, Kind
from vendor.leases.expiry import ExpiryLedger
from vendor.leases.leases import Leases
from vendor.leases.revocations import Revocations
from vendor.policy import decision
from vendor.policy.decision import Asked
from vendor.policy.grant import Grant, Scope
from vendor.policy.matcher import Equal
from vendor.policy.mint import AssumeRole, WebIdentity
from vendor.policy.opened import Opened
from vendor.policy.proof import NO_PROOF
from vendor.policy.template import Text
from vendor.refusals import (
    AccessDenied,
    AuditUnavailable,
    Code,
    InvalidRequest,
    InvalidToken,
    IssuerUnavailable,
    MissingToken,
    PolicyTooLarge,
    RateLimited,
    Reason,
    Refusal,
    Revoked,
    StsUnavailable,
)

if TYPE_CHECKING:
    from vendor.credentials import Credentials
    from vendor.leases.lane import Lane
    from vendor.leases.lease import Lease
    from vendor.leases.revocation import Revocation
    from vendor.policy.proof import Proof
    from vendor.policy.session import RoleSession

ISSUER = "https://issuer.example.com"
SUBJECT = "reporter"
STEPS = ("keys", "permit", "open", "mint", "record")


class DefectError(Exception):
    """What no part ever raises on purpose."""


@dataclass
class Trouble:
    """What goes wrong or happens meanwhile in each step, and the order in which the steps were taken."""

    taken: list[str] = field(default_factory=list)
    failures: dict[str, Exception] = field(default_factory=dict)
    hangs: str = ""
    meanwhile: dict[str, Callable[[], None]] = field(default_factory=dict)

    def step(self, name: str) -> None:
        self.taken.append(name)
        self.meanwhile.pop(name, lambda: None)()
        if name in self.failures:
            raise self.failures[name]

    async def wait(self, name: str) -> None:
        self.step(name)
        if self.hangs == name:
            await asyncio.Event().wait()


@dataclass
class Keys:
    """One key."""

    trouble: Trouble
    key: SigningKey
    generation: int = 1

    async def find(self, key_id: str) -> VerificationKey:
        await self.trouble.wait("keys")
        public: Any = self.key.private.public_key()
        return VerificationKey(algorithm=self.key.algorithm, public_key=public)


@dataclass
class Scopes(Mapping[str, Scope]):
    """Scopes of a configuration, some of which can be taken away."""

    trouble: Trouble
    held: dict[str, Scope]

    def __getitem__(self, name: str) -> Scope:
        self.trouble.step("permit")
        return self.held[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.held)

    def __len__(self) -> int:
        return len(self.held)


@dataclass
class Mint:
    """Mints at once."""

    trouble: Trouble
    clock: Clock
    shown: list[Proof] = field(default_factory=list)

    async def mint(self, session: RoleSession, *, lane: Lane, proof: Proof) -> Credentials:
        self.shown.append(proof)
        await self.trouble.wait("mint")
        return credentials(session, now=self.clock.now())


@dataclass
class Sink:
    """Keeps the lines."""

    trouble: Trouble
    lines: list[bytes] = field(default_factory=list)

    async def write(self, line: bytes, withheld: Callable[[], bytes] | None = None) -> None:
        self.lines.append(line)
        await self.trouble.wait("record")

    def owe(self, withheld: Callable[[], bytes]) -> None:
        self.lines.append(withheld())


@dataclass(frozen=True)
class Role(Text):
    """A role whose filling is a step of its own."""

    trouble: Trouble = field(compare=False)

    def fill(self, values: Mapping[str, str]) -> str:
        self.trouble.step("open")
        return Text.fill(self, values)


class World:
    """An exchange between real parts and troubled edges."""

    def __init__(self, *, refuse: bool = True, enforced: bool = True, burst: int = 1_000) -> None:
        self.clock = Clock()
        self.trouble = Trouble()
        self.key = make_key("EdDSA")
        self.sink = Sink(self.trouble)
        self.entries: list[Entry] = []
        role = Role(("arn:aws:iam::111122223333:role/reports",), self.trouble)
        grant = Grant(issuer="generic", where=(("subject", Equal(SUBJECT)),))
        only = scope(grants=(grant,), mint=AssumeRole(role=role, external_id=None), enforced=enforced)
        self.scopes = Scopes(self.trouble, {only.name: only})
        ledger = Ledger(sink=self.sink, observe=self.entries.append, clock=self.clock, refuse=refuse)
        self.revocations = Revocations(clock=self.clock)
        self.allowance = Allowance(clock=self.clock, rate=1, burst=burst)
        self.mint = Mint(self.trouble, self.clock)
        self.issuer = TrustedIssuer(issuer=_issuer(), keys=Keys(self.trouble, self.key))
        self.exchange = Exchange(
            authenticator=Authenticator(issuers={ISSUER: self.issuer}, clock=self.clock),
            mapping=decision.Mapping(scopes=self.scopes, generation=1),
            revocations=self.revocations,
            allowance=self.allowance,
            leases=Leases(mint=self.mint, clock=self.clock, expiry=ExpiryLedger(clock=self.clock)),
            ledger=ledger,
            clock=self.clock,
        )
        self.exchange.mapping.terms(only, ISSUER)
        self.trouble.taken.clear()  # the mapping looked at all scopes once, and at each when it made its terms

    def token(self, **claims: Any) -> str:
        at = int(self.clock.now().timestamp())
        payload = {"iss": ISSUER, "sub": SUBJECT, "aud": "vendor", "iat": at, "exp": at + 36_000, **claims}
        header = {"alg": "EdDSA", "kid": self.key.kid, "typ": "JWT"}
        return tokens.signed(tokens.write(header), tokens.write(payload), key=self.key)

    async def ask(self, *, within: float = 30.0, **changes: Any) -> Lease:
        request = Request(
            request_id="0123456789abcdef",
            door=Door.CONTAINER,
            token=self.token(),
            asked=Asked(scope="reports:read"),
            began=self.clock.monotonic(),
            deadline=self.clock.monotonic() + within,
        )
        return await self.exchange.exchange(request._replace(**changes))

    async def refusal(self, **changes: Any) -> Refusal:
        with pytest.raises(Refusal) as refused:
            await self.ask(**changes)
        return refused.value

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.sink.lines]


def _issuer() -> Issuer:
    return Issuer(
        name="generic",
        url=ISSUER,
        audience="vendor",
        kind=Kind.GENERIC,
        keys=GivenKeys(b""),
        algorithms=("EdDSA",),
        extra_attributes=(),
        max_token_lifetime=timedelta(hours=24),
        leeway=timedelta(seconds=30),
        strict_aud=True,
        allow_private_addresses=False,
    )


@pytest.fixture
def world() -> World:
    return World()


async def test_it_authenticates_decides_opens_lends_and_records_in_this_order(world: World) -> None:
    lease = await world.ask()
    assert tuple(world.trouble.taken) == STEPS
    (line,) = world.lines()
    assert (line["outcome"], line["source"], line["subject"]) == ("issued", "sts", SUBJECT)
    assert line["access_key_id"] == lease.credentials.access_key_id
    (entry,) = world.entries
    assert (entry.outcome, entry.source) == ("issued", Source.STS)


async def test_what_a_door_needs_to_hand_a_lease_out_is_a_part_of_the_exchange(world: World) -> None:
    handed: list[Lease] = []

    async def then(lease: Lease) -> None:
        assert world.sink.lines == []
        handed.append(lease)

    assert handed == [await world.ask(then=then)]

    async def refused(_: Lease) -> None:
        raise StsUnavailable(Reason.NO_ANSWER, detail="no page")

    assert (await world.refusal(then=refused)).reason is Reason.NO_ANSWER
    line = world.lines()[-1]
    assert (line["outcome"], line["code"], line["access_key_id"]) == ("refused", "sts_unavailable", None)


async def test_the_token_is_shown_to_aws_only_where_it_is_asked_about_it(world: World) -> None:
    await world.ask()
    role = Text.parse("arn:aws:iam::111122223333:role/reports")
    world.scopes.held["reports:read"] = replace(world.scopes.held["reports:read"], mint=WebIdentity(role=role))
    world.exchange.switch(
        authenticator=Authenticator(issuers={ISSUER: world.issuer}, clock=world.clock),
        mapping=decision.Mapping(scopes=world.scopes, generation=2),
    )
    token = world.token()
    await world.ask(token=token)
    assert [proof.token for proof in world.mint.shown] == [None, Secret(token)]


async def test_what_aws_reads_in_the_token_makes_another_session_where_it_is_shown_the_token_t17(world: World) -> None:
    tags = "https://aws.amazon.com/tags"
    told: list[dict[str, Any]] = [{tags: {"principal_tags": {"team": [team]}}} for team in "ab"]
    told += [{}, {"https://aws.amazon.com/source_identity": "ada"}, {"cognito:preferred_role": "arn"}]
    told += [{"department": "sales"}, {"amr": ["otp"]}]
    for claims in told:
        await world.ask(token=world.token(**claims))
    assert len(world.mint.shown) == 1
    role = Text.parse("arn:aws:iam::111122223333:role/reports")
    world.scopes.held["reports:read"] = replace(world.scopes.held["reports:read"], mint=WebIdentity(role=role))
    world.exchange.switch(
        authenticator=Authenticator(issuers={ISSUER: world.issuer}, clock=world.clock),
        mapping=decision.Mapping(scopes=world.scopes, generation=2),
    )
    world.mint.shown.clear()
    for claims in [*told, *told]:
        await world.ask(token=world.token(**claims, jti=str(len(world.sink.lines))))
    assert len(world.mint.shown) == len(told)


async def test_what_is_held_is_not_opened_again_however_many_ask_meanwhile_and_is_decided_afresh(world: World) -> None:
    world.exchange.switch(
        authenticator=Authenticator(issuers={ISSUER: world.issuer}, clock=world.clock),
        mapping=decision.Mapping(scopes=world.scopes, generation=2, opened=Opened(most=1)),
    )
    tokens = [world.token(jti=str(number)) for number in range(3)]
    for token in tokens:
        await world.ask(token=token)
    world.trouble.taken.clear()
    assert len({id(await world.ask(token=token)) for token in tokens * 2}) == 1
    assert (world.trouble.taken.count("permit"), world.trouble.taken.count("open")) == (6, 0)
    stop(world)
    assert (await world.refusal(token=tokens[0])).code is Code.REVOKED
    world.revocations.lift("r-1")
    await world.exchange._leases.forget(lambda _: True)
    world.trouble.taken.clear()
    await world.ask(token=tokens[0])
    assert world.trouble.taken == ["permit", "open", "mint", "record"]


async def test_what_its_door_could_not_read_is_written_down_and_nothing_else_is_done(world: World) -> None:
    refused = InvalidRequest(Reason.MALFORMED_REQUEST)
    assert await world.refusal(refused=refused) is refused
    assert world.trouble.taken == ["record"]
    (line,) = world.lines()
    assert (line["code"], line["scope"], line["issuer"]) == ("invalid_request", "reports:read", None)


async def test_the_rest_of_a_request_is_read_once_it_is_known_who_asks_and_written_down(world: World) -> None:
    read: list[str] = []

    async def body() -> tuple[Asked, Proof]:
        read.append("body")
        return Asked(scope="reports:read", duration=timedelta(seconds=900)), NO_PROOF

    refused = await world.refusal(token="no.token.here", body=body)
    assert (refused.code, read) == ("invalid_token", [])
    assert (await world.ask(body=body)).session.duration == timedelta(seconds=900)
    assert read == ["body"]
    assert [line["asked_duration_seconds"] for line in world.lines()] == [None, 900]


@pytest.mark.parametrize("step", STEPS)
async def test_a_defect_in_any_step_yields_no_lease_and_is_recorded_as_one(world: World, step: str) -> None:
    world.trouble.failures[step] = DefectError(f"a text with {SECRET}")
    with pytest.raises(DefectError):
        await world.ask()
    assert tuple(world.trouble.taken) == (*STEPS[: STEPS.index(step) + 1], *([] if step == "record" else ["record"]))
    (entry,) = world.entries
    assert (entry.outcome, entry.defect) == ("refused", "DefectError")
    assert SECRET.encode() not in b"".join(world.sink.lines)
    if step != "record":
        (line,) = world.lines()
        assert (line["outcome"], line["code"], line["reason"]) == ("refused", "internal_error", "defect")
        assert (line["detail"], line["access_key_id"]) == ("DefectError", None)


@pytest.mark.parametrize(
    ("step", "refusal"),
    [
        ("keys", IssuerUnavailable(Reason.KEYS_UNAVAILABLE)),
        ("permit", AccessDenied(Reason.NO_GRANT)),
        ("open", InvalidRequest(Reason.DURATION)),
        ("mint", StsUnavailable(Reason.NO_ANSWER)),
    ],
)
async def test_a_refusal_in_any_step_is_recorded_once_and_goes_to_the_caller(
    world: World, step: str, refusal: Refusal
) -> None:
    world.trouble.failures[step] = refusal
    refused = await world.refusal()
    assert (refused.code, refused.reason, refused.recorded) == (refusal.code, refusal.reason, True)
    (line,) = world.lines()
    assert (line["outcome"], line["code"], line["reason"]) == ("refused", refusal.code, refusal.reason)
    assert [entry.refusal for entry in world.entries] == [refused]


async def test_a_session_that_sts_cannot_pack_goes_without_its_optional_tags_one_after_another(world: World) -> None:
    held = world.scopes.held["reports:read"]
    tags = tuple((key, Text.parse(key)) for key in ("kept", "second", "first"))
    template = replace(held.session, tags=tags, optional_tags=("first", "second"))
    world.scopes.held["reports:read"] = replace(held, session=template)
    world.trouble.failures["mint"] = PolicyTooLarge(Reason.PACKED_SIZE, detail="said by STS")
    refused = await world.refusal()
    assert (type(refused), refused.detail) == (PolicyTooLarge, "said by STS")
    assert world.trouble.taken.count("mint") == 3
    (line,) = world.lines()
    assert (line["tags"], line["dropped_tags"], line["code"]) == ({"kept": "kept"}, ["first", "second"], refused.code)


async def test_a_refusal_that_one_mint_gave_to_many_is_recorded_for_each(world: World) -> None:
    world.trouble.failures["mint"] = StsUnavailable(Reason.NO_ANSWER)
    refused = await asyncio.gather(*(world.refusal() for _ in range(5)))
    assert len(set(map(id, refused))) == 5
    assert len(world.entries) == len(world.lines()) == 5
    assert world.trouble.taken.count("mint") == 1


async def test_without_a_line_there_is_no_lease(world: World) -> None:
    world.trouble.failures["record"] = SinkError("disk full")
    refused = await world.refusal()
    assert isinstance(refused, AuditUnavailable)
    assert (refused.reason, refused.detail, refused.retry_after) == (Reason.SINK, "disk full", 2)
    assert refused.recorded
    (entry,) = world.entries
    assert (entry.outcome, entry.refusal) == ("refused", refused)


async def test_without_a_line_there_is_a_lease_where_the_configuration_says_continue() -> None:
    world = World(refuse=False)
    world.trouble.failures["record"] = SinkError("disk full")
    assert (await world.ask()).credentials.session_token.reveal() == TOKEN
    assert world.entries[0].outcome == "issued"


async def test_a_refusal_stays_itself_when_its_line_cannot_be_written(world: World) -> None:
    world.trouble.failures = {"record": SinkError("disk full"), "permit": AccessDenied(Reason.NO_GRANT)}
    assert isinstance(await world.refusal(), AccessDenied)
    assert world.entries[0].outcome == "refused"


async def test_a_request_without_a_token_is_refused_and_recorded_with_nobody(world: World) -> None:
    refused = await world.refusal(token=None)
    assert (type(refused), refused.reason) == (MissingToken, Reason.NO_TOKEN)
    assert world.trouble.taken == ["record"]
    (line,) = world.lines()
    assert (line["issuer"], line["subject"], line["attributes"], line["token_sha256"]) == (None, None, {}, None)
    assert (line["scope"], line["code"]) == ("reports:read", "missing_token")


@pytest.mark.parametrize("token", ["", "not a token", "\ud800", "a" * 100_000])
async def test_a_request_that_proves_nothing_is_recorded_with_nobody_and_the_digest_alone(
    world: World, token: str
) -> None:
    refused = await world.refusal(token=token)
    assert isinstance(refused, InvalidToken)
    (line,) = world.lines()
    assert (line["issuer"], line["subject"]) == (None, None)
    assert len(line["token_sha256"]) == 64


async def test_keys_that_do_not_come_in_time_are_an_issuer_that_is_unavailable(world: World) -> None:
    world.trouble.hangs = "keys"
    refused = await world.refusal(within=0.01)
    assert (type(refused), refused.reason) == (IssuerUnavailable, Reason.DEADLINE)
    assert world.lines()[0]["code"] == "issuer_unavailable"
    refused = await world.refusal(within=-1.0)
    assert refused.reason is Reason.DEADLINE


async def test_a_mint_that_does_not_come_in_time_is_an_sts_that_is_unavailable(world: World) -> None:
    world.trouble.hangs = "mint"
    refused = await world.refusal(within=0.05)
    assert (type(refused), refused.reason) == (StsUnavailable, Reason.DEADLINE)


async def test_a_caller_whose_grant_is_gone_is_refused_although_a_lease_is_held(world: World) -> None:
    await world.ask()
    before = world.scopes.held["reports:read"]
    grant = Grant(issuer="generic", where=(("subject", Equal("somebody-else")),))
    world.scopes.held["reports:read"] = replace(before, grants=(grant,))
    refused = await world.refusal()
    assert (type(refused), refused.reason) == (AccessDenied, Reason.NO_GRANT)
    del world.scopes.held["reports:read"]
    assert (await world.refusal()).reason is Reason.UNKNOWN_SCOPE
    world.scopes.held["reports:read"] = before
    await world.ask()
    assert world.entries[-1].source is Source.MEMORY


async def test_a_warm_request_verifies_and_mints_nothing_but_is_decided_and_recorded(world: World) -> None:
    await world.ask()
    world.trouble.taken.clear()
    await world.ask()
    assert world.trouble.taken == ["permit", "record"]
    assert world.lines()[1]["source"] == "memory"


async def test_two_principals_with_the_same_request_get_credentials_of_their_own() -> None:
    world = World(enforced=False)
    mine = await world.ask()
    theirs = await world.ask(token=world.token(sub="somebody-else"))
    assert mine.credentials.access_key_id != theirs.credentials.access_key_id
    assert [line["would_refuse"] for line in world.lines()] == [False, True]


async def test_the_time_from_the_request_to_its_line_is_recorded(world: World) -> None:
    began = world.clock.monotonic()
    world.clock.advance(0.125)
    await world.ask(began=began)
    assert world.lines()[0]["seconds"] == 0.125


async def test_an_exchange_that_is_cancelled_leaves_a_line_and_no_lease(world: World) -> None:
    world.trouble.hangs = "mint"
    asking = asyncio.create_task(world.ask())
    async with asyncio.timeout(10):
        while "mint" not in world.trouble.taken:  # noqa: ASYNC110 - only the list knows
            await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    (line,) = world.lines()
    assert (line["outcome"], line["access_key_id"]) == ("refused", None)


async def test_who_asks_can_be_learnt_without_an_exchange(world: World) -> None:
    token = world.token()
    deadline = world.clock.monotonic() + 30
    assert (await world.exchange.authenticate(token, deadline=deadline)).subject == SUBJECT
    assert (await world.exchange.authenticate(token, deadline=deadline)).subject == SUBJECT
    assert world.trouble.taken == ["keys"]
    for nothing in (None, ""):
        with pytest.raises((MissingToken, InvalidToken)):
            await world.exchange.authenticate(nothing, deadline=deadline)


def test_what_it_judges_by_is_the_clock_that_it_was_given(world: World) -> None:
    assert world.exchange.now() == world.clock.now()


def stopped(**changes: Any) -> Revocation:
    return revocation(**{"subject": SUBJECT, "until": START + timedelta(days=1), **changes})


def stop(world: World) -> None:
    world.revocations.add(stopped())


async def test_who_is_stopped_is_refused_although_a_lease_is_held_t19(world: World) -> None:
    await world.ask()
    world.trouble.taken.clear()
    world.revocations.add(stopped(scope="reports:read"))
    refused = await world.refusal()
    assert (type(refused), refused.reason, refused.recorded) == (Revoked, Reason.REVOKED, True)
    assert world.trouble.taken == ["permit", "record"]
    assert (world.lines()[-1]["code"], world.lines()[-1]["grant"]) == ("revoked", 0)
    world.revocations.lift("r-1")
    assert (await world.ask()).session.subject == SUBJECT


async def test_who_may_not_have_the_scope_is_not_told_that_it_is_stopped(world: World) -> None:
    world.revocations.add(stopped(subject=None, scope="reports:read"))
    assert isinstance(await world.refusal(token=world.token(sub="somebody-else")), AccessDenied)


@pytest.mark.parametrize("step", ["keys", "open", "mint"])
async def test_who_is_stopped_on_the_way_is_refused_and_the_line_says_so_t19(world: World, step: str) -> None:
    world.trouble.meanwhile[step] = lambda: stop(world)
    assert isinstance(await world.refusal(), Revoked)
    (line,) = world.lines()
    assert (line["outcome"], line["code"], line["access_key_id"]) == ("refused", "revoked", None)


async def test_no_lease_leaves_to_who_is_stopped_while_the_line_is_written_t19(world: World) -> None:
    world.trouble.meanwhile["record"] = lambda: stop(world)
    refused = await world.refusal()
    assert (type(refused), refused.recorded) == (Revoked, False)
    issued, withheld = world.lines()[-2:]
    assert (issued["outcome"], withheld["event"], withheld["code"]) == ("issued", "withheld", "revoked")
    assert (issued["request_id"], issued["access_key_id"]) == (withheld["request_id"], withheld["access_key_id"])
    assert world.lines()[0]["outcome"] == "issued", "a line too many, never one too few"


async def test_an_explanation_says_that_somebody_is_stopped(world: World) -> None:
    principal = await world.exchange.authenticate(world.token(), deadline=world.clock.monotonic() + 30)
    asked = Asked(scope="reports:read")
    before = world.exchange.explain(principal, asked)
    assert before.refusal is None
    world.revocations.add(stopped())
    after = world.exchange.explain(principal, asked)
    assert (type(after.refusal), after.session, after.permission) == (Revoked, None, before.permission)
    assert world.exchange.explain(principal, Asked(scope="reports:none")).permission is None


async def test_a_principal_that_asks_too_often_is_refused_with_its_name_in_the_line_and_no_other_is_t33() -> None:
    world = World(burst=2)
    for _ in range(2):
        assert (await world.refusal(asked=Asked(scope="no-such"))).code is Code.ACCESS_DENIED
    world.trouble.taken.clear()
    refusal = await world.refusal()
    assert (refusal.code, refusal.reason, refusal.retry_after) == (Code.RATE_LIMITED, Reason.RATE, 1)
    assert "mint" not in world.trouble.taken
    line = world.lines()[-1]
    assert (line["code"], line["subject"], line["scope"]) == ("rate_limited", SUBJECT, "reports:read")
    other = await world.refusal(token=world.token(sub="other"))
    assert other.code is Code.ACCESS_DENIED
    world.clock.advance(1)
    await world.ask()


async def test_what_is_held_may_be_asked_for_as_often_as_one_likes() -> None:
    world = World(burst=2)
    for _ in range(50):
        await world.ask()
    assert (await world.refusal(asked=Asked(scope="no-such"))).code is Code.ACCESS_DENIED
    assert (await world.refusal(asked=Asked(scope="no-such"))).code is Code.RATE_LIMITED


async def test_what_is_held_is_lent_to_who_asks_too_often_too_and_nothing_else_is() -> None:
    world = World(burst=2)
    lent = await world.ask()
    assert (await world.refusal(asked=Asked(scope="no-such"))).code is Code.ACCESS_DENIED
    for asked in (Asked(scope="no-such"), Asked(scope="reports:read", parameters={"no-such": "x"})):
        assert (await world.refusal(asked=asked)).code is Code.RATE_LIMITED
    assert await world.ask() is lent
    assert (world.lines()[-1]["outcome"], world.lines()[-1]["source"]) == ("issued", "memory")
    assert (
        await world.refusal(asked=Asked(scope="reports:read", parameters={"month": "2026-07"}))
    ).code == "rate_limited"
    assert (await world.refusal(then=_link)).code is Code.RATE_LIMITED
    assert world.trouble.taken.count("mint") == 1
    world.clock.advance(1)
    assert (await world.refusal(asked=Asked(scope="no-such"))).code is Code.ACCESS_DENIED, "nothing was given back"
    assert (await world.refusal(asked=Asked(scope="no-such"))).code is Code.RATE_LIMITED
    stop(world)
    assert (await world.refusal()).code is Code.RATE_LIMITED, "what it may not have is not there"


async def _link(_lease: Lease) -> None:
    """Stand for what the console's door asks AWS for."""


async def test_what_is_held_is_lent_as_it_is_to_who_asks_too_often() -> None:
    world = World(burst=2)
    lent = await world.ask()
    world.clock.advance(3_000)
    for _ in range(2):
        assert (await world.refusal(asked=Asked(scope="no-such"))).code is Code.ACCESS_DENIED
    assert await world.ask() is lent
    assert world.trouble.taken.count("mint") == 1
    world.clock.advance(3_000)
    for _ in range(2):
        assert (await world.refusal(asked=Asked(scope="no-such"))).code is Code.ACCESS_DENIED
    assert (await world.refusal()).code is Code.RATE_LIMITED


async def test_each_link_to_the_console_counts_as_it_costs_a_request_of_its_own_t33() -> None:
    world = World(burst=2)
    for _ in range(2):
        await world.ask(then=_link)
    assert (await world.refusal(then=_link)).code is Code.RATE_LIMITED


async def test_who_only_looks_may_not_look_too_often_either() -> None:
    world = World(burst=2)
    for _ in range(2):
        await world.exchange.admit(world.token(), deadline=world.clock.monotonic() + 1)
    with pytest.raises(RateLimited):
        await world.exchange.admit(world.token(), deadline=world.clock.monotonic() + 1)


def test_the_audience_of_an_issuer_is_told_and_of_no_other(world: World) -> None:
    assert world.exchange.audience(ISSUER)
    assert world.exchange.audience("https://other.example.com") is None


def test_issuers_are_told_by_their_names_or_all_of_them(world: World) -> None:
    assert [issuer.url for issuer in world.exchange.issuers(None)] == [ISSUER]
    assert world.exchange.issuers("no-such") == []
