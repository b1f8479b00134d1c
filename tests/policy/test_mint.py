"""Each way in which credentials are made: what of it is filled, and what the session holds that comes of it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests import made
from vendor.policy.decision import Asked
from vendor.policy.granting import Permission
from vendor.policy.mint import (
    AssumeRole,
    CognitoIdentity,
    FederationToken,
    IdentityToken,
    Mint,
    Root,
    Saml,
    SessionToken,
    Via,
    WebIdentity,
)
from vendor.policy.opening import open_session
from vendor.policy.parameter import Parameter
from vendor.policy.session import Action, Hop, Mfa, Pool, Provider, RoleSession, Signing
from vendor.policy.template import Text
from vendor.refusals import Reason, ValueNotAllowed

ACCOUNT = Parameter(name="account", pattern=None, one_of=("111122223333", "444455556666"), path=False, default=None)
SPOKE = Text.parse("arn:aws:iam::{{ account }}:role/spoke")
HUB = "arn:aws:iam::999988887777:role/hub"
PROVIDER = "arn:aws:iam::111122223333:saml-provider/adfs"
DEVICE = Mfa("arn:aws:iam::111122223333:mfa/vendor", "/etc/vendor/mfa")
SHORT = timedelta(seconds=900)


def opened(mint: Mint, *, duration: timedelta = SHORT, **asked: str) -> RoleSession:
    of = made.scope(
        mint=mint,
        parameters=(ACCOUNT,) if asked else (),
        session=replace(made.scope().session, duration=duration),
    )
    return open_session(
        Permission(scope=of, grant=0), made.principal(), Asked(scope=of.name, parameters=asked), terms="7"
    )


def test_a_chain_is_filled_hop_by_hop_and_the_device_is_for_the_first() -> None:
    mint = AssumeRole(
        role=SPOKE,
        external_id=Text.parse("{{ namespace }}-1"),
        via=(Via(role=Text.parse(HUB), external_id=Text.parse("{{ namespace }}-2")),),
        mfa=DEVICE,
    )
    session = opened(mint, account="444455556666")
    assert session.action is Action.ASSUME_ROLE
    assert session.role_arn == "arn:aws:iam::444455556666:role/spoke"
    assert (session.external_id, session.via) == ("analytics-1", (Hop(HUB, "analytics-2"),))
    assert session.mfa == DEVICE
    assert session.chained
    assert [str(text) for text in mint.texts()] == [
        HUB,
        "{{ namespace }}-2",
        "arn:aws:iam::{{ account }}:role/spoke",
        "{{ namespace }}-1",
    ]


def test_without_hops_nothing_is_chained() -> None:
    session = opened(AssumeRole(role=Text.parse(HUB)))
    assert (session.via, session.mfa, session.chained) == ((), None, False)


def test_a_role_by_the_callers_own_token_is_named_as_any() -> None:
    session = opened(WebIdentity(role=SPOKE), account="111122223333")
    assert (session.action, session.role_arn) == (Action.WEB_IDENTITY, "arn:aws:iam::111122223333:role/spoke")
    assert re.fullmatch("system-serviceaccount-analytics-reporter-[a-z2-7]{16}", session.session_name)
    assert [str(text) for text in WebIdentity(role=SPOKE).texts()] == [str(SPOKE)]


def test_a_role_by_assertion_is_called_as_the_assertion_says() -> None:
    mint = Saml(role=SPOKE, provider=Text.parse("arn:aws:iam::{{ account }}:saml-provider/adfs"), assertion_file="/a")
    session = opened(mint, account="111122223333")
    assert (session.action, session.session_name) == (Action.SAML, "")
    assert session.provider == Provider(PROVIDER, "/a")
    assert [str(text) for text in mint.texts()] == [str(SPOKE), "arn:aws:iam::{{ account }}:saml-provider/adfs"]


def test_a_session_of_the_services_own_user_has_no_role_and_no_name() -> None:
    session = opened(SessionToken(mfa=DEVICE))
    assert (session.action, session.role_arn, session.session_name) == (Action.SESSION_TOKEN, "", "")
    assert session.mfa == DEVICE
    assert list(SessionToken(mfa=None).texts()) == []


def test_a_federated_user_is_called_in_32_characters_of_which_the_last_tell_principals_apart_t22() -> None:
    mint = FederationToken(name=Text.parse("{{ namespace }}-and-more-than-fits"))
    session = opened(mint)
    assert (session.action, session.role_arn) == (Action.FEDERATION_TOKEN, "")
    assert re.fullmatch("analytics-and-m-[a-z2-7]{16}", session.session_name)
    assert [str(text) for text in mint.texts()] == ["{{ namespace }}-and-more-than-fits"]


def test_a_root_session_names_the_account_and_the_task() -> None:
    task = "arn:aws:iam::aws:policy/root-task/S3UnlockBucketPolicy"
    mint = Root(account=Text.parse("{{ account }}"), task_policy=task, partition="aws")
    session = opened(mint, account="111122223333")
    assert (session.action, session.role_arn, session.task_policy) == (
        Action.ROOT,
        "arn:aws:iam::111122223333:root",
        task,
    )
    assert [str(text) for text in mint.texts()] == ["{{ account }}"]


def test_a_signed_token_is_for_its_audience() -> None:
    session = opened(IdentityToken(audience=("https://a.example.com",), algorithm="ES384"))
    assert session.action is Action.IDENTITY_TOKEN
    assert session.signing == Signing(("https://a.example.com",), "ES384")


def test_a_pool_is_shown_what_it_asks_for() -> None:
    session = opened(CognitoIdentity(pool="eu-west-1:1", logins=(("oidc.example.com", "token"),)))
    assert session.action is Action.COGNITO_IDENTITY
    assert session.pool == Pool("eu-west-1:1", (("oidc.example.com", "token"),))


@pytest.mark.parametrize(
    ("mint", "duration"),
    [
        (AssumeRole(role=Text.parse(HUB), via=(Via(role=Text.parse(made.ROLE), external_id=None),)), 3600),
        (Root(account=Text.parse("111122223333"), task_policy="t", partition="aws"), 900),
        (IdentityToken(audience=("a",), algorithm="RS256"), 3600),
        (CognitoIdentity(pool="eu-west-1:1", logins=()), 3600),
        (AssumeRole(role=Text.parse(HUB)), 43_200),
    ],
)
def test_what_lasts_longer_than_its_action_gives_is_not_asked_for(mint: Any, duration: int) -> None:
    assert opened(mint, duration=timedelta(seconds=duration)).duration.total_seconds() == duration
    with pytest.raises(ValueNotAllowed) as refused:
        opened(mint, duration=timedelta(seconds=duration + 1))
    assert refused.value.reason is Reason.LIMIT
    assert refused.value.public == "the duration would not be taken by AWS"
