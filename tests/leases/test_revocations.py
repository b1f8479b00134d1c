"""Revocations: who is stopped, found at the same cost among few and many, until both clocks say that it is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.clock import START, Clock
from tests.made import SUBJECT, principal, session
from vendor.leases.revocation import Revocation
from vendor.leases.revocations import MOST, MOST_OPEN, Revocations
from vendor.policy.matcher import AnyOf, Contains, Equal, Glob, Matcher, Present
from vendor.refusals import Conflict, Reason, Revoked

if TYPE_CHECKING:
    from datetime import datetime

URL = "https://oidc.example.com/id/AAA"
SCOPE = "reports:read"
HOUR = timedelta(hours=1)


def revocation(**changes: Any) -> Revocation:
    """Return a revocation that covers everybody but for what is given."""
    made: dict[str, Any] = {
        "id": "r-1",
        "scope": None,
        "issuer": None,
        "issuer_url": None,
        "subject": None,
        "where": (),
        "access_key_id": None,
        "reason": "a key was found in a paste",
        "by": ("cluster-a", "system:serviceaccount:platform:vendor-operator"),
        "made": START,
        "until": START + HOUR,
    }
    return Revocation(**{**made, **changes})


def where(**conditions: Matcher) -> dict[str, Any]:
    return {"where": tuple(conditions.items())}


WHO = principal(
    attributes={
        "issuer": "cluster-a",
        "subject": SUBJECT,
        "namespace": "analytics",
        "groups": ("a", "b"),
        "number": 1,
        "flag": True,
    }
)
TABLE: list[tuple[dict[str, Any], bool]] = [
    ({"scope": SCOPE}, True),
    ({"scope": "reports:write"}, False),
    ({"subject": SUBJECT}, True),
    ({"subject": "system:serviceaccount:analytics:report"}, False),
    ({"issuer_url": URL}, True),
    ({"issuer_url": URL + "/"}, False),
    ({"subject": SUBJECT, "issuer_url": URL}, True),
    ({"subject": SUBJECT, "issuer_url": "https://other.example.com"}, False),
    ({"subject": SUBJECT, "scope": SCOPE}, True),
    ({"subject": SUBJECT, "scope": "reports:write"}, False),
    (where(namespace=Equal("analytics")), True),
    (where(namespace=Equal("Analytics")), False),
    (where(namespace=Equal("analytics"), number=Equal(1)), True),
    (where(namespace=Equal("analytics"), number=Equal(2)), False),
    (where(number=Equal("1")), False),
    (where(number=Equal(value=True)), False),
    (where(flag=Equal(value=True)), True),
    (where(flag=Equal(1)), False),
    (where(groups=Contains("b")), True),
    (where(groups=Contains("c")), False),
    (where(groups=Equal("a")), False),
    (where(namespace=AnyOf((Equal("payments"), Equal("analytics")))), True),
    (where(namespace=AnyOf((Equal("payments"), Equal("payments")))), False),
    (where(namespace=AnyOf((Equal("payments"), Glob("ana*")))), True),
    (where(namespace=Glob("ana*")), True),
    (where(namespace=Glob("*-ana")), False),
    (where(node=Present()), False),
    (where(namespace=Present()), True),
    ({"scope": SCOPE, **where(namespace=Glob("ana*"))}, True),
    ({"scope": "reports:write", **where(namespace=Glob("ana*"))}, False),
    ({"issuer_url": URL, **where(namespace=Present())}, True),
]


@pytest.mark.parametrize(("said", "stopped"), TABLE)
def test_who_is_covered_is_refused_and_nobody_else_t19(said: dict[str, Any], *, stopped: bool) -> None:
    revocations = Revocations(clock=Clock())
    revocations.refuse(WHO, SCOPE)
    assert revocations.add(revocation(**said))
    if not stopped:
        revocations.refuse(WHO, SCOPE)
        return
    with pytest.raises(Revoked) as refused:
        revocations.refuse(WHO, SCOPE)
    assert refused.value.reason is Reason.REVOKED
    assert refused.value.public == "an operator has stopped this identity or scope"
    assert refused.value.detail == (
        "revocation r-1 of cluster-a system:serviceaccount:platform:vendor-operator, until 2026-03-01T13:00:00Z: "
        "a key was found in a paste"
    )
    assert revocations.lift("r-1") == revocation(**said)
    revocations.refuse(WHO, SCOPE)


@pytest.mark.parametrize(("said", "stopped"), TABLE)
def test_a_session_is_stopped_only_if_everybody_is_who_may_have_it(said: dict[str, Any], *, stopped: bool) -> None:
    revocations = Revocations(clock=Clock())
    assert not revocations.stops(session())
    revocations.add(revocation(**said))
    assert revocations.stops(session()) is (stopped and "where" not in said)


NAMES = st.sampled_from(["a", "b"])
SIMPLE = st.one_of(
    st.builds(Equal, st.sampled_from(["x", "y", 1, True])),
    st.builds(Glob, st.sampled_from(["x*", "*y"])),
    st.builds(Contains, st.sampled_from(["x", "y"])),
    st.just(Present()),
)
MATCHERS: st.SearchStrategy[Matcher] = SIMPLE | st.builds(AnyOf, st.lists(SIMPLE, min_size=1, max_size=3).map(tuple))
SAID = st.builds(
    revocation,
    scope=st.none() | st.sampled_from(["s", "t"]),
    issuer_url=st.none() | st.sampled_from(["i", "j"]),
    subject=st.none() | st.sampled_from(["p", "q"]),
    where=st.dictionaries(NAMES, MATCHERS, max_size=2).map(lambda given: tuple(given.items())),
)
VALUES = st.sampled_from(["x", "xy", "y", 1, True]) | st.lists(st.sampled_from(["x", "y"]), max_size=2).map(tuple)


@given(
    said=st.lists(SAID, max_size=6),
    lifted=st.sets(st.integers(0, 5)),
    who=st.builds(
        principal,
        issuer_url=st.sampled_from(["i", "j"]),
        subject=st.sampled_from(["p", "q"]),
        attributes=st.dictionaries(NAMES, VALUES),
    ),
    scope=st.sampled_from(["s", "t"]),
)
def test_what_is_looked_up_is_what_going_through_all_would_find(
    said: list[Revocation], lifted: set[int], who: Any, scope: str
) -> None:
    revocations = Revocations(clock=Clock())
    numbered = [replace(one, id=str(number)) for number, one in enumerate(said)]
    for one in numbered:
        revocations.add(one)
    for number in lifted:
        revocations.lift(str(number))
    left = [one for one in numbered if int(one.id) not in lifted]
    assert revocations.active() == left
    stopped = any(one.covers(who.issuer_url, who.subject, scope, who.attributes) for one in left)
    assert (revocations.of(who, scope) is not None) is stopped
    for one in left:
        revocations.lift(one.id)
    assert (revocations.of(who, scope), revocations.count()) == (None, 0)
    assert not revocations._by_key
    assert not revocations._attributes


def test_one_ends_when_both_clocks_say_so() -> None:
    clock = Clock()
    revocations = Revocations(clock=clock)
    revocations.add(revocation(subject=SUBJECT))
    clock.step_wall(86_400)
    assert revocations.of(WHO, SCOPE), "whoever moves the wall clock on lets nobody in"
    assert revocations.stops(session())
    clock.step_wall(-2 * 86_400)
    clock.advance(3_600)
    assert revocations.of(WHO, SCOPE)
    clock.step_wall(86_400 + 3_600)
    assert revocations.of(WHO, SCOPE) is revocations.get("r-1") is None
    assert not revocations.stops(session())
    assert (revocations.active(), revocations.count(), revocations.lift("r-1")) == ([], 0, None)


def test_the_same_again_changes_nothing_and_another_one_by_its_id_is_refused() -> None:
    clock = Clock()
    revocations = Revocations(clock=clock)
    assert revocations.add(revocation(subject=SUBJECT))
    assert not revocations.add(revocation(subject=SUBJECT, until=START + 2 * HOUR))
    with pytest.raises(Conflict) as refused:
        revocations.add(revocation(scope=SCOPE))
    assert refused.value.reason is Reason.TAKEN
    assert revocations.active() == [revocation(subject=SUBJECT)]
    clock.advance(3_600)
    assert revocations.add(revocation(scope=SCOPE, until=START + 2 * HOUR))
    assert revocations.of(principal(subject="another"), SCOPE)
    assert revocations.of(WHO, "reports:write") is None


def test_what_more_is_known_of_one_takes_its_place() -> None:
    revocations = Revocations(clock=Clock())
    revocations.add(revocation(subject=SUBJECT))
    revocations.note(revocation(subject=SUBJECT, roles=("arn",), denied=True))
    revocations.note(revocation(id="r-2"))
    (one,) = revocations.active()
    assert (one.roles, one.denied) == (("arn",), True)


def test_too_many_are_refused_and_those_that_hold_no_fixed_value_sooner() -> None:
    clock = Clock()
    revocations = Revocations(clock=clock)
    for number in range(MOST_OPEN):
        revocations.add(revocation(id=f"open-{number}", **where(namespace=Glob(f"{number}-*"))))
    with pytest.raises(Conflict) as refused:
        revocations.add(revocation(**where(namespace=Glob("b-*"))))
    assert refused.value.reason is Reason.CAPACITY
    assert revocations.add(revocation(subject="another", **where(namespace=Glob("b-*"))))


def test_the_cost_of_a_look_does_not_grow_with_their_number() -> None:
    revocations = Revocations(clock=Clock())
    for number in range(300):
        revocations.add(revocation(id=f"s-{number}", subject=f"s-{number}"))
        revocations.add(revocation(id=f"n-{number}", **where(namespace=Equal(f"n-{number}"))))
    found = revocations._candidates(URL, "s-7", SCOPE, {"namespace": "n-9"})
    assert [one.revocation.id for one in found] == ["s-7", "n-9"]


def test_nor_does_the_cost_of_one_more() -> None:
    clock = _Watched()
    revocations = Revocations(clock=clock)
    for number in range(1_000):
        revocations.add(revocation(id=f"s-{number}", subject=f"s-{number}"))
    assert clock.looks <= 5_000


class _Watched(Clock):
    """Counts how often somebody looks at it."""

    looks = 0

    def now(self) -> datetime:
        self.looks += 1
        return super().now()


def test_those_that_have_ended_make_room_and_leave_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vendor.leases.revocations.MOST", 2)
    clock = Clock()
    revocations = Revocations(clock=clock)
    revocations.add(revocation(id="1", scope="a"))
    clock.advance(3_600)
    until = clock.now() + HOUR
    revocations.add(revocation(id="1", scope="b", until=until))
    assert revocations.stopping(URL, "", "a", {}) is None
    revocations.add(revocation(id="2", scope="c"))
    revocations.add(revocation(id="3", scope="d", until=until))
    assert [one.id for one in revocations.active()] == ["1", "3"]
    assert len(revocations._by_key) == 2


def test_there_is_a_most_of_them_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vendor.leases.revocations.MOST", 2)
    assert MOST == 10_000
    revocations = Revocations(clock=Clock())
    revocations.add(revocation(id="1", scope="a"))
    revocations.add(revocation(id="2", scope="b"))
    with pytest.raises(Conflict):
        revocations.add(revocation(id="3", scope="c"))
