"""Claims on the terms of an issuer: how old a token may be, which scopes it is for, and in which order it is asked."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes.clock import START, Clock
from tests.fakes.issuer import Issuer
from tests.identity import made
from vendor.identity import checks, claims
from vendor.identity.issuer import Kind
from vendor.identity.token import digest
from vendor.refusals import ExpiredToken, InvalidToken, Reason

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from vendor.identity.authentication import Authenticator

NOW = int(START.timestamp())
HOUR = 3600


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def issuer(clock: Clock) -> AsyncIterator[Issuer]:
    async with Issuer(clock=clock) as server:
        yield server


async def why(authenticator: Authenticator, token: str) -> Reason:
    with pytest.raises(InvalidToken) as caught:
        await authenticator.authenticate(token)
    return caught.value.reason


def issued(seconds_ago: int) -> dict[str, Any]:
    return {"iat": NOW - seconds_ago, "nbf": None, "exp": NOW - seconds_ago + HOUR}


@pytest.mark.parametrize(("ago", "taken"), [(0, True), (-30, True), (600, True), (630, True), (631, False)])
async def test_t6_a_token_is_taken_until_it_is_as_old_as_its_issuer_allows(
    issuer: Issuer,
    clock: Clock,
    ago: int,
    taken: bool,  # noqa: FBT001
) -> None:
    fresh = made.trusting(issuer, clock=clock, max_token_age=timedelta(minutes=10))
    token = issuer.token(issued(ago))
    if taken:
        assert (await fresh.authenticate(token)).issuer == "a"
    else:
        assert await why(fresh, token) is Reason.LIFETIME


async def test_without_such_an_age_a_token_is_good_until_it_expires(issuer: Issuer, clock: Clock) -> None:
    assert (await made.trusting(issuer, clock=clock).authenticate(issuer.token(issued(HOUR - 1)))).issuer == "a"


async def test_t6_a_token_is_not_remembered_beyond_the_age_that_is_allowed(issuer: Issuer, clock: Clock) -> None:
    fresh = made.trusting(issuer, clock=clock, max_token_age=timedelta(minutes=10), leeway=timedelta(0))
    token = issuer.token(issued(570))
    await fresh.authenticate(token)
    clock.advance(29.9)
    assert fresh.recall(digest(token)) is not None
    clock.advance(0.1)
    assert fresh.recall(digest(token)) is None
    await fresh.authenticate(token)
    clock.advance(0.1)
    assert await why(fresh, token) is Reason.LIFETIME


SPIFFE = {"sub": "spiffe://example.org/reporter", "aud": ["vendor"], "kubernetes.io": None}


async def test_a_token_that_does_not_say_how_old_it_is_is_refused_where_that_counts(
    issuer: Issuer, clock: Clock
) -> None:
    ageless = issuer.token({**SPIFFE, "iat": None, "nbf": None})
    lax = made.trusting(issuer, clock=clock, kind=Kind.SPIFFE)
    assert (await lax.authenticate(ageless)).subject == SPIFFE["sub"]
    strict = made.trusting(issuer, clock=clock, kind=Kind.SPIFFE, max_token_age=timedelta(minutes=10))
    assert await why(strict, ageless) is Reason.CLAIMS


async def test_a_token_that_does_not_say_how_old_it_is_may_not_live_longer_than_any_other(
    issuer: Issuer, clock: Clock
) -> None:
    lax = made.trusting(issuer, clock=clock, kind=Kind.SPIFFE, max_token_lifetime=timedelta(minutes=30))
    long, short = ({**SPIFFE, "iat": None, "nbf": None, "exp": NOW + seconds} for seconds in (1801, 1800))
    assert await why(lax, issuer.token(long)) is Reason.LIFETIME
    assert (await lax.authenticate(issuer.token(short))).issuer == "a"


@pytest.mark.parametrize(
    ("said", "scopes"),
    [
        ({"scope": "reports:read"}, {"reports:read"}),
        ({"scope": "openid reports:read"}, {"openid", "reports:read"}),
        ({"scp": ["reports:read", "openid"]}, {"openid", "reports:read"}),
        ({"scp": "reports:read"}, {"reports:read"}),
        ({"scope": ["reports:read"]}, {"reports:read"}),
        ({"scope": "openid", "scp": "reports:read"}, {"openid"}),
        ({"scope": "reports:read\tother"}, {"reports:read\tother"}),
        ({"scope": []}, set()),
    ],
)
async def test_a_token_is_for_the_scopes_that_it_names(
    issuer: Issuer, clock: Clock, said: dict[str, Any], scopes: set[str]
) -> None:
    asking = made.trusting(issuer, clock=clock, require_token_scope=True)
    assert (await asking.authenticate(issuer.token(said))).token_scopes == frozenset(scopes)


async def test_a_token_that_names_no_scope_is_for_none(issuer: Issuer, clock: Clock) -> None:
    asking = made.trusting(issuer, clock=clock, require_token_scope=True)
    scopes = (await asking.authenticate(issuer.token())).token_scopes
    assert scopes is not None
    assert "reports:read" not in scopes


@pytest.mark.parametrize("said", [1, True, {"reports:read": True}, ["reports:read", 1], [["reports:read"]], 1.5])
@pytest.mark.parametrize("name", ["scope", "scp"])
async def test_a_scope_of_another_type_is_refused(issuer: Issuer, clock: Clock, name: str, said: Any) -> None:
    asking = made.trusting(issuer, clock=clock, require_token_scope=True)
    assert await why(asking, issuer.token({name: said})) is Reason.CLAIMS


async def test_the_scopes_of_a_token_mean_nothing_where_nobody_asks_for_them(issuer: Issuer, clock: Clock) -> None:
    principal = await made.trusting(issuer, clock=clock).authenticate(issuer.token({"scope": 1}))
    assert principal.token_scopes is None


@pytest.mark.parametrize(
    ("given", "scopes"),
    [
        ({}, set()),
        ({"token_scope": "reports:read openid"}, {"reports:read", "openid"}),
        ({"token_scope": ("reports:read",)}, {"reports:read"}),
        ({"token_scope": True}, set()),
    ],
)
def test_a_supposed_token_is_for_the_scopes_that_are_supposed(
    issuer: Issuer, clock: Clock, given: dict[str, Any], scopes: set[str]
) -> None:
    supposed = made.trusting(issuer, clock=clock, require_token_scope=True).suppose("a", given)
    assert supposed is not None
    assert supposed.token_scopes == frozenset(scopes)
    free = made.trusting(issuer, clock=clock).suppose("a", given)
    assert free is not None
    assert free.token_scopes is None


SPOILED: dict[str, dict[str, Any]] = {
    "audience": {"aud": "other"},
    "times": {"iat": None},
    "lifetime": {"exp": NOW + 25 * HOUR},
    "beginning": {"iat": NOW + HOUR, "exp": NOW + 2 * HOUR},
    "age": {"iat": NOW - 2 * HOUR},
    "subject": {"sub": 1},
    "token_id": {"jti": 1},
    "attributes": {"kubernetes.io": None},
    "token_scope": {"scope": 1},
}


@pytest.mark.parametrize("name", SPOILED)
async def test_each_check_is_one_that_serving_makes(issuer: Issuer, clock: Clock, name: str) -> None:
    """A list of checks that serving does not run would say `pass` of what is refused, or the other way round."""
    terms: dict[str, Any] = {"max_token_age": timedelta(hours=1), "require_token_scope": True}
    (check,) = [check for check in claims.CHECKS if check.name == name]
    token = made.unverified({**issuer.claims(), **SPOILED[name]}, url=issuer.issuer)
    case = checks.Case(token=token, issuer=made.issuer(url=issuer.issuer, **terms), now=START)
    with pytest.raises(InvalidToken) as caught:
        check.run(case)
    serving = made.trusting(issuer, clock=clock, **terms)
    assert await why(serving, issuer.token(SPOILED[name])) is caught.value.reason


def test_every_check_but_the_expiry_is_spoiled_above() -> None:
    assert {check.name for check in claims.CHECKS} == {*SPOILED, "expiry"}


@pytest.mark.parametrize("said", [{"iat": NOW}, {"iat": NOW - 48 * HOUR}, {"iat": NOW + HOUR}])
async def test_a_token_that_ended_is_told_so_whatever_it_says_of_its_beginning(
    issuer: Issuer, clock: Clock, said: dict[str, Any]
) -> None:
    with pytest.raises(ExpiredToken):
        await made.trusting(issuer, clock=clock).authenticate(issuer.token({**said, "exp": NOW - HOUR}))


async def test_what_aws_may_read_in_a_token_is_told_by_a_digest_and_a_pod_times_and_ids_are_not_among_it(
    issuer: Issuer, clock: Clock
) -> None:
    trusting = made.trusting(issuer, clock=clock, strict_aud=False)

    async def seen(**said: Any) -> str | None:
        return (await trusting.authenticate(issuer.token(said))).aws_claims_sha256

    pod = issuer.claims()["kubernetes.io"]
    same: list[dict[str, Any]] = [
        {},
        {"jti": "x", "iat": NOW - 1},
        {"aud": ["vendor"]},
        {"kubernetes.io": {**pod, "more": {"name": "p"}}},
    ]
    assert {await seen(**said) for said in same} == {None}
    others: list[dict[str, Any]] = [
        {"aud": ["vendor", "sts.amazonaws.com"]},
        {"aud": ["sts.amazonaws.com", "vendor"]},
        {"email": "a@example.com"},
        {"email": "b@example.com"},
        {"https://aws.amazon.com/tags": {"principal_tags": {"team": ["a"]}}},
        {"cognito:preferred_role": "arn"},
        {"amr": ["otp"]},
    ]
    assert len({await seen(**said) for said in others} | {None}) == len(others) + 1
