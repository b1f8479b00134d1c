"""TokenReview: a token is taken when the API server says a whole yes, and less is never enough (T6, F30)."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests import made as someone
from tests.fakes.api_server import ApiServer
from tests.fakes.clock import Clock
from tests.fakes.issuer import Issuer
from tests.identity import made
from vendor.files import Followed
from vendor.identity.api_server import ApiServerClient
from vendor.identity.authentication import REVIEWED_FOR, Authenticator, TrustedIssuer
from vendor.identity.restraint import BURST, FAILURES, PAUSE
from vendor.identity.review import REFUSED_FOR, SECONDS, TokenReview
from vendor.identity.token import digest
from vendor.refusals import InvalidToken, IssuerUnavailable, Reason

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

POD = "7f0a2f3e-9d5b-4c5e-9a53-1d8c6f2e0b02"


class World:
    """An issuer, its API server, and an authenticator that asks it."""

    def __init__(self, issuer: Issuer, server: ApiServer, folder: Path, clock: Clock) -> None:
        self.issuer, self.server, self.clock = issuer, server, clock
        at = server.files(folder)
        self._client = ApiServerClient(server=at, token=Followed(at.token_file), ca=Followed(at.ca_file))
        self._configured = made.issuer(url=issuer.issuer)
        self.results: list[str] = []
        self.review = self.reviewing()

    def reviewing(self, **parts: Any) -> TokenReview:
        """Return the review with other parts."""
        self.review = TokenReview(
            issuer=self._configured,
            server=self._client,
            clock=self.clock,
            report=lambda issuer, result: self.results.append(f"{issuer} {result}"),
            **{"seconds": 30.0, **parts},  # a busy machine is no slow API server
        )
        trusted = TrustedIssuer(
            issuer=self._configured, keys=made.keys(self._configured, self.clock), review=self.review
        )
        self.authenticator = Authenticator(issuers={self._configured.url: trusted}, clock=self.clock)
        return self.review

    def token(self, number: int = 0) -> str:
        """Return a good token, each number another."""
        return self.issuer.token({"jti": str(number)})

    async def takes(self, token: str) -> bool:
        """Ask as an exchange does: what is remembered is not asked about again."""
        return self.authenticator.recall(digest(token)) is not None or bool(
            await self.authenticator.authenticate(token)
        )

    async def refuses(self, token: str) -> str:
        """Return why the API server does not take the token."""
        with pytest.raises(InvalidToken) as refused:
            await self.takes(token)
        assert refused.value.reason is Reason.REVIEW
        assert refused.value.public == InvalidToken.told
        return refused.value.detail

    async def cannot_say(self, token: str) -> IssuerUnavailable:
        """Return the refusal of a token that nobody can be asked about."""
        with pytest.raises(IssuerUnavailable) as refused:
            await self.takes(token)
        assert refused.value.reason is Reason.REVIEW_UNAVAILABLE
        assert "own-token" not in refused.value.detail
        return refused.value

    async def close(self) -> None:
        """Let go of what is under way."""
        await self.review.close()
        await self._client.close()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    clock = Clock()
    async with Issuer(clock=clock) as issuer, ApiServer(issuer) as server:
        made_world = World(issuer, server, tmp_path, clock)
        yield made_world
        await made_world.close()


async def test_a_token_that_the_api_server_takes_is_taken_and_asked_about_for_our_audience_alone(world: World) -> None:
    token = world.token()
    assert await world.takes(token)
    (question,) = world.server.reviewed
    audience, new = question["spec"]["audiences"]
    assert audience == "vendor"
    assert question == {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenReview",
        "spec": {"token": token, "audiences": ["vendor", new]},
    }
    assert world.results == ["cluster-a taken"]


async def test_no_two_questions_are_the_same_as_an_api_server_remembers_what_it_answered(world: World) -> None:
    token = world.token()
    for _ in range(3):
        assert await world.takes(token)
        world.clock.advance(REVIEWED_FOR.total_seconds())
    assert len({json.dumps(question["spec"]["audiences"]) for question in world.server.reviewed}) == 3


async def test_t6_a_deleted_pods_token_stops_working_within_ten_seconds(world: World) -> None:
    token = world.token()
    assert await world.takes(token)
    world.server.deleted.add(POD)
    world.clock.advance(REVIEWED_FOR.total_seconds() - 0.1)
    assert await world.takes(token)
    world.clock.advance(0.1)
    assert "invalidated" in await world.refuses(token)
    assert REVIEWED_FOR + timedelta(seconds=SECONDS) <= timedelta(seconds=10)


async def test_t6_a_deleted_pods_token_that_was_never_seen_is_not_taken_at_all(world: World) -> None:
    world.server.deleted.add(POD)
    await world.refuses(world.token())
    assert world.results == ["cluster-a refused"]


async def test_what_is_taken_is_not_asked_about_again_until_then(world: World) -> None:
    token = world.token()
    for _ in range(9):
        assert await world.takes(token)
        world.clock.advance(0.9)
    assert len(world.server.reviewed) == 1


async def test_a_token_whose_signature_does_not_hold_is_not_asked_about(world: World) -> None:
    forged = world.issuer.token(key=world.issuer.stranger())
    with pytest.raises(InvalidToken) as refused:
        await world.takes(forged)
    assert refused.value.reason is Reason.SIGNATURE
    assert world.server.asked == []


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"authenticated": False}, "not authenticated"),
        ({"authenticated": None}, "not authenticated"),
        ({"authenticated": "true"}, "not authenticated"),
        ({"authenticated": 1}, "not authenticated"),
        ({"error": "gone"}, "'gone'"),
        ({"error": ["gone"]}, "gone"),
        ({"error": "\x1b[2J\n" * 1000}, r"\x1b"),
        ({"audiences": ["other"]}, "another audience"),
        ({"audiences": []}, "another audience"),
        ({"audiences": None}, "another audience"),
        ({"audiences": "vendor, and more"}, "another audience"),
        ({"audiences": {"vendor": True}}, "another audience"),
        ({"user": {"username": "system:serviceaccount:kube-system:admin"}}, "another user"),
        ({"user": {"username": ["system:serviceaccount:analytics:reporter"]}}, "another user"),
        ({"user": "system:serviceaccount:analytics:reporter"}, "another user"),
        ({"user": None}, "another user"),
        ({"user": {"username": "system:serviceaccount:analytics:reporter", "uid": "other"}}, "made anew"),
        ({"user": {"username": "system:serviceaccount:analytics:reporter"}}, "made anew"),
    ],
    ids=lambda value: json.dumps(value)[:60] if isinstance(value, dict) else "",
)
async def test_an_answer_that_is_not_a_whole_yes_is_a_no(world: World, said: dict[str, Any], why: str) -> None:
    world.server.said = said
    detail = await world.refuses(world.token())
    assert why in detail
    assert len(detail) < 400


async def test_an_account_without_a_uid_in_its_token_is_compared_by_its_name(world: World) -> None:
    world.server.said = {"user": {"username": "system:serviceaccount:analytics:reporter", "uid": "any"}}
    principal = someone.principal(subject="system:serviceaccount:analytics:reporter", attributes={})
    await world.review.review(world.token(), principal)


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("401", "does not take the service's own token"),
        ("403", "lacks the role for it"),
        ("404", "status 404"),
        ("429", "fewer requests"),
        ("500", "status 500"),
        ("503", "status 503"),
        ("redirect", "status 307"),
        ("html", "not JSON"),
        ("cut", "not JSON"),
        ("list", "not an object"),
        ("twice", "stands twice"),
        ("oversize", "more than 65536 bytes"),
        ("gzip", "packed"),
        ("disconnect", "ServerDisconnectedError"),
    ],
)
async def test_f30_an_api_server_that_gives_no_answer_of_use_is_no_reason_to_do_with_less(
    world: World, fault: str, why: str
) -> None:
    world.server.fault = fault
    refusal = await world.cannot_say(world.token())
    assert why in refusal.detail
    assert refusal.retry_after
    assert "keys" not in refusal.public
    assert world.results == ["cluster-a unavailable"]


@pytest.mark.parametrize("answer", [{"kind": "Status", "status": "Failure"}, {"kind": "TokenReview"}, {"status": {}}])
async def test_f30_an_answer_that_is_no_token_review_says_nothing(world: World, answer: dict[str, Any]) -> None:
    world.server.body = json.dumps(answer).encode()
    assert "no TokenReview" in (await world.cannot_say(world.token())).detail


async def test_f30_when_it_goes_down_what_was_taken_ends_with_its_ten_seconds(world: World) -> None:
    token = world.token()
    assert await world.takes(token)
    world.server.fault = "500"
    world.clock.advance(5)
    assert await world.takes(token)
    world.clock.advance(5)
    await world.cannot_say(token)
    world.server.fault = None
    assert await world.takes(token)


async def test_f30_a_slow_api_server_is_left_in_time(world: World) -> None:
    await world.authenticator.authenticate(world.token())  # by now the keys and a connection are there
    world.reviewing(seconds=0.3)
    world.server.fault = "hang"
    began = time.monotonic()
    assert "TimeoutError" in (await world.cannot_say(world.token(1))).detail
    assert time.monotonic() - began < 10
    assert SECONDS <= 0.7


async def test_f30_the_pause_that_an_api_server_asks_for_is_passed_on(world: World) -> None:
    world.server.fault, world.server.retry_after = "429", "7"
    assert (await world.cannot_say(world.token())).retry_after == 7


async def test_f30_a_dead_api_server_is_not_hammered_and_one_question_finds_it_alive_again(world: World) -> None:
    world.server.fault = "503"
    for number in range(20):
        await world.cannot_say(world.token(number))
    assert len(world.server.reviewed) == FAILURES
    assert world.results.count("cluster-a spared") == 20 - FAILURES
    world.clock.advance(PAUSE)
    world.server.fault = None
    for number in range(20):
        assert await world.takes(world.token(number))


async def test_f30_more_questions_than_it_should_be_asked_wait_for_another_time(world: World) -> None:
    answers = await asyncio.gather(
        *(world.takes(world.token(number)) for number in range(int(BURST) + 20)), return_exceptions=True
    )
    assert sum(answer is True for answer in answers) == BURST
    spared = [answer for answer in answers if isinstance(answer, IssuerUnavailable)]
    assert {(refusal.reason, refusal.retry_after) for refusal in spared} == {(Reason.REVIEW_UNAVAILABLE, 1)}
    assert len(world.server.reviewed) == BURST


async def test_who_asks_about_one_token_at_a_time_shares_the_answer_and_may_leave(world: World) -> None:
    await world.takes(world.token(1))
    world.server.fault = "hold"
    world.server.arrived.clear()
    token = world.token()
    asking = [asyncio.create_task(world.takes(token)) for _ in range(5)]
    await world.server.arrived.wait()
    asking[0].cancel()
    await asyncio.sleep(0)
    world.server.release()
    first, *others = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(first, asyncio.CancelledError)
    assert others == [True] * 4
    assert len(world.server.reviewed) == 2


async def test_a_question_whose_askers_have_all_left_ends_by_itself(world: World) -> None:
    await world.authenticator.authenticate(world.token())  # a connection is there, and costs no time below
    world.reviewing(seconds=0.3)
    world.server.fault = "hang"
    world.server.arrived.clear()
    asking = asyncio.create_task(world.takes(world.token(1)))
    await world.server.arrived.wait()
    asking.cancel()
    async with asyncio.timeout(30):
        while "cluster-a unavailable" not in world.results:  # noqa: ASYNC110 - nobody is left to be told
            await asyncio.sleep(0.01)


async def test_two_who_share_a_refusal_do_not_share_the_exception(world: World) -> None:
    world.server.deleted.add(POD)
    token = world.token()
    answers = await asyncio.gather(*(world.takes(token) for _ in range(2)), return_exceptions=True)
    assert len({id(answer) for answer in answers}) == 2
    assert len(world.server.reviewed) == 1


async def test_a_no_is_remembered_for_a_moment_only(world: World) -> None:
    world.server.deleted.add(POD)
    token = world.token()
    for _ in range(5):
        await world.refuses(token)
    assert len(world.server.reviewed) == 1
    world.server.deleted.clear()
    world.clock.advance(REFUSED_FOR)
    assert await world.takes(token)


async def test_a_flood_of_refused_tokens_fills_no_memory(world: World) -> None:
    world.reviewing(most_refused=2)
    world.server.deleted.add(POD)
    for number in (1, 2, 3, 3, 2, 1):
        await world.refuses(world.token(number))
    asked = [question["spec"]["token"] for question in world.server.reviewed]
    assert asked == [world.token(number) for number in (1, 2, 3, 1)]


async def test_at_the_end_no_question_is_left(world: World) -> None:
    await world.takes(world.token(1))
    world.server.fault = "hang"
    world.server.arrived.clear()
    asking = asyncio.create_task(world.takes(world.token()))
    await world.server.arrived.wait()
    await world.review.close()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("review for")]
