from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.client.conftest import Patient
from tests.client.service import golden
from vendor.client import AccessDenied, Credentials, Refused, Revoked, Unavailable, Unreachable, UsageError
from vendor.client.agent.held import Held

if TYPE_CHECKING:
    from collections.abc import Callable


class Time(Patient):
    """A clock that is set by hand."""

    def now(self) -> datetime:
        return datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)


class Script:
    """Answers each fetch by its next step, or the last one again."""

    def __init__(self, *steps: Any) -> None:
        self.steps = list(steps)
        self.asked = 0

    def __call__(self) -> Credentials:
        self.asked += 1
        step = self.steps[min(self.asked, len(self.steps)) - 1]
        if callable(step):
            step = step()
        if isinstance(step, Exception):
            raise step
        assert isinstance(step, Credentials)
        return step


@pytest.fixture
def time_() -> Time:
    return Time()


def credentials(time_: Time, key: str = "ASIA1", *, life: float = 3600, renewal: float = 2400) -> Credentials:
    def at(seconds: float) -> str:
        return f"{time_.now() + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}"

    return Credentials(golden(AccessKeyId=key, Expiration=at(life), RefreshAfter=at(renewal)))


def held(script: Callable[[], Credentials], time_: Time, *, room: int = 8, told: list[str] | None = None) -> Held:
    lines: list[str] = [] if told is None else told
    return Held(script, clock=time_, room=threading.BoundedSemaphore(room), tell=lines.append)


def settled(one: Held) -> None:
    """Wait until no fetch is under way."""
    with one._changed:
        assert one._changed.wait_for(lambda: not one._flying, 5)


def test_what_was_fetched_is_handed_out_from_memory(time_: Time) -> None:
    script = Script(credentials(time_))
    one = held(script, time_)
    assert {one.get(1).access_key_id for _ in range(10)} == {"ASIA1"}
    assert script.asked == 1


def test_all_who_wait_share_one_fetch(time_: Time) -> None:
    go = threading.Event()
    had = credentials(time_)
    script = Script(lambda: (go.wait(60), had)[1])
    one = held(script, time_)
    came: list[str] = []
    threads = [threading.Thread(target=lambda: came.append(one.get(5).access_key_id)) for _ in range(20)]
    for thread in threads:
        thread.start()
    go.set()
    for thread in threads:
        thread.join()
    assert (came, script.asked) == (["ASIA1"] * 20, 1)


def test_who_stops_waiting_does_not_stop_the_fetch(time_: Time) -> None:
    go = threading.Event()
    had = credentials(time_)
    script = Script(lambda: (go.wait(60), had)[1])
    one = held(script, time_)
    with pytest.raises(Unreachable, match="has not answered yet"):
        one.get(0.01)
    go.set()
    settled(one)
    assert one.get(0).access_key_id == "ASIA1"
    assert script.asked == 1


def test_it_is_renewed_in_the_background_while_the_old_ones_are_handed_out(time_: Time) -> None:
    go = threading.Event()
    new = credentials(time_, "ASIA2", life=7200, renewal=6000)
    script = Script(credentials(time_), lambda: (go.wait(60), new)[1])
    one = held(script, time_)
    one.get(1)
    time_.seconds = 2401
    assert one.get(60).access_key_id == "ASIA1"
    go.set()
    settled(one)
    assert one.get(0).access_key_id == "ASIA2"


def test_in_their_last_minute_the_next_ones_are_waited_for(time_: Time) -> None:
    script = Script(credentials(time_), credentials(time_, "ASIA2", life=7200))
    one = held(script, time_)
    one.get(1)
    time_.seconds = 3600 - 59
    assert one.get(5).access_key_id == "ASIA2"


@pytest.mark.parametrize(
    "away",
    [Unreachable("no"), Unavailable("sts_unavailable", "no", None, 503), UsageError("no token"), ZeroDivisionError()],
)
def test_while_the_service_is_away_they_are_handed_out_to_their_end_and_not_beyond(
    time_: Time, away: Exception
) -> None:
    told: list[str] = []
    script = Script(credentials(time_), away)
    one = held(script, time_, told=told)
    one.get(1)
    for seconds in (2401, 3000, 3500, 3599):
        time_.seconds = seconds
        assert one.get(1).access_key_id == "ASIA1"
        settled(one)
    assert script.asked == 5
    assert "what is held ends 2026-03-01T01:00:00Z" in told[-1]
    time_.seconds = 3600
    with pytest.raises((Unreachable, Refused, UsageError)):
        one.get(1)
    assert not one.is_of_use


