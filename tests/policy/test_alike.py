"""One value for all that are equal."""

from __future__ import annotations

from vendor.policy.alike import Alike


def equal(text: str) -> str:
    """Return an equal text that is another object."""
    return "".join([text[:1], text[1:]])


def test_equal_values_become_one() -> None:
    alike, first = Alike(), equal("a policy")
    assert alike.one(first) is first
    assert equal("a policy") is not first
    assert alike.one(equal("a policy")) is first
    assert alike.one((("team", "a"),)) == (("team", "a"),)
    assert alike.one("another") == "another"


def test_only_so_many_are_known() -> None:
    alike, first = Alike(most=3), equal("a policy")
    alike.one(first)
    for number in range(3):
        assert alike.one(f"policy {number}") == f"policy {number}"
    assert alike.one(other := equal("a policy")) is other
    assert len(alike._known) == 2
