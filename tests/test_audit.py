"""The audit line: every member, on one line, whatever a caller sent, and never a secret."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from contextlib import nullcontext
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.audit_lines import check
from tests.fakes.clock import START, Clock
from tests.made import EXTERNAL_ID, ROLE, SECRET, SUBJECT, TOKEN, credentials, entry, issued, principal, scope, session
from vendor.audit import LONGEST_TEXT, Door, Entry, Ledger, SinkError, Source
from vendor.policy.decision import Asked
from vendor.policy.granting import Permission
from vendor.refusals import AccessDenied, AuditUnavailable, InvalidToken, Reason, RoleRefused, StsUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

CONTRACT = {
    "event",
    "time",
    "request_id",
    "door",
    "issuer",
    "subject",
    "attributes",
    "scope",
    "parameters",
    "outcome",
    "code",
    "reason",
    "grant",
    "role",
    "session_name",
    "source_identity",
    "duration_seconds",
    "access_key_id",
    "expiration",
    "source",
    "packed_policy_size",
    "policy_sha256",
    "token_sha256",
    "config_generation",
    "seconds",
}


class Sink:
    """Keeps lines, or fails."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.withheld: Callable[[], bytes] | None = None
        self.lines: list[bytes] = []

    async def write(self, line: bytes, withheld: Callable[[], bytes] | None = None) -> None:
        self.withheld = withheld
        if self.failure is not None:
            raise self.failure
        self.lines.append(line)

    def owe(self, withheld: Callable[[], bytes]) -> None:
        self.withheld = withheld


def _read(one: Entry) -> dict[str, Any]:
    line = one.line()
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert line.isascii()
    read: dict[str, Any] = json.loads(line)
    return read


def test_the_line_of_an_issue_holds_every_member_of_the_contract_with_its_value() -> None:
    asked = session()
    assert _read(issued()) == {
        "event": "exchange",
        "time": "2026-03-01T12:00:00.000Z",
        "request_id": "0123456789abcdef",
        "door": "container",
        "outcome": "issued",
        "issuer": "cluster-a",
        "subject": SUBJECT,
        "attributes": {"issuer": "cluster-a", "subject": SUBJECT, "namespace": "analytics"},
        "token_sha256": "a" * 64,
        "token_expires": "2026-03-02T12:00:00Z",
        "token_scopes": None,
        "scope": "reports:read",
        "parameters": {"month": "2026-03"},
        "scope_named": True,
        "asked_role": None,
        "asked_duration_seconds": None,
        "grant": 0,
        "would_refuse": False,
        "target": "aws",
        "action": "AssumeRole",
        "via": [],
        "role": ROLE,
        "session_name": asked.session_name,
        "source_identity": "analytics.reporter",
        "duration_seconds": 3600,
        "not_after": None,
        "policy_sha256": asked.policy_sha256,
        "policy_arns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
        "tags": {"namespace": "analytics", "team": ""},
        "transitive_tags": ["namespace"],
        "dropped_tags": [],
        "access_key_id": f"ASIA/{SUBJECT}/1",
        "expiration": "2026-03-01T13:00:00Z",
        "source": "sts",
        "region": "eu-west-1",
        "packed_policy_size": 6,
        "code": None,
        "reason": None,
        "detail": None,
        "config_generation": 7,
        "seconds": 0.25,
    }


REFUSED = entry(refusal=InvalidToken(Reason.SIGNATURE, detail="bad"))
STAGES = {
    "nobody": entry(token_sha256=None),
    "refused": REFUSED,
    "known": entry(principal=principal()),
    "permitted": entry(principal=principal(), permission=Permission(scope=scope(), grant=1)),
    "opened": entry(principal=principal(), permission=Permission(scope=scope(), grant=0), session=session(policy=None)),
    "issued": issued(door=Door.JSON, source=Source.MEMORY),
}


@pytest.mark.parametrize("stage", STAGES)
def test_every_line_has_every_member_however_far_its_exchange_came(stage: str) -> None:
    assert set(_read(STAGES[stage])) >= CONTRACT


