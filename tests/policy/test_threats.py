"""The threats that this room answers, each from a configuration to the session that comes of it.

T11, what enters a policy, is in `test_isolation`, `test_filling` and `test_template`; here are T12, T13, T14 and T22.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests import made
from tests.config.sound import SOUND
from vendor.config import Configuration, ConfigurationError, load
from vendor.policy.decision import Asked, Mapping
from vendor.policy.granting import Permission
from vendor.policy.parameter import Parameter
from vendor.policy.template import PolicyTemplate, Text
from vendor.refusals import InvalidRequest, Refusal, ValueNotAllowed

if TYPE_CHECKING:
    from pathlib import Path

    from vendor.identity.principal import Principal
    from vendor.policy.session import RoleSession

POLICY: Final = SOUND[SOUND.index("      policy:\n") :]
SESSION_NAME: Final = re.compile(r"[A-Za-z0-9_=,.@-]{1,47}-[a-z2-7]{16}", re.ASCII)


def configured(folder: Path, text: str) -> Configuration:
    """Return what a text is loaded as."""
    path = folder / "vendor.yaml"
    path.write_text(text)
    return load(path, environ={})


def pod(**changes: Any) -> Principal:
    """Return a principal that nothing is remembered of."""
    attributes = {"namespace": "analytics", "service_account": "reporter"}
    return made.principal(**{"issuer": "cluster", "attributes": attributes, "token_sha256": "", **changes})


@pytest.mark.parametrize(
    "instead",
    [
        "      tags: {month: '{{ month }}'}\n",
        "      policy: null\n",
        "      policy: {}\n",
        "      policy: ''\n",
        "      policy: {Version: '2012-10-17'}\n",
        "      policy: {Version: '2012-10-17', Statement: []}\n",
        "      unrestricted: false\n",
        "      unrestricted: null\n",
        "      unrestricted: 'true'\n",
        "      policy_arns: ['arn:aws:iam::aws:policy/ReadOnlyAccess']\n",
        "      unrestricted: true\n" + POLICY,
    ],
)
def test_t12_without_a_policy_no_scope_is_had_that_does_not_say_so(tmp_path: Path, instead: str) -> None:
    assert configured(tmp_path, SOUND).scopes["reports"].session.policy
    with pytest.raises(ConfigurationError):
        configured(tmp_path, SOUND.replace(POLICY, instead))


def test_t12_a_scope_that_is_unrestricted_said_so_aloud(tmp_path: Path) -> None:
    said = configured(tmp_path, SOUND.replace(POLICY, "      unrestricted: true\n"))
    mapping = Mapping(scopes=said.scopes, generation=1)
    session = mapping.open(mapping.permit(pod(), "reports"), pod(), Asked(scope="reports"))
    assert session.policy is None


ROLES: Final = Parameter(name="stage", pattern=None, one_of=("test", "live"), path=False, default="test")
MONTH: Final = Parameter(
    name="month", pattern=re.compile("[0-9]{4}-[0-9]{2}"), one_of=(), path=False, default="2026-01"
)
SCOPE: Final = made.scope(
    parameters=(MONTH, ROLES),
    session=replace(
        made.scope().session,
        policy=PolicyTemplate.parse(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Action": "x:Get",
                        "Resource": "arn:x/{{ namespace }}/{{ stage }}/{{ month }}/*",
                    }
                ],
            }
        ),
        tags=(("namespace", Text.parse("{{ namespace }}")), ("month", Text.parse("{{ month }}"))),
        source_identity=Text.parse("{{ namespace }}"),
        name=Text.parse("{{ namespace }}"),
    ),
)
NAMES: Final = st.one_of(
    st.sampled_from(["month", "stage", "namespace", "role", "RoleArn", "Policy", "PolicyArns", "Tags", "duration", ""]),
    st.text(max_size=8),
)
WISHES: Final = st.dictionaries(
    NAMES, st.sampled_from(["2026-03", "1999-12", "live", "test", "*", "finance", "../x", "a/b"]) | st.text(max_size=8)
)
DURATIONS: Final = st.none() | st.integers(-10, 10**6).map(lambda seconds: timedelta(seconds=seconds))


def asked(parameters: dict[str, str], duration: timedelta | None) -> RoleSession:
    """Return the session that a wish comes to."""
    wish = Asked(scope=SCOPE.name, parameters=parameters, duration=duration)
    return Mapping(scopes={SCOPE.name: SCOPE}, generation=1).open(Permission(scope=SCOPE, grant=0), pod(), wish)


@given(WISHES, DURATIONS)
@example({"month": "2026-03", "stage": "live"}, timedelta(hours=4))
@example({"namespace": "finance"}, None)
def test_t13_whatever_a_caller_asks_for_is_refused_or_narrower(
    parameters: dict[str, str], duration: timedelta | None
) -> None:
    try:
        session = asked(parameters, duration)
    except Refusal as refusal:
        assert isinstance(refusal, InvalidRequest | ValueNotAllowed)  # noqa: PT017 - either is an answer
        return
    plain = asked({}, None)
    month, stage = parameters.get("month", "2026-01"), parameters.get("stage", "test")
    assert session.policy == str(plain.policy).replace("/test/2026-01/", f"/{stage}/{month}/")
    assert timedelta(minutes=15) <= session.duration <= SCOPE.session.max_duration
    assert session.tags == (("namespace", "analytics"), ("month", month))
    same = replace(session, policy=plain.policy, duration=plain.duration, tags=plain.tags)
    assert same == plain


@pytest.mark.parametrize("name", ["namespace", "role", "Policy", "PolicyArns", "Tags", "duration_seconds", ""])
def test_t13_what_is_no_parameter_is_refused_and_not_ignored(name: str) -> None:
    with pytest.raises(InvalidRequest):
        asked({name: "finance"}, None)


@pytest.mark.parametrize("parameters", [{"month": "2026-03"}, {"stage": "live"}, {"month": "2026-03", "stage": "live"}])
def test_t13_a_parameter_narrows(parameters: dict[str, str]) -> None:
    assert asked(parameters, None).policy != asked({}, None).policy


GITHUB: Final = """\
version: 1
listen: {address: "127.0.0.1:8080"}
operations: {address: "127.0.0.1:9090"}
issuers:
  cluster: {issuer: "https://oidc.example.com/id/AAA", audience: vendor, kind: kubernetes}
  hub: {issuer: "https://token.actions.githubusercontent.com", audience: vendor, kind: github}
