"""Session names: stable, readable, within what STS takes, and never shared by two principals (T22)."""

from __future__ import annotations

import re
from itertools import combinations
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import made
from vendor.policy.naming import ending, fit, session_name

if TYPE_CHECKING:
    from vendor.identity.principal import AttributeValue, Principal

STS_TAKES = re.compile(r"[A-Za-z0-9_+=,.@-]{2,64}", re.ASCII)
URL = "https://oidc.example.com/id/AAA"


def subject(text: str, *, url: str = URL, **attributes: AttributeValue) -> Principal:
    return made.principal(subject=text, issuer_url=url, attributes=attributes)


def test_a_pod_is_named_by_its_namespace_and_service_account() -> None:
    name = session_name(subject("system:serviceaccount:a:b", namespace="a", service_account="b"))
    assert re.fullmatch(r"a\.b-[a-z2-7]{16}", name)


def test_other_identities_are_named_by_their_subject() -> None:
    assert re.fullmatch(r"repo-acme-site-[a-z2-7]{16}", session_name(subject("repo:acme/site")))
    assert re.fullmatch(r"x-[a-z2-7]{16}", session_name(subject("x", namespace="a")))
    assert re.fullmatch(r"x-[a-z2-7]{16}", session_name(subject("x", service_account="a")))


def test_a_head_that_is_given_is_used() -> None:
    assert re.fullmatch(r"billing-7-[a-z2-7]{16}", session_name(subject("repo:acme/site"), "billing/7"))


def test_the_name_is_the_same_after_every_refresh() -> None:
    first = subject("repo:acme/site")
    later = made.principal(subject="repo:acme/site", issuer_url=URL, attributes={}, token_sha256="b" * 64)
    assert session_name(first) == session_name(later)
    assert session_name(first) == "repo-acme-site-lflzyfk3jvge2hvw"


LONG = "a" * 60
ALIKE = [
    subject("a:b"),
    subject("a/b"),
    subject("a-b"),
    subject("a::b"),
    subject("a b"),
    subject("A:b"),
    subject("a:b "),
    subject(LONG),
    subject(LONG + "b"),
    subject(LONG + "c"),
    subject("b", url=URL + "a"),
    subject("ab"),
    subject("ab", url="https://oidc.example.com/id/BBB"),
    subject("b", url=URL),
    subject("x", namespace="a.b", service_account="c"),
    subject("y", namespace="a", service_account="b.c"),
]


@pytest.mark.parametrize(("one", "other"), list(combinations(ALIKE, 2)))
def test_principals_that_read_alike_have_names_of_their_own(one: Principal, other: Principal) -> None:
    assert session_name(one) != session_name(other)
    assert session_name(one, "same") != session_name(other, "same")


@given(st.text(min_size=1, max_size=300), st.none() | st.text(min_size=1, max_size=100))
def test_every_name_is_one_that_sts_takes(text: str, head: str | None) -> None:
    principal = subject(text.encode("utf-8", "replace").decode())
    assert STS_TAKES.fullmatch(session_name(principal, head))


@given(st.text(min_size=1, max_size=80), st.text(min_size=1, max_size=80))
def test_two_subjects_never_have_one_name(one: str, other: str) -> None:
    assert (session_name(subject(one), "x") == session_name(subject(other), "x")) is (one == other)


def test_a_long_name_has_sixty_four_characters_the_last_sixteen_of_them_the_digest() -> None:
    name = session_name(subject("a" * 300))
    assert re.fullmatch(r"a{47}-[a-z2-7]{16}", name)
    assert len(session_name(subject("x"), "b" * 47)) == 64
    assert session_name(subject("x"), "b" * 47 + "c") == session_name(subject("x"), "b" * 47)


@pytest.mark.parametrize("character", [*map(chr, range(0x180)), "\u0661", "\uff21"])
def test_a_name_keeps_each_character_that_sts_takes_but_the_plus(character: str) -> None:
    kept = character in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_=,.@-"
    assert fit(f"a{character}b") == (f"a{character}b" if kept else "a-b")


def test_what_a_name_cannot_hold_becomes_one_hyphen_however_long_it_is() -> None:
    assert fit("a: /\u00e9b::c") == "a-b-c"
    assert fit("a--b") == "a--b"


@given(text=st.text(min_size=1), head=st.text(max_size=80))
def test_all_names_of_a_principal_and_no_others_have_one_ending(text: str, head: str) -> None:
    one = subject(text)
    assert session_name(one, head or None).endswith(ending(URL, text))
    assert session_name(one).endswith(ending(URL, text))
    assert not session_name(subject(text + "x")).endswith(ending(URL, text))
    assert not session_name(subject(text, url=URL + "x")).endswith(ending(URL, text))
