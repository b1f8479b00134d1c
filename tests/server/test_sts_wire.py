"""The words of STS: which error a refusal is, and what stands in an answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.fakes.clock import START
from tests.made import credentials, session
from tests.server.http import Answer
from tests.server.sts_client import Said, read
from vendor.leases.lease import Lease
from vendor.policy.session import Action
from vendor.refusals import KINDS, Code, Reason, Refusal
from vendor.server import answer, sts_errors, sts_wire


def said(written: answer.Answer) -> Said:
    return read(Answer("HTTP/1.1", written.status, {}, written._content))


def lease(**changes: object) -> Lease:
    made = replace(credentials(session()), **changes)  # type: ignore[arg-type]
    return Lease(session=session(), credentials=made, minted=START, minted_monotonic=0.0)


def test_every_code_has_an_error_and_only_the_contract_s() -> None:
    assert sts_errors.ERRORS.keys() == set(Code)
    told = set(sts_errors.ERRORS.values()) - {("InvalidAction", 404), ("InvalidAction", 405)}
    assert told == {
        ("ValidationError", 400),
        ("InvalidIdentityToken", 400),
        ("ExpiredTokenException", 400),
        ("AccessDenied", 403),
        ("PackedPolicyTooLarge", 400),
        ("IDPCommunicationError", 400),
        ("Throttling", 429),
        ("ServiceUnavailable", 503),
    }


@pytest.mark.parametrize("kind", KINDS)
def test_a_refusal_is_told_by_its_public_text_alone(kind: type[Refusal]) -> None:
    written = sts_wire.write_refusal(kind(Reason.DEFECT, detail="CANARY"), "0123")
    told = said(written)
    assert told.error == sts_errors.ERRORS[kind.code][::-1]
    assert (told.of["Message"], told.of["RequestId"]) == (kind.told, "0123")
    assert b"CANARY" not in written._content


def test_a_refusal_raised_again_is_still_the_error_that_it_was() -> None:
    again = sts_errors.WrongSignature(Reason.SIGNATURE).again()
    assert sts_errors.error_of(again) == ("SignatureDoesNotMatch", 403)


def test_a_defect_says_nothing_but_where_to_look() -> None:
    told = said(sts_wire.write_defect("0123"))
    assert told.error == (500, "InternalFailure")
    assert told.of["Type"] == "Receiver"


def identity(**changes: object) -> sts_wire.Identity:
    found = sts_wire.identity_of(lease(**changes))
    assert found is not None
    return found


def test_a_session_without_an_id_is_given_one_that_stays_the_same() -> None:
    assert identity() == identity()
    assert identity().user_id.startswith("AROA")
    assert identity().user_id.endswith(f":{session().session_name}")
    assert identity(user_id="AROAX:me").user_id == "AROAX:me"


@pytest.mark.parametrize(("user_id", "name"), [("AROAX:ada@example.com", "ada@example.com"), (None, "session")])
def test_what_an_assertion_called_the_session_is_told_by_its_id(user_id: str | None, name: str) -> None:
    named = replace(lease(user_id=user_id), session=session(session_name=""))
    found = sts_wire.identity_of(named)
    assert found is not None
    assert found.arn == f"arn:aws:sts::111122223333:assumed-role/reports/{name}"


@pytest.mark.parametrize(
    ("region", "partition"), [("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")]
)
def test_a_federated_user_is_told_as_one(region: str, partition: str) -> None:
    user = replace(
        lease(role_arn="", region=region), session=session(action=Action.FEDERATION_TOKEN, session_name="ada")
    )
    assert sts_wire.identity_of(user) == (
        f"arn:{partition}:sts::111122223333:federated-user/ada",
        "111122223333:ada",
        "111122223333",
    )


@pytest.mark.parametrize("action", [Action.SESSION_TOKEN, Action.ROOT, Action.COGNITO_IDENTITY])
def test_whose_credentials_aws_did_not_say_is_told_to_nobody(action: Action) -> None:
    assert sts_wire.identity_of(replace(lease(role_arn=""), session=session(action=action))) is None


def test_what_xml_cannot_hold_or_would_read_is_written_otherwise() -> None:
    odd = replace(lease(), session=session(subject="<a>&\0\x0b\ufffe]]>"))
    told = said(sts_wire.write_web_identity(odd, None, "0123"))
    assert told.of["SubjectFromWebIdentityToken"] == "<a>&???]]>"
    assert "Audience" not in told.of
