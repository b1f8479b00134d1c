"""What is sealed is opened by who has its key, for the use it was sealed for, and by nobody else."""

from __future__ import annotations

import base64
import itertools
import secrets
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vendor.leases.sealed import LONGEST, Ring, SealError, read_key

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
RING = Ring({"k1": OLD})
PLAIN = b"CANARY-plain" * 10
SEALED = RING.seal(PLAIN, use=b"use")


def test_what_is_sealed_is_opened_and_shows_nothing() -> None:
    assert RING.open(SEALED, use=b"use") == PLAIN
    assert b"CANARY" not in SEALED
    assert OLD not in SEALED
    assert "k1" in repr(SEALED)
    assert "\\x00\\x01\\x02" not in repr(RING)


def test_no_two_seals_are_alike() -> None:
    randoms = Counter(RING.seal(b"", use=b"")[4:32] for _ in range(1_000))
    assert max(randoms.values()) == 1


@given(at=st.integers(0, len(SEALED) - 1), bit=st.integers(0, 7))
def test_a_changed_bit_anywhere_is_seen_t18(at: int, bit: int) -> None:
    changed = bytearray(SEALED)
    changed[at] ^= 1 << bit
    with pytest.raises(SealError):
        RING.open(bytes(changed), use=b"use")


@given(length=st.integers(0, len(SEALED) - 1))
def test_what_is_cut_off_is_seen_t18(length: int) -> None:
    with pytest.raises(SealError):
        RING.open(SEALED[:length], use=b"use")


@given(raw=st.binary(max_size=200))
def test_anything_else_is_refused_t18(raw: bytes) -> None:
    with pytest.raises(SealError):
        RING.open(raw, use=b"use")


@pytest.mark.parametrize(
    ("sealed", "use", "message"),
    [
        (SEALED, b"another use", "changed, or sealed for something else"),
        (SEALED + b"x", b"use", "changed"),
        (b"\x02" + SEALED[1:], b"use", "no version"),
        (b"", b"use", "no version"),
        (Ring({"k2": NEW}).seal(PLAIN, use=b"use"), b"use", "no key of ours"),
        (b"\x01\xff" + SEALED[2:], b"use", "no key of ours"),
        (b"\x01\x02k1" + b"x" * 10, b"use", "no key of ours"),
        (b"\x01\x01\xff" + SEALED[4:], b"use", "no key of ours"),
        (Ring({"k1": NEW}).seal(PLAIN, use=b"use"), b"use", "changed"),
        (b"\x01" * (LONGEST + 1), b"use", "larger"),
    ],
    ids=range(10),
)
def test_what_is_wrong_is_told_without_the_bytes_t18(sealed: bytes, use: bytes, message: str) -> None:
    with pytest.raises(SealError, match=message):
        RING.open(sealed, use=use)


def test_one_key_takes_anothers_place_without_a_gap() -> None:
    """A new key is known everywhere before it seals, and the old one goes when nothing is sealed with it any more."""
    steps = [Ring({"old": OLD}), Ring({"old": OLD, "new": NEW}), Ring({"new": NEW, "old": OLD}), Ring({"new": NEW})]
    for before, after in itertools.pairwise(steps):
        for sealing, opening in ((before, after), (after, before)):
            assert opening.open(sealing.seal(PLAIN, use=b""), use=b"") == PLAIN
    with pytest.raises(SealError):
        steps[3].open(steps[1].seal(PLAIN, use=b""), use=b"")


def test_a_name_tells_nothing_and_is_the_same_for_all_who_have_the_key() -> None:
    what = secrets.token_bytes(32)
    both = Ring({"new": NEW, "old": OLD})
    assert both.names(what) == Ring({"x": NEW}).names(what) + Ring({"y": OLD}).names(what)
    assert both.names(what) != both.names(b"other")
    assert all(len(name) == 64 and name != what.hex() for name in both.names(what))


def test_a_key_is_read_as_it_is_or_in_base64_and_nothing_shorter_than_it_looks_is_taken() -> None:
    for raw in (OLD, base64.b64encode(OLD), base64.urlsafe_b64encode(b"\xff" * 32) + b"\n"):
        assert len(read_key(raw)) == 32
    for raw in (b"", OLD[:31], OLD + b"\n", OLD[:16].hex().encode(), base64.b64encode(OLD[:24]), OLD.hex().encode()):
        with pytest.raises(ValueError, match=r"^expected 32 random bytes, as they are or in base64$"):
            read_key(raw)
