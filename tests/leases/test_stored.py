"""What comes from the store is believed only where it agrees with the session that it is for."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.fakes.clock import START
from tests.made import credentials, session
from vendor.leases import stored
from vendor.leases.sealed import Ring, SealError

RING = Ring({"k1": bytes(range(32))})
MADE = credentials()
SESSION = session()


def found(raw: bytes, *, now: datetime = START, kept: float = 0.0, **changes: Any) -> stored.Stored | None:
    return stored.read(raw, session=session(**changes), ring=RING, now=now, kept=kept)


def sealed(made: Any = MADE, *, minted: datetime = START, **changes: Any) -> bytes:
    return stored.seal(made, session=session(**changes), minted=minted, ring=RING)


def written(**changes: Any) -> bytes:
    """Return what a holder of our keys may have sealed for the session that is not quite right."""
    whole = json.loads(RING.open(sealed(), use=b"lease " + SESSION.key))
    return RING.seal(json.dumps({**whole, **changes}).encode(), use=b"lease " + SESSION.key)


def test_what_was_stored_is_found_as_it_was() -> None:
    there = found(sealed(), now=START + timedelta(minutes=10))
    assert there == stored.Stored(credentials=MADE, minted=START, age=600.0, left=3_000.0)
    bare = replace(MADE, packed_policy_size=None)
    again = found(sealed(bare))
    assert again
    assert again.credentials == bare


def test_who_has_no_role_is_found_too() -> None:
    made = replace(MADE, role_arn="")
    there = found(sealed(made, role_arn=""), role_arn="")
    assert there
    assert there.credentials == made


@pytest.mark.parametrize(
    ("kept", "now", "age", "left"),
    [
        (0.0, START, 0.0, 3_600.0),
        (3_600.0, START, 0.0, 3_600.0),
        (9_999.0, START + timedelta(seconds=60), 60.0, 3_540.0),
        (600.0, START, 3_000.0, 600.0),
        (600.0, START + timedelta(seconds=3_200), 3_200.0, 400.0),
        (0.0, START - timedelta(seconds=5), 0.0, 3_600.0),
    ],
)
def test_the_least_generous_clock_says_what_is_left_f16(kept: float, now: datetime, age: float, left: float) -> None:
    there = found(sealed(), now=now, kept=kept)
    assert there
    assert (there.age, there.left) == (age, left)


def test_what_has_ended_or_is_yet_to_come_is_not_there_f16() -> None:
    assert found(sealed(), now=START + timedelta(hours=1)) is None
    assert found(sealed(), now=START - timedelta(seconds=6)) is None


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (sealed(subject="other"), "changed, or sealed for something else"),
        (sealed(replace(MADE, role_arn="arn:aws:iam::111122223333:role/other")), "another scope or role"),
        (written(scope="reports:write"), "another scope or role"),
        (written(role="arn:aws:iam::111122223333:role/other"), "another scope or role"),
        (sealed(replace(MADE, account_id="444455556666")), "another account"),
        (sealed(replace(MADE, expiration=START + timedelta(hours=1, minutes=5, seconds=1))), "ends later"),
        (sealed(minted=START - timedelta(minutes=6)), "ends later"),
        (written(credentials={"access_key_id": "ASIA"}), "no form"),
        (
            written(
                credentials={**json.loads(RING.open(sealed(), use=b"lease " + SESSION.key))["credentials"], "new": 1}
            ),
            "no form",
        ),
        (written(credentials="none"), "no form"),
        (written(credentials=[]), "no form"),
        (written(minted={"time": "9999-12-31T23:59:59+00:00"}), "no form"),
        (written(minted="yesterday"), "no form"),
        (written(minted={"time": "yesterday"}), "no form"),
        (written(minted={"time": "2026-03-01T12:00:00", "more": 1}), "no form"),
        (RING.seal(b"[]", use=b"lease " + SESSION.key), "no form"),
        (RING.seal(b"no JSON", use=b"lease " + SESSION.key), "no form"),
    ],
    ids=range(17),
)
def test_what_does_not_agree_with_the_session_is_nobodys_t18(raw: bytes, message: str) -> None:
    with pytest.raises(SealError, match=message):
        found(raw)


def test_what_ends_after_the_token_that_it_must_end_with_is_nobodys_t18() -> None:
    ends = START + timedelta(minutes=30)
    raw = sealed(not_after=ends)
    with pytest.raises(SealError, match="ends later"):
        found(raw, not_after=ends)
    sound = sealed(replace(MADE, expiration=ends), not_after=ends)
    assert found(sound, not_after=ends)
