"""Each kind on its own terms: whom a token is for, whether it says when it was issued, what it calls itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.fakes import claims
from tests.identity import made
from vendor.identity import attributes
from vendor.identity.claims import judge
from vendor.identity.issuer import Kind
from vendor.identity.token import UnverifiedToken
from vendor.refusals import InvalidToken, Reason

NOW = datetime.fromtimestamp(claims.ISSUED + 60, UTC)
CLIENT = claims.cognito_id()["aud"]


def judged(kind: Kind, said: dict[str, Any], audience: str = "vendor") -> dict[str, Any]:
    """Return the attributes of a token that an issuer of this kind has signed."""
    issuer = made.issuer(kind=kind, url=said["iss"], audience=audience)
    verified = UnverifiedToken(
        sha256="",
        signing_input=b"",
        signature=b"",
        algorithm="RS256",
        key_id="k",
        kind="jwt",
        issuer=said["iss"],
        claims=said,
    )
    return dict(judge(verified, issuer, NOW).attributes)


def refused(kind: Kind, said: dict[str, Any], audience: str = "vendor") -> Reason:
    """Return the reason why a token is refused."""
    with pytest.raises(InvalidToken) as caught:
        judged(kind, said, audience)
    return caught.value.reason


def test_every_kind_that_can_be_configured_is_there() -> None:
    assert set(attributes.RULES) == set(Kind)


@pytest.mark.parametrize(
    ("kind", "said", "audience"),
    [
        (Kind.GITHUB, claims.github(), "vendor"),
        (Kind.GITLAB, claims.gitlab(), "vendor"),
        (Kind.SPIFFE, claims.spiffe(), "vendor"),
        (Kind.COGNITO, claims.cognito_id(), CLIENT),
        (Kind.COGNITO, claims.cognito_access(), CLIENT),
        (Kind.COGNITO, claims.cognito_machine(), CLIENT),
        (Kind.COGNITO, claims.cognito_access(aud="https://vendor.example.com"), "https://vendor.example.com"),
        (Kind.AWS, claims.aws(), "vendor"),
    ],
)
def test_a_token_as_its_provider_writes_it_is_taken_by_those_it_is_for(
    kind: Kind, said: dict[str, Any], audience: str
) -> None:
    assert judged(kind, said, audience)["subject"] == said["sub"]
    assert refused(kind, said, "somebody-else") is Reason.AUDIENCE


def test_t5_an_access_token_that_is_bound_to_another_resource_is_not_for_its_client() -> None:
    assert refused(Kind.COGNITO, claims.cognito_access(aud="https://other.example.com"), CLIENT) is Reason.AUDIENCE


def test_t5_no_other_kind_takes_client_id_for_an_audience() -> None:
    said = {**claims.spiffe(), "client_id": "vendor", "token_use": "access"}
    del said["aud"]
    for kind in set(Kind) - {Kind.COGNITO}:
        assert refused(kind, said) is Reason.CLAIMS


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (Kind.GITHUB, claims.github(iat=None)),
        (Kind.GITLAB, claims.gitlab(iat=None)),
        (Kind.AWS, claims.aws(iat=None)),
        (Kind.GENERIC, claims.spiffe(iat=None)),
    ],
)
def test_only_a_jwt_svid_need_not_say_when_it_was_issued(kind: Kind, said: dict[str, Any]) -> None:
    assert judged(Kind.SPIFFE, claims.spiffe(iat=None))["path"] == "/ns/payments/sa/api"
    assert refused(kind, said) is Reason.CLAIMS


def test_only_a_jwt_svid_may_call_itself_jose_and_only_a_generic_token_at_jwt() -> None:
    assert {kind for kind in Kind if "jose" in attributes.RULES[kind].types} == {Kind.SPIFFE}
    assert {kind for kind in Kind if "at+jwt" in attributes.RULES[kind].types} == {Kind.GENERIC}


@pytest.mark.parametrize("kind", sorted(Kind))
def test_t15_claims_of_no_kind_at_all_are_refused_and_never_an_error(kind: Kind) -> None:
    for value in (None, 1, True, "", [], {}, [1], {"a": 1}):
        said = dict.fromkeys((*claims.github(), *claims.gitlab(), *claims.cognito_id(), *claims.aws()), value)
        said |= {"kubernetes.io": value, "iss": "https://a.example", "sub": "x", "aud": "vendor", **claims.TIMES}
        said["jti"] = "1"
        if kind is Kind.GENERIC or (kind in {Kind.GITHUB, Kind.GITLAB} and value is None):
            assert judged(kind, said)["subject"] == "x"
        else:
            assert refused(kind, said) is Reason.CLAIMS
