"""What a sound configuration is loaded to, and how its parts come together."""

from __future__ import annotations

import gc
import json
from datetime import timedelta
from pathlib import Path

import pytest

from tests.config.sound import SOUND, changed, found, loaded, told
from vendor.config import ConfigurationError, json_schema, load
from vendor.config.values import Listen, Target, Tls
from vendor.identity.issuer import DiscoveredKeys, Kind
from vendor.policy.matcher import AnyOf, Contains, Equal, Glob, Present

EXAMPLE = Path(__file__).parent.parent.parent / "config" / "vendor.yaml"
POLICY = SOUND[SOUND.index("      policy:") :]
STATEMENTS = SOUND[SOUND.index("          - Effect") :]


def _filled(folder: Path, text: str) -> str:
    policy = loaded(folder, text).scopes["reports"].session.policy
    assert policy is not None
    return policy.fill({"namespace": "a", "month": "b"})


def test_the_example_loads_without_findings_and_is_what_it_says() -> None:
    configuration = load(EXAMPLE, environ={})
    assert configuration.warnings == ()
    assert configuration.listen == Listen(host="0.0.0.0", port=8080, tls=None)  # noqa: S104 - what the example says
    assert configuration.operations.port == 9090
    assert [dict(grant.where) for grant in configuration.operations.operators] == [
        {"namespace": Equal("platform"), "service_account": Equal("vendor-operator")}
    ]
    assert (configuration.audit.path, configuration.audit.refuse_on_failure) == ("-", True)
    cluster, scheduler = configuration.issuers["cluster-a"], configuration.issuers["scheduler"]
    assert (cluster.url, cluster.audience, cluster.kind) == (
        "https://oidc.example.com/id/AAA",
        "vendor",
        Kind.KUBERNETES,
    )
    assert cluster.keys == DiscoveredKeys()
    assert (cluster.max_token_lifetime, cluster.leeway) == (timedelta(hours=24), timedelta(seconds=30))
    assert (cluster.strict_aud, cluster.allow_private_addresses) == (True, False)
    assert (scheduler.algorithms, scheduler.extra_attributes) == (("ES256", "RS256"), (("team", ("labels", "team")),))
    assert dict(configuration.targets) == {
        "aws": Target(name="aws", endpoint_url=None, regions=("eu-west-1", "eu-central-1"), requests_per_second=300.0)
    }


def test_a_scope_of_the_example_is_what_it_says() -> None:
    scope = load(EXAMPLE, environ={}).scopes["reports:read"]
    (grant,) = scope.grants
    assert dict(grant.where) == {
        "namespace": Equal("analytics"),
        "service_account": AnyOf((Equal("reporter"), Glob("batch-*"))),
    }
    (month,) = scope.parameters
    assert (month.name, month.default) == ("month", "2026-01")
    assert (str(scope.mint.role), str(scope.mint.external_id)) == ("arn:aws:iam::111122223333:role/reports", "acme-7")
    session = scope.session
    assert session.policy is not None
    statements = json.loads(session.policy.fill({"namespace": "n", "month": "m"}))["Statement"]
    assert [one["Action"] for one in statements] == ["s3:ListBucket", "s3:GetObject"]
    assert statements[0]["Condition"] == {"StringLike": {"s3:prefix": "n/*"}}
    assert statements[1]["Resource"] == "arn:aws:s3:::reports/n/m/*"
    assert [(key, str(value)) for key, value in session.tags] == [("namespace", "{{ namespace }}")]
    assert session.transitive_tags == ("namespace",)
    assert str(session.source_identity) == "{{ namespace }}.{{ service_account }}"
    assert (session.duration, session.max_duration) == (timedelta(hours=1), timedelta(hours=4))
    assert scope.enforced
    assert load(EXAMPLE, environ={}).scopes["results:write"].session.cap_to_token


def test_the_schema_names_every_part_of_the_configuration() -> None:
    schema = json_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert set(schema["required"]) == {"version", "issuers"}
    assert {"include", "defaults", "policies", "targets", "scopes"} < set(schema["properties"])


def test_matchers_are_told_apart_by_their_types(tmp_path: Path) -> None:
    text = changed("{namespace: analytics}", "{a: '1', b: 1, c: true, d: {contains: a}, e: {present: true}, f: [a, 1]}")
    text = text.replace(
        "kind: kubernetes", "kind: kubernetes\n    attributes: {a: [a], b: [b], c: [c], d: [d], e: [e], f: [f]}"
    )
    (grant,) = loaded(tmp_path, text).scopes["reports"].grants
    assert dict(grant.where) == {
        "a": Equal("1"),
        "b": Equal(1),
        "c": Equal(value=True),
        "d": Contains("a"),
        "e": Present(),
        "f": AnyOf((Equal("a"), Equal(1))),
    }


