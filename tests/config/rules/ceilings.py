"""Rules of ceilings: a sound scope that is more than one allows, and ceilings that limit less than they seem to."""

from __future__ import annotations

from tests.config.rules.passages import MINTED, OF_RESOURCE, OF_SESSION, OF_STATEMENT, RESOURCE
from tests.config.sound import rules


def under(said: str) -> tuple[str, str]:
    """Return what to replace by what to put the sound scope under a ceiling."""
    return "version: 1", f"version: 1\nceilings:\n  - {{files: vendor.yaml, {said}}}"


CEILINGS = rules(
    (
        "a role is within the ceiling's",
        *under('roles: ["arn:aws:iam::*:role/workload/*", "arn:aws:iam::*:role/report"]'),
        f"{MINTED}.role",
        "expected a role within arn:aws:iam::*:role/workload/* or arn:aws:iam::*:role/report (the ceiling at ",
        "arn:aws:iam::111122223333:role/reports\n    session",
    ),
    (
        "a session is no longer than the ceiling's",
        *under('roles: ["*"], max_duration: 30m'),
        f"{OF_SESSION}.duration",
        "expected at most 30m (the ceiling at ",
        "policy:\n        Version",
    ),
    (
        "an action is none that the ceiling denies",
        *under('roles: ["*"], actions_denied: ["iam:*", "S3:get*"]'),
        f"{OF_STATEMENT}.Action",
        "s3:GetObject allows what is denied, iam:* or S3:get* (the ceiling at ",
        "s3:GetObject",
    ),
    (
        "a resource is within the ceiling's",
        *under('roles: ["*"], resources: ["arn:aws:s3:::reports/analytics/*"]'),
        OF_RESOURCE,
        f"{RESOURCE} is too much: expected a resource within arn:aws:s3:::reports/analytics/* (the ceiling at ",
        RESOURCE,
    ),
    (
        "a scope's name is within the ceiling's",
        *under('roles: ["*"], names: ["billing:*", reports-*]'),
        "scopes.reports",
        "expected a name within billing:* or reports-* (the ceiling at ",
        "reports:\n    description",
    ),
    (
        "an issuer is among the ceiling's",
        *under('roles: ["*"], issuers: [batch]'),
        "scopes.reports.grants[0].issuer",
        "expected one of batch (the ceiling at ",
        "cluster\n        where",
    ),
    (
        "a target is among the ceiling's",
        *under('roles: ["*"], targets: [own]'),
        "scopes.reports.target",
        "expected one of own (the ceiling at ",
        "aws\n    mint",
    ),
    (
        "a tag that the ceiling names is there",
        *under('roles: ["*"], tags: {team: [a, "b*"]}'),
        f"{OF_SESSION}.tags",
        "expected the tag team with a or b* (the ceiling at ",
        "policy:\n        Version",
    ),
    (
        "files lead nowhere else",
        *under('roles: ["*"]')[:1],
        'version: 1\nceilings: [{files: ^^"../*.yaml", roles: ["*"]}]',
        "ceilings[0].files",
        "expected a path beside this file",
    ),
    *(
        (
            f"a pattern of {key} has no {what}",
            *under(f'{key}: [a, ^^"{text}"]'),
            f"ceilings[0].{key}[1]",
            "a ceiling has wildcards, and neither placeholders nor variables",
        )
        for key in ("names", "roles", "resources", "policy_arns")
        for what, text in (("placeholder", "{{ namespace }}"), ("variable", "${aws:username}"))
    ),
    *(
        (
            f"{text!r} denies no action there is",
            *under(f'roles: ["*"], actions_denied: ["iam:*", ^^"{text}"]'),
            "ceilings[0].actions_denied[1]",
            "expected an action such as iam:* or iam:PassRole",
        )
        for text in ("iam", "iam*", "iam:PassRole ", "iam.*", "iam:", ":*", "${aws:username}", "iam:Ä", "iam:\\n")
    ),
    (
        "an issuer of a ceiling is there",
        *under('roles: ["*"], issuers: [cluster, ^^clouds]'),
        "ceilings[0].issuers[1]",
        "there is no issuer clouds",
    ),
    (
        "a target of a ceiling is there",
        *under('roles: ["*"], targets: [aws, ^^azure]'),
        "ceilings[0].targets[1]",
        "there is no target azure",
    ),
    (
        "a ceiling leaves room for the shortest session",
        *under('roles: ["*"], max_duration: ^^899s'),
        "ceilings[0].max_duration",
        "STS gives no session of less than 900s",
    ),
    (
        "roles are not none",
        *under("roles: ^^[]"),
        "ceilings[0].roles",
        "may not be empty",
    ),
    (
        "a key of a ceiling is known",
        *under('roles: ["*"], ^^max_durations: 1h'),
        "ceilings[0].max_durations",
        "unknown key; did you mean max_duration?",
    ),
    *(
        (
            f"nothing is unrestricted where {said} is limited",
            *under(f'roles: ["*"], {said}: ["s3:*"], unrestricted: ^^true'.replace("s3:*", value)),
            "ceilings[0].unrestricted",
            f"a session without a policy has all that its role has, whatever {said} says",
        )
        for said, value in (("actions_denied", "iam:*"), ("resources", "*"), ("policy_arns", "*"))
    ),
    (
        "audit mode lets in whom issuers would keep out",
        *under('roles: ["*"], issuers: [cluster], audit_mode: ^^true'),
        "ceilings[0].audit_mode",
        "mode audit lets in who has a token of any issuer",
    ),
    (
        "a tag of a ceiling is well-formed",
        *under("roles: ['*'], tags: {team: [a, ^^'{{ A }}']}"),
        "ceilings[0].tags.team[1]",
        "a placeholder is written {{ name }}",
    ),
)
