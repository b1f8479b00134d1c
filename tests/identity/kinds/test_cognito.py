"""Cognito: who signed in by which client, as ID and access tokens say it each in its own way."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes import claims
from tests.identity.kinds.reading import UNFIT, read, refused
from vendor.identity import attributes
from vendor.identity.issuer import Kind
from vendor.refusals import InvalidToken, Reason

RULES = attributes.RULES[Kind.COGNITO]
CLIENT = "1example23456789"
ADA = {"client_id": CLIENT, "username": "ada", "groups": ("readers", "writers")}


def test_an_id_token_and_an_access_token_of_one_user_yield_the_same_but_for_their_use() -> None:
    assert read(Kind.COGNITO, claims.cognito_id()) == {**ADA, "token_use": "id"}
    assert read(Kind.COGNITO, claims.cognito_access()) == {**ADA, "token_use": "access"}
    assert set(RULES.names) == {*ADA, "token_use"}


def test_a_machine_has_no_username_and_is_in_no_group() -> None:
    assert read(Kind.COGNITO, claims.cognito_machine()) == {"client_id": CLIENT, "token_use": "access"}
    assert RULES.optional == {"username", "groups"}


def test_a_user_can_be_in_no_group() -> None:
    assert read(Kind.COGNITO, claims.cognito_id(**{"cognito:groups": []}))["groups"] == ()


@pytest.mark.parametrize(
    ("token", "audience"),
    [
        (claims.cognito_id(), CLIENT),
        (claims.cognito_id(client_id=CLIENT), CLIENT),
        (claims.cognito_access(), CLIENT),
        (claims.cognito_machine(), CLIENT),
        (claims.cognito_access(aud=CLIENT), CLIENT),
        # Bound to a resource (RFC 8707), it is for that one and no longer for everybody who knows the client.
        (claims.cognito_access(aud="https://vendor.example.com"), "https://vendor.example.com"),
        (claims.cognito_access(client_id=None), None),
        (claims.cognito_id(aud=None), None),
    ],
)
def test_a_token_is_for_its_client_or_for_the_resource_that_it_is_bound_to(
    token: dict[str, Any], audience: object
) -> None:
    assert RULES.audience(token) == audience


@pytest.mark.parametrize("token", [claims.cognito_id(client_id="other"), claims.cognito_id(aud=None, client_id=CLIENT)])
def test_an_id_token_that_names_two_clients_is_refused(token: dict[str, Any]) -> None:
    with pytest.raises(InvalidToken) as caught:
        RULES.audience(token)
    assert caught.value.detail == "aud and client_id do not agree"


@pytest.mark.parametrize("use", [None, "", "ID", "refresh", "access ", 1, True, ["id"], ["access"]])
def test_t5_a_token_of_another_use_is_for_nobody(use: Any) -> None:
    for token in (claims.cognito_id(token_use=use), claims.cognito_access(token_use=use)):
        with pytest.raises(InvalidToken) as caught:
            RULES.audience(token)
        assert caught.value.reason is Reason.CLAIMS
        assert refused(Kind.COGNITO, token) == caught.value.detail == "token_use is neither id nor access"


def test_an_access_token_with_the_claims_of_an_id_token_does_not_pass_for_one() -> None:
    token = claims.cognito_access(username=None, aud="x", **{"cognito:username": "root"})
    assert read(Kind.COGNITO, token) == {"client_id": CLIENT, "groups": ADA["groups"], "token_use": "access"}


@pytest.mark.parametrize(
    ("token", "name"),
    [(claims.cognito_id(aud=None), "client_id"), (claims.cognito_access(client_id=None), "client_id")],
)
def test_a_token_without_a_client_is_refused(token: dict[str, Any], name: str) -> None:
    assert refused(Kind.COGNITO, token) == f"the claim behind {name} is missing"


@pytest.mark.parametrize("value", UNFIT)
def test_t15_t16_a_name_that_is_no_printable_ascii_text_is_refused(value: Any) -> None:
    told = "is not printable ASCII text"
    assert refused(Kind.COGNITO, claims.cognito_id(aud=value)) == f"the claim behind client_id {told}"
    assert refused(Kind.COGNITO, claims.cognito_access(client_id=value)) == f"the claim behind client_id {told}"
    assert refused(Kind.COGNITO, claims.cognito_access(username=value)) == f"the claim behind username {told}"
    assert refused(Kind.COGNITO, claims.cognito_id(**{"cognito:username": value})) == (
        f"the claim behind username {told}"
    )


@pytest.mark.parametrize("groups", ["readers", 1, True, {"readers": True}, [1], [""], ["readers", "\u0440"], [["a"]]])
def test_t15_t16_groups_that_are_no_list_of_texts_are_refused(groups: Any) -> None:
    assert refused(Kind.COGNITO, claims.cognito_id(**{"cognito:groups": groups})) == (
        "the claim behind groups is no list of printable ASCII texts"
    )