def test_what_vouches_for_clients_is_a_file_beside_the_configuration(tmp_path: Path) -> None:
    tls = '"[::1]:8443"\n  tls: {certificate: a.crt, private_key: a.key, client_ca: tls/clients.crt}'
    found = loaded(tmp_path, changed("127.0.0.1:8080", tls)).listen.tls
    assert found
    assert found.client_ca == tmp_path / "tls/clients.crt"
    assert found.files == (tmp_path / "a.crt", tmp_path / "a.key", tmp_path / "tls/clients.crt")


def test_an_ipv6_address_and_tls_files_beside_the_configuration(tmp_path: Path) -> None:
    tls = '"[::1]:8443"\n  tls: {certificate: tls/a.crt, private_key: /etc/a.key}'
    listen = loaded(tmp_path, changed("127.0.0.1:8080", tls)).listen
    files = Tls(certificate=tmp_path / "tls/a.crt", private_key=Path("/etc/a.key"))
    assert listen == Listen(host="::1", port=8443, tls=files)


def test_localhost_and_port_0_are_addresses(tmp_path: Path) -> None:
    text = changed("127.0.0.1:8080", "localhost:0").replace("127.0.0.1:9090", "localhost:0")
    assert (loaded(tmp_path, text).listen.host, loaded(tmp_path, text).operations.port) == ("localhost", 0)


def test_defaults_are_inherited_and_a_scope_wins(tmp_path: Path) -> None:
    defaults = """\
defaults:
  target: own
  mode: audit
  session:
    tags: {team: a, stage: prod}
    transitive_tags: [team]
    optional_tags: [stage]
    name: "{{ namespace }}"
    source_identity: someone
    duration: 30m
    max_duration: 2h
    cap_to_token: true
"""
    bare = loaded(tmp_path, defaults + changed("    target: aws\n", "")).scopes["reports"]
    assert (bare.target, bare.enforced) == ("own", False)
    assert dict(bare.session.tags).keys() == {"team", "stage"}
    assert (bare.session.transitive_tags, bare.session.cap_to_token) == (("team",), True)
    assert bare.session.optional_tags == ("stage",)
    assert (bare.session.duration, bare.session.max_duration) == (timedelta(minutes=30), timedelta(hours=2))
    own = """\
    mode: enforce
    session:
      tags: {team: b}
      transitive_tags: []
      optional_tags: [team]
      name: x
      duration: 1h
      cap_to_token: false
"""
    said = loaded(tmp_path, defaults + changed("    session:\n", own)).scopes["reports"]
    assert (said.target, said.enforced) == ("aws", True)
    assert {key: str(value) for key, value in said.session.tags} == {"team": "b", "stage": "prod"}
    assert (said.session.transitive_tags, said.session.cap_to_token, str(said.session.name)) == ((), False, "x")
    assert said.session.optional_tags == ("team",)
    assert (said.session.duration, said.session.max_duration) == (timedelta(hours=1), timedelta(hours=2))


def test_a_scope_that_says_only_its_longest_duration_gives_no_longer_ones(tmp_path: Path) -> None:
    said = changed("    session:\n", "    session:\n      max_duration: 30m\n")
    session = loaded(tmp_path, said).scopes["reports"].session
    assert (session.duration, session.max_duration) == (timedelta(minutes=30), timedelta(minutes=30))
    (warning,) = found(tmp_path, said.replace("30m", "20m"))
    assert (warning.code, warning.field) == ("V650", "scopes.reports.session.max_duration")


def test_no_leeway_at_all_is_a_leeway_too(tmp_path: Path) -> None:
    kind = "    kind: kubernetes\n"
    assert loaded(tmp_path, changed(kind, f"{kind}    leeway: 0s\n")).issuers["cluster"].leeway == timedelta(0)
    (line,) = told(tmp_path, changed(kind, f"{kind}    max_token_lifetime: 0s\n"))
    assert "expected a duration such as 15m, 1h or 900s" in line