targets: {aws: {regions: [eu-west-1]}}
scopes:
  site:
    grants: [{issuer: ISSUER, where: WHERE}]
    target: aws
    mint: {assume_role: {role: "arn:aws:iam::111122223333:role/site"}}
    session: {unrestricted: true}
"""


@pytest.mark.parametrize(
    ("issuer", "where"),
    [
        ("cluster", "{}"),
        ("cluster", "{issuer: cluster}"),
        ("hub", "{}"),
        ("hub", "{ref: refs/heads/main}"),
        ("hub", "{environment: production}"),
        ("hub", "{repository: {present: true}}"),
        ("hub", "{repository: {glob: 'acme*/site'}}"),
        ("hub", "{repository: {glob: '*/site'}}"),
        ("hub", "{repository: [acme/site, {glob: '*/site'}]}"),
        ("hub", "{subject: {glob: 'repo:acme*'}}"),
        ("hub", "{subject: {glob: 'repo:acme*/*:ref:*'}}"),
        ("hub", "{repository_owner: {glob: 'acme*'}}"),
        ("hub", "{repository_owner: {glob: '*'}}"),
    ],
)
def test_t14_a_grant_that_strangers_could_use_is_not_loaded(tmp_path: Path, issuer: str, where: str) -> None:
    with pytest.raises(ConfigurationError):
        configured(tmp_path, GITHUB.replace("ISSUER", issuer).replace("WHERE", where))


@pytest.mark.parametrize(
    ("issuer", "where"),
    [
        ("cluster", "{namespace: analytics}"),
        ("hub", "{repository: acme/site}"),
        ("hub", "{repository: {glob: 'acme/*'}}"),
        ("hub", "{repository_owner_id: '12'}"),
    ],
)
def test_t14_a_grant_that_names_somebody_is_loaded(tmp_path: Path, issuer: str, where: str) -> None:
    assert configured(tmp_path, GITHUB.replace("ISSUER", issuer).replace("WHERE", where)).scopes


URL: Final = "https://oidc.example.com/id/AAA"
INJECTED: Final = [
    "a\nb",
    "a\0",
    "a:b/c",
    "a+b",
    "a&RoleArn=x",
    "caf\xe9",
    "\u202e",
    "*",
    "${aws:userid}",
    "",
    "a" * 999,
]


def named(subject: str, issuer: str = URL, *, head: str = "", **attributes: str) -> RoleSession:
    """Return the session of a subject, in a scope that gives its sessions the same head or none."""
    scope = made.scope(session=replace(made.scope().session, name=Text.parse(head) if head else None))
    who = pod(subject=subject, issuer_url=issuer, attributes=attributes)
    mapping = Mapping(scopes={scope.name: scope}, generation=1)
    return mapping.open(Permission(scope=scope, grant=0), who, Asked(scope=scope.name))


@pytest.mark.parametrize("text", INJECTED)
def test_t22_no_subject_and_no_claim_puts_anything_else_into_a_session_name(text: str) -> None:
    of_subject = named(text or "-").session_name
    of_claims = named("x", namespace=text, service_account=text).session_name
    assert SESSION_NAME.fullmatch(of_subject)
    assert SESSION_NAME.fullmatch(of_claims)


@pytest.mark.parametrize("text", INJECTED)
def test_t22_no_claim_puts_anything_else_into_a_tag_or_a_source_identity(text: str) -> None:
    for session in (
        replace(made.scope().session, tags=(("k", Text.parse("{{ namespace }}")),)),
        replace(made.scope().session, source_identity=Text.parse("{{ namespace }}")),
    ):
        scope = made.scope(session=session)
        with pytest.raises(ValueNotAllowed):
            Mapping(scopes={scope.name: scope}, generation=1).open(
                Permission(scope=scope, grant=0), pod(attributes={"namespace": text}), Asked(scope=scope.name)
            )


@pytest.mark.parametrize("head", ["", "same"])
def test_t22_subjects_that_read_alike_never_have_one_name(head: str) -> None:
    long = "a" * 300
    names = [
        *(named(text, head=head).session_name for text in ("a:b", "a/b", "a-b", "A:b", "a:b ", "ab", long, long + "b")),
        named("a:b", "https://oidc.example.com/id/BBB", head=head).session_name,
        named("b", URL + "a", head=head).session_name,
        named("x", head=head, namespace="a.b", service_account="c").session_name,
        named("y", head=head, namespace="a", service_account="b.c").session_name,
    ]
    assert len(set(names)) == len(names)
