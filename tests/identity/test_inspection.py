"""Inspection: what it says of a token is what serving does with it, and it goes on where serving stops."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes import tokens
from tests.fakes.clock import START, Clock
from tests.fakes.issuer import Issuer
from tests.fakes.keys import as_jwks
from tests.identity import made
from vendor.identity.authentication import Authenticator, TrustedIssuer
from vendor.identity.checks import HEADER
from vendor.identity.claims import CHECKS
from vendor.identity.findings import Finding, Verdict
from vendor.identity.inspection import Inspection, inspect
from vendor.identity.issuer import GivenKeys
from vendor.identity.token import LONGEST_TOKEN, digest
from vendor.refusals import Code, Reason, Refusal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

NOW = int(START.timestamp())
HOUR = 3600
ORDER = ["shape", "issuer", *(c.name for c in HEADER), "key", "signature", *(c.name for c in CHECKS)]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def issuer(clock: Clock) -> AsyncIterator[Issuer]:
    async with Issuer(clock=clock) as server:
        yield server


def trusting(issuer: Issuer, **changes: Any) -> dict[str, TrustedIssuer]:
    terms = made.issuer(url=issuer.issuer, **changes)
    return {issuer.issuer: TrustedIssuer(issuer=terms, keys=made.keys(terms, Clock()))}


async def inspected(issuer: Issuer, text: str, *, offline: bool = False, **changes: Any) -> Inspection:
    return await inspect(text, issuers=trusting(issuer, **changes), now=START, offline=offline)


def by_name(inspection: Inspection) -> dict[str, Finding]:
    return {finding.check: finding for finding in inspection.findings}


def named(inspection: Inspection, verdict: Verdict) -> list[str]:
    return [finding.check for finding in inspection.findings if finding.verdict is verdict]


def reason(inspection: Inspection, check: str) -> Reason:
    refusal = by_name(inspection)[check].refusal
    assert refusal is not None
    return refusal.reason


async def test_a_good_token_passes_every_check_in_the_order_of_serving(issuer: Issuer) -> None:
    token = issuer.token()
    inspection = await inspected(issuer, token)
    assert [finding.check for finding in inspection.findings] == ORDER
    assert named(inspection, Verdict.PASSED) == ORDER
    assert (inspection.refusal, inspection.issuer, inspection.sha256) == (None, "cluster-a", digest(token))
    assert inspection.header == issuer.header()
    assert inspection.claims == issuer.claims()
    principal = await made.trusting(issuer, clock=Clock(), name="cluster-a").authenticate(token)
    assert inspection.attributes == principal.attributes


SPOILED: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("algorithm", {"header": {"alg": "HS256"}}, {}),
    ("type", {"header": {"typ": "logout+jwt"}}, {}),
    ("key", {"kid": "nobody"}, {}),
    ("audience", {"claims": {"aud": "other"}}, {}),
    ("audience", {"claims": {"aud": ["vendor", "other"]}}, {}),
    ("times", {"claims": {"exp": None}}, {}),
    ("lifetime", {"claims": {"exp": NOW + 25 * HOUR}}, {}),
    ("beginning", {"claims": {"nbf": NOW + HOUR}}, {}),
    ("expiry", {"claims": {"iat": NOW - 2 * HOUR, "exp": NOW - HOUR, "nbf": None}}, {}),
    ("age", {"claims": {"iat": NOW - HOUR, "exp": NOW + HOUR}}, {"max_token_age": timedelta(minutes=1)}),
    ("subject", {"claims": {"sub": ""}}, {}),
    ("token_id", {"claims": {"jti": 1}}, {}),
    ("attributes", {"claims": {"sub": "system:serviceaccount:kube-system:admin"}}, {}),
    ("token_scope", {"claims": {"scope": 1}}, {"require_token_scope": True}),
    ("one_time", {}, {"one_time": True}),
]


@pytest.mark.parametrize(("check", "spoil", "terms"), SPOILED)
async def test_what_serving_refuses_is_refused_by_the_check_of_that_name_alone(
    issuer: Issuer, check: str, spoil: dict[str, Any], terms: dict[str, Any]
) -> None:
    token = issuer.token(**spoil)
    with pytest.raises(Refusal) as caught:
        await made.trusting(issuer, clock=Clock(), name="cluster-a", **terms).authenticate(token)
    inspection = await inspected(issuer, token, **terms)
    assert named(inspection, Verdict.REFUSED) == [check]
    assert inspection.refusal is not None
    assert (inspection.refusal.code, inspection.refusal.reason) == (caught.value.code, caught.value.reason)
    assert by_name(inspection)[check].detail == caught.value.detail


async def test_every_check_of_serving_is_spoiled_above() -> None:
    assert {check for check, _, _ in SPOILED} == {*ORDER, "one_time"} - {"shape", "issuer", "signature"}


async def test_every_failed_check_is_told_and_not_the_first_alone(issuer: Issuer) -> None:
    said = {"aud": "other", "iat": NOW - 2 * HOUR, "exp": NOW - HOUR, "nbf": None, "sub": 1, "jti": 1}
    inspection = await inspected(issuer, issuer.token(said, key=issuer.stranger()))
    assert named(inspection, Verdict.REFUSED) == ["signature", "audience", "expiry", "subject", "token_id"]
    assert inspection.refusal is not None
    assert inspection.refusal.reason is Reason.SIGNATURE
    assert by_name(inspection)["attributes"].detail == "cannot be said without subject"
    assert inspection.attributes is None


async def test_what_cannot_be_said_without_a_sound_time_is_not_said(issuer: Issuer) -> None:
    inspection = await inspected(issuer, issuer.token({"exp": "soon"}))
    assert named(inspection, Verdict.REFUSED) == ["times"]
    assert named(inspection, Verdict.UNSAID) == ["expiry", "lifetime", "beginning", "age"]


async def test_what_a_forged_token_would_yield_is_told_and_is_still_refused(issuer: Issuer) -> None:
    inspection = await inspected(issuer, tokens.tampered(issuer.token()))
    assert named(inspection, Verdict.REFUSED) == ["signature"]
    assert inspection.attributes is not None
    assert inspection.attributes["namespace"] == "analytics"


async def test_a_token_of_an_unknown_issuer_makes_no_connection_and_its_times_are_told(issuer: Issuer) -> None:
    token = issuer.token({"iss": f"{issuer.issuer}/", "iat": NOW - 2 * HOUR, "exp": NOW - HOUR, "nbf": None})
    inspection = await inspected(issuer, token)
    assert [finding.check for finding in inspection.findings] == ORDER
    assert named(inspection, Verdict.REFUSED) == ["issuer", "expiry"]
    assert named(inspection, Verdict.PASSED) == ["shape", "beginning"]
    assert reason(inspection, "issuer") is Reason.UNKNOWN_ISSUER
    assert f"the nearest is cluster-a, '{issuer.issuer}'" in by_name(inspection)["issuer"].detail
    assert inspection.issuer is None
    assert not issuer.requests


async def test_an_issuer_that_is_nothing_like_a_configured_one_gets_no_hint(issuer: Issuer) -> None:
    inspection = await inspected(issuer, issuer.token({"iss": "urn:x"}))
    assert "nearest" not in by_name(inspection)["issuer"].detail


async def test_a_header_that_is_refused_makes_no_connection(issuer: Issuer) -> None:
    for header in ({"alg": "none"}, {"typ": "JWE"}):
        inspection = await inspected(issuer, issuer.token(header=header))
        assert {"key", "signature"} <= set(named(inspection, Verdict.UNSAID))
        assert "audience" in named(inspection, Verdict.PASSED)
    assert not issuer.requests


async def test_offline_nothing_is_fetched_and_the_rest_is_judged(issuer: Issuer) -> None:
    inspection = await inspected(issuer, issuer.token({"aud": "other"}), offline=True)
    assert named(inspection, Verdict.UNSAID) == ["key", "signature"]
    assert named(inspection, Verdict.REFUSED) == ["audience"]
    assert not issuer.requests


async def test_offline_keys_that_are_at_hand_are_used(issuer: Issuer) -> None:
    keys = GivenKeys(as_jwks(issuer.key))
    good = await inspected(issuer, issuer.token(), offline=True, keys=keys)
    assert named(good, Verdict.PASSED) == ORDER
    forged = await inspected(issuer, tokens.tampered(issuer.token()), offline=True, keys=keys)
    assert named(forged, Verdict.REFUSED) == ["signature"]


async def test_keys_that_cannot_be_had_are_told_as_that(issuer: Issuer) -> None:
    issuer.fault = "down"
    inspection = await inspected(issuer, issuer.token())
    assert reason(inspection, "key") is Reason.KEYS_UNAVAILABLE
    assert inspection.refusal is not None
    assert inspection.refusal.code is Code.ISSUER_UNAVAILABLE
    assert named(inspection, Verdict.UNSAID) == ["signature"]


async def test_without_a_configuration_shape_and_times_are_judged(issuer: Issuer) -> None:
    good = await inspect(issuer.token(), issuers=None, now=START)
    assert [finding.check for finding in good.findings] == ORDER
    assert named(good, Verdict.PASSED) == ["shape", "expiry", "beginning"]
    assert good.refusal is None
    old = await inspect(issuer.token(), issuers=None, now=START + timedelta(hours=2))
    assert named(old, Verdict.REFUSED) == ["expiry"]
    ageless = await inspect(issuer.token({"iat": None}), issuers=None, now=START)
    assert ageless.refusal is None


async def test_what_only_the_running_service_knows_is_said_to_be_left_out(issuer: Issuer) -> None:
    inspection = await inspected(issuer, issuer.token({"jti": "t-1"}), one_time=True, token_review=True)
    assert named(inspection, Verdict.UNSAID) == ["review", "one_time"]
    assert all(by_name(inspection)[name].detail.startswith("not asked here: ") for name in ("review", "one_time"))
    assert inspection.refusal is None


@pytest.mark.parametrize(
    ("said", "terms", "note"),
    [
        ({}, {}, "not asked for"),
        ({}, {"require_token_scope": True}, "for no scope at all"),
        ({"scope": "b a"}, {"require_token_scope": True}, "for a b"),
    ],
)
async def test_the_scopes_that_a_token_is_for_are_told(
    issuer: Issuer, said: dict[str, Any], terms: dict[str, Any], note: str
) -> None:
    assert by_name(await inspected(issuer, issuer.token(said), **terms))["token_scope"].detail == note


async def test_what_is_found_good_is_named(issuer: Issuer) -> None:
    found = by_name(await inspected(issuer, issuer.token()))
    assert found["issuer"].detail == "cluster-a, of kind kubernetes"
    assert found["key"].detail == f"{issuer.key.kid}, for RS256"
    assert found["audience"].detail == "vendor"
    assert found["age"].detail == "no max_token_age is set"
    aged = by_name(await inspected(issuer, issuer.token(), max_token_age=timedelta(hours=1)))
    assert (aged["age"].verdict, aged["age"].detail) == (Verdict.PASSED, "")


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "....",
        "a.b.c",
        "hunter2",
        "Bearer e30.e30.c2ln",
        "\x00\x1b[2J",
        "\udcff\udcfe.\udc00.a",
        "é.é.é",
        "e30.e30.c2ln",
        "a" * 16_385,
        "e30." * 5_000,
        "eyJhIjpbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV19.e30.c2ln",
    ],
)
async def test_whatever_is_no_token_is_refused_for_its_shape_and_nothing_else_is_said(text: str) -> None:
    inspection = await inspect(text, issuers={}, now=START)
    assert [finding.check for finding in inspection.findings] == ["shape"]
    assert reason(inspection, "shape") is Reason.MALFORMED_TOKEN
    assert len(inspection.sha256) == 64
    assert len(text) <= LONGEST_TOKEN or inspection.header is None


async def test_what_can_be_read_of_a_token_with_a_bad_shape_is_shown(issuer: Issuer) -> None:
    for token in (issuer.token(header={"kid": None}), issuer.hostile()["algorithm none"]):
        inspection = await inspected(issuer, token)
        assert reason(inspection, "shape") is Reason.MALFORMED_TOKEN
        assert inspection.claims == issuer.claims()
        assert inspection.header is not None
    twice = await inspected(issuer, issuer.hostile()["a claim twice"])
    assert (twice.header, twice.claims) == (issuer.header(), None)


async def test_an_inspection_uses_no_token_up(issuer: Issuer) -> None:
    clock = Clock()
    terms = made.issuer(url=issuer.issuer, one_time=True)
    trusted = {issuer.issuer: TrustedIssuer(issuer=terms, keys=made.keys(terms, clock))}
    token = issuer.token({"jti": "t-1"})
    assert (await inspect(token, issuers=trusted, now=START)).refusal is None
    assert (await Authenticator(issuers=trusted, clock=clock).authenticate(token)).issuer == "cluster-a"