def test_what_is_wrong_in_the_defaults_is_told_once_and_there(tmp_path: Path) -> None:
    text = "defaults: {session: {tags: {a: b*}, max_duration: 13h}}\n" + SOUND
    text += SOUND[SOUND.index("  reports:") :].replace("  reports:", "  results:")
    assert told(tmp_path, text) == [
        "1:32: defaults.session.tags.a: holds a character that STS does not take here",
        "1:51: defaults.session.max_duration: STS gives from 900s to 43200s (12h)",
    ]


def test_what_a_default_lacks_for_a_scope_is_told_at_the_scope(tmp_path: Path) -> None:
    (line,) = told(tmp_path, 'defaults: {session: {name: "{{ team }}"}}\n' + SOUND)
    assert line.startswith("33:7: scopes.reports.session.name: {{ team }} is no parameter, and no attribute of issuer")


def test_an_unrestricted_scope_has_no_policy(tmp_path: Path) -> None:
    text = SOUND.replace(POLICY, "      unrestricted: true\n      tags: {month: '{{ month }}'}\n")
    assert loaded(tmp_path, text).scopes["reports"].session.policy is None


def test_a_policy_may_be_named(tmp_path: Path) -> None:
    named = "policies:\n  read:\n" + POLICY.replace("      policy:\n", "").replace("        ", "    ", 1)
    named = "policies:\n  read:\n" + "\n".join(line[4:] for line in POLICY.splitlines()[1:]) + "\n"
    text = named + SOUND.replace(POLICY, "      policy: read\n")
    assert told(tmp_path, text) == []
    assert _filled(tmp_path, text) == _filled(tmp_path, SOUND)


def test_statements_may_be_named_one_or_several(tmp_path: Path) -> None:
    fragments = """\
policies:
  one: {Effect: Deny, Action: "s3:a", Resource: "{{ namespace }}"}
  two:
    - {Effect: Deny, Action: "s3:b", Resource: "*"}
    - {Effect: Deny, Action: "s3:c", NotResource: "*"}
"""
    text = fragments + SOUND.replace(STATEMENTS, "          - two\n" + STATEMENTS + "          - one\n")
    actions = [one["Action"] for one in json.loads(_filled(tmp_path, text))["Statement"]]
    assert actions == ["s3:b", "s3:c", "s3:GetObject", "s3:a"]


def test_what_is_wrong_in_a_fragment_is_told_once_and_there(tmp_path: Path) -> None:
    text = "policies:\n  two: [{Effect: Deny, Action: a, Resource: a}, {Effect: no, Action: a, Resource: a}]\n"
    text += SOUND.replace(STATEMENTS, "          - two\n" + STATEMENTS.replace("Allow", "Never"))
    assert told(tmp_path, text) == [
        "2:58: policies.two[1].Effect: expected Effect Allow or Deny",
        "38:21: scopes.reports.session.policy.Statement[1].Effect: expected Effect Allow or Deny",
    ]


def test_what_a_fragment_lacks_for_a_scope_is_told_where_the_scope_names_it(tmp_path: Path) -> None:
    text = 'policies:\n  one: {Effect: Deny, Action: a, Resource: "{{ team }}/{{ namespace }}*"}\n'
    text += SOUND.replace(STATEMENTS, STATEMENTS + "          - one\n")
    assert [line[:6] for line in told(tmp_path, text)] == ["40:13:", "40:13:"]


def test_a_broken_fragment_is_told_and_not_missed(tmp_path: Path) -> None:
    text = "policies: {one: 5}\n" + SOUND.replace(STATEMENTS, STATEMENTS + "          - one\n")
    assert told(tmp_path, text) == ["1:17: policies.one: expected a value of another type, found a number"]


def test_a_sid_that_two_fragments_share_is_refused(tmp_path: Path) -> None:
    text = "policies: {one: {Sid: A, Effect: Deny, Action: a, Resource: a}}\n"
    text += SOUND.replace(STATEMENTS, STATEMENTS + "          - one\n          - one\n")
    (line,) = told(tmp_path, text)
    assert line.startswith("40:13: scopes.reports.session.policy.Statement[2]: Sid A stands twice")


def test_one_statement_may_stand_without_a_list(tmp_path: Path) -> None:
    lone = STATEMENTS.replace("          - Effect", "            Effect")
    assert _filled(tmp_path, SOUND.replace(STATEMENTS, lone)) == _filled(tmp_path, SOUND)


