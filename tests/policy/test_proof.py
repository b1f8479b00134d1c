"""What a caller brings for AWS to see: wanted, fitting, and never lent to who brings something else."""

from __future__ import annotations

from typing import Any

import pytest

from tests import made
from vendor.credentials import Secret
from vendor.policy.proof import NO_PROOF, Proof, bound
from vendor.policy.session import Action, Mfa, Pool, Provider, RoleSession, Signing
from vendor.refusals import InvalidRequest, Reason

ASSERTION = Proof(saml_assertion=Secret("PHNhbWw+PC9zYW1sPg=="))
CODE = Proof(mfa_code=Secret("012345"))
ALL = frozenset(Action)
CREDENTIALS = ALL - {Action.IDENTITY_TOKEN}
PLAIN = made.session()
BY_ASSERTION = made.session(action=Action.SAML, provider=Provider("arn:p", None), session_name="")
BY_CODE = made.session(action=Action.SESSION_TOKEN, mfa=Mfa("arn:d", None), role_arn="", session_name="")
IN_POOL = made.session(action=Action.COGNITO_IDENTITY, pool=Pool("eu-west-1:1", (("a.example.com", "token"),)))
IN_POOL_BY_ASSERTION = made.session(
    action=Action.COGNITO_IDENTITY, pool=Pool("eu-west-1:1", (("arn:p", "saml_assertion"),))
)
SIGNED = made.session(action=Action.IDENTITY_TOKEN, signing=Signing(("a",), "RS256"))


@pytest.mark.parametrize(
    "session",
    [
        PLAIN,
        IN_POOL,
        made.session(action=Action.WEB_IDENTITY),
        made.session(mfa=Mfa("arn:d", "/etc/vendor/mfa")),
        made.session(action=Action.SAML, provider=Provider("arn:p", "/assertion")),
    ],
)
def test_what_asks_for_nothing_is_bound_to_nothing(session: RoleSession) -> None:
    assert bound(session, NO_PROOF, gives=CREDENTIALS) is session


@pytest.mark.parametrize(
    ("session", "proof"), [(BY_ASSERTION, ASSERTION), (BY_CODE, CODE), (IN_POOL_BY_ASSERTION, ASSERTION)]
)
def test_what_aws_judges_is_part_of_the_key_and_not_shown(session: RoleSession, proof: Proof) -> None:
    made_of = bound(session, proof, gives=CREDENTIALS)
    other: dict[str, Any] = (
        {"saml_assertion": Secret("QUJD")} if proof.saml_assertion else {"mfa_code": Secret("543210")}
    )
    assert made_of.key == bound(session, proof, gives=CREDENTIALS).key
    assert (
        len(
            {
                session.key,
                made_of.key,
                bound(session, Proof(**other), gives=CREDENTIALS).key,
            }
        )
        == 3
    )
    assert "012345" not in repr(made_of)
    assert "proof" not in repr(made_of)


def test_the_token_is_no_part_of_the_key() -> None:
    session = made.session(action=Action.WEB_IDENTITY)
    assert bound(session, Proof(token=Secret("a.b.c")), gives=CREDENTIALS) is session


@pytest.mark.parametrize(("session", "named"), [(BY_ASSERTION, "saml_assertion"), (BY_CODE, "mfa_code")])
def test_who_brings_nothing_is_told_what_and_where(session: RoleSession, named: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        bound(session, NO_PROOF, gives=ALL)
    assert refused.value.reason is Reason.MISSING_PROOF
    assert refused.value.public == f"this scope needs {named}: POST it to /v1/credentials/{{scope}} in the JSON body"


@pytest.mark.parametrize(("proof", "named"), [(ASSERTION, "saml_assertion"), (CODE, "mfa_code")])
def test_a_proof_that_is_not_asked_for_is_refused_never_ignored(proof: Proof, named: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        bound(PLAIN, proof, gives=ALL)
    assert refused.value.public == f"this scope takes no {named}"
    assert refused.value.reason is Reason.MISSING_PROOF, "by which a replay knows that it was not the scope's doing"


@pytest.mark.parametrize("said", ["", "abc", "a b c d", "<saml/>", "A" * 100_001, "QUJD\n"])
def test_what_cannot_be_an_assertion_is_not_sent(said: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        bound(BY_ASSERTION, Proof(saml_assertion=Secret(said)), gives=ALL)
    assert refused.value.public.startswith("saml_assertion must be")


@pytest.mark.parametrize("said", ["", "12345", "1234567", "12345a", "\u0661\u0661\u0661\u0661\u0661\u0661"])
def test_what_cannot_be_a_code_is_not_sent(said: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        bound(BY_CODE, Proof(mfa_code=Secret(said)), gives=ALL)
    assert refused.value.public == "mfa_code must be six digits"


def test_a_signed_token_is_given_only_where_it_can_be() -> None:
    assert bound(SIGNED, NO_PROOF, gives=ALL) is SIGNED
    with pytest.raises(InvalidRequest) as refused:
        bound(SIGNED, NO_PROOF, gives=CREDENTIALS)
    assert refused.value.reason is Reason.NOT_AT_THIS_DOOR


def test_a_session_tells_what_of_the_caller_is_needed_for_it_and_the_token_is_shown_to_nobody_else() -> None:
    by_token = made.session(action=Action.WEB_IDENTITY)
    sessions = (PLAIN, SIGNED, BY_ASSERTION, BY_CODE, IN_POOL, IN_POOL_BY_ASSERTION, by_token)
    told = [(), (), ("saml_assertion",), ("mfa_code",), ("token",), ("saml_assertion",), ("token",)]
    assert [session.needs for session in sessions] == told
