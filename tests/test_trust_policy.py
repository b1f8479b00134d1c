"""`vendor trust-policy`: the narrowest that AWS must be told of a scope, and never less than it needs (T29)."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes.clock import START
from tests.service import CONFIGURATION
from vendor import config
from vendor.cli import main
from vendor.identity.principal import Principal
from vendor.policy.decision import Asked, Mapping
from vendor.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from vendor.policy.session import RoleSession

TEXT = CONFIGURATION.format(audit="-", issuer="https://oidc.example.com", sts="https://sts.example.com")
VENDOR = "arn:aws:iam::111122223333:role/vendor"
ROLE = "arn:aws:iam::111122223333:role/reports"
DIGEST = "-" + "?" * 16


class Printed:
    """What the command printed, and its exit code."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        """What stdout holds."""
        return json.loads(self.out)

    @property
    def trust(self) -> dict[str, Any]:
        """The trust policy's statements by action, of the first role."""
        return {one["Action"]: one for one in self.json["roles"][0]["trust_policy"]["Statement"]}

    @property
    def conditions(self) -> dict[str, Any]:
        """The conditions of assuming the first role, by key."""
        found = self.trust["sts:AssumeRole"]["Condition"]
        return {key: value for keys in found.values() for key, value in keys.items()}


class Desk:
    """Runs the command on a configuration of its own."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.path, self.capsys = folder / "vendor.yaml", capsys
        self.text = TEXT

    def change(self, old: str, new: str) -> None:
        """Replace one passage of the configuration."""
        assert self.text.count(old) == 1, old
        self.text = self.text.replace(old, new)

    def add(self, scope: str, **changes: str) -> None:
        """Add a scope that is the first one with some passages replaced."""
        first = TEXT.partition("scopes:\n")[2].replace("reports:read:", f"{scope}:")
        for old, new in changes.items():
            assert old in first, old
            first = first.replace(old, new)
        self.text += first

    def print(self, *options: str, scope: str = "reports:read", principal: str | None = VENDOR) -> Printed:
        """Run the command."""
        self.path.write_text(self.text)
        named = ["--principal", principal] if principal else []
        code = main(["trust-policy", str(self.path), "--scope", scope, *named, *options])
        return Printed(code, *self.capsys.readouterr())


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path, capsys)


def test_t29_the_role_trusts_one_identity_for_exactly_what_the_scope_opens(desk: Desk) -> None:
    told = desk.print()
    assert (told.code, told.err) == (0, "")
    (role,) = told.json["roles"]
    assert (role["role"], role["scopes"], role["max_session_duration_seconds"]) == (ROLE, ["reports:read"], 14_400)
    assert {one["Principal"]["AWS"] for one in told.trust.values()} == {VENDOR}
    assert told.trust["sts:AssumeRole"]["Condition"] == {
        "StringEquals": {"sts:ExternalId": "CANARY-external-id", "aws:RequestTag/namespace": "analytics"},
        "StringLike": {
            "sts:RoleSessionName": [f"analytics.reporter{DIGEST}", f"analytics.batch-*{DIGEST}"],
            "sts:SourceIdentity": ["analytics.reporter", "analytics.batch-*"],
        },
    }
    assert told.trust["sts:TagSession"]["Condition"] == {
        "StringEquals": {"aws:RequestTag/namespace": "analytics"},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["namespace"], "sts:TransitiveTagKeys": ["namespace"]},
    }
    assert told.trust["sts:SetSourceIdentity"]["Condition"] == {
        "StringLike": {"sts:SourceIdentity": ["analytics.reporter", "analytics.batch-*"]}
    }


def test_t29_tags_and_a_source_identity_are_allowed_exactly_when_the_scope_has_them(desk: Desk) -> None:
    desk.change('      tags: {namespace: "{{ namespace }}"}\n      transitive_tags: [namespace]\n', "")
    assert list(desk.print().trust) == ["sts:AssumeRole", "sts:SetSourceIdentity"]
    desk.change('      source_identity: "{{ namespace }}.{{ service_account }}"\n', "")
    assert list(desk.print().trust) == ["sts:AssumeRole"]
    assert desk.print().json["base_policy"]["Statement"] == [
        {"Effect": "Allow", "Action": ["sts:AssumeRole"], "Resource": [ROLE]}
    ]


def test_a_tag_that_may_be_left_out_is_held_to_its_value_only_where_it_is_there(desk: Desk) -> None:
    desk.change('{namespace: "{{ namespace }}"}', '{namespace: "{{ namespace }}", job: a, of: "{{ service_account }}"}')
    desk.change("      transitive_tags:", "      optional_tags: [job, of]\n      transitive_tags:")
    for statement in (desk.print().trust["sts:AssumeRole"], desk.print().trust["sts:TagSession"]):
        conditions = statement["Condition"]
        assert conditions["StringEqualsIfExists"] == {"aws:RequestTag/job": "a"}
        assert conditions["StringLikeIfExists"] == {"aws:RequestTag/of": ["reporter", "batch-*"]}
        assert conditions["StringEquals"]["aws:RequestTag/namespace"] == "analytics"
    only = desk.print().trust["sts:TagSession"]["Condition"]["ForAllValues:StringEquals"]
    assert only["aws:TagKeys"] == ["namespace", "job", "of"]


def test_tags_that_do_not_go_on_may_not_be_made_to(desk: Desk) -> None:
    desk.change("      transitive_tags: [namespace]\n", "")
    assert desk.print().trust["sts:TagSession"]["Condition"]["Null"] == {"sts:TransitiveTagKeys": "true"}


def test_t29_the_services_own_identity_may_assume_the_roles_of_the_configuration_and_no_other(desk: Desk) -> None:
    desk.add("other:read", **{"role/reports": "role/other", "      transitive_tags: [namespace]\n": ""})
    desk.add("third:read", **{"role/reports": "role/third"})
    desk.change("targets:\n", "targets:\n  minio: {endpoint_url: https://minio.example.com, regions: [us-east-1]}\n")
    statements = desk.print().json["base_policy"]["Statement"]
    assert statements == [
        {
            "Effect": "Allow",
            "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
            "Resource": [f"arn:aws:iam::111122223333:role/{name}" for name in ("other", "reports", "third")],
        }
    ]
    head, _, third = desk.text.rpartition("target: aws")
    desk.text = f"{head}target: minio{third}"
    assert desk.print().json["base_policy"]["Statement"][0]["Resource"] == [
        f"arn:aws:iam::111122223333:role/{name}" for name in ("other", "reports")
    ]
    assert "role/third" in desk.print(scope="third:read").out


def test_an_identity_of_one_partition_is_given_no_roles_of_another(desk: Desk) -> None:
    at_aws = "targets:\n  aws: {regions: [eu-west-1]}\n  cn: {regions: [cn-north-1]}\n"
    desk.text = re.sub(r"targets:\n  aws: .*\n", at_aws, desk.text)
    desk.add("other:read", **{"arn:aws:iam": "arn:aws-cn:iam", "target: aws": "target: cn"})
    assert desk.print().json["base_policy"]["Statement"][0]["Resource"] == [ROLE]


def test_a_role_that_several_scopes_use_trusts_what_each_of_them_opens(desk: Desk) -> None:
    desk.add("other:read", **{"namespace: analytics,": "namespace: payments,", "max_duration: 4h": "max_duration: 6h"})
    (role,) = desk.print().json["roles"]
    assert (role["scopes"], role["max_session_duration_seconds"]) == (["reports:read", "other:read"], 21_600)
    assumed = [one for one in role["trust_policy"]["Statement"] if one["Action"] == "sts:AssumeRole"]
    assert [one["Condition"]["StringEquals"]["aws:RequestTag/namespace"] for one in assumed] == [
        "analytics",
        "payments",
    ]
    assert len(role["permissions"]["Statement"]) == 1


def test_a_role_out_of_a_list_is_each_of_the_list_with_its_own_values(desk: Desk) -> None:
    desk.change("      month: {", "      stage: {one_of: [test, live]}\n      month: {")
    desk.change("role/reports", "role/path/{{ stage }}")
    desk.change("CANARY-external-id", '"acme-{{ stage }}"')
    roles = desk.print().json["roles"]
    assert [role["role"] for role in roles] == [
        "arn:aws:iam::111122223333:role/path/test",
        "arn:aws:iam::111122223333:role/path/live",
    ]
    wanted = [role["trust_policy"]["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"] for role in roles]
    assert wanted == ["acme-test", "acme-live"]


def test_roles_that_are_too_many_to_list_are_said_to_be(desk: Desk) -> None:
    many = ", ".join(f"a{number}" for number in range(20))
    desk.change("      month: {", f"      a: {{one_of: [{many}]}}\n      b: {{one_of: [{many}]}}\n      month: {{")
    desk.change("role/reports", "role/{{ a }}-{{ b }}")
    told = desk.print()
    assert (told.code, told.out) == (1, "")
    assert told.err == "vendor: the scope reports:read has 400 roles, more than 200\n"


@pytest.mark.parametrize(
    ("where", "wanted"),
    [
        ("{namespace: analytics}", "analytics"),
        ("{namespace: [analytics, payments]}", ["analytics", "payments"]),
        ('{namespace: [analytics, {glob: "team-*"}]}', ["analytics", "team-*"]),
        ('{namespace: ["team-a", {glob: "team-*"}]}', "team-*"),
        ("{namespace: {present: true}, service_account: reporter}", "*"),
        ("{service_account: reporter}", "*"),
        ('{namespace: ["a*b", analytics, "a b"]}', "analytics"),
        ('{namespace: ["a*b"]}', "*"),
        (f"{{namespace: [{', '.join(f'n{number}' for number in range(17))}]}}", "*"),
    ],
)
def test_a_tag_is_held_to_what_the_grants_prove_of_it(desk: Desk, where: str, wanted: object) -> None:
    desk.change('{namespace: analytics, service_account: [reporter, {glob: "batch-*"}]}', where)
    assert desk.print().conditions["aws:RequestTag/namespace"] == wanted


def test_a_scope_in_mode_audit_is_held_to_nothing_that_its_grants_say(desk: Desk) -> None:
    desk.change("max_duration: 4h", "max_duration: 4h\n    mode: audit")
    conditions = desk.print().conditions
    assert (conditions["aws:RequestTag/namespace"], conditions["sts:SourceIdentity"]) == ("*", "*.*")
    assert conditions["sts:RoleSessionName"] == f"*{DIGEST}"


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("reports", f"reports{DIGEST}"),
        ("r+{{ namespace }}", f"r-analytics{DIGEST}"),
        ("{{ month }}-x", f"*{DIGEST}"),
        ("x-{{ month }}-x", f"x-*{DIGEST}"),
        ("x" * 60, f"{'x' * 47}{DIGEST}"),
        ("{{ issuer }}", f"cluster-a{DIGEST}"),
    ],
)
def test_the_session_name_is_held_to_its_head(desk: Desk, name: str, wanted: str) -> None:
    desk.change("      duration: 1h", f'      name: "{name}"\n      duration: 1h')
    told = desk.print()
    assert told.trust["sts:AssumeRole"]["Condition"]["StringLike"]["sts:RoleSessionName"] == wanted


def test_the_session_name_of_another_kind_of_issuer_begins_with_its_subject(desk: Desk) -> None:
    desk.change("kind: kubernetes", "kind: generic, algorithms: [RS256], attributes: {team: [team]}")
    desk.text = re.sub(r"  operators: .*\n", "", desk.text)
    desk.change('{namespace: analytics, service_account: [reporter, {glob: "batch-*"}]}', '{subject: "job/a:1"}')
    desk.text = desk.text.replace("{{ namespace }}.{{ service_account }}", "{{ team }}")
    desk.text = desk.text.replace("{{ namespace }}", "{{ team }}")
    assert desk.print().conditions["sts:RoleSessionName"] == f"job-a-1{DIGEST}"
    desk.change("{team: [team]}", "{team: [team], namespace: [n], service_account: [s]}")
    assert desk.print().conditions["sts:RoleSessionName"] == f"*{DIGEST}"


def test_what_the_role_itself_needs_is_the_scopes_policy_with_anything_in_its_places(desk: Desk) -> None:
    desk.change(
        "          - Effect: Allow\n",
        """\
          - {Effect: Deny, Action: "s3:*", NotResource: "arn:aws:s3:::reports/{{ namespace }}/*"}
          - {Effect: Allow, Action: "s3:ListBucket", Resource: "arn:aws:s3:::reports", Condition: {
              StringEquals: {"s3:prefix": "{{ namespace }}/", "s3:delimiter": "/"},
              StringNotEquals: {"s3:max-keys": "{{ month }}"},
              "ForAnyValue:StringEqualsIfExists": {"aws:PrincipalTag/team": ["{{ namespace }}", "all"]}}}
          - {Effect: Allow, Action: "s3:GetObjectTagging", NotResource: ["arn:aws:s3:::a", "arn:aws:s3:::{{ month }}"]}
          - {Effect: Allow, Action: "s3:GetObjectAcl", NotResource: "arn:aws:s3:::{{ month }}"}
          - Effect: Allow