@pytest.mark.parametrize("statement", ["[]", "~"])
def test_a_policy_without_statements_is_refused(tmp_path: Path, statement: str) -> None:
    text = SOUND.replace("Statement:\n" + STATEMENTS, f"Statement: {statement}\n")
    assert len([one for one in found(tmp_path, text) if one.severity == "error"]) == 1


@pytest.mark.parametrize(
    ("declared", "text"),
    [
        ("one_of: [a, b.c]", "a/{{ month }}-{{ namespace }}/*"),
        ("one_of: [a, b-c]", "a/{{ month }}/{{ namespace }}"),
        ("pattern: '[a-z]:[a-z]'", "a/{{ month }}/*"),
        ("path: true", "a/{{ month }}/*"),
        ("description: plain", "a:{{ month }}:*/{{ namespace }}"),
        ("description: plain", "a/{{ month }}/${aws:username}/{{ namespace }}"),
        ("description: plain", "*/{{ month }}/?"),
        ("one_of: [a, b/c]", "a/{{ month }}/*"),
        ("one_of: [a, b/c]", "a/*/{{ month }}"),
    ],
)
def test_a_delimiter_that_no_value_can_hold_is_enough(tmp_path: Path, declared: str, text: str) -> None:
    new = changed('{pattern: "[0-9]{4}-[0-9]{2}", default: 2026-01}', f"{{{declared}}}")
    assert told(tmp_path, new.replace("arn:aws:s3:::reports/{{ namespace }}/{{ month }}/*", f'"{text}"')) == []


@pytest.mark.parametrize(
    ("declared", "text"),
    [
        ("one_of: [a, b-c]", "a/{{ month }}-{{ namespace }}/*"),
        ("pattern: '[a-z]:[a-z]'", "a/{{ month }}:*"),
        ("path: true", "a/{{ month }}/{{ namespace }}/*"),
        ("path: true", "a/{{ month }}:*"),
        ("one_of: [a, b/c]", "a/{{ month }}/{{ namespace }}/*"),
    ],
)
def test_a_delimiter_that_a_value_could_hold_is_none(tmp_path: Path, declared: str, text: str) -> None:
    new = changed('{pattern: "[0-9]{4}-[0-9]{2}", default: 2026-01}', f"{{{declared}}}")
    (line,) = told(tmp_path, new.replace("arn:aws:s3:::reports/{{ namespace }}/{{ month }}/*", f'"{text}"'))
    assert line.endswith("a delimiter such as / must follow {{ month }}")


@pytest.mark.parametrize(
    "pattern", ["[a-z]+-[a-z]+-[a-z]+", "jan|feb|mar", r"\d{4}", "(?:a|b)c?", "[)*+?|]{3}", r"\)+", "a{,3}", "a{2,}"]
)
def test_patterns_that_match_fast_are_taken(tmp_path: Path, pattern: str) -> None:
    assert told(tmp_path, changed('"[0-9]{4}-[0-9]{2}", default: 2026-01', f"'{pattern}'")) == []


def test_a_role_may_be_chosen_from_a_list(tmp_path: Path) -> None:
    text = changed('"[0-9]{4}-[0-9]{2}", default: 2026-01}', 'a}\n      to: {one_of: ["111122223333"]}')
    text = text.replace("iam::111122223333:", "iam::{{ to }}:").replace("month: {pattern: a", "month: {pattern: a")
    assert told(tmp_path, text) == []
    assert told(tmp_path, text.replace('["111122223333"]', '["1", "2"]')) == [
        "31:15: scopes.reports.mint.assume_role.role: expected an account of twelve digits"
    ]


def test_another_cloud_may_have_roles_without_account_and_regions_of_any_name(tmp_path: Path) -> None:
    text = changed("target: aws\n", "target: own\n").replace("iam::111122223333:", "iam:::")
    assert told(tmp_path, text) == []


def test_plain_http_to_loopback_is_taken_when_it_is_allowed(tmp_path: Path) -> None:
    for host in ("127.0.0.1:5000", "localhost", "[::1]:80"):
        text = changed("https://oidc.example.com/id/AAA", f"http://{host}/")
        assert told(tmp_path, text.replace("kubernetes\n", "kubernetes\n    allow_private_addresses: true\n")) == []


