"""One-time tokens: each is taken a single time, and what was used is never forgotten too early (T6)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes.clock import START, Clock
from tests.fakes.issuer import Issuer
from tests.identity import made
from vendor.identity.authentication import Authenticator, TrustedIssuer
from vendor.identity.once import Once, Used, read_name
from vendor.identity.token import digest
from vendor.refusals import ExpiredToken, InvalidToken, Overloaded, Reason

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from vendor.identity.principal import Principal

SOON = START + timedelta(minutes=5)
NOW = int(START.timestamp())


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def issuer(clock: Clock) -> AsyncIterator[Issuer]:
    async with Issuer(clock=clock) as server:
        yield server


def once_only(issuer: Issuer, clock: Clock, **more: Any) -> Authenticator:
    return made.trusting(issuer, clock=clock, one_time=True, **more)


async def why(authenticator: Authenticator, token: str) -> Reason:
    with pytest.raises(InvalidToken) as caught:
        await authenticator.authenticate(token)
    assert caught.value.public == "the token is not accepted"
    return caught.value.reason


def test_t6_a_token_id_is_taken_once(clock: Clock) -> None:
    once = Once(clock=clock)
    once.take({"jti": "a"}, until=SOON)
    once.take({"jti": "b"}, until=SOON)
    with pytest.raises(InvalidToken) as caught:
        once.take({"jti": "a"}, until=SOON)
    assert caught.value.reason is Reason.REPLAYED
    assert "'a'" in caught.value.detail


@pytest.mark.parametrize("claims", [{}, {"jti": ""}, {"jti": None}, {"jti": 1}, {"jti": True}, {"jti": ["a"]}])
def test_a_token_without_an_id_cannot_be_noted_and_is_refused(claims: dict[str, Any]) -> None:
    with pytest.raises(InvalidToken, match="invalid_token") as caught:
        read_name(claims)
    assert caught.value.reason is Reason.CLAIMS


def test_a_used_token_is_remembered_until_nobody_takes_it_any_longer(clock: Clock) -> None:
    once = Once(clock=clock)
    once.take({"jti": "a"}, until=SOON)
    clock.advance(299.9)
    with pytest.raises(InvalidToken):
        once.take({"jti": "a"}, until=SOON)
    clock.advance(0.1)
    once.take({"jti": "a"}, until=SOON + timedelta(seconds=1))


def test_t6_a_clock_that_is_set_back_makes_no_forgotten_token_good_again(clock: Clock) -> None:
    once = Once(clock=clock)
    once.take({"jti": "a"}, until=SOON)
    clock.step_wall(600)
    once.take({"jti": "b"}, until=START + timedelta(hours=1))
    clock.step_wall(-600)
    with pytest.raises(InvalidToken):
        once.take({"jti": "a"}, until=SOON)
    once.take({"jti": "c"}, until=SOON + timedelta(seconds=1))


def test_room_is_made_by_the_tokens_that_ended_first_and_by_no_other(clock: Clock) -> None:
    once = Once(clock=clock, most=2)
    once.take({"jti": "late"}, until=SOON)
    once.take({"jti": "early"}, until=START + timedelta(minutes=1))
    with pytest.raises(Overloaded) as caught:
        once.take({"jti": "new"}, until=SOON)
    assert caught.value.reason is Reason.CAPACITY
    clock.advance(60)
    once.take({"jti": "new"}, until=SOON)
    with pytest.raises(InvalidToken):
        once.take({"jti": "late"}, until=SOON)


def test_when_there_is_no_room_a_replay_is_still_called_one(clock: Clock) -> None:
    once = Once(clock=clock, most=1)
    once.take({"jti": "a"}, until=SOON)
    with pytest.raises(InvalidToken):
        once.take({"jti": "a"}, until=SOON)


async def test_t6_a_stolen_token_is_no_good_after_its_owner_has_used_it(issuer: Issuer, clock: Clock) -> None:
    authenticator = once_only(issuer, clock)
    token = issuer.token({"jti": "t-1"})
    assert (await authenticator.authenticate(token)).issuer == "a"
    assert await why(authenticator, token) is Reason.REPLAYED
    assert (await authenticator.authenticate(issuer.token({"jti": "t-2"}))).issuer == "a"


async def test_t6_the_id_counts_and_not_the_spelling_of_the_token(issuer: Issuer, clock: Clock) -> None:
    authenticator = once_only(issuer, clock)
    await authenticator.authenticate(issuer.token({"jti": "t-1"}))
    assert await why(authenticator, issuer.token({"jti": "t-1", "more": 1})) is Reason.REPLAYED


async def test_a_one_time_token_is_never_recalled_from_memory(issuer: Issuer, clock: Clock) -> None:
    authenticator = once_only(issuer, clock)
    token = issuer.token({"jti": "t-1"})
    await authenticator.authenticate(token)
    assert authenticator.recall(digest(token)) is None


async def test_a_token_that_is_refused_for_something_else_is_not_used_up(issuer: Issuer, clock: Clock) -> None:
    authenticator = once_only(issuer, clock)
    assert await why(authenticator, issuer.token({"jti": "t-1"}, key=issuer.stranger())) is Reason.SIGNATURE
    assert await why(authenticator, issuer.token({"jti": "t-1", "aud": "other"})) is Reason.AUDIENCE
    assert (await authenticator.authenticate(issuer.token({"jti": "t-1"}))).issuer == "a"


async def test_a_token_that_its_review_refuses_is_not_used_up(issuer: Issuer, clock: Clock) -> None:
    class Review:
        takes = False

        async def review(self, text: str, principal: Principal) -> None:
            if not self.takes:
                raise InvalidToken(Reason.REVIEW)

    review = Review()
    terms = made.issuer(url=issuer.issuer, one_time=True)
    trusted = TrustedIssuer(issuer=terms, keys=made.keys(terms, clock), review=review)
    authenticator = Authenticator(issuers={issuer.issuer: trusted}, clock=clock)
    token = issuer.token({"jti": "t-1"})
    assert await why(authenticator, token) is Reason.REVIEW
    review.takes = True
    assert (await authenticator.authenticate(token)).issuer == "cluster-a"


async def test_a_token_without_an_id_is_refused_where_tokens_are_used_once(issuer: Issuer, clock: Clock) -> None:
    authenticator = once_only(issuer, clock)
    assert await why(authenticator, issuer.token()) is Reason.CLAIMS
    assert await why(authenticator, issuer.token({"jti": ""})) is Reason.CLAIMS


async def test_t6_a_used_token_is_refused_until_the_leeway_has_ended_too(issuer: Issuer, clock: Clock) -> None:
    authenticator = once_only(issuer, clock)
    token = issuer.token({"jti": "t-1", "exp": NOW + 60})
    await authenticator.authenticate(token)
    clock.advance(89.9)
    assert await why(authenticator, token) is Reason.REPLAYED
    clock.advance(0.1)
    with pytest.raises(ExpiredToken):
        await authenticator.authenticate(token)


async def test_a_fresh_token_is_taken_in_its_leeway_though_others_of_its_age_were_used(
    issuer: Issuer, clock: Clock
) -> None:
    authenticator = once_only(issuer, clock)
    await authenticator.authenticate(issuer.token({"jti": "t-1", "exp": NOW + 60}))
    clock.advance(70)
    late = issuer.token({"jti": "t-2", "iat": NOW, "nbf": NOW, "exp": NOW + 60})
    assert (await authenticator.authenticate(late)).issuer == "a"


async def test_two_issuers_may_use_the_same_token_id(clock: Clock) -> None:
    async with Issuer(clock=clock) as one, Issuer(clock=clock) as other:
        both = made.trusting(one, other, clock=clock, one_time=True)
        assert (await both.authenticate(one.token({"jti": "t-1"}))).issuer == "a"
        assert (await both.authenticate(other.token({"jti": "t-1"}))).issuer == "b"
        assert await why(both, one.token({"jti": "t-1"})) is Reason.REPLAYED


async def test_t6_a_reload_does_not_make_a_used_token_good_again(issuer: Issuer, clock: Clock) -> None:
    used = Used(clock=clock)
    terms = made.issuer(url=issuer.issuer, one_time=True)
    issuers = {issuer.issuer: TrustedIssuer(issuer=terms, keys=made.keys(terms, clock))}
    token = issuer.token({"jti": "t-1"})
    await Authenticator(issuers=issuers, clock=clock, used=used).authenticate(token)
    assert await why(Authenticator(issuers=issuers, clock=clock, used=used), token) is Reason.REPLAYED


async def test_another_process_takes_a_token_once_more(issuer: Issuer, clock: Clock) -> None:
    """Not what one would wish for: the documentation says so, and this is where it would be noticed if it changed."""
    token = issuer.token({"jti": "t-1"})
    await once_only(issuer, clock).authenticate(token)
    assert (await once_only(issuer, clock).authenticate(token)).issuer == "a"


async def test_tokens_of_an_issuer_that_does_not_ask_for_it_may_be_used_again(issuer: Issuer, clock: Clock) -> None:
    authenticator = made.trusting(issuer, clock=clock)
    token = issuer.token({"jti": "t-1"})
    assert (await authenticator.authenticate(token)).issuer == "a"
    assert (await authenticator.authenticate(token)).issuer == "a"