@pytest.mark.parametrize("stage", STAGES)
def test_t23_no_line_holds_a_secret(stage: str) -> None:
    line = STAGES[stage].line().decode()
    assert not [one for one in (SECRET, TOKEN, EXTERNAL_ID) if one in line]


def test_a_refusal_says_its_code_its_reason_and_the_operators_text() -> None:
    line = _read(REFUSED)
    assert (line["outcome"], line["code"], line["reason"], line["detail"]) == (
        "refused",
        "invalid_token",
        "signature",
        "bad",
    )


def test_what_was_lent_and_then_refused_is_not_told_as_issued() -> None:
    line = _read(issued(refusal=AuditUnavailable(Reason.SINK)))
    assert line["outcome"] == "refused"
    assert [line[name] for name in ("access_key_id", "expiration", "source", "region", "packed_policy_size")] == [
        None
    ] * 5


def test_t23_a_defect_says_its_kind_alone() -> None:
    line = _read(issued(defect="ZeroDivisionError"))
    assert (line["outcome"], line["code"], line["reason"], line["detail"]) == (
        "refused",
        "internal_error",
        "defect",
        "ZeroDivisionError",
    )


def test_what_only_mode_audit_let_through_says_so() -> None:
    line = _read(issued(permission=Permission(scope=scope(enforced=False), grant=None)))
    assert (line["outcome"], line["would_refuse"], line["grant"]) == ("issued", True, None)
    assert (line["code"], line["reason"]) == (None, "no_grant")


def test_a_first_grant_is_a_grant_and_no_permission_is_not_mode_audit() -> None:
    assert not issued().would_refuse
    assert not entry().would_refuse


HOSTILE = st.text(max_size=50) | st.sampled_from(
    [
        "\n",
        '"}\n{"event":"exchange"',
        "\r\n",
        "\0",
        "\x1b[2J",
        "\u2028\u2029",
        "\ud800",
        "\udfff\ud800",
        "\\",
        "é",
        "😀",
    ]
)


@given(
    asked_scope=st.none() | HOSTILE,
    parameters=st.dictionaries(HOSTILE, HOSTILE, max_size=5),
    subject=HOSTILE,
    attribute=HOSTILE | st.lists(HOSTILE, max_size=3).map(tuple) | st.integers() | st.booleans(),
    detail=HOSTILE,
)
def test_t24_whatever_a_caller_sends_stays_inside_one_line(
    asked_scope: str | None, parameters: dict[str, str], subject: str, attribute: Any, detail: str
) -> None:
    line = _read(
        entry(
            asked=Asked(scope=asked_scope, parameters=parameters),
            principal=principal(subject=subject, attributes={"a": attribute}),
            refusal=AccessDenied(Reason.NO_GRANT, detail=detail),
        )
    )
    assert line["event"] == "exchange"
    assert line["scope"] == asked_scope
    assert line["parameters"] == parameters
    assert line["subject"] == subject
    assert line["attributes"]["a"] == (list(attribute) if isinstance(attribute, tuple) else attribute)
    assert line["detail"] == (detail or "this identity may not have this scope")


def test_t24_long_values_are_capped_wherever_they_stand() -> None:
    long = "x" * 100_000
    line = entry(
        asked=Asked(scope=long, parameters={long: long}),
        principal=principal(subject=long, attributes={"a": long, "list": (long, "short")}),
        refusal=AccessDenied(Reason.NO_GRANT, detail=long),
    ).line()
    assert len(line) < 10 * LONGEST_TEXT
    read = json.loads(line)
    assert read["parameters"] == {"x" * LONGEST_TEXT: "x" * LONGEST_TEXT}
    assert read["attributes"]["list"] == ["x" * LONGEST_TEXT, "short"]


@pytest.mark.parametrize("seconds", [0, 900])
def test_what_was_asked_for_is_told_apart_from_what_came_of_it(seconds: int) -> None:
    line = _read(entry(asked=Asked(scope=None, duration=timedelta(seconds=seconds))))
    assert (line["scope_named"], line["asked_duration_seconds"], line["duration_seconds"]) == (False, seconds, None)


