"""A switch of the rules in the middle of an exchange: no answer is by a rule that is no longer (T19, T20)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.made import scope
from tests.test_exchange import ISSUER, World, world
from vendor.identity.authentication import Authenticator, TrustedIssuer
from vendor.identity.once import Used
from vendor.policy.decision import Mapping
from vendor.policy.grant import Grant, Scope
from vendor.policy.matcher import Equal
from vendor.policy.template import PolicyTemplate
from vendor.refusals import AccessDenied, InvalidToken, Reason

__all__ = ["world"]

NARROW = PolicyTemplate.parse({"Version": "2012-10-17", "Statement": [{"Effect": "Deny"}]})


def switch(world: World, *, only: Scope | None = None, trusted: TrustedIssuer | None = None, **more: Any) -> None:
    """Have other rules from now on: another scope, another issuer, or none."""
    one = world.scopes.held["reports:read"] if only is None else only
    issuers = more.get("issuers", {ISSUER: trusted or world.issuer})
    world.exchange.switch(
        authenticator=Authenticator(issuers=issuers, clock=world.clock, used=more.get("used")),
        mapping=Mapping(scopes={one.name: one}, generation=2),
    )


def narrowed(world: World) -> Scope:
    return replace(world.scopes.held["reports:read"], session=replace(scope().session, policy=NARROW))


def granted_to(world: World, subject: str) -> Scope:
    grant = Grant(issuer="generic", where=(("subject", Equal(subject)),))
    return replace(world.scopes.held["reports:read"], grants=(grant,))


@pytest.mark.parametrize("step", ["keys", "mint"])
async def test_who_is_granted_nothing_any_more_is_refused_although_it_had_begun(world: World, step: str) -> None:
    world.trouble.meanwhile[step] = lambda: switch(world, only=granted_to(world, "somebody-else"))
    refused = await world.refusal()
    assert (type(refused), refused.reason) == (AccessDenied, Reason.NO_GRANT)
    (line,) = world.lines()
    assert (line["config_generation"], line["outcome"], line["role"], line["grant"]) == (2, "refused", None, None)
    assert line["subject"] == "reporter"


@pytest.mark.parametrize("step", ["keys", "mint"])
async def test_who_had_begun_is_given_what_is_allowed_now(world: World, step: str) -> None:
    world.trouble.meanwhile[step] = lambda: switch(world, only=narrowed(world))
    lease = await world.ask()
    assert lease.session.policy == NARROW.fill({})
    (line,) = world.lines()
    assert (line["config_generation"], line["access_key_id"]) == (2, lease.credentials.access_key_id)
    assert world.trouble.taken.count("mint") == (2 if step == "mint" else 1)
    assert world.trouble.taken.count("keys") == 1


async def test_what_did_not_change_costs_no_second_mint(world: World) -> None:
    world.trouble.meanwhile["mint"] = lambda: switch(world)
    await world.ask()
    assert world.trouble.taken.count("mint") == world.trouble.taken.count("keys") == 1
    assert world.lines()[0]["config_generation"] == 2


@pytest.mark.parametrize("step", ["keys", "mint"])
async def test_who_was_proven_on_other_terms_is_proven_again(world: World, step: str) -> None:
    stricter = replace(world.issuer.issuer, audience="somebody-else")
    trusted = TrustedIssuer(issuer=stricter, keys=world.issuer.keys)
    world.trouble.meanwhile[step] = lambda: switch(world, trusted=trusted)
    refused = await world.refusal()
    assert (type(refused), refused.reason) == (InvalidToken, Reason.AUDIENCE)
    assert world.trouble.taken.count("keys") == 2


@pytest.mark.parametrize("step", ["keys", "mint"])
async def test_who_was_proven_by_an_issuer_that_is_gone_is_nobody(world: World, step: str) -> None:
    world.trouble.meanwhile[step] = lambda: switch(world, issuers={})
    refused = await world.refusal()
    assert (type(refused), refused.reason) == (InvalidToken, Reason.UNKNOWN_ISSUER)
    (line,) = world.lines()
    assert (line["subject"], line["session_name"], line["access_key_id"]) == (None, None, None)


@pytest.mark.parametrize("step", ["keys", "mint"])
async def test_a_one_time_token_is_good_for_its_one_exchange_in_spite_of_a_switch(world: World, step: str) -> None:
    once = TrustedIssuer(issuer=replace(world.issuer.issuer, one_time=True), keys=world.issuer.keys)
    used = Used(clock=world.clock)
    switch(world, trusted=once, used=used)
    world.trouble.meanwhile[step] = lambda: switch(world, trusted=once, used=used)
    token = world.token(jti="t-1")
    assert (await world.ask(token=token)).credentials.access_key_id
    refused = await world.refusal(token=token)
    assert (type(refused), refused.reason) == (InvalidToken, Reason.REPLAYED)


async def test_who_only_asks_who_they_are_is_proven_by_the_rules_that_are(world: World) -> None:
    world.trouble.meanwhile["keys"] = lambda: switch(world, issuers={})
    with pytest.raises(InvalidToken):
        await world.exchange.authenticate(world.token(), deadline=world.clock.monotonic() + 1)
    assert world.exchange.suppose("generic", {}) is None
    switch(world)
    assert world.exchange.suppose("generic", {"subject": "a"})
