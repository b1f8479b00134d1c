"""While the service is itself the session of a role, what it assumes lasts an hour at most."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests import made
from vendor.policy.decision import Asked, Mapping
from vendor.policy.mint import SessionToken
from vendor.refusals import InvalidRequest, Reason, StsUnavailable

if TYPE_CHECKING:
    from vendor.policy.grant import Scope

HOUR = timedelta(hours=1)


class Known:
    """A mapping of one scope, for a service that is a role session or not."""

    def __init__(self, *, chained: bool = True, **changes: Any) -> None:
        times = {"duration": 2 * HOUR, "max_duration": 4 * HOUR, **changes}
        scope: Scope = made.scope()
        self.scope = replace(scope, session=replace(scope.session, **times))
        self.chained: bool | None = chained
        self.asked_about: set[str] = set()
        self.mapping = Mapping(scopes={self.scope.name: self.scope}, generation=1, chained=self._is_chained)

    def _is_chained(self, target: str) -> bool | None:
        self.asked_about.add(target)
        return self.chained

    def duration(self, seconds: timedelta | None = None, *, role: str | None = None) -> timedelta:
        principal = made.principal()
        asked = Asked(scope=None if role else self.scope.name, duration=seconds, role=role)
        permission, settled = self.mapping.settle(principal, asked)
        return self.mapping.open(permission, principal, settled).duration


def test_a_scopes_own_duration_is_shortened_to_an_hour() -> None:
    assert Known().duration() == HOUR
    assert Known(chained=False).duration() == 2 * HOUR
    assert Known(duration=HOUR / 2).duration() == HOUR / 2


def test_a_longer_one_that_is_asked_for_is_refused_and_lowered_where_a_role_is_named() -> None:
    with pytest.raises(InvalidRequest) as refused:
        Known().duration(2 * HOUR)
    assert refused.value.reason is Reason.DURATION
    assert "3600" in refused.value.public
    assert Known().duration(HOUR) == HOUR
    assert Known().duration(2 * HOUR, role=made.ROLE) == HOUR
    assert Known(chained=False).duration(2 * HOUR, role=made.ROLE) == 2 * HOUR


def test_as_long_as_nobody_knows_who_asks_for_longer_is_told_to_come_again() -> None:
    known = Known()
    known.chained = None
    with pytest.raises(StsUnavailable) as refused:
        known.duration(2 * HOUR)
    assert (refused.value.reason, refused.value.retry_after) == (Reason.BASE_IDENTITY, 1)
    for never in (5 * HOUR, HOUR / 5):
        with pytest.raises(InvalidRequest):
            known.duration(never)
    assert known.duration() == known.duration(HOUR) == known.duration(2 * HOUR, role=made.ROLE) == HOUR
    known.chained = True
    with pytest.raises(InvalidRequest):
        known.duration(2 * HOUR)
    known.chained = False
    assert known.duration(2 * HOUR) == 2 * HOUR


def test_it_is_so_from_the_moment_at_which_it_is_known() -> None:
    known = Known(chained=False)
    assert known.duration() == 2 * HOUR
    known.chained = True
    assert known.duration() == HOUR
    assert known.asked_about == {"aws"}
    known.chained = False
    assert known.duration() == 2 * HOUR
    known.chained = True
    assert known.duration() == HOUR


def test_what_a_caller_may_have_is_told_so() -> None:
    (permission,) = Known().mapping.permitted(made.principal())
    assert (permission.scope.session.duration, permission.scope.session.max_duration) == (HOUR, HOUR)


def test_the_terms_of_a_session_are_the_same() -> None:
    known = Known(chained=False)
    before = known.mapping.terms(known.scope, "issuer")
    again = Known()
    (permission,) = again.mapping.permitted(made.principal())
    assert again.mapping.terms(permission.scope, "issuer") == before


def test_actions_that_no_role_session_asks_for_keep_their_durations() -> None:
    known = Known()
    other = replace(known.scope, mint=SessionToken(mfa=None))
    mapping = Mapping(scopes={other.name: other}, generation=1, chained=known._is_chained)
    (permission,) = mapping.permitted(made.principal())
    assert permission.scope is other


def test_an_explanation_tells_that_the_scope_gives_more() -> None:
    known = Known()
    asked = Asked(scope=known.scope.name)
    decision = known.mapping.explain(made.principal(), asked)
    assert decision.hourly
    assert decision.session is not None
    assert decision.session.duration == HOUR
    assert not Known(chained=False).mapping.explain(made.principal(), asked).hourly
    assert not Known(max_duration=HOUR, duration=HOUR).mapping.explain(made.principal(), asked).hourly
