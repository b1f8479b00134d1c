"""The words of STS: which error a refusal is, and what stands in an answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.fakes.clock import START
from tests.made import credentials, session
from tests.server.http import Answer
from tests.server.sts_client import Said, read
from vendor.leases.lease import Lease
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


def test_a_session_without_an_id_is_given_one_that_stays_the_same() -> None:
    ids = [said(sts_wire.write_caller(lease(), "0123")).of["UserId"] for _ in range(2)]
    assert ids[0] == ids[1]
    assert ids[0].startswith("AROA")
    assert ids[0].endswith(f":{session().session_name}")
    assert said(sts_wire.write_caller(lease(user_id="AROAX:me"), "0123")).of["UserId"] == "AROAX:me"


def test_what_xml_cannot_hold_or_would_read_is_written_otherwise() -> None:
    odd = replace(lease(), session=session(subject="<a>&\0\x0b\ufffe]]>"))
    told = said(sts_wire.write_web_identity(odd, None, "0123"))
    assert told.of["SubjectFromWebIdentityToken"] == "<a>&???]]>"
    assert "Audience" not in told.of