@pytest.mark.parametrize("code", [AccessDenied("access_denied", "no", None, 403), Revoked("revoked", "no", None, 403)])
def test_what_may_not_be_had_any_more_is_dropped(time_: Time, code: Exception) -> None:
    one = held(Script(credentials(time_), code), time_)
    one.get(1)
    time_.seconds = 2401
    one.get(1)  # the old ones, while it is asked
    settled(one)
    with pytest.raises(AccessDenied):
        one.get(1)


def test_a_403_of_some_gateway_drops_nothing(time_: Time) -> None:
    one = held(Script(credentials(time_), Refused("bad_answer", "HTTP 403", None, 403)), time_)
    one.get(1)
    time_.seconds = 2401
    one.get(1)
    settled(one)
    assert one.get(1).access_key_id == "ASIA1"


def test_a_refusal_stands_for_a_few_seconds(time_: Time) -> None:
    script = Script(AccessDenied("access_denied", "no", "req-7", 403), credentials(time_))
    one = held(script, time_)
    caught = []
    for _ in range(5):
        with pytest.raises(AccessDenied) as each:
            one.get(1)
        caught.append(each.value)
    assert script.asked == 1
    assert len({id(each) for each in caught}) == 5  # a traceback that is shared grows
    assert {each.request_id for each in caught} == {"req-7"}
    time_.seconds += 5
    assert one.get(1).access_key_id == "ASIA1"


def test_tries_while_the_service_is_away_become_rarer(time_: Time) -> None:
    script = Script(Unreachable("no"))
    one = held(script, time_)
    for _ in range(600):
        with pytest.raises(Unreachable):
            one.get(1)
        time_.seconds += 1
    assert 20 <= script.asked <= 60


def test_retry_after_is_heeded(time_: Time) -> None:
    script = Script(Unavailable("overloaded", "no", None, 503, 7), credentials(time_))
    one = held(script, time_)
    for _ in range(7):
        with pytest.raises(Unavailable):
            one.get(1)
        time_.seconds += 1
    assert one.get(1).access_key_id == "ASIA1"
    assert script.asked == 2


def test_what_is_due_again_at_once_is_not_asked_for_at_each_use(time_: Time) -> None:
    script = Script(credentials(time_, renewal=-1))  # what the service hands out while STS is down
    one = held(script, time_)
    for _ in range(50):
        one.get(1)
        settled(one)
    assert script.asked == 1
    time_.seconds += 1
    one.get(1)
    settled(one)
    assert script.asked == 2


def test_only_what_was_used_is_renewed_unless_it_is_kept_ready(time_: Time) -> None:
    script = Script(credentials(time_), credentials(time_, life=9000, renewal=6000), credentials(time_, life=20_000))
    one = held(script, time_)
    one.renew(unused=False)
    settled(one)
    assert script.asked == 0
    one.renew(unused=True)
    settled(one)
    time_.seconds = 2401
    one.renew(unused=False)
    settled(one)
    assert script.asked == 1
    one.get(1)
    settled(one)
    assert script.asked == 2
    time_.seconds = 6001
    one.renew(unused=False)
    settled(one)
    assert script.asked == 2


def test_more_than_there_is_room_for_are_told_to_come_again(time_: Time) -> None:
    go = threading.Event()
    room = threading.BoundedSemaphore(1)
    had = credentials(time_)
    first = Held(Script(lambda: (go.wait(60), had)[1]), clock=time_, room=room)
    second = Held(Script(had), clock=time_, room=room)
    first.renew(unused=True)
    with pytest.raises(Unavailable, match="overloaded") as caught:
        second.get(1)
    assert caught.value.retry_after == 1
    go.set()
    settled(first)
    assert second.get(1).access_key_id == "ASIA1"


def test_where_no_thread_can_be_started_it_is_tried_again(time_: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    one = held(Script(credentials(time_)), time_, room=1)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", fail)
        with pytest.raises(Unavailable):
            one.get(1)
    assert one.get(1).access_key_id == "ASIA1"
