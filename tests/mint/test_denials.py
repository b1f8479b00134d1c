"""A role that is denied for good costs one call in half a minute, and nobody can have it denied to others for long."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace

import pytest

from tests.fakes.clock import Clock
from tests.made import ROLE, session
from vendor.mint import denials
from vendor.mint.denials import DENIED, TRUSTED, Denials
from vendor.policy.session import Action, Provider
from vendor.refusals import Reason, Refusal, RoleRefused, StsUnavailable

DENIAL = RoleRefused(Reason.ROLE_DENIED, detail="AccessDenied: not authorized")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def known(clock: Clock) -> Denials:
    return Denials(clock=clock)


async def _mint(known: Denials, subject: str, outcome: Exception | None = DENIAL, *, role: str = ROLE) -> bool:
    """Mint with this outcome, and return whether STS was asked."""
    asked = False
    with suppress(Refusal):
        async with known.judging(session(subject=subject, role_arn=role)):
            asked = True
            await asyncio.sleep(0)
            if outcome is not None:
                raise outcome
    return asked


async def test_ten_minutes_of_two_hundred_a_second_cost_one_call_in_half_a_minute(known: Denials, clock: Clock) -> None:
    calls = 0
    for number in range(600 * 20):
        calls += await _mint(known, f"pod-{number % 50}")
        clock.advance(0.05)
    assert calls == 20


async def test_what_was_denied_to_one_is_refused_to_the_next_in_the_same_words(known: Denials) -> None:
    await _mint(known, "one")
    with pytest.raises(RoleRefused) as refused:
        async with known.judging(session(subject="two")):
            pass
    assert (refused.value.reason, refused.value.detail) == (DENIAL.reason, DENIAL.detail)
    assert refused.value is not DENIAL


async def test_other_roles_and_other_terms_are_asked_for(known: Denials) -> None:
    await _mint(known, "one")
    assert await _mint(known, "two", role="arn:aws:iam::111122223333:role/other")
    with pytest.raises(RoleRefused):
        async with known.judging(session(subject="two", terms="2")):
            raise DENIAL


async def test_where_aws_judges_what_the_caller_brought_each_is_judged_for_itself(known: Denials) -> None:
    one = session(action=Action.SAML, provider=Provider("arn:aws:iam::111122223333:saml-provider/idp", None))
    for proof in ("one", "two"):
        with pytest.raises(RoleRefused):
            async with known.judging(replace(one, proof_sha256=proof)):
                raise DENIAL
    with pytest.raises(RoleRefused):
        async with known.judging(replace(one, proof_sha256="one")):
            raise AssertionError


async def _show(known: Denials, subject: str, claims: str, outcome: Exception | None = DENIAL) -> bool:
    """Mint with a token that says these claims, and return whether STS was asked."""
    asked = False
    shown = session(action=Action.WEB_IDENTITY, subject=subject, proof_sha256=claims)
    with suppress(Refusal):
        async with known.judging(shown):
            asked = True
            await asyncio.sleep(0)
            if outcome is not None:
                raise outcome
    return asked


async def test_f7_a_token_of_its_own_for_each_run_costs_no_call_for_each_run(known: Denials, clock: Clock) -> None:
    calls = 0
    for number in range(600 * 20):
        calls += await _show(known, "repo:acme/site", f"run {number}")
        clock.advance(0.05)
    assert calls == 20
    assert await _show(known, "repo:acme/shop", "run 1", None), "whom the role trusts AWS says of each"


async def test_claims_that_were_denied_last_let_others_of_the_same_principal_ask_first(
    known: Denials, clock: Clock
) -> None:
    await _show(known, "repo:acme/site", "a workflow")
    assert not await _show(known, "repo:acme/site", "another", None)
    clock.advance(DENIED)
    assert not await _show(known, "repo:acme/site", "a workflow")
    assert await _show(known, "repo:acme/site", "another", None)
    assert await _show(known, "repo:acme/site", "a workflow")
    assert await _show(known, "repo:acme/site", "another", None), "the role can be had, so who is denied is so alone"


async def test_a_token_that_says_nothing_besides_whose_it_is_stands_for_all_of_the_scope(known: Denials) -> None:
    for subject in ("one", "two"):
        with suppress(RoleRefused):
            async with known.judging(session(action=Action.WEB_IDENTITY, subject=subject)):
                assert subject == "one"
                raise DENIAL


async def test_where_others_had_it_a_denial_is_of_one_alone(known: Denials, clock: Clock) -> None:
    await _mint(known, "good", None)
    assert await _mint(known, "bad")
    assert await _mint(known, "good", None)
    clock.advance(TRUSTED)
    assert await _mint(known, "bad")
    assert not await _mint(known, "good", None)


async def test_who_was_denied_last_does_not_ask_first(known: Denials, clock: Clock) -> None:
    await _mint(known, "bad")
    clock.advance(DENIED)
    assert not await _mint(known, "bad")
    assert await _mint(known, "good", None)
    assert await _mint(known, "other", None)


async def test_alone_it_asks_after_twice_as_long(known: Denials, clock: Clock) -> None:
    await _mint(known, "bad")
    clock.advance(2 * DENIED)
    assert await _mint(known, "bad")


async def test_while_one_finds_out_the_others_wait(known: Denials, clock: Clock) -> None:
    await _mint(known, "one")
    clock.advance(DENIED)
    async with known.judging(session(subject="two")):
        assert not await _mint(known, "three")
    assert await _mint(known, "three", None)


async def test_a_question_without_an_answer_may_be_asked_again(known: Denials, clock: Clock) -> None:
    await _mint(known, "one")
    clock.advance(DENIED)
    assert await _mint(known, "two", StsUnavailable(Reason.NO_ANSWER))
    assert await _mint(known, "three", None)


async def test_what_is_wrong_with_a_policy_says_nothing_of_the_role(known: Denials) -> None:
    await _mint(known, "one", RoleRefused(Reason.POLICY_REJECTED))
    assert await _mint(known, "two")


async def test_so_many_roles_are_remembered(known: Denials, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(denials, "MOST", 1)
    await _mint(known, "one")
    await _mint(known, "one", role="arn:aws:iam::111122223333:role/other")
    assert await _mint(known, "two")


async def test_of_many_who_come_at_once_one_finds_out(known: Denials) -> None:
    asked = await asyncio.gather(*(_mint(known, f"pod-{number}") for number in range(50)))
    assert sum(asked) == 1


async def test_once_it_is_found_out_that_a_role_can_be_had_nobody_waits_for_another(known: Denials) -> None:
    assert all(await asyncio.gather(*(_mint(known, f"pod-{number}", None) for number in range(50))))


async def test_who_finds_out_too_slowly_is_waited_for_no_longer(
    known: Denials, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(denials, "FIRST", 0.01)
    async with known.judging(session(subject="slow")):
        assert await _mint(known, "quick", None)
