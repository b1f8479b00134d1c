"""Nothing that a scope under a ceiling could ever be filled with takes it beyond that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.config.owned import (
    POLICY,
    ROLE,
    SCOPES,
    STATEMENT,
    UNLIMITED,
    allowing,
    main_file,
    messages,
    scope_file,
    scopes_with,
)
from tests.config.sound import found

if TYPE_CHECKING:
    from pathlib import Path


def test_a_scope_under_all_that_a_ceiling_can_say_is_held(tmp_path: Path) -> None:
    said = (
        f'{UNLIMITED}, names: ["rep*"], issuers: [cluster], targets: [aws], max_duration: 1h, '
        'actions_denied: ["iam:*"], resources: ["arn:aws:s3:::reports/*"], '
        'policy_arns: ["arn:aws:iam::aws:policy/Read*"], tags: {team: ["{{ namespace }}"]}'
    )
    more = "      tags: {team: '{{ namespace }}'}\n      policy_arns: ['arn:aws:iam::aws:policy/ReadOnlyAccess']\n"
    assert messages(tmp_path, said, SCOPES + more) == []


@pytest.mark.parametrize(
    ("values", "allowed", "beyond"),
    [
        ("[dev, prod]", '"arn:aws:iam::*:role/dev", "arn:aws:iam::*:role/prod"', False),
        ("[dev, prod]", '"arn:aws:iam::*:role/dev"', True),
        ("[team-a, team-b, admin]", '"arn:aws:iam::*:role/team-*"', True),
        ("[team-a, team-b]", '"arn:aws:iam::*:role/team-?"', False),
        ("[team-a, team-b/c]", '"arn:aws:iam::*:role/team-?"', True),
        ("[a]", '"*"', False),
        ("[a]", '"arn:aws:iam::444455556666:role/*"', True),
        ("[a]", '"arn:aws:iam::*:role/A"', True),
    ],
)
def test_each_value_that_a_role_can_be_filled_with_is_looked_at_t14(
    tmp_path: Path, values: str, allowed: str, *, beyond: bool
) -> None:
    scopes = scopes_with("role/reports", "role/{{ stage }}").replace(
        "    parameters:\n", f"    parameters:\n      stage: {{one_of: {values}, path: true}}\n"
    )
    expected = f"mint.assume_role.role: expected a role within {allowed}".replace('"', "").replace(", ", " or ")
    assert messages(tmp_path, f"roles: [{allowed}]", scopes) == ([expected] if beyond else [])


def test_the_account_of_a_role_is_looked_at_too_t29(tmp_path: Path) -> None:
    scopes = scopes_with("111122223333", '"{{ account }}"'.strip('"')).replace(
        "    parameters:\n", '    parameters:\n      account: {one_of: ["111122223333", "444455556666"]}\n'
    )
    assert messages(tmp_path, 'roles: ["arn:aws:iam::111122223333:role/*"]', scopes) == [
        "mint.assume_role.role: expected a role within arn:aws:iam::111122223333:role/*"
    ]
    both = 'roles: ["arn:aws:iam::111122223333:role/*", "arn:aws:iam::444455556666:role/reports"]'
    assert messages(tmp_path, both, scopes) == []


def test_a_role_on_the_way_and_a_mint_without_a_role_are_looked_at_t29(tmp_path: Path) -> None:
    via = scopes_with(
        f"        role: {ROLE}\n",
        f"        role: {ROLE}\n        via: [{{role: '{ROLE}-a'}}, {{role: '{ROLE}-hub'}}]\n",
    )
    allowed = f'roles: ["{ROLE}", "{ROLE}-a"]'
    assert f"mint.assume_role.via[1].role: expected a role within {ROLE} or {ROLE}-a" in messages(
        tmp_path, allowed, via
    )
    assert not [one for one in messages(tmp_path, allowed, via) if "via[0]" in one]
    allowed = f'roles: ["{ROLE}"]'
    root = scopes_with(
        f"      assume_role:\n        role: {ROLE}\n", '      root: {account: "111122223333", task_policy: a}\n'
    )
    assert f"mint.root: expected a role within {ROLE}" in messages(tmp_path, allowed, root)


@pytest.mark.parametrize(
    ("actions", "beyond"),
    [
        ("Action: 's3:GetObject'", []),
        ("Action: [s3:GetObject, iamx:PassRole, 'ia:*']", []),
        ("Action: 'iam:PassRole'", ["Action"]),
        ("Action: 'IAM:passrole'", ["Action"]),
        ("Action: '*'", ["Action"]),
        ("Action: '*:*'", ["Action"]),
        ("Action: 'i*:PassRole'", ["Action"]),
        ("Action: '?am:*'", ["Action"]),
        ("Action: ['s3:*', '*:PassRole']", ["Action[1]"]),
        ("Action: ['s3:*', 'sts:Assume*', 'STS:get*']", ["Action[1]", "Action[2]"]),
        ("NotAction: ['iam:*', 'sts:*']", []),
        ("NotAction: ['IAM:*', 'STS:*', 's3:*']", []),
        ("NotAction: ['i*:*', '?ts:*']", []),
        ("NotAction: '*'", []),
        ("NotAction: ['iam:*', 'sts:Get*']", ["NotAction"]),
        ("NotAction: ['iam:PassRole', 'sts:*']", ["NotAction"]),
        ("NotAction: 's3:*'", ["NotAction", "NotAction"]),
    ],
)
def test_no_action_that_is_denied_can_be_allowed_t29(tmp_path: Path, actions: str, beyond: list[str]) -> None:
    scopes = allowing(f"{actions}, Resource: '*'")
    told = messages(tmp_path, f'{UNLIMITED}, actions_denied: ["iam:*", "STS:*"]', scopes)
    assert [one.partition(": ")[0] for one in told] == [f"session.policy.Statement[0].{one}" for one in beyond]
    assert [one for one in told if "what is denied" not in one] == []


@pytest.mark.parametrize(
    "action", ["${aws:username}", "iam:PassRole ", "iam", "iam:Päss", "\\nsts:x", "s3:a/b", ":", "a:b:c"]
)
@pytest.mark.parametrize("key", ["Action", "NotAction"])
def test_an_action_that_nobody_can_read_is_not_taken_for_a_harmless_one_t29(
    tmp_path: Path, action: str, key: str
) -> None:
    scopes = allowing(f"{key}: ['*:*', \"{action}\"], Resource: '*'").replace("'*:*'", "'s3:*'")
    told = messages(tmp_path, f'{UNLIMITED}, actions_denied: ["iam:*"]', scopes)
    shown = action.replace("\\n", "\n")
    assert f"session.policy.Statement[0].{key}[1]: {shown} is no action such as s3:GetObject" in told


def test_what_is_denied_may_stand_in_a_deny(tmp_path: Path) -> None:
    scopes = scopes_with(STATEMENT, STATEMENT + "          - {Effect: Deny, Action: 'iam:*', NotResource: a}\n")
    assert messages(tmp_path, f'{UNLIMITED}, actions_denied: ["iam:*"], resources: ["arn:*"]', scopes) == []


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ('actions_denied: ["s3:*"]', "s3:ListBucket allows what is denied, s3:*"),
        ('resources: ["a"]', "arn:aws:s3:::{{ namespace }}/* is too much: expected a resource within a"),
    ],
)
def test_a_fragment_and_a_policy_in_a_file_are_looked_at_and_found_where_they_are_named_t29(
    tmp_path: Path, said: str, expected: str
) -> None:
    statement = '{"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::{{ namespace }}/*"}'
    said = f"{UNLIMITED}, {said}"
    listing = scopes_with(POLICY, '      policy: {Version: "2012-10-17", Statement: [list]}\n')
    told = messages(tmp_path, said, listing, more=f"policies: {{list: {statement}}}\n")
    assert f"session.policy.Statement[0]: {expected}" in told
    scope_file(tmp_path, f'{{"Version": "2012-10-17", "Statement": {statement}}}', "scopes/list.json")
    told = messages(tmp_path, said, scopes_with(POLICY, "      policy_file: list.json\n"))
    assert f"session.policy_file: {expected}" in told


@pytest.mark.parametrize(
    ("resource", "beyond"),
    [
        ("Resource: 'arn:aws:s3:::team/*'", False),
        ("Resource: 'arn:aws:s3:::team/{{ namespace }}/*'", False),
        ("Resource: 'arn:aws:s3:::team/${aws:username}/*'", False),
        ("Resource: 'arn:aws:s3:::team*'", True),
        ("Resource: 'arn:aws:s3:::team-{{ namespace }}/*'", True),
        ("Resource: 'arn:aws:s3:::${aws:username}/*'", True),
        ("Resource: ['arn:aws:s3:::team/*', '*']", True),
        ("Resource: 'arn:aws:sqs:*:111122223333:team-*'", False),
        ("Resource: 'arn:aws:sqs:eu-west-1:444455556666:a:111122223333:team-b'", True),
        ("NotResource: 'arn:aws:s3:::team/*'", True),
        ("NotResource: '*'", True),
    ],
)
def test_no_resource_beyond_those_of_the_ceiling_can_be_allowed_t29(
    tmp_path: Path, resource: str, *, beyond: bool
) -> None:
    scopes = allowing(f"Action: 's3:*', {resource}")
    said = f'{UNLIMITED}, resources: ["arn:aws:s3:::team/*", "arn:aws:sqs:*:111122223333:team-*"]'
    told = messages(tmp_path, said, scopes)
    assert [one.rpartition(": ")[2].split(" or ")[0] for one in told] == (
        ["expected a resource within arn:aws:s3:::team/*"] if beyond else []
    )


@pytest.mark.parametrize(
    ("said", "arn", "message"),
    [
        ("", "arn:aws:iam::aws:policy/AdministratorAccess", "expected none"),
        (', policy_arns: ["arn:aws:iam::aws:policy/Read*"]', "arn:aws:iam::aws:policy/ReadOnlyAccess", ""),
        (
            ', policy_arns: ["arn:aws:iam::aws:policy/Read*"]',
            "arn:aws:iam::aws:policy/AdministratorAccess",
            "expected a policy within arn:aws:iam::aws:policy/Read*",
        ),
        (", unrestricted: true", "arn:aws:iam::aws:policy/AdministratorAccess", ""),
    ],
)
def test_a_managed_policy_that_nobody_here_can_see_into_must_be_listed_t29(
    tmp_path: Path, said: str, arn: str, message: str
) -> None:
    """STS unites what it allows with what the policy in the scope does: it can undo all that was proven of that."""
    told = messages(tmp_path, UNLIMITED + said, f"{SCOPES}      policy_arns: ['{arn}']\n")
    assert told == ([f"session.policy_arns[0]: {message}"] if message else [])


def test_a_session_without_a_policy_must_be_allowed_aloud_t29(tmp_path: Path) -> None:
    scopes = scopes_with(POLICY, "      unrestricted: true\n      tags: {month: '{{ month }}'}\n")
    for said in ("", ", unrestricted: false"):
        assert messages(tmp_path, UNLIMITED + said, scopes) == ["session.unrestricted: expected a policy"]
    assert messages(tmp_path, f"{UNLIMITED}, unrestricted: true", scopes) == []


def test_audit_mode_must_be_allowed_aloud_t14(tmp_path: Path) -> None:
    scopes = scopes_with("    target: aws\n", "    target: aws\n    mode: audit\n")
    assert messages(tmp_path, UNLIMITED, scopes) == ["mode: mode audit would let in who has no grant"]
    assert messages(tmp_path, f"{UNLIMITED}, audit_mode: true", scopes) == []


def test_what_is_inherited_counts_and_is_found_in_the_defaults(tmp_path: Path) -> None:
    defaults = "defaults: {target: own, mode: audit, session: {duration: 2h, max_duration: 3h, tags: {team: b}}}\n"
    said = f"{UNLIMITED}, targets: [aws], max_duration: 1h, tags: {{team: [a]}}"
    told = messages(tmp_path, said, scopes_with("    target: aws\n", ""), more=defaults)
    assert [one.partition(": ")[0] for one in told] == [
        *("defaults.target", "defaults.mode", "defaults.session.max_duration", "defaults.session.tags.team")
    ]
    assert messages(tmp_path, f"{UNLIMITED}, max_duration: 3h, audit_mode: true", SCOPES, more=defaults) == []


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("", "session.duration: expected at most 59m"),
        ("      duration: 2h\n", "session.duration: expected at most 59m"),
        ("      duration: 30m\n      max_duration: 60m\n", "session.max_duration: expected at most 59m"),
        ("      duration: 59m\n", None),
        ("      duration: 30m\n      max_duration: 3540s\n", None),
    ],
)
def test_no_session_can_be_asked_for_that_is_longer_than_the_ceilings(
    tmp_path: Path, said: str, expected: str | None
) -> None:
    assert messages(tmp_path, f"{UNLIMITED}, max_duration: 59m", SCOPES + said) == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("value", "beyond"),
    [
        ("payments", False),
        ("payments-eu", False),
        ("Payments", True),
        ("platform", True),
        ("{{ namespace }}", False),
        ("{{namespace}}", False),
        ("{{ service_account }}", True),
        ("x{{ namespace }}", True),
        ("payments-{{ month }}", False),
        ("{{ month }}", True),
        ("{{ mine }}", True),
    ],
)
def test_a_tag_that_roles_trust_has_a_value_of_the_ceiling_t14(tmp_path: Path, value: str, *, beyond: bool) -> None:
    scopes = SCOPES.replace("    parameters:\n", "    parameters:\n      mine: {default: a}\n")
    scopes += f"      name: '{{{{ mine }}}}'\n      tags: {{team: '{value}'}}\n"
    told = messages(
        tmp_path, UNLIMITED + ", tags: {team: [payments, 'payments-*', '{{ namespace }}', '{{ mine }}']}", scopes
    )
    assert [one.partition(": ")[0] for one in told] == (["session.tags.team"] if beyond else [])


def test_a_request_tag_that_its_sender_chose_is_not_the_identitys_own_t14(tmp_path: Path) -> None:
    scopes = scopes_with("{namespace: analytics}", '{account: "111122223333"}').replace("{{ namespace }}", "a")
    scopes += "      tags: {team: '{{ job }}', account: '{{ account }}'}\n"
    said = f"{UNLIMITED}, tags: {{team: ['{{{{ job }}}}'], account: ['{{{{ account }}}}']}}"
    scope_file(tmp_path, scopes)
    text = main_file(f'files: "scopes/*.yaml", {said}').replace(
        "kind: kubernetes", "kind: aws\n    algorithms: [ES384]"
    )
    (finding,) = found(tmp_path, text)
    assert (finding.severity, finding.field) == ("error", "scopes.reports.session.tags.team")


def test_a_tag_that_the_ceiling_names_may_not_be_left_out(tmp_path: Path) -> None:
    said = f"{UNLIMITED}, tags: {{team: [a]}}"
    scopes = SCOPES + "      tags: {team: a, job: b}\n"
    assert messages(tmp_path, said, scopes + "      optional_tags: [job]\n") == []
    told = "session.optional_tags: the tag team may not be left out"
    assert messages(tmp_path, said, scopes + "      optional_tags: [job, team]\n") == [told]
    inherited = "defaults: {session: {optional_tags: [team]}}\n"
    assert messages(tmp_path, said, scopes, more=inherited) == ["defaults." + told]


def test_what_is_wrong_already_is_not_found_to_exceed_anything(tmp_path: Path) -> None:
    scopes = scopes_with("role/reports", "role/{{ stage }}-{{ month }}").replace(
        'month: {pattern: "[0-9]{4}-[0-9]{2}", default: 2026-01}', "month: {one_of: ['*']}\n      stage: {one_of: 5}"
    )
    said = "roles: [a], resources: [a], tags: {team: [a]}"
    told = messages(tmp_path, said, f"{scopes}      tags: {{team: '{{{{ A }}}}'}}\n")
    assert [one for one in told if "expected a role within" in one or "expected the tag" in one] == []
    assert len(told) == 3