""",
    )
    assert desk.print().json["roles"][0]["permissions"]["Statement"] == [
        {
            "Effect": "Allow",
            "Action": "s3:ListBucket",
            "Resource": "arn:aws:s3:::reports",
            "Condition": {
                "StringLike": {"s3:prefix": "*/"},
                "StringEquals": {"s3:delimiter": "/"},
                "ForAnyValue:StringLikeIfExists": {"aws:PrincipalTag/team": ["*", "all"]},
            },
        },
        {"Effect": "Allow", "Action": "s3:GetObjectTagging", "NotResource": ["arn:aws:s3:::a"]},
        {"Effect": "Allow", "Action": "s3:GetObjectAcl", "Resource": "*"},
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::reports/*/*/*"},
    ]


def _unrestricted(desk: Desk) -> None:
    desk.text = re.sub(r"      policy:\n(?:        .*\n)+", "      unrestricted: true\n", desk.text)
    desk.text = re.sub(r"    parameters:\n.*\n", "", desk.text)


def test_a_scope_without_a_policy_is_warned_of_as_its_role_is_the_only_limit(desk: Desk) -> None:
    _unrestricted(desk)
    told = desk.print()
    assert told.json["roles"][0]["permissions"] is None
    assert "can do all that the role can" in told.err
    assert "aws_iam_role_policy" not in desk.print("--format", "terraform").out


def test_a_trust_policy_that_iam_would_not_take_says_less_of_the_values(desk: Desk) -> None:
    names = ", ".join(f"{'n' * 50}{number}" for number in range(16))
    desk.change('[reporter, {glob: "batch-*"}]', f"[{names}]")
    told = desk.print()
    assert told.conditions["sts:SourceIdentity"] == "*.*"
    assert "IAM takes 2048; this one leaves them open" in told.err
    assert told.json["warnings"]


def test_a_base_policy_that_is_too_long_for_one_is_warned_of(desk: Desk) -> None:
    many = ", ".join(f"{'a' * 40}{number}" for number in range(100))
    desk.change("      month: {", f"      a: {{one_of: [{many}]}}\n      month: {{")
    desk.change("role/reports", "role/{{ a }}")
    assert "a managed policy takes 6144: split it" in desk.print().err


def test_terraform_is_plain_resources(desk: Desk) -> None:
    desk.change("role/reports", "role/team/1.reports")
    desk.change("s3:::reports/{{", "s3:::${aws:PrincipalAccount}/%{x}/{{")
    told = desk.print("--format", "terraform", principal=None)
    assert told.code == 0
    assert "no --principal was given" in told.err
    assert told.out.startswith('variable "vendor_principal" {\n')
    assert "data " not in told.out
    assert 'resource "aws_iam_role" "_1_reports" {' in told.out
    assert re.search(r'^  name +  ?= "1\.reports"\n  path +  ?= "/team/"$', told.out, re.MULTILINE)
    assert "max_session_duration = 14400" in told.out
    assert "role   = aws_iam_role._1_reports.id" in told.out
    assert "$${aws:PrincipalAccount}/%%{x}/" in told.out
    assert '"AWS": var.vendor_principal' in told.out
    documents = [_read(text) for text in re.findall(r"jsonencode\((\{.*?^  \})\)", told.out, re.MULTILINE | re.DOTALL)]
    shown = desk.print().json
    (role,) = shown["roles"]
    assert documents == [role["trust_policy"], role["permissions"], shown["base_policy"]]


def _read(text: str) -> Any:
    """Read a document as Terraform does."""
    return json.loads(
        text.replace("var.vendor_principal", json.dumps(VENDOR)).replace("$${", "${").replace("%%{", "%{")
    )


def test_roles_of_one_name_in_several_accounts_are_resources_of_their_own(desk: Desk) -> None:
    desk.change("      month: {", '      account: {one_of: ["111122223333", "444455556666"]}\n      month: {')
    desk.change("iam::111122223333:role", "iam::{{ account }}:role")
    told = desk.print("--format", "terraform")
    assert re.findall(r'"aws_iam_role" "(.*)"', told.out) == ["reports_111122223333", "reports_444455556666"]
    assert "variable" not in told.out
    assert VENDOR in told.out


def test_without_a_principal_nothing_is_trusted_by_mistake(desk: Desk) -> None:
    told = desk.print(principal=None)
    assert told.code == 0
    (arn,) = {one["Principal"]["AWS"] for one in told.trust.values()}
    assert not re.fullmatch(r"arn:aws:iam::[0-9]{12}:.*", arn)
    assert told.err.startswith("warning: no --principal was given")


@pytest.mark.parametrize(
    "principal",
    [
        "*",
        "",
        "arn:aws:iam::*:role/vendor",
        "arn:aws:iam::111122223333:role/*",
        "arn:aws:iam::111122223333:role/vendor\n",
        "arn:aws:sts::111122223333:assumed-role/vendor/session",
        "arn:aws:iam::\u0661\u0661\u0661\u0661\u0662\u0662\u0662\u0662\u0663\u0663\u0663\u0663:role/vendor",
        "arn:aws-cn:iam::111122223333:role/vendor",
        "111122223333",
    ],
)
def test_t29_everybody_is_no_principal(desk: Desk, principal: str) -> None:
    desk.path.write_text(desk.text)
    code = main(["trust-policy", str(desk.path), "--scope", "reports:read", "--principal", principal])
    out, err = desk.capsys.readouterr()
    assert (code, out, len(err.splitlines())) == (2, "", 1)


def test_a_whole_account_is_warned_of(desk: Desk) -> None:
    told = desk.print(principal="arn:aws:iam::111122223333:root")
    assert (told.code, told.err) == (
        0,
        "warning: the principal is a whole account: name the role that vendor runs as\n",
    )


def test_what_is_not_there_is_told_in_one_line(desk: Desk) -> None:
    told = desk.print(scope="report:read")
    assert (told.code, told.out) == (2, "")
    assert told.err == "vendor: there is no scope report:read; did you mean reports:read?\n"
    told = desk.print(scope="\x1b[2J")
    assert (told.code, told.err) == (2, "vendor: there is no scope \\x1b[2J\n")
    assert main(["trust-policy", str(desk.path.with_name("nothing")), "--scope", "a"]) == 2
    assert len(desk.capsys.readouterr().err.splitlines()) == 1


VALUE = st.text("ab-._+/*", min_size=1, max_size=4) | st.sampled_from(["n" * 50, "a b", "é", "*"])
MATCHER = VALUE | st.builds(lambda a, b: {"glob": f"{a}*{b}"}, st.text("ab-.", max_size=2), st.text("ab-.", max_size=2))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(data=st.data())
def test_whoever_is_granted_a_scope_is_let_in_by_its_role_as_well(desk: Desk, data: st.DataObject) -> None:
    wheres = st.fixed_dictionaries(
        {}, optional={"namespace": st.lists(MATCHER, min_size=1, max_size=3), "service_account": MATCHER}
    )
    grants = data.draw(st.lists(wheres.filter(bool), min_size=1, max_size=3))
    written = "".join(f"      - {{issuer: cluster-a, where: {json.dumps(where)}}}\n" for where in grants)
    head, _, tail = TEXT.partition("    grants:\n")
    _, parameters, tail = tail.partition("    parameters:\n")
    desk.text = f"{head}    grants:\n{written}{parameters}{tail}"
    name = data.draw(st.sampled_from(["", "x-{{ namespace }}-y", "{{ service_account }}", "r+{{ month }}"]))
    if name:
        desk.change("      duration: 1h", f'      name: "{name}"\n      duration: 1h')
    if data.draw(st.booleans()):
        desk.change("max_duration: 4h", "max_duration: 4h\n    mode: audit")
    told = desk.print()
    if told.code != 0:
        assert "glob" in told.err, told.err
        return
    namespace, service_account = data.draw(VALUE), data.draw(VALUE)
    session = _session(desk.path, namespace, service_account)
    if session is not None:
        policy = told.json["roles"][0]["trust_policy"]
        for action in ("sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"):
            assert _allows(policy, action, session), (action, session, policy)


def _session(path: Path, namespace: str, service_account: str) -> RoleSession | None:
    """Return what serving would send to STS, None if it refuses."""
    loaded = config.load(path, environ={})
    named = {"namespace": namespace, "service_account": service_account, "issuer": "cluster-a"}
    subject = f"system:serviceaccount:{namespace}:{service_account}"
    principal = Principal(
        issuer="cluster-a",
        issuer_url="https://oidc.example.com",
        subject=subject,
        attributes={**named, "subject": subject},
        token_expires=START,
        token_sha256="",
    )
    mapping = Mapping(scopes=loaded.scopes, generation=1)
    asked = Asked(scope="reports:read")
    try:
        return mapping.open(mapping.permit(principal, "reports:read"), principal, asked)
    except Refusal:
        return None


def _allows(policy: dict[str, Any], action: str, session: RoleSession) -> bool:
    """Judge a trust policy as IAM does, as far as its operators go."""
    context: dict[str, list[str | None]] = {
        "sts:ExternalId": [session.external_id],
        "sts:RoleSessionName": [session.session_name],
        "sts:SourceIdentity": [session.source_identity],
        "aws:TagKeys": [key for key, _ in session.tags],
        "sts:TransitiveTagKeys": [*session.transitive_tags],
        **{f"aws:RequestTag/{key}": [value] for key, value in session.tags},
    }
    return any(
        one["Action"] == action and all(_holds(*condition, context) for condition in _conditions(one))
        for one in policy["Statement"]
    )


def _conditions(statement: dict[str, Any]) -> Iterator[tuple[str, str, list[str]]]:
    for operator, keys in statement["Condition"].items():
        for key, wanted in keys.items():
            yield operator, key, wanted if isinstance(wanted, list) else [wanted]


def _holds(operator: str, key: str, wanted: list[str], context: dict[str, list[str | None]]) -> bool:
    had = context[key]
    if operator == "Null":
        return (had == []) == (wanted == ["true"])
    matched = [any(_fits(operator, pattern, value or "") for pattern in wanted) for value in had]
    return all(matched) if operator.startswith("ForAllValues:") else matched == [True]


def _fits(operator: str, pattern: str, value: str) -> bool:
    if operator.endswith("StringEquals"):
        return pattern == value
    shape = "".join({"*": ".*", "?": "."}.get(character, re.escape(character)) for character in pattern)
    return re.fullmatch(shape, value, re.DOTALL) is not None
