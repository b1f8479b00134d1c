"""The decision: permission, the session that comes of it, and the explanation of both."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests import made
from tests.fakes.clock import START
from vendor.policy.decision import Asked, Mapping
from vendor.policy.grant import Grant, Scope, SessionTemplate
from vendor.policy.granting import Considered, Permission
from vendor.policy.matcher import Contains, Equal, Glob
from vendor.policy.mint import AssumeRole
from vendor.policy.opened import Opened
from vendor.policy.opening import open_session
from vendor.policy.parameter import Parameter
from vendor.policy.template import PolicyTemplate, Text
from vendor.refusals import AccessDenied, InvalidRequest, PolicyTooLarge, Reason, ScopeRequired, ValueNotAllowed

if TYPE_CHECKING:
    from vendor.identity.principal import AttributeValue, Principal

HOUR = timedelta(hours=1)
MONTH = Parameter(name="month", pattern=re.compile("[0-9]{4}-[0-9]{2}"), one_of=(), path=False, default="2026-01")
COLOUR = Parameter(name="colour", pattern=None, one_of=("blue", "green"), path=False, default=None)
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::r/{{ namespace }}/{{ month }}/*"}
    ],
}
TEMPLATE = SessionTemplate(
    policy=PolicyTemplate.parse(POLICY),
    policy_arns=("arn:aws:iam::aws:policy/ReadOnlyAccess",),
    tags=(("namespace", Text.parse("{{ namespace }}")), ("kind", Text.parse("pod"))),
    transitive_tags=("namespace",),
    name=None,
    source_identity=Text.parse("{{ namespace }}.{{ service_account }}"),
    duration=HOUR,
    max_duration=4 * HOUR,
    cap_to_token=False,
)
GRANTS = (
    Grant(issuer="cluster-b", where=(("namespace", Equal("analytics")),)),
    Grant(issuer="cluster-a", where=(("namespace", Equal("finance")), ("service_account", Glob("batch-*")))),
    Grant(issuer="cluster-a", where=(("namespace", Equal("analytics")), ("service_account", Equal("reporter")))),
)
SCOPE = made.scope(
    grants=GRANTS,
    parameters=(MONTH,),
    mint=AssumeRole(role=Text.parse(made.ROLE), external_id=Text.parse("{{ namespace }}-7")),
    session=TEMPLATE,
)


def pod(namespace: str = "analytics", service_account: str = "reporter", **changes: Any) -> Principal:
    subject = f"system:serviceaccount:{namespace}:{service_account}"
    attributes: dict[str, AttributeValue] = {
        "issuer": "cluster-a",
        "subject": subject,
        "namespace": namespace,
        "service_account": service_account,
    }
    return made.principal(**{"subject": subject, "attributes": attributes, **changes})


def scope(**changes: Any) -> Scope:
    return replace(SCOPE, **changes)


def limited(**changes: Any) -> Scope:
    return scope(session=replace(TEMPLATE, **changes))


def mapping(*scopes: Scope, **said: Any) -> Mapping:
    return Mapping(scopes={one.name: one for one in scopes or (SCOPE,)}, generation=7, **said)


def asked(duration: timedelta | None = None, /, **parameters: str) -> Asked:
    return Asked(scope="reports:read", parameters=parameters, duration=duration)


def opened(of: Scope, principal: Principal | None = None, what: Asked | None = None) -> Any:
    return open_session(Permission(scope=of, grant=0), principal or pod(), what or asked(), terms="7")


def test_the_first_grant_that_matches_gives_permission() -> None:
    assert mapping().permit(pod(), "reports:read") == Permission(scope=SCOPE, grant=2)
    assert mapping().permit(pod("finance", "batch-1"), "reports:read").grant == 1


@pytest.mark.parametrize(
    "principal",
    [
        pod("analytics", "other"),
        pod("finance", "reporter"),
        pod("analyticS"),
        pod(issuer="cluster-c"),
        pod(attributes={}),
        pod(attributes={"namespace": ("analytics",), "service_account": "reporter"}),
    ],
)
def test_an_identity_that_no_grant_names_is_refused(principal: Principal) -> None:
    with pytest.raises(AccessDenied) as caught:
        mapping().permit(principal, "reports:read")
    assert caught.value.reason is Reason.NO_GRANT


def test_the_grants_of_another_issuer_do_not_count() -> None:
    assert mapping().permit(pod(issuer="cluster-b", service_account="other"), "reports:read").grant == 0
    with pytest.raises(AccessDenied):
        mapping().permit(pod(issuer="cluster-b", namespace="finance", service_account="batch-1"), "reports:read")


@pytest.mark.parametrize("name", ["reports:write", "", "REPORTS:READ", "reports:read ", "x" * 1000])
def test_an_unknown_scope_reads_to_the_caller_as_a_forbidden_one(name: str) -> None:
    with pytest.raises(AccessDenied) as unknown:
        mapping().permit(pod(), name)
    with pytest.raises(AccessDenied) as forbidden:
        mapping().permit(pod("other"), "reports:read")
    assert (unknown.value.code, unknown.value.public) == (forbidden.value.code, forbidden.value.public)
    assert unknown.value.reason is Reason.UNKNOWN_SCOPE
    assert len(unknown.value.detail) < 120


def test_the_operator_is_told_of_each_grant_why_it_did_not_match() -> None:
    with pytest.raises(AccessDenied) as caught:
        mapping().permit(pod("finance", "x"), "reports:read")
    assert caught.value.detail == (
        "grant 0: issuer is 'cluster-a', wanted cluster-b; "
        "grant 1: service_account is 'x', wanted glob 'batch-*'; "
        "grant 2: namespace is 'finance', wanted 'analytics'"
    )


def test_a_scope_with_no_grant_is_for_nobody() -> None:
    with pytest.raises(AccessDenied):
        mapping(scope(grants=())).permit(pod(), "reports:read")


def test_the_scopes_of_an_identity_come_in_the_order_of_the_configuration() -> None:
    other = scope(name="b:read", grants=GRANTS[:2])
    audited = scope(name="c:read", grants=GRANTS[:2], enforced=False)
    first = scope(name="z:read")
    found = mapping(first, other, audited, SCOPE).permitted(pod())
    assert [(one.scope.name, one.grant) for one in found] == [("z:read", 2), ("c:read", None), ("reports:read", 2)]


def test_without_a_name_the_only_scope_is_meant() -> None:
    other = scope(name="b:read", grants=GRANTS[:2])
    assert mapping(other, SCOPE).permit(pod(), None).scope is SCOPE


@pytest.mark.parametrize("names", [(), ("a:read", "b:read")])
def test_without_a_name_and_exactly_one_scope_the_caller_must_say(names: tuple[str, ...]) -> None:
    with pytest.raises(ScopeRequired) as caught:
        mapping(scope(name="x:read", grants=()), *(scope(name=name) for name in names)).permit(pod(), None)
    assert caught.value.reason is Reason.NO_SCOPE_NAMED
    assert caught.value.detail == f"{len(names)} scopes are granted"


def test_audit_mode_lets_through_whom_it_would_refuse_and_says_so() -> None:
    audited = scope(enforced=False)
    assert mapping(audited).permit(pod("other"), "reports:read") == Permission(scope=audited, grant=None)
    assert mapping(audited).permit(pod(), "reports:read").grant == 2


def test_audit_mode_never_makes_a_scope_the_only_one() -> None:
    audited = scope(name="audited", enforced=False, grants=GRANTS[:2])
    assert mapping(audited, SCOPE).permit(pod(), None).scope is SCOPE
    with pytest.raises(ScopeRequired):
        mapping(audited).permit(pod(), None)


def test_audit_mode_relaxes_nothing_of_what_may_stand_in_a_policy() -> None:
    audited = mapping(scope(enforced=False, grants=GRANTS[:2]))
    permission = audited.permit(pod("a*b"), "reports:read")
    with pytest.raises(ValueNotAllowed):
        audited.open(permission, pod("a*b"), asked())


def test_a_session_is_the_whole_request_filled() -> None:
    session = opened(SCOPE, what=asked(2 * HOUR, month="2026-03"))
    assert session.terms == "7"
    assert (session.issuer, session.subject) == (made.principal().issuer_url, made.SUBJECT)
    assert (session.scope, session.target, session.role_arn) == ("reports:read", "aws", made.ROLE)
    assert session.external_id == "analytics-7"
    assert re.fullmatch("analytics.reporter-[a-z2-7]{16}", session.session_name)
    assert session.policy == (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject",'
        '"Resource":"arn:aws:s3:::r/analytics/2026-03/*"}]}'
    )
    assert session.policy_arns == ("arn:aws:iam::aws:policy/ReadOnlyAccess",)
    assert session.tags == (("namespace", "analytics"), ("kind", "pod"))
    assert session.transitive_tags == ("namespace",)
    assert session.source_identity == "analytics.reporter"
    assert (session.duration, session.not_after) == (2 * HOUR, None)


def test_a_session_of_few_words_is_sent_with_few() -> None:
    bare = limited(policy=None, policy_arns=(), tags=(), transitive_tags=(), source_identity=None)
    session = opened(replace(bare, mint=AssumeRole(role=Text.parse(made.ROLE), external_id=None)))
    assert (session.policy, session.external_id, session.source_identity) == (None, None, None)
    assert (session.tags, session.policy_arns, session.transitive_tags) == ((), (), ())


def test_a_session_name_that_is_given_is_filled_and_keeps_its_digest() -> None:
    session = opened(limited(name=Text.parse("team-{{ namespace }}")))
    assert re.fullmatch("team-analytics-[a-z2-7]{16}", session.session_name)


def test_a_session_capped_to_the_token_carries_the_tokens_end() -> None:
    assert opened(limited(cap_to_token=True)).not_after == START + timedelta(hours=24)


def test_a_role_may_be_chosen_from_a_list() -> None:
    chosen = AssumeRole(role=Text.parse("arn:aws:iam::111122223333:role/team-{{ colour }}"), external_id=None)
    session = opened(scope(mint=chosen, parameters=(MONTH, COLOUR)), what=asked(colour="blue"))
    assert session.role_arn == "arn:aws:iam::111122223333:role/team-blue"


@pytest.mark.parametrize(("given", "expected"), [({}, "2026-01"), ({"month": "2026-03"}, "2026-03")])
def test_a_parameter_that_is_not_given_has_its_default(given: dict[str, str], expected: str) -> None:
    assert f"/{expected}/*" in opened(SCOPE, what=asked(**given)).policy


def test_a_default_must_be_admissible_too() -> None:
    with pytest.raises(ValueNotAllowed):
        opened(scope(parameters=(replace(MONTH, default="*"),)))


@pytest.mark.parametrize(("given", "filled"), [({}, "2026-01"), ({"month": "2026-03"}, "2026-03")])
def test_a_parameter_wins_over_an_attribute_of_its_name_that_a_sender_chose(given: dict[str, str], filled: str) -> None:
    chosen = pod(attributes={**pod().attributes, "month": "2025-12"})
    assert f"/analytics/{filled}/" in str(opened(SCOPE, chosen, asked(**given)).policy)


def test_an_attribute_does_not_stand_in_for_a_parameter_that_must_be_given() -> None:
    chosen = pod(attributes={**pod().attributes, "colour": "blue"})
    with pytest.raises(InvalidRequest):
        opened(scope(parameters=(MONTH, COLOUR)), chosen)


def test_a_parameter_without_a_default_must_be_given() -> None:
    with pytest.raises(InvalidRequest) as caught:
        opened(scope(parameters=(MONTH, COLOUR)))
    assert (caught.value.reason, caught.value.public) == (
        Reason.MISSING_PARAMETER,
        "this scope needs the parameter colour",
    )


@pytest.mark.parametrize("given", [{"namespace": "finance"}, {"Month": "2026-03"}, {"month": "2026-03", "x": ""}])
def test_a_parameter_that_was_not_declared_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        opened(SCOPE, what=asked(**given))
    assert caught.value.reason is Reason.UNDECLARED_PARAMETER
    assert caught.value.public.startswith("this scope has no parameter ")


def test_an_undeclared_parameter_is_named_in_a_short_text() -> None:
    with pytest.raises(InvalidRequest) as caught:
        opened(SCOPE, what=asked(**{"x" * 5000: ""}))
    assert len(caught.value.public) < 120


@pytest.mark.parametrize("value", ["2026-03\n", "*", "2026-03/*", "", "${aws:userid}", '","*'])
def test_a_parameter_with_another_value_is_refused(value: str) -> None:
    with pytest.raises(ValueNotAllowed) as caught:
        opened(SCOPE, what=asked(month=value))
    assert caught.value.reason is Reason.VALUE


@pytest.mark.parametrize("attributes", [{}, {"namespace": ""}, {"namespace": ("a",)}, {"namespace": 1}])
def test_an_attribute_that_is_missing_or_unfit_is_never_filled(attributes: dict[str, AttributeValue]) -> None:
    with pytest.raises(ValueNotAllowed) as caught:
        opened(SCOPE, pod(attributes=attributes))
    assert "attribute namespace" in caught.value.public


def test_an_unfit_attribute_that_no_place_needs_does_no_harm() -> None:
    strange = pod(attributes={**pod().attributes, "note": "a*b", "groups": ("x",)})
    assert opened(SCOPE, strange).policy == opened(SCOPE).policy


@pytest.mark.parametrize(("seconds", "given"), [(None, 3600), (900, 900), (14_400, 14_400)])
def test_a_duration_is_what_was_asked_or_the_scopes_own(seconds: int | None, given: int) -> None:
    wanted = None if seconds is None else timedelta(seconds=seconds)
    assert opened(SCOPE, what=asked(wanted)).duration == timedelta(seconds=given)


@pytest.mark.parametrize("seconds", [0, 899, 14_401, 43_201])
def test_a_duration_outside_the_limits_is_refused(seconds: int) -> None:
    with pytest.raises(InvalidRequest) as caught:
        opened(SCOPE, what=asked(timedelta(seconds=seconds)))
    assert caught.value.reason is Reason.DURATION


def test_a_filled_policy_that_became_too_large_is_refused() -> None:
    wide = PolicyTemplate.parse({"Resource": ["arn/{{ month }}/*"] * 200})
    with pytest.raises(PolicyTooLarge):
        opened(limited(policy=wide))


def test_what_was_opened_is_remembered_for_the_same_token_scope_and_wish() -> None:
    scopes = mapping()
    permission = scopes.permit(pod(), "reports:read")
    first = scopes.open(permission, pod(), asked(month="2026-03"))
    assert scopes.open(permission, pod(), asked(month="2026-03")) is first


@pytest.mark.parametrize(
    ("principal", "what"),
    [
        (pod(), asked(month="2026-04")),
        (pod(), asked()),
        (pod(), asked(2 * HOUR, month="2026-03")),
        (pod("finance", "batch-1", token_sha256="b" * 64), asked(month="2026-03")),
    ],
)
def test_another_token_or_wish_never_gets_what_is_remembered(principal: Principal, what: Asked) -> None:
    scopes = mapping()
    first = scopes.open(scopes.permit(pod(), "reports:read"), pod(), asked(month="2026-03"))
    other = scopes.open(scopes.permit(principal, "reports:read"), principal, what)
    assert other.key != first.key


def test_another_scope_never_gets_what_is_remembered() -> None:
    scopes = mapping(SCOPE, scope(name="b:read"))
    one, other = (scopes.open(scopes.permit(pod(), name), pod(), asked()) for name in ("reports:read", "b:read"))
    assert (one.scope, other.scope) == ("reports:read", "b:read")


def test_nothing_is_remembered_of_a_principal_without_a_token() -> None:
    scopes = mapping()
    permission = scopes.permit(pod(), "reports:read")
    supposed = [pod(name, "batch-1", token_sha256="") for name in ("analytics", "finance")]
    one, other = (scopes.open(permission, principal, asked()) for principal in supposed)
    assert (one.external_id, other.external_id) == ("analytics-7", "finance-7")


def test_no_more_is_remembered_than_asked_for() -> None:
    scopes = mapping(opened=Opened(most=2))
    permission = scopes.permit(pod(), "reports:read")
    first, second, third = (scopes.open(permission, pod(), asked(month=f"2026-0{number}")) for number in range(1, 4))
    assert scopes.open(permission, pod(), asked(month="2026-03")) is third
    assert scopes.open(permission, pod(), asked(month="2026-02")) is second
    assert scopes.open(permission, pod(), asked(month="2026-01")) is not first


def test_a_refusal_to_open_is_not_remembered_as_a_session() -> None:
    scopes = mapping()
    permission = scopes.permit(pod(), "reports:read")
    for _ in range(2):
        with pytest.raises(ValueNotAllowed):
            scopes.open(permission, pod(), asked(month="*"))


def test_an_explanation_tells_of_each_grant_what_failed() -> None:
    decision = mapping().explain(pod(), asked())
    assert decision.grants == (
        Considered(grant=0, issuer="cluster-b", failed="issuer", wanted="cluster-b", had="cluster-a"),
        Considered(grant=1, issuer="cluster-a", failed="namespace", wanted="'finance'", had="analytics"),
        Considered(grant=2, issuer="cluster-a", failed=None, wanted=None, had=None),
    )
    assert decision.permission == Permission(scope=SCOPE, grant=2)
    assert decision.session == replace(opened(SCOPE), terms=mapping().terms(SCOPE, pod().issuer_url))
    assert decision.refusal is None


def test_an_explanation_of_the_attribute_issuer_tells_what_the_grant_wanted_of_it() -> None:
    grants = (
        Grant(issuer="cluster-a", where=(("issuer", Equal("cluster-b")),)),
        Grant(issuer="cluster-b", where=(("issuer", Equal("cluster-a")),)),
    )
    own, foreign = mapping(scope(grants=grants)).explain(pod(), asked()).grants
    assert own == Considered(grant=0, issuer="cluster-a", failed="issuer", wanted="'cluster-b'", had="cluster-a")
    assert foreign == Considered(grant=1, issuer="cluster-b", failed="issuer", wanted="cluster-b", had="cluster-a")


def test_an_explanation_of_an_attribute_that_is_missing_has_nothing_to_show() -> None:
    wanting = scope(grants=(Grant(issuer="cluster-a", where=(("groups", Contains("admins")),)),))
    (considered,) = mapping(wanting).explain(pod(), asked()).grants
    assert (considered.failed, considered.wanted, considered.had) == ("groups", "contains 'admins'", None)


def test_an_explanation_of_a_refusal_holds_the_refusal_and_no_session() -> None:
    decision = mapping().explain(pod("other"), asked())
    assert isinstance(decision.refusal, AccessDenied)
    assert (decision.permission, decision.session) == (None, None)
    assert len(decision.grants) == 3


def test_an_explanation_of_a_value_that_is_refused_still_holds_the_permission() -> None:
    decision = mapping().explain(pod(), asked(month="*"))
    assert isinstance(decision.refusal, ValueNotAllowed)
    assert decision.permission == Permission(scope=SCOPE, grant=2)
    assert decision.session is None


def test_an_explanation_of_an_unknown_scope_or_of_none_has_no_grants() -> None:
    unknown = mapping().explain(pod(), Asked(scope="reports:write"))
    assert isinstance(unknown.refusal, AccessDenied)
    assert unknown.grants == ()
    unnamed = mapping().explain(pod("other"), Asked(scope=None))
    assert isinstance(unnamed.refusal, ScopeRequired)
    assert unnamed.grants == ()


def test_an_explanation_without_a_name_is_of_the_only_scope() -> None:
    decision = mapping().explain(pod(), Asked(scope=None))
    assert decision.session == replace(opened(SCOPE), terms=mapping().terms(SCOPE, pod().issuer_url))
    assert len(decision.grants) == 3


def test_audit_mode_lets_nobody_through_whose_issuer_no_grant_names() -> None:
    audited = scope(enforced=False, grants=GRANTS[1:])
    with pytest.raises(AccessDenied):
        mapping(audited).permit(made.principal(issuer="cluster-b"), "reports:read")


def test_a_token_that_is_for_other_scopes_is_told_so_where_a_grant_would_have_matched() -> None:
    mapping = Mapping(scopes={SCOPE.name: SCOPE}, generation=1)
    principal = pod(token_scopes=frozenset({"reports:write"}))
    with pytest.raises(AccessDenied) as refused:
        mapping.permit(principal, SCOPE.name)
    assert refused.value.reason is Reason.TOKEN_SCOPE
    told = mapping.explain(principal, Asked(scope=SCOPE.name)).grants[2]
    assert (told.failed, told.wanted, told.had) == ("token_scope", SCOPE.name, ("reports:write",))


def test_sessions_of_one_team_have_their_policy_and_tags_in_common() -> None:
    batch = replace(SCOPE, grants=(Grant(issuer="cluster-a", where=(("namespace", Equal("analytics")),)),))
    mapping = Mapping(scopes={batch.name: batch}, generation=1)
    asked = Asked(scope=batch.name, parameters={"month": "2026-03"})
    pods = [pod(service_account=f"batch-{number}", token_sha256=f"{number:064}") for number in range(2)]
    one, other = [mapping.open(mapping.permit(each, batch.name), each, asked) for each in pods]
    assert one.policy is other.policy
    assert one.tags is other.tags
    assert one.key != other.key