def test_all_problems_are_told_in_one_run(tmp_path: Path) -> None:
    text = SOUND.replace("version: 1\n", "").replace("    audience: vendor\n    kind: kub", "    kind: kub")
    text = text.replace("127.0.0.1:8080", "nowhere").replace("[garage]", "5").replace("target: aws\n", "target: gcp\n")
    text = text.replace("      - issuer: cluster\n", "      - {issuer: 5, where: {a: b}}\n      - issuer: none\n")
    assert [line.split(": ")[1] for line in told(tmp_path, text)] == [
        "version is missing",
        "listen.address",
        "issuers.cluster",
        "targets.own.regions",
        "scopes.reports.grants[0].issuer",
        "scopes.reports.grants[1].issuer",
        "scopes.reports.target",
    ]


@pytest.mark.parametrize("part", ["issuers", "targets", "scopes"])
def test_a_part_of_a_wrong_type_hides_no_problem_elsewhere(tmp_path: Path, part: str) -> None:
    start = SOUND.index(f"{part}:\n")
    ends = [SOUND.find(f"\n{name}:\n", start + 1) for name in ("issuers", "targets", "scopes")]
    end = min((one + 1 for one in ends if one > 0), default=len(SOUND))
    text = SOUND[:start] + f"{part}: 5\n" + SOUND[end:]
    fields = [one.field for one in found(tmp_path, text.replace("127.0.0.1:9090", "nowhere"))]
    assert "operations.address" in fields
    assert part in fields


def test_a_finding_stays_on_its_line_whatever_the_file_holds(tmp_path: Path) -> None:
    (line,) = told(tmp_path, SOUND + '"a\\n\\e[31mb": 1\n')
    assert line == "38:1: a\\n\\x1b[31mb: unknown key"


def test_broken_parameters_and_issuers_raise_no_findings_of_those_who_use_them(tmp_path: Path) -> None:
    text = changed("default: 2026-01}", "default: 5, one_of: ~, description: 5}").replace(
        "{pattern: ", "{pattern: '[', x: "
    )
    text = text.replace("audience: vendor\n    kind: kub", "audience: 5\n    kind: kub")
    fields = {one.field for one in found(tmp_path, text)}
    assert fields == {
        "issuers.cluster.audience",
        *(f"scopes.reports.parameters.month.{name}" for name in ("x", "default", "one_of", "description", "pattern")),
    }


@pytest.mark.parametrize("broken", ["5", "{one_of: 5}", "{one_of: [5, a]}"])
def test_a_role_with_a_place_for_a_broken_parameter_is_no_second_problem(tmp_path: Path, broken: str) -> None:
    text = changed("    target: aws\n", "    target: aws\n").replace("role/reports", "role/{{ to }}")
    text = text.replace("      month: {", f"      to: {broken}\n      month: {{")
    assert len(found(tmp_path, text)) == 1


@pytest.mark.parametrize("text", [SOUND, SOUND + "x: 1\n"])
def test_the_garbage_collector_is_left_as_it_was(tmp_path: Path, text: str) -> None:
    found(tmp_path, text)
    assert gc.isenabled()
    gc.disable()
    try:
        found(tmp_path, text)
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_limits_are_generous_unless_they_are_said_and_leave_an_sdk_its_tries(tmp_path: Path) -> None:
    limits = loaded(tmp_path, SOUND).limits
    assert (limits.concurrent_requests, limits.requests_per_second, limits.burst) == (10_000, 1_000, 5_000)
    said = "limits: {concurrent_requests: 50, per_principal: {requests_per_second: 0.5, burst: 5}}\n"
    limits = loaded(tmp_path, SOUND + said).limits
    assert (limits.concurrent_requests, limits.requests_per_second, limits.burst) == (50, 0.5, 5)
    broken = said.replace("50", "0").replace("0.5", "0").replace("burst: 5", "burst: 4")
    assert [one.field for one in found(tmp_path, SOUND + broken)] == [
        "limits.concurrent_requests",
        "limits.per_principal.requests_per_second",
        "limits.per_principal.burst",
    ]


def test_revocations_are_kept_in_one_place(tmp_path: Path) -> None:
    path = tmp_path / "vendor.yaml"
    path.write_text(SOUND.replace("  address: 127.0.0.1:9090", "  address: 127.0.0.1:9090\n  revocations: kept.json"))
    assert load(path, environ={}).operations.revocations == tmp_path / "kept.json"
    store = "store: {redis: {url: x, encryption_keys: [{id: a, file: b}]}}\n"
    path.write_text(store + path.read_text())
    with pytest.raises(ConfigurationError) as refused:
        load(path, environ={})
    messages = {finding.to_dict()["field"]: finding.message for finding in refused.value.findings}
    assert messages["operations.revocations"] == "a shared store keeps revocations already"
