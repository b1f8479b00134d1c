"""The rig itself: it sees a standstill, and each of its checks fails when what it is for happens."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import pytest

from tests.fakes.sts import SECRET
from tests.fakes.sts_wire import Request
from tests.faults import always, asked, conftest, flat, traffic
from tests.faults.asked import Asked
from tests.faults.load import Plan
from tests.faults.scrape import Scrape
from tests.faults.traffic import Call, Results
from tests.faults.wire import Answer

if TYPE_CHECKING:
    from pathlib import Path

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
POLICY = f'{{"Statement":[{{"Resource":"{always.RESOURCE}"}}]}}'
GIVEN = Answer(0.0, 0.001, 0, 200, key_id="ASIA1", request_id="r1")
LATE = "vendor_event_loop_lag_seconds_bucket"


class Sleepy:
    """Answers everything, but nothing between these two moments after its first request."""

    def __init__(self, since: float, until: float) -> None:
        self._since = since
        self._until = until
        self._first: float | None = None

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline():
            await reader.readuntil(b"\r\n\r\n")
            self._first = self._first or time.monotonic()
            passed = time.monotonic() - self._first
            if self._since < passed < self._until:
                await asyncio.sleep(self._until - passed)
            writer.write(ANSWER)
        writer.close()


async def _load(server: Sleepy, folder: Path, *, patience: float) -> Results:
    calls = [Call(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "analytics.reporter")]
    async with await asyncio.start_server(server, "127.0.0.1", 0) as listening:
        url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        plan = Plan(url=url, requests=[], rate=200, seconds=0.6, connections=4, patience=patience)
        flow = await traffic.start(plan, calls, folder / "plan")
        return await flow.results()


async def test_a_standstill_is_seen_by_all_requests_that_were_due_meanwhile(tmp_path: Path) -> None:
    results = await _load(Sleepy(0.1, 0.4), tmp_path, patience=2)
    assert results.counts == {"200": 120}
    # Of 60 that were due; a closed loop on four connections would have noticed four.
    assert sum(answer.seconds > 0.05 for answer in results.answers) > 40
    assert results.percentile(99) > 0.2


async def test_who_is_not_answered_in_time_is_counted(tmp_path: Path) -> None:
    results = await _load(Sleepy(0.1, 0.4), tmp_path, patience=0.1)
    assert results.counts.keys() - {"0 unsent"} == {"200", "0 timeout"}
    assert len(results.answers) == 120
    assert results.served < 0.8


def flow(*answers: Answer, principal: str | None = "analytics.reporter", leaks: tuple[str, ...] = ()) -> list[Results]:
    """Return the results of one flow."""
    return [Results([Call(b"", principal)], list(answers), 0.0, list(leaks))]


def behind(identity: str = "analytics.reporter", name: str = "reporter-1", policy: str = POLICY) -> Request:
    """Return a request as the fake STS had it."""
    tags = {"Tags.member.1.Key": "namespace", "Tags.member.1.Value": "analytics"}
    said = {"RoleSessionName": name, "SourceIdentity": identity, "Policy": policy}
    return Request(action="AssumeRole", parameters={**said, **tags})


def test_what_is_right_passes() -> None:
    always.check_answers(flow(GIVEN))
    always.check_credentials(flow(GIVEN), {"ASIA1": behind()})
    always.check_names([behind(), behind(), behind("analytics.other", "other-2")])
    always.check_audit(flow(GIVEN), [{"request_id": "r1", "access_key_id": "ASIA1", "outcome": "issued"}])
    always.check_log(['{"event": "listening"}'])


def test_a_defect_or_a_leak_fails() -> None:
    for wrong in (flow(Answer(0.0, 0.1, 0, 500)), flow(GIVEN, leaks=(SECRET,))):
        with pytest.raises(AssertionError):
            always.check_answers(wrong)
    with pytest.raises(AssertionError):
        always.check_log(['{"event": "defect"}'])


def test_another_ones_credentials_fail() -> None:
    wider = behind(policy='{"Statement":[{"Resource":"*"}]}')
    for wrong in (behind("analytics.other"), wider):
        with pytest.raises(AssertionError):
            always.check_credentials(flow(GIVEN), {"ASIA1": wrong})
    with pytest.raises(AssertionError):
        always.check_credentials(flow(GIVEN, principal=None), {"ASIA1": behind()})


def test_what_is_asked_for_in_full_is_judged_by_all_of_it() -> None:
    own = asked.of(behind())
    mine = Results([Call(b"", "analytics.reporter", (own,))], [GIVEN], 0.0, [])
    always.check_credentials([mine], {"ASIA1": behind()})
    for name in own._fields:
        other = Asked(**{**own._asdict(), name: "other"})
        with pytest.raises(AssertionError):
            always.check_credentials(
                [replace(mine, calls=[mine.calls[0]._replace(asked=(other,))])], {"ASIA1": behind()}
            )


@pytest.mark.parametrize("pair", [("analytics.other", "reporter-1"), ("analytics.reporter", "reporter-2")])
def test_a_session_name_of_two_and_a_principal_of_two_names_fail(pair: tuple[str, str]) -> None:
    with pytest.raises(AssertionError):
        always.check_names([behind(), behind(*pair)])


def test_a_line_that_says_issued_of_what_was_refused_or_withheld_of_what_was_given_fails() -> None:
    issued = {"event": "exchange", "request_id": "r1", "access_key_id": "ASIA1", "outcome": "issued"}
    withheld = {"event": "withheld", "request_id": "r1", "access_key_id": "ASIA1"}
    refused = flow(GIVEN._replace(status=503, key_id=""))
    always.check_audit(refused, [issued, withheld])
    for answers, lines in ((refused, [issued]), (flow(GIVEN), [issued, withheld])):
        with pytest.raises(AssertionError):
            always.check_audit(answers, lines)


@pytest.mark.parametrize("changed", [{"request_id": "r2"}, {"access_key_id": "ASIA2"}, {"outcome": "refused"}])
def test_a_credential_without_its_audit_line_fails(changed: dict[str, str]) -> None:
    line = {"request_id": "r1", "access_key_id": "ASIA1", "outcome": "issued", **changed}
    with pytest.raises(AssertionError):
        always.check_audit(flow(GIVEN), [line])


@pytest.mark.parametrize(
    ("late", "woken", "passes"), [(1, 100, True), (2, 100, False), (3, 3000, True), (4, 3000, False)]
)
def test_a_loop_that_stands_still_fails(late: int, woken: int, passes: bool) -> None:  # noqa: FBT001 - a row's verdict
    def scraped(count: int, within: int) -> Scrape:
        kind = "# TYPE vendor_event_loop_lag_seconds histogram\n"
        tail = f'{LATE}{{le="+Inf"}} {count}\nvendor_event_loop_lag_seconds_count {count}\n'
        return Scrape(f'{kind}{LATE}{{le="0.1"}} {within}\n{tail}vendor_event_loop_lag_seconds_sum 1\n')

    before, after = scraped(10, 5), scraped(10 + woken, 5 + woken - late)
    if passes:
        always.check_lag(before, after)
    else:
        with pytest.raises(AssertionError):
            always.check_lag(before, after)


def _soaked(**slopes: float) -> list[flat.Held]:
    """Return what is held in an hour that begins steeply, and in which these grow by so much in its second half."""
    usual = {"memory": 1e8, "descriptors": 20.0, "threads": 7.0, "tasks": 14.0, "series": 140.0, "sessions": 3_000.0}
    return [
        flat.Held(
            minute=minute,
            **{
                name: amount * min(1.0, 0.5 + minute / 20) + slopes.get(name, 0.0) * minute / 30
                for name, amount in usual.items()
            },
        )
        for minute in range(61)
    ]


@pytest.mark.parametrize(
    ("slopes", "growing"),
    [
        ({}, []),
        ({"memory": 1.9e6, "descriptors": 4.9, "threads": 0.9, "tasks": 4.9, "series": 4.9, "sessions": 140}, []),
        ({"memory": 2.2e6}, ["memory"]),
        ({"memory": -9e6}, []),
        ({"descriptors": 5.1}, ["descriptors"]),
        ({"threads": 1.1}, ["threads"]),
        ({"tasks": 5.1}, ["tasks"]),
        ({"series": 5.1}, ["series"]),
        ({"sessions": 170}, ["sessions"]),
        ({"sessions": -170}, ["sessions"]),
    ],
)
def test_a_soak_sees_what_grows_in_its_second_half(slopes: dict[str, float], growing: list[str]) -> None:
    assert flat.growing(_soaked(**slopes)) == growing


@pytest.mark.parametrize(("took", "outcome"), [(119.0, "passed"), (121.0, "failed")])
def test_a_scenario_that_takes_longer_than_two_minutes_fails(took: float, outcome: Literal["passed", "failed"]) -> None:
    report = pytest.TestReport("x", ("x", 1, "x"), {}, "passed", None, "call")
    conftest.judge(report, took)
    assert report.outcome == outcome


def test_a_few_odd_samples_are_no_growth() -> None:
    rows = _soaked()
    for at in (40, 59, 60):
        rows[at] = rows[at]._replace(memory=2e8, tasks=300.0)
    assert flat.growing(rows) == []
