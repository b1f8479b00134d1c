"""What was opened is not filled again: the latest as they are, many more as long as somebody holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests import made
from vendor.policy.decision import Asked, Mapping
from vendor.policy.opened import Opened

if TYPE_CHECKING:
    from vendor.policy.session import RoleSession

ISSUER = made.session().issuer
WISHES = (
    ("token", "a:read"),
    ("token", "b:read"),
    ("other", "a:read"),
    ("token", "a:read", ("month", "2026-03")),
    ("token", "a:read", ("month", "2026-03"), ("day", "1")),
    ("token", "a:read", ("month", "2026-03', 'day"), ("1", "1")),
    ("token", "a:read", ("", "month"), ("2026-03", "")),
    ("token", "a:read\ud800"),
)


class Holder:
    """Holds sessions, and remembers for which it was asked."""

    def __init__(self, *sessions: RoleSession) -> None:
        self.held = {session.key: session for session in sessions}
        self.asked: list[tuple[str, bytes]] = []

    def session(self, issuer: str, key: bytes) -> RoleSession | None:
        self.asked.append((issuer, key))
        return self.held.get(key)


def subjects(count: int) -> list[RoleSession]:
    return [made.session(subject=f"workload-{number}") for number in range(count)]


def test_the_latest_are_kept_and_nobody_is_asked_for_them() -> None:
    opened, (first, second), holder = Opened(most=2), subjects(2), Holder()
    opened.add(("token", 1), first)
    opened.add(("token", 2), second)
    assert opened.find(("token", 1), ISSUER, holder) is first
    assert opened.find(("token", 2), ISSUER, None) is second
    assert holder.asked == []


def test_what_is_no_longer_among_them_is_its_holders_and_then_again_one_of_them() -> None:
    opened, (first, second) = Opened(most=1), subjects(2)
    lent = made.session(subject=first.subject)
    holder = Holder(lent)
    opened.add(("token", 1), first)
    opened.add(("token", 2), second)
    for _ in range(2):
        assert opened.find(("token", 1), ISSUER, holder) is lent
    assert holder.asked == [(ISSUER, first.key)]


def test_what_nobody_holds_any_more_must_be_filled_again() -> None:
    opened, (first, second), holder = Opened(most=1), subjects(2), Holder()
    opened.add(("token", 1), first)
    opened.add(("token", 2), second)
    assert opened.find(("token", 1), ISSUER, holder) is None
    assert opened.find(("token", 1), ISSUER, None) is None
    assert holder.asked == [(ISSUER, first.key)]


def test_no_more_keys_are_known_than_asked_for_and_the_oldest_leave_first() -> None:
    opened, sessions = Opened(most=1, most_known=2), subjects(4)
    for number, session in enumerate(sessions):
        opened.add(("token", number), session)
    holder = Holder(*sessions)
    found = [opened.find(("token", number), ISSUER, holder) for number in range(3)]
    assert found == [None, None, sessions[2]]


@pytest.mark.parametrize("wish", WISHES)
def test_no_other_wish_finds_it_t17(wish: tuple[object, ...]) -> None:
    opened, (session, last) = Opened(most=1), subjects(2)
    opened.add(wish, session)
    opened.add(("nobody",), last)
    holder = Holder(session)
    found = [opened.find(other, ISSUER, holder) for other in WISHES if other != wish]
    assert found == [None] * (len(WISHES) - 1)
    assert opened.find(wish, ISSUER, holder) is session


def test_many_tokens_of_one_workload_cost_no_session_each() -> None:
    scope = made.scope()
    mapping = Mapping(scopes={scope.name: scope}, generation=1, opened=Opened(most=1))
    asked, tokens = Asked(scope=scope.name), [made.principal(token_sha256=f"{number:064}") for number in range(50)]
    permission = mapping.permit(tokens[0], scope.name)
    lent = mapping.open(permission, tokens[0], asked)
    holder = Holder(lent)
    for token in tokens:
        mapping.open(permission, token, asked, holder=holder)
    again = [mapping.open(permission, token, asked, holder=holder) for token in tokens]
    assert {id(session) for session in again} == {id(lent)}


def test_who_was_only_supposed_takes_nobodys_place() -> None:
    scope = made.scope()
    mapping = Mapping(scopes={scope.name: scope}, generation=1, opened=Opened(most=1))
    asked, caller = Asked(scope=scope.name), made.principal()
    permission = mapping.permit(caller, scope.name)
    lent = mapping.open(permission, caller, asked)
    mapping.open(permission, made.principal(token_sha256="", subject="supposed"), asked)
    assert mapping.open(permission, caller, asked) is lent
