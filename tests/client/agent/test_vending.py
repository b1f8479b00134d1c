from __future__ import annotations

import json
import threading
import time
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.client.conftest import Patient
from tests.client.service import TOKEN, Service, refused, vended
from vendor.client import Client, Credentials, InvalidToken, UsageError
from vendor.client.agent.vending import Vending, Wish, read_wish

if TYPE_CHECKING:
    from pathlib import Path

WISH = Wish("reports:read", {})


class Time(Patient):
    """The time of day, moved on by hand."""

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.seconds)


def token(subject: str, **claims: Any) -> str:
    payload = json.dumps({"sub": subject, "exp": int(time.time()) + 60, **claims}).encode()
    return f"e30.{urlsafe_b64encode(payload).decode().rstrip('=')}.c2ln"


@pytest.fixture
def time_() -> Time:
    return Time()


@pytest.fixture
def vending(service: Service, token_file: Path, time_: Time) -> Vending:
    """Asks as an agent does."""
    return Vending(lambda given: Client(service.url, token=given, token_file=token_file, environ={}), clock=time_)


def get(vending: Vending, given: str | None = None, wish: Wish = WISH) -> Credentials:
    return vending.get(wish, token=given, patience=10)


@pytest.mark.parametrize(
    ("scope", "query", "key"),
    [
        ("", "", (None, (), None)),
        ("a", "", ("a", (), None)),
        ("reports%3Aread", "b=2&a=1", ("reports:read", (("a", "1"), ("b", "2")), None)),
        ("a", "duration_seconds=900&month=", ("a", (("month", ""),), 900)),
        ("a", "team=a+b%26c", ("a", (("team", "a b&c"),), None)),
    ],
)
def test_a_wish_is_read_from_a_url(scope: str, query: str, key: tuple[Any, ...]) -> None:
    assert read_wish(scope, query).key == key


@pytest.mark.parametrize("scope", ["Reports", "a/b", "a/", "%2F", "a b", "a" * 64])
def test_a_name_that_no_scope_has_is_refused(scope: str) -> None:
    with pytest.raises(UsageError, match="no scope has this name"):
        read_wish(scope, "")


@pytest.mark.parametrize(
    "query", ["month", "a=1&a=2", "a=%FF", "duration_seconds=", "duration_seconds=-1", "duration_seconds=9999999", "&"]
)
def test_a_wish_that_cannot_be_read_is_refused(query: str) -> None:
    with pytest.raises(UsageError):
        read_wish("a", query)


def test_what_differs_in_anything_is_held_apart(vending: Vending, service: Service) -> None:
    wishes = [WISH, Wish("b", {}), Wish("reports:read", {"a": "1"}), Wish("reports:read", {}, 900), Wish(None, {})]
    for _ in range(2):
        for wish in wishes:
            get(vending, wish=wish)
            get(vending, token("a"), wish)
            get(vending, token("b"), wish)
    assert len(service.asked) == 3 * len(wishes)


def test_what_a_token_was_good_for_ends_with_the_token(vending: Vending, service: Service, time_: Time) -> None:
    brief = token("a")
    service.then(vended(), refused(401, "expired_token"))
    get(vending, brief)
    time_.seconds = 58
    assert get(vending, brief).access_key_id
    time_.seconds = 61
    with pytest.raises(InvalidToken):
        get(vending, brief)
    assert len(service.asked) == 2


@pytest.mark.parametrize(
    "given",
    [token("a", exp=0), token("a", exp="soon"), token("a", exp=10**30), "e30.e30.c2ln", "e30.W10.c2ln", "a.b.c"],
)
def test_a_token_that_says_no_end_is_good_for_a_few_seconds(
    vending: Vending, service: Service, time_: Time, given: str
) -> None:
    for _ in range(3):
        get(vending, given)
    assert len(service.asked) == 1
    time_.seconds = 6
    get(vending, given)
    assert len(service.asked) == 2


def test_a_flood_of_bad_tokens_drives_nobody_out(vending: Vending, service: Service) -> None:
    good = token("good")
    get(vending, good)
    service.then(refused(401, "invalid_token"))
    for number in range(1100):
        with pytest.raises(InvalidToken):
            get(vending, token(f"bad-{number}"))
    assert get(vending, good).access_key_id
    assert len(vending._shelf) == 1024


def test_a_token_is_no_key(vending: Vending) -> None:
    given = token("a")
    get(vending, given)
    assert given not in repr(vending._shelf)


def test_only_our_own_are_renewed_ahead_and_of_those_what_is_used_or_kept_ready(
    vending: Vending, service: Service, time_: Time
) -> None:
    soon = f"{datetime.now(UTC) + timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}"
    service.then(vended(RefreshAfter=soon))
    given = token("a")
    vending.keep_ready(Wish("ready", {}))
    get(vending, wish=Wish("ready", {}))
    get(vending, wish=Wish("used", {}))
    get(vending, given)
    service.asked.clear()
    service.then(vended())
    renewing = threading.Thread(target=vending.renew_ahead, kwargs={"every": 0.01}, daemon=True)
    renewing.start()
    time.sleep(0.1)
    assert not service.asked
    time_.seconds = 120
    until = time.monotonic() + 10
    while len(service.asked) < 2:
        assert time.monotonic() < until
        time.sleep(0.01)
    time.sleep(0.1)
    vending.stop()
    renewing.join()
    assert sorted(asked.target for asked in service.asked) == ["/v1/credentials/ready", "/v1/credentials/used"]
    assert {asked.headers["Authorization"] for asked in service.asked} == {f"Bearer {TOKEN}"}
