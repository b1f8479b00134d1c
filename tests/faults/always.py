"""What holds whatever is done to the service: no wrong credential, no secret told, no defect, no standstill."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from tests.fakes.sts import SECRET, TOKEN
from tests.faults.traffic import lines_of
from tests.service import BASE_IDENTITY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.fakes.sts_wire import Request
    from tests.faults.scrape import Scrape
    from tests.faults.traffic import Call, Results

CANARIES: Final = (SECRET, TOKEN, "CANARY-external-id", BASE_IDENTITY["AWS_SECRET_ACCESS_KEY"])
STANDSTILL: Final = 0.1
"""Seconds by which the event loop may wake late: one time in a thousand it may be more."""
RESOURCE: Final = "arn:aws:s3:::reports/analytics/2026-03/*"
# The beginning of a JOSE header or of claims, wherever they stand (RFC 7515 section 3).
_TOKEN_PART: Final = re.compile(r"eyJ[A-Za-z0-9_-]{20}", re.ASCII)
_LONG_WORD: Final = re.compile(r"[A-Za-z0-9_-]{60,}", re.ASCII)


def check_answers(flows: Iterable[Results]) -> None:
    """No answer is a 500, and none but a 200 holds a secret."""
    for flow in flows:
        assert [answer for answer in flow.answers if answer.status == 500] == []
        assert flow.leaks == []


def check_credentials(flows: Iterable[Results], issued: Mapping[str, Request]) -> None:
    """Whoever was given credentials was given their own, made for their name and with their policy."""
    for flow in flows:
        for call, answer in lines_of(flow):
            if answer.status == 200:
                behind = issued[answer.key_id]
                assert call.principal is not None, "an attacker was given credentials"
                assert (behind.source_identity, behind.tags) == (call.principal, {"namespace": "analytics"})
                assert f'"Resource":"{RESOURCE}"' in (behind.policy or "").replace(": ", ":")


def check_names(requests: Iterable[Request]) -> None:
    """No two principals share a session name, and none has two."""
    assumed = [request for request in requests if request.action == "AssumeRole"]
    pairs = {(request.session_name, request.source_identity) for request in assumed}
    assert len(pairs) == len({name for name, _ in pairs}) == len({identity for _, identity in pairs})


def check_audit(flows: Iterable[Results], lines: Iterable[Mapping[str, Any]]) -> None:
    """Each credential that was handed out stands in the audit file under the request that it was the answer to."""
    told = {line["request_id"]: line["access_key_id"] for line in lines if line.get("outcome") == "issued"}
    given = {answer.request_id: answer.key_id for flow in flows for answer in flow.answers if answer.status == 200}
    assert given.items() - told.items() == set()


def check_log(log: Iterable[str]) -> None:
    """Nothing was a defect."""
    assert [line for line in log if '"defect"' in line or "Traceback" in line] == []


def check_lag(before: Scrape, after: Scrape) -> None:
    """The event loop did not stand still: the p99.9 of its lag is below STANDSTILL, of a short test all but one."""
    late, woken = after.slower(STANDSTILL, before)
    assert late <= max(1, woken // 1000), f"the loop woke late {late} times of {woken}"


def check_secrets(written: str, calls: Iterable[Call]) -> None:
    """No secret of the rig, and no part of any token that was sent, stands in what the service wrote."""
    assert [canary for canary in CANARIES if canary in written] == []
    assert _TOKEN_PART.search(written) is None
    parts = {part[:60] for call in calls for part in _LONG_WORD.findall(call.raw.decode("latin-1"))}
    assert parts.isdisjoint(word[:60] for word in _LONG_WORD.findall(written))
