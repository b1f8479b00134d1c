"""RoleSession: its key covers every field, so that no result reaches another request (T17)."""

from __future__ import annotations

import hashlib
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests import made
from vendor.policy.session import Action, Hop, Mfa, Pool, Provider, RoleSession, Signing

TEXT = st.text("ab0=(,\0", max_size=4)
OPTIONAL = st.none() | TEXT
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "terms": TEXT,
    "issuer": TEXT,
    "subject": TEXT,
    "scope": TEXT,
    "target": TEXT,
    "action": st.sampled_from(Action),
    "role_arn": TEXT,
    "via": st.lists(st.builds(Hop, TEXT, OPTIONAL), max_size=3).map(tuple),
    "mfa": st.none() | st.builds(Mfa, TEXT, OPTIONAL),
    "provider": st.none() | st.builds(Provider, TEXT, OPTIONAL),
    "signing": st.none() | st.builds(Signing, st.lists(TEXT, max_size=3).map(tuple), TEXT),
    "pool": st.none() | st.builds(Pool, TEXT, st.lists(st.tuples(TEXT, TEXT), max_size=3).map(tuple)),
    "task_policy": OPTIONAL,
    "external_id": OPTIONAL,
    "session_name": TEXT,
    "policy": OPTIONAL,
    "policy_arns": st.lists(TEXT, max_size=3).map(tuple),
    "tags": st.lists(st.tuples(TEXT, TEXT), max_size=3).map(tuple),
    "transitive_tags": st.lists(TEXT, max_size=3).map(tuple),
    "source_identity": OPTIONAL,
    "duration": st.integers(900, 43_200).map(lambda seconds: timedelta(seconds=seconds)),
    "not_after": st.none() | st.integers(0, 10**9).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    "proof_sha256": OPTIONAL,
}
# Neighbours, between which a border could be moved if pieces were only joined.
NEIGHBOURS: list[dict[str, Any]] = [
    {"issuer": "ab", "subject": "c"},
    {"issuer": "a", "subject": "bc"},
    {"issuer": "abc", "subject": ""},
    {"issuer": "a=b", "subject": "c"},
    {"issuer": "a", "subject": "b=c"},
    {"external_id": None},
    {"external_id": ""},
    {"external_id": "0"},
    {"external_id": "None"},
    {"via": (Hop("a", "b"),)},
    {"via": (Hop("a", None), Hop("b", None))},
    {"via": (Hop("a", None),), "mfa": Mfa("b", None)},
    {"via": (), "mfa": Mfa("b", "c")},
    {"mfa": None, "provider": Provider("b", "c")},
    {"signing": Signing(("a", "b"), "c")},
    {"signing": Signing(("a",), "b"), "task_policy": "c"},
    {"pool": Pool("a", (("b", "c"),))},
    {"source_identity": None},
    {"source_identity": ""},
    {"policy": None},
    {"policy": ""},
    {"policy_arns": ()},
    {"policy_arns": ("",)},
    {"policy_arns": ("", "")},
    {"policy_arns": ("a", "b")},
    {"policy_arns": ("ab",)},
    {"policy_arns": ("a",), "tags": (("b", "c"),)},
    {"policy_arns": ("a", "b"), "tags": (("c", ""),)},
    {"tags": ()},
    {"tags": (("a", "b"),), "transitive_tags": ("c",)},
    {"tags": (("a", "b"), ("c", "")), "transitive_tags": ()},
    {"tags": (("a", "bc"),)},
    {"tags": (("ab", "c"),)},
    {"tags": (("a", "b"), ("c", "d"))},
    {"tags": (("c", "d"), ("a", "b"))},
    {"tags": (("(2", "a"),)},
    {"transitive_tags": ()},
    {"transitive_tags": ("(0",)},
    {"transitive_tags": ("=",)},
    {"not_after": None},
    {"not_after": datetime(2026, 3, 1, tzinfo=UTC)},
]


def test_every_field_that_is_given_has_a_strategy_here() -> None:
    assert set(FIELDS) == {part.name for part in fields(RoleSession) if part.init}


@given(st.fixed_dictionaries(FIELDS), st.fixed_dictionaries(FIELDS))
def test_changing_any_one_field_changes_the_key(known: dict[str, Any], other: dict[str, Any]) -> None:
    session = RoleSession(**known)
    for name, value in other.items():
        changed = replace(session, **{name: value})
        assert (changed.key == session.key) is (value == known[name])
        assert (changed == session) is (value == known[name])


@given(st.fixed_dictionaries(FIELDS), st.fixed_dictionaries(FIELDS))
def test_two_sessions_have_one_key_only_if_they_are_equal(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert (RoleSession(**one).key == RoleSession(**other).key) is (one == other)
    assert RoleSession(**one).key == RoleSession(**one).key


def test_neighbours_never_share_a_key() -> None:
    assert len({made.session(**fields).key for fields in NEIGHBOURS}) == len(NEIGHBOURS)


def test_the_key_is_no_part_of_what_is_compared_or_shown() -> None:
    session = made.session()
    assert session == made.session()
    assert hash(session) == hash(made.session())
    assert "key" not in repr(session)
    assert len(session.key) == 32


def test_a_policy_is_named_by_its_digest() -> None:
    assert made.session(policy="{}").policy_sha256 == hashlib.sha256(b"{}").hexdigest()
    assert made.session(policy=None).policy_sha256 is None
