"""What holds whatever is done to the service: no wrong credential, no secret told, no defect, no standstill."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tests import canaries
from tests.faults import asked
from tests.faults.traffic import lines_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.fakes.sts_wire import Request
    from tests.faults.scrape import Scrape
    from tests.faults.traffic import Call, Results

CANARIES: Final = (canaries.WORD.decode(),)
"""What the load generator looks for in each answer but a 200."""
STANDSTILL: Final = 0.1
"""Seconds by which the event loop may wake late: one time in a thousand it may be more."""
RESOURCE: Final = "arn:aws:s3:::reports/analytics/2026-03/*"


def check_answers(flows: Iterable[Results]) -> None:
    """No answer is a 500, and none but a 200 holds a secret."""
    for flow in flows:
        assert [answer for answer in flow.answers if answer.status == 500] == []
        assert flow.leaks == []


def check_credentials(flows: Iterable[Results], issued: Mapping[str, Request]) -> None:
    """Whoever was given credentials was given their own, made for their name and with their policy."""
    assert mistaken(flows, issued) == []


def mistaken(flows: Iterable[Results], issued: Mapping[str, Request]) -> list[tuple[Call, Request]]:
    """Return whoever was given what is not their own, and what that was made of."""
    given = ((call, issued[one.key_id]) for flow in flows for call, one in lines_of(flow) if one.status == 200)
    return [(call, behind) for call, behind in given if not _is_own(call, behind)]


def _is_own(call: Call, behind: Request) -> bool:
    if call.asked:
        return asked.of(behind) in call.asked
    named = (behind.source_identity, behind.tags) == (call.principal, {"namespace": "analytics"})
    return named and f'"Resource":"{RESOURCE}"' in (behind.policy or "").replace(": ", ":")


def check_names(requests: Iterable[Request]) -> None:
    """No two principals share a session name, and none has two."""
    assumed = [request for request in requests if request.action == "AssumeRole"]
    pairs = {(request.session_name, request.source_identity) for request in assumed}
    assert len(pairs) == len({name for name, _ in pairs}) == len({identity for _, identity in pairs})


def check_audit(flows: Iterable[Results], lines: Iterable[Mapping[str, Any]]) -> None:
    """Each credential that was handed out stands in the audit file under the request that it was the answer to.

    Of a request that was refused it says nothing else, or takes that back.
    """
    lines, answers = list(lines), [answer for flow in flows for answer in flow.answers]
    withheld = {line["request_id"] for line in lines if line.get("event") == "withheld"}
    issued = [line for line in lines if line.get("outcome") == "issued" and line["request_id"] not in withheld]
    told = {line["request_id"]: line["access_key_id"] for line in issued}
    given = {answer.request_id: answer.key_id for answer in answers if answer.status == 200}
    assert given.items() - told.items() == set()
    assert {answer.request_id for answer in answers if answer.status not in {0, 200}}.isdisjoint(told)


def check_log(log: Iterable[str]) -> None:
    """Nothing was a defect."""
    wrong = [line for line in log if '"defect"' in line or "Traceback" in line]
    assert not wrong, wrong[0]


def check_lag(before: Scrape, after: Scrape) -> None:
    """The event loop did not stand still: the p99.9 of its lag is below STANDSTILL, of a short test all but one."""
    late, woken = after.slower(STANDSTILL, before)
    assert late <= max(1, woken // 1000), f"the loop woke late {late} times of {woken}"
