"""Each action of STS and of Cognito's identity pools: what is sent, what of the answer is believed, what is refused."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes import faults
from tests.fakes.sts import SECRET, TOKEN
from tests.made import ROLE, session
from tests.mint.conftest import Rig
from vendor.credentials import Secret
from vendor.policy.proof import NO_PROOF, Proof
from vendor.policy.session import Action, Mfa, Pool, Provider, Signing
from vendor.refusals import (
    ExpiredToken,
    InvalidRequest,
    Overloaded,
    PolicyTooLarge,
    Reason,
    Refusal,
    RoleRefused,
    StsUnavailable,
)

if TYPE_CHECKING:
    from tests.fakes.clock import Clock
    from tests.fakes.sts import STS
    from vendor.policy.session import RoleSession

SHORT = timedelta(seconds=900)
BARE: dict[str, Any] = {
    "external_id": None,
    "policy_arns": (),
    "tags": (),
    "transitive_tags": (),
    "source_identity": None,
}
PROVIDER = "arn:aws:iam::111122223333:saml-provider/adfs"
SERIAL = "arn:aws:iam::111122223333:mfa/vendor"
DEVICE = Mfa(SERIAL, "/secret")
BY_TOKEN = session(action=Action.WEB_IDENTITY, **BARE)
BY_ASSERTION = session(
    **{**BARE, "policy_arns": session().policy_arns},
    action=Action.SAML,
    session_name="",
    provider=Provider(PROVIDER, None),
)
OF_USER = session(action=Action.SESSION_TOKEN, role_arn="", session_name="", policy=None, **BARE)
FEDERATED = session(
    **{**BARE, "tags": (("team", "a"),)},
    action=Action.FEDERATION_TOKEN,
    role_arn="",
    session_name="analytics-abcdefgh12345678",
)
TASK = "arn:aws:iam::aws:policy/root-task/S3UnlockBucketPolicy"
OF_ROOT = session(
    action=Action.ROOT,
    role_arn="arn:aws:iam::444455556666:root",
    session_name="",
    policy=None,
    task_policy=TASK,
    **{**BARE, "duration": SHORT},
)
SIGNED = session(
    **{**BARE, "tags": (("team", "a"),)},
    action=Action.IDENTITY_TOKEN,
    role_arn="",
    session_name="",
    policy=None,
    signing=Signing(("https://a.example.com", "b"), "ES384"),
)
POOL = "eu-west-1:00000000-0000-0000-0000-000000000000"
POOLED = session(
    action=Action.COGNITO_IDENTITY,
    role_arn="",
    session_name="",
    policy=None,
    pool=Pool(POOL, (("oidc.example.com/id/AAA", "token"), ("arn:p", "saml_assertion"))),
    **BARE,
)


CUT = (
    b'<a xmlns="urn:oasis:names:tc:SAML:2.0:assertion">'
    b'<AuthnStatement SessionNotOnOrAfter="2026-03-01T12:20:00Z"/><b></a>'
)


def token(**claims: Any) -> Proof:
    payload = {"iss": BY_TOKEN.issuer, "sub": BY_TOKEN.subject, **claims}
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({}, payload)]
    return Proof(token=Secret(".".join([*parts, "signature"])))


def assertion(ends: str | None = None, *, before: str = "") -> Proof:
    said = "" if ends is None else f' SessionNotOnOrAfter="{ends}"'
    xml = (
        f'{before}<p:Response xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol"'
        ' xmlns="urn:oasis:names:tc:SAML:2.0:assertion">'
        f"<Assertion><AuthnStatement{said}/></Assertion></p:Response>"
    )
    return Proof(saml_assertion=Secret(base64.b64encode(xml.encode()).decode()))


async def refusal(rig: Rig, of: RoleSession, proof: Proof = NO_PROOF) -> Refusal:
    with pytest.raises(Refusal) as refused:
        await rig.sts.mint(of, proof=proof)
    return refused.value


# ----------------------------------------------------------------------------------------------- web identity


async def test_a_web_identity_is_asked_for_with_the_callers_token_and_no_signature(rig: Rig, fake: STS) -> None:
    made = await rig.sts.mint(replace(BY_TOKEN, policy_arns=session().policy_arns), proof=token())
    (sent,) = fake.requests
    assert (sent.action, sent.access_key_id) == ("AssumeRoleWithWebIdentity", None)
    assert sent.parameters["WebIdentityToken"].endswith(".signature")
    assert (sent.role_arn, sent.session_name, sent.policy) == (ROLE, BY_TOKEN.session_name, BY_TOKEN.policy)
    assert (sent.policy_arns, sent.duration_seconds) == (session().policy_arns, 3600)
    assert (made.account_id, made.role_arn) == ("111122223333", ROLE)
    assert made.secret_access_key.reveal().startswith(SECRET)


async def test_a_service_without_any_aws_credentials_can_mint_so(fake: STS, clock: Clock) -> None:
    rig = Rig(fake, clock)  # nobody gave it an identity
    assert (await rig.sts.mint(BY_TOKEN, proof=token())).role_arn == ROLE
    assert (await refusal(rig, session())).reason is Reason.BASE_IDENTITY
    await rig.sts.close()


async def test_a_subject_that_is_not_ours_is_not_believed(rig: Rig, fake: STS) -> None:
    fake.others.subject = "system:serviceaccount:other:one"
    assert (await refusal(rig, BY_TOKEN, token())).reason is Reason.BAD_ANSWER
    fake.others.subject = ""
    assert (await rig.sts.mint(BY_TOKEN, proof=token())).role_arn == ROLE


async def test_without_a_token_nothing_is_sent(rig: Rig, fake: STS) -> None:
    refused = await refusal(rig, BY_TOKEN)
    assert (type(refused), refused.reason) == (InvalidRequest, Reason.MISSING_PROOF)
    assert fake.requests == []


@pytest.mark.parametrize(
    ("fault", "kind", "reason"),
    [
        (faults.error("InvalidIdentityToken", status=400), RoleRefused, Reason.IDENTITY_REJECTED),
        (faults.error("IDPRejectedClaim", status=403), RoleRefused, Reason.IDENTITY_REJECTED),
        (
            faults.error(
                "InvalidIdentityToken",
                status=400,
                message="Couldn't retrieve verification key from your identity provider, please reference docs",
            ),
            StsUnavailable,
            Reason.IDENTITY_UNREACHABLE,
        ),
        (faults.error("IDPCommunicationError", status=400), StsUnavailable, Reason.IDENTITY_UNREACHABLE),
        (faults.error("ExpiredTokenException", status=400), ExpiredToken, Reason.EXPIRED),
        (faults.error("AccessDenied"), RoleRefused, Reason.ROLE_DENIED),
        (faults.error("PackedPolicyTooLarge"), PolicyTooLarge, Reason.PACKED_SIZE),
    ],
)
async def test_what_aws_says_of_a_token_reads_as_what_it_means(
    rig: Rig, fake: STS, fault: faults.Fault, kind: type[Refusal], reason: Reason
) -> None:
    fake.fault(fault)
    refused = await refusal(rig, BY_TOKEN, token())
    assert (type(refused), refused.reason) == (kind, reason)
    assert "signature" not in refused.detail


async def test_an_expired_token_of_our_own_is_no_callers(rig: Rig, fake: STS) -> None:
    fake.fault(faults.error("ExpiredTokenException"))
    assert (await refusal(rig, session())).reason is Reason.BASE_IDENTITY


# ---------------------------------------------------------------------------------------------------- SAML


async def test_an_assertion_is_sent_as_it_was_brought_and_the_session_is_still_ours_to_limit(
    rig: Rig, fake: STS
) -> None:
    proof = assertion()
    made = await rig.sts.mint(BY_ASSERTION, proof=proof)
    (sent,) = fake.requests
    assert (sent.action, sent.access_key_id) == ("AssumeRoleWithSAML", None)
    assert proof.saml_assertion is not None
    assert sent.parameters["SAMLAssertion"] == proof.saml_assertion.reveal()
    assert (sent.parameters["PrincipalArn"], sent.role_arn) == (PROVIDER, ROLE)
    assert (sent.policy, sent.policy_arns) == (BY_ASSERTION.policy, BY_ASSERTION.policy_arns)
    assert "RoleSessionName" not in sent.parameters
    assert (made.account_id, made.role_arn) == ("111122223333", ROLE)


@pytest.mark.parametrize(
    ("ends", "seconds"),
    [
        ("2026-03-01T12:30:00Z", 1800),
        ("2026-03-01T12:30:00.500Z", 1800),
        ("2026-03-01T13:30:00+01:00", 1800),
        ("2026-03-01T12:30:00", 1800),
        ("2026-03-02T12:00:00Z", 3600),
    ],
)
async def test_a_session_does_not_outlive_what_the_assertion_allows(
    rig: Rig, fake: STS, ends: str, seconds: int
) -> None:
    await rig.sts.mint(BY_ASSERTION, proof=assertion(ends))
    assert fake.requests[0].duration_seconds == seconds


async def test_an_assertion_that_allows_too_little_is_not_sent(rig: Rig, fake: STS) -> None:
    refused = await refusal(rig, BY_ASSERTION, assertion("2026-03-01T12:14:59Z"))
    assert (type(refused), refused.reason) == (ExpiredToken, Reason.LIFETIME)
    assert "sign in again" in refused.public
    assert fake.requests == []


@pytest.mark.parametrize(
    "said",
    [
        Proof(saml_assertion=Secret("QUJDR")),
        assertion("soon"),
        assertion(before='<!DOCTYPE a [<!ENTITY b "c">]>'),
        assertion(before="<!DOCTYPE a>"),
        assertion("0001-01-01T00:00:00+01:00"),
        assertion("9999-12-31T23:59:59-01:00"),
        Proof(saml_assertion=Secret(base64.b64encode(b'<?xml version="1.0" encoding="hex"?><a/>').decode())),
        Proof(saml_assertion=Secret(base64.b64encode(b'<?xml version="1.0" encoding="none"?><a/>').decode())),
        Proof(saml_assertion=Secret(base64.b64encode(b"<a>" * 100).decode())),
        Proof(saml_assertion=Secret(base64.b64encode(b"<a>" + b"<b/>" * 5_001 + b"</a>").decode())),
    ],
    ids=[
        *("no base64", "no time", "an entity", "a document type", "before all time", "after all time"),
        *("no encoding of texts", "no encoding", "too deep", "too much"),
    ],
)
async def test_what_is_no_assertion_is_not_sent(rig: Rig, fake: STS, said: Proof) -> None:
    refused = await refusal(rig, BY_ASSERTION, said)
    assert (type(refused), refused.public) == (InvalidRequest, "saml_assertion is no SAML response")
    assert fake.requests == []


@pytest.mark.parametrize(
    ("xml", "seconds"),
    [
        (b"no XML", 3600),
        (b"<a:unbound/>", 3600),
        (CUT, 1200),
    ],
)
async def test_what_is_not_well_formed_is_for_aws_to_refuse(rig: Rig, fake: STS, xml: bytes, seconds: int) -> None:
    await rig.sts.mint(BY_ASSERTION, proof=Proof(saml_assertion=Secret(base64.b64encode(xml).decode())))
    assert fake.requests[0].duration_seconds == seconds


async def test_the_services_own_assertion_is_read_when_it_is_needed(rig: Rig, fake: STS) -> None:
    own = replace(BY_ASSERTION, provider=Provider(PROVIDER, "/assertion"))
    refused = await refusal(rig, own)
    assert (type(refused), refused.reason) == (StsUnavailable, Reason.BASE_IDENTITY)
    given = assertion().saml_assertion
    assert given is not None
    rig.files["/assertion"] = b"\n".join((given.reveal()[:40].encode(), given.reveal()[40:].encode(), b""))
    await rig.sts.mint(own)
    assert fake.requests[0].parameters["SAMLAssertion"] == given.reveal()
    rig.files["/assertion"] = b"QUJDR"
    assert (await refusal(rig, own)).reason is Reason.BASE_IDENTITY
    rig.files["/assertion"] = b"\xff"
    assert "UnicodeDecodeError" in (await refusal(rig, own)).detail


# ------------------------------------------------------------------------------- sessions of the service's user


async def test_a_session_token_is_the_users_own(rig: Rig, fake: STS) -> None:
    made = await rig.sts.mint(OF_USER)
    (sent,) = fake.requests
    assert set(sent.parameters) == {"Action", "Version", "DurationSeconds"}
    assert sent.access_key_id == "AKIAVENDOR"
    assert (made.account_id, made.role_arn) == ("", "")
    assert made.session_token.reveal().startswith(TOKEN)


async def test_a_device_gives_one_code_for_one_mint(rig: Rig, fake: STS, clock: Clock) -> None:
    fake.others.devices[SERIAL] = b"12345678901234567890"
    rig.files["/secret"] = b"gezd gnbv gy3t qojq\nGEZDGNBVGY3TQOJQ"
    of_device = replace(OF_USER, mfa=DEVICE)
    assert (await rig.sts.mint(of_device)).account_id == "111122223333"
    assert fake.requests[0].parameters["SerialNumber"] == SERIAL
    clock.advance(10)
    refused = await refusal(rig, of_device)
    assert (type(refused), refused.reason, refused.retry_after) == (Overloaded, Reason.MFA_CODE, 20)
    clock.advance(20)
    await rig.sts.mint(of_device)
    first, second = (sent.parameters["TokenCode"] for sent in fake.requests)
    assert first != second


async def test_a_role_with_a_device_is_asked_for_with_its_code(rig: Rig, fake: STS) -> None:
    fake.others.devices[SERIAL] = b"12345678901234567890"
    rig.files["/secret"] = b"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    await rig.sts.mint(session(mfa=DEVICE))
    assert len(fake.requests[0].parameters["TokenCode"]) == 6


async def test_a_code_that_the_caller_brings_is_sent_and_aws_judges_it(rig: Rig, fake: STS) -> None:
    fake.others.devices[SERIAL] = b"12345678901234567890"
    of_caller = replace(OF_USER, mfa=Mfa(SERIAL, None))
    assert (await refusal(rig, of_caller)).reason is Reason.MISSING_PROOF
    refused = await refusal(rig, of_caller, Proof(mfa_code=Secret("000000")))
    assert (type(refused), refused.reason) == (RoleRefused, Reason.ROLE_DENIED)
    assert [sent.parameters["TokenCode"] for sent in fake.requests] == ["000000"]


@pytest.mark.parametrize("held", [None, b"\xff", b"1"])
async def test_a_secret_that_cannot_be_read_is_our_own_trouble(rig: Rig, fake: STS, held: bytes | None) -> None:
    if held is not None:
        rig.files["/secret"] = held
    refused = await refusal(rig, replace(OF_USER, mfa=DEVICE))
    assert (type(refused), refused.reason) == (StsUnavailable, Reason.BASE_IDENTITY)
    assert "/secret" in refused.detail
    assert fake.requests == []


async def test_a_federated_user_is_named_limited_and_tagged(rig: Rig, fake: STS) -> None:
    made = await rig.sts.mint(FEDERATED)
    (sent,) = fake.requests
    assert (sent.action, sent.parameters["Name"]) == ("GetFederationToken", FEDERATED.session_name)
    assert (sent.policy, sent.tags, sent.duration_seconds) == (FEDERATED.policy, {"team": "a"}, 3600)
    assert (made.account_id, made.role_arn) == ("111122223333", "")


async def test_another_user_than_the_one_asked_for_is_not_believed(rig: Rig, fake: STS) -> None:
    fake.others.user = "somebody-else"
    assert (await refusal(rig, FEDERATED)).reason is Reason.BAD_ANSWER


@pytest.mark.parametrize("of", [OF_USER, FEDERATED], ids=lambda of: of.action)
async def test_a_service_on_a_roles_session_is_told_plainly_that_it_cannot(
    rig: Rig, fake: STS, of: RoleSession
) -> None:
    rig.aws.set_credentials("ASIAVENDOR", "the service's own", "a session")
    refused = await refusal(rig, of)
    assert (type(refused), refused.reason) == (RoleRefused, Reason.BASE_IDENTITY)
    assert "IAM user's keys" in refused.public
    assert fake.requests == []


async def test_a_service_without_an_identity_is_told_that_first(fake: STS, clock: Clock) -> None:
    rig = Rig(fake, clock)
    refused = await refusal(rig, FEDERATED)
    assert (type(refused), refused.reason) == (StsUnavailable, Reason.BASE_IDENTITY)
    await rig.sts.close()


# ------------------------------------------------------------------------------------------- root, signed tokens


async def test_a_root_session_is_for_one_account_and_one_task(rig: Rig, fake: STS) -> None:
    made = await rig.sts.mint(OF_ROOT)
    (sent,) = fake.requests
    assert (sent.action, sent.parameters["TargetPrincipal"]) == ("AssumeRoot", "444455556666")
    assert (sent.parameters["TaskPolicyArn.arn"], sent.duration_seconds) == (TASK, 900)
    assert (made.account_id, made.role_arn) == ("444455556666", "arn:aws:iam::444455556666:root")


async def test_a_signed_token_comes_without_a_key(rig: Rig, fake: STS, clock: Clock) -> None:
    made = await rig.sts.mint(SIGNED)
    (sent,) = fake.requests
    assert sent.action == "GetWebIdentityToken"
    assert [sent.parameters[f"Audience.member.{number}"] for number in (1, 2)] == ["https://a.example.com", "b"]
    assert (sent.parameters["SigningAlgorithm"], sent.tags) == ("ES384", {"team": "a"})
    told = hashlib.sha256(made.session_token.reveal().encode()).hexdigest()
    assert (made.access_key_id, made.secret_access_key.reveal()) == (f"JWT-{told[:32]}", "")
    assert made.session_token.reveal().count(".") == 2
    assert made.expiration == clock.now() + timedelta(hours=1)


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("JWTPayloadSizeExceededException", 400, PolicyTooLarge),
        ("OutboundWebIdentityFederationDisabledException", 403, RoleRefused),
        ("SessionDurationEscalationException", 403, RoleRefused),
    ],
)
async def test_what_aws_says_of_a_signed_token_is_final(
    rig: Rig, fake: STS, code: str, status: int, kind: type[Refusal]
) -> None:
    fake.fault(faults.error(code, status=status))
    assert type(await refusal(rig, SIGNED)) is kind
    assert len(fake.requests) == 1


# ------------------------------------------------------------------------------------------------ identity pools


async def test_a_pool_gives_credentials_to_whom_its_providers_know(rig: Rig, fake: STS, clock: Clock) -> None:
    proof = replace(token(), saml_assertion=Secret("QUJD"))
    made = await rig.sts.mint(POOLED, proof=proof)
    first, second = (json.loads(sent.parameters["JSON"]) for sent in fake.requests)
    assert [sent.action for sent in fake.requests] == ["GetId", "GetCredentialsForIdentity"]
    assert [sent.access_key_id for sent in fake.requests] == [None, None]
    assert proof.token is not None
    logins = {"oidc.example.com/id/AAA": proof.token.reveal(), "arn:p": "QUJD"}
    assert first == {"IdentityPoolId": POOL, "Logins": logins}
    assert second == {"IdentityId": fake.others.identity, "Logins": logins}
    assert made.secret_access_key.reveal().startswith(SECRET)
    assert made.expiration == clock.now() + timedelta(hours=1)
    assert (made.account_id, made.role_arn) == ("", "")


async def test_a_pool_is_shown_all_that_it_asks_for_or_nothing(rig: Rig, fake: STS) -> None:
    refused = await refusal(rig, POOLED, token())
    assert (type(refused), refused.reason) == (InvalidRequest, Reason.MISSING_PROOF)
    assert fake.requests == []


async def test_credentials_of_another_identity_are_not_believed(rig: Rig, fake: STS) -> None:
    fake.others.answered_identity = "eu-west-1:22222222-2222-2222-2222-222222222222"
    proof = replace(token(), saml_assertion=Secret("QUJD"))
    assert (await refusal(rig, POOLED, proof)).reason is Reason.BAD_ANSWER


@pytest.mark.parametrize(
    ("code", "kind", "reason"),
    [
        ("NotAuthorizedException", RoleRefused, Reason.IDENTITY_REJECTED),
        ("ResourceConflictException", RoleRefused, Reason.IDENTITY_REJECTED),
        ("ResourceNotFoundException", RoleRefused, Reason.ROLE_DENIED),
        ("InvalidParameterException", RoleRefused, Reason.POLICY_REJECTED),
        ("ExternalServiceException", StsUnavailable, Reason.IDENTITY_UNREACHABLE),
        ("InternalErrorException", StsUnavailable, Reason.NO_ANSWER),
    ],
)
async def test_what_a_pool_says_reads_as_what_it_means(
    rig: Rig, fake: STS, code: str, kind: type[Refusal], reason: Reason
) -> None:
    fake.others.broken_json = code
    refused = await refusal(rig, POOLED, replace(token(), saml_assertion=Secret("QUJD")))
    assert (type(refused), refused.reason) == (kind, reason)


# ------------------------------------------------------------------------------------------------- other clouds


@pytest.mark.parametrize("of", [session(), BY_TOKEN], ids=lambda of: of.action)
async def test_a_cloud_that_does_not_say_whose_session_it_gives_is_believed_only_where_that_is_known(
    rig: Rig, fake: STS, of: RoleSession
) -> None:
    fake.says_user = False
    assert (await refusal(rig, of, token())).reason is Reason.BAD_ANSWER
    lenient = rig.mints(told=False)
    made = await lenient.mint(of, proof=token())
    assert (made.account_id, made.role_arn) == ("111122223333", ROLE)


async def test_what_such_a_cloud_says_is_held_against_it_all_the_same(rig: Rig, fake: STS) -> None:
    fake.fault(faults.OTHER_ROLE)
    with pytest.raises(StsUnavailable):
        await rig.mints(told=False).mint(session())


async def test_a_role_without_an_account_is_a_role(rig: Rig) -> None:
    made = await rig.sts.mint(session(role_arn="arn:aws:iam:::role/reports"))
    assert (made.account_id, made.role_arn) == ("", "arn:aws:iam:::role/reports")