def test_the_scopes_that_a_token_is_for_are_told_and_none_at_all_is_not_no_limit() -> None:
    told = [
        _read(entry(principal=principal(token_scopes=scopes)))["token_scopes"]
        for scopes in (None, frozenset[str](), frozenset({"b", "a"}))
    ]
    assert told == [None, [], ["a", "b"]]


def test_what_is_just_not_too_long_is_whole() -> None:
    assert _read(entry(asked=Asked(scope="x" * LONGEST_TEXT)))["scope"] == "x" * LONGEST_TEXT


async def test_t26_the_line_is_written_before_the_exchange_ends_and_then_observed() -> None:
    sink, clock = Sink(), Clock()
    observed: list[Entry] = []
    ledger = Ledger(sink=sink, observe=observed.append, clock=clock)
    began = clock.monotonic()
    async with ledger.recorded(entry(), began=began) as one:
        clock.advance(0.5)
        one.principal = principal()
        assert (sink.lines, observed) == ([], [])
    assert json.loads(sink.lines[0])["subject"] == SUBJECT
    assert (observed, one.seconds) == ([one], 0.5)


class Slow(Sink):
    """Keeps a line after so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    async def write(self, line: bytes, withheld: Callable[[], bytes] | None = None) -> None:
        await asyncio.sleep(self._seconds)
        await super().write(line, withheld)


@pytest.mark.parametrize("refuse", [True, False])
async def test_a_line_is_waited_for_until_the_deadline_of_its_exchange_and_no_longer(*, refuse: bool) -> None:
    observed: list[Entry] = []
    clock, loop = Clock(), asyncio.get_running_loop()
    ledger = Ledger(sink=Slow(30), observe=observed.append, clock=clock, refuse=refuse)
    for spent in (0.9, 0.94):
        began = clock.monotonic()
        since = loop.time()
        with pytest.raises(AuditUnavailable) if refuse else nullcontext():
            async with ledger.recorded(issued(), began=began, deadline=began + 0.9):
                clock.advance(spent)
        assert loop.time() - since < 10
    assert [one.unwritten for one in observed] == ["it was not written in time"] * 2


@pytest.mark.parametrize(("spent", "seconds"), [(0.0, 0.02), (0.69, 0.02), (0.74, 0.02), (5.0, 0.2)])
async def test_a_line_that_is_late_is_written_all_the_same_while_there_is_time(spent: float, seconds: float) -> None:
    clock, sink = Clock(), Slow(seconds)
    async with Ledger(sink=sink, observe=lambda _: None, clock=clock).recorded(
        issued(), began=clock.monotonic(), deadline=clock.monotonic() + 0.7
    ):
        clock.advance(spent)
    assert len(sink.lines) == 1


async def test_t26_a_sink_that_fails_unexpectedly_is_a_defect_and_no_issue() -> None:
    observed: list[Entry] = []
    ledger = Ledger(sink=Sink(ZeroDivisionError()), observe=observed.append, clock=Clock(), refuse=False)
    with pytest.raises(ZeroDivisionError):
        async with ledger.recorded(issued(), began=0.0):
            pass
    assert (observed[0].outcome, observed[0].defect) == ("refused", "ZeroDivisionError")


async def test_t26_a_line_that_cannot_be_made_is_a_defect_and_no_issue() -> None:
    observed: list[Entry] = []
    ledger = Ledger(sink=Sink(), observe=observed.append, clock=Clock())
    with pytest.raises(TypeError):
        async with ledger.recorded(issued(), began=0.0) as one:
            one.principal = principal(attributes={"a": object()})
    assert observed[0].outcome == "refused"


@pytest.mark.parametrize("refuse", [True, False])
async def test_a_refusal_is_observed_once_and_stays_itself_when_the_sink_fails(*, refuse: bool) -> None:
    observed: list[Entry] = []
    ledger = Ledger(sink=Sink(SinkError("full")), observe=observed.append, clock=Clock(), refuse=refuse)
    with pytest.raises(RoleRefused):
        async with ledger.recorded(entry(), began=0.0):
            raise RoleRefused(Reason.ROLE_DENIED)
    assert [one.refusal.reason for one in observed if one.refusal] == [Reason.ROLE_DENIED]
    assert [one.unwritten for one in observed] == ["full"]


async def test_a_refusal_knows_that_it_was_recorded_and_a_fresh_one_like_it_does_not() -> None:
    ledger = Ledger(sink=Sink(), observe=lambda _: None, clock=Clock())
    with pytest.raises(StsUnavailable) as refused:
        async with ledger.recorded(entry(), began=0.0):
            raise StsUnavailable(Reason.DEADLINE)
    assert refused.value.recorded
    assert not refused.value.again().recorded


def test_the_expiry_is_written_as_the_doors_write_it() -> None:
    late = issued(credentials=credentials(lifetime=timedelta(hours=1)), time=START + timedelta(milliseconds=1.5))
    assert _read(late)["expiration"] == "2026-03-01T13:00:00Z"
    assert _read(late)["time"] == "2026-03-01T12:00:00.001Z"


async def test_a_line_tells_its_own_exchange_whatever_was_told_before() -> None:
    sink = Sink()
    ledger = Ledger(sink=sink, observe=lambda _: None, clock=Clock(), capacity=2)
    base = issued()
    assert base.permission
    assert base.session
    others = [
        issued(token_sha256="f" * 64, principal=principal(attributes={"namespace": "other"})),
        issued(permission=base.permission._replace(grant=7)),
        issued(permission=base.permission._replace(grant=None)),
        issued(session=dataclasses.replace(base.session, source_identity="other")),
        issued(credentials=dataclasses.replace(credentials(), access_key_id="ASIAOTHER")),
        issued(credentials=credentials(lifetime=timedelta(hours=2))),
        issued(request_id="another", source=Source.MEMORY, door=Door.JSON),
        issued(asked=base.asked._replace(scope=None)),
        issued(asked=base.asked._replace(duration=timedelta(hours=1))),
    ]
    for one in (base, *others, base, base):
        async with ledger.recorded(one, began=0.0):
            pass
        assert json.loads(sink.lines[-1]) == json.loads(one.line())


async def test_what_is_no_exchange_has_a_line_too() -> None:
    sink = Sink()
    ledger = Ledger(sink=sink, observe=lambda _: None, clock=Clock())
    assert await ledger.tell("revocation", "r-1", {"reason": "x" * 5_000, "number": 1}, needed=True)
    line = json.loads(sink.lines[0])
    assert (line["event"], line["time"], line["request_id"]) == ("revocation", "2026-03-01T12:00:00.000Z", "r-1")
    assert (len(line["reason"]), line["number"]) == (2_048, 1)


async def test_a_line_that_is_needed_is_waited_for_and_any_other_is_told_to_be_missing() -> None:
    for refuse, needed in ((True, False), (False, True), (False, False)):
        ledger = Ledger(sink=Sink(failure=SinkError("disk full")), observe=lambda _: None, clock=Clock(), refuse=refuse)
        assert not await ledger.tell("revocation", "r-1", {}, needed=needed)
    ledger = Ledger(sink=Sink(failure=SinkError("disk full")), observe=lambda _: None, clock=Clock())
    with pytest.raises(AuditUnavailable):
        await ledger.tell("revocation", "r-1", {}, needed=True)


async def test_t26_what_was_not_handed_out_for_want_of_its_line_is_taken_back_should_that_be_written() -> None:
    sink = Sink(SinkError("writing is blocked"))
    ledger = Ledger(sink=sink, observe=lambda _: None, clock=Clock())
    with pytest.raises(AuditUnavailable):
        async with ledger.recorded(issued(), began=0.0):
            pass
    assert sink.withheld is not None
    assert check([sink.withheld()]) == 1
    assert json.loads(sink.withheld()) == {
        "event": "withheld",
        "time": "2026-03-01T12:00:00.000Z",
        "request_id": "0123456789abcdef",
        "access_key_id": credentials().access_key_id,
        "code": "audit_unavailable",
        "reason": "sink",
        "detail": "writing is blocked",
    }


async def test_what_was_done_by_an_operator_is_taken_back_too_where_it_waits_for_its_line() -> None:
    sink = Sink(SinkError("writing is blocked"))
    ledger = Ledger(sink=sink, observe=lambda _: None, clock=Clock())
    with pytest.raises(AuditUnavailable):
        await ledger.tell("revocation", "r-1", {"action": "lifted"}, needed=True)
    assert sink.withheld is not None
    assert check([sink.withheld()]) == 1
    told = json.loads(sink.withheld())
    assert (told["event"], told["request_id"], told["code"]) == ("withheld", "r-1", "audit_unavailable")
    await ledger.tell("revocation", "r-1", {"action": "made"}, needed=False)
    assert sink.withheld is None, "it is done, whether its line is written or not"


@pytest.mark.parametrize("refuse", [True, False])
async def test_only_a_line_whose_caller_goes_by_it_may_be_taken_back(*, refuse: bool) -> None:
    sink = Sink()
    ledger = Ledger(sink=sink, observe=lambda _: None, clock=Clock(), refuse=refuse)
    async with ledger.recorded(issued(), began=0.0):
        pass
    assert (sink.withheld is not None) == refuse
    with pytest.raises(RoleRefused):
        async with ledger.recorded(entry(), began=0.0):
            raise RoleRefused(Reason.ROLE_DENIED)
    assert sink.withheld is None, "it was refused, whether its line is written or not"


def test_what_was_written_can_be_withheld_by_another_line_which_the_sink_owes_from_then_on() -> None:
    sink = Sink()
    ledger = Ledger(sink=sink, observe=lambda _: None, clock=Clock())
    ledger.withhold(issued(), RoleRefused(Reason.ROLE_DENIED))
    assert sink.withheld is not None
    assert check([sink.withheld()]) == 1
    assert json.loads(sink.withheld())["code"] == "role_refused"


@pytest.mark.parametrize("refuse", [True, False])
async def test_what_is_missing_is_written_down_once_there_is_room_for_it_and_nobody_is_served_until_then(
    *, refuse: bool
) -> None:
    clock, sink = Clock(), Sink(SinkError("disk full"))
    ledger = Ledger(sink=sink, observe=lambda _: None, clock=clock, refuse=refuse)
    await ledger.close_gap()
    assert ledger.why_not is None
    for one in (issued(), entry()):
        with pytest.raises(AuditUnavailable) if refuse and one.credentials else nullcontext():
            async with ledger.recorded(one, began=clock.monotonic()):
                clock.advance(2)
    await ledger.tell("revocation", "r-1", {}, needed=False)
    await ledger.close_gap()
    assert ledger.why_not == ("disk full" if refuse else None)
    sink.failure = None
    await ledger.close_gap()
    assert ledger.why_not is None
    await ledger.close_gap()
    assert check(sink.lines) == 1
    assert json.loads(sink.lines[0]) == {
        "event": "gap",
        "time": "2026-03-01T12:00:04.000Z",
        "since": "2026-03-01T12:00:02.000Z",
        "lines": 3,
        "detail": "disk full",
    }
    assert len(sink.lines[0]) == len(issued().line())


async def test_what_goes_missing_while_a_gap_is_written_down_keeps_it_open() -> None:
    class Failing(Sink):
        async def write(self, line: bytes, withheld: Callable[[], bytes] | None = None) -> None:
            await super().write(line, withheld)
            self.failure, before = SinkError("disk full"), self.failure
            if b'"gap"' in line:
                await ledger.tell("revocation", "r-1", {}, needed=False)
            self.failure = before

    sink = Failing(SinkError("disk full"))
    ledger = Ledger(sink=sink, observe=lambda _: None, clock=Clock())
    await ledger.tell("revocation", "r-1", {}, needed=False)
    sink.failure = None
    await ledger.close_gap()
    assert ledger.why_not == "disk full"


async def test_a_line_that_was_late_says_nothing_of_the_next_one() -> None:
    clock = Clock()
    ledger = Ledger(sink=Slow(30), observe=lambda _: None, clock=clock)
    with pytest.raises(AuditUnavailable):
        async with ledger.recorded(issued(), began=clock.monotonic(), deadline=clock.monotonic()):
            pass
    assert ledger.why_not is None
