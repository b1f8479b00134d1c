"""What is allowed and may not be meant, each with what breaks it and what is found then."""

from __future__ import annotations

from tests.config.rules.breadth import of_kind
from tests.config.rules.passages import GRANT, MONTH, OF_SESSION, RESOURCE, SESSION
from tests.config.sound import rules

WARNINGS = rules(
    (
        "SDKs come back often for short sessions",
        SESSION,
        f"{SESSION}      duration: ^^29m\n",
        f"{OF_SESSION}.duration",
        "SDKs renew below 15 minutes left",
    ),
    (
        "a parameter is not used",
        MONTH,
        f"{MONTH}\n      ^^year: {{}}",
        "scopes.reports.parameters.year",
        "no place uses this parameter",
    ),
    (
        "a policy is not used",
        "version: 1",
        "version: 1\npolicies: {^^spare: {Effect: Deny}}",
        "policies.spare",
        "no scope uses this policy",
    ),
    (
        "not every token has a pod",
        SESSION,
        f"{SESSION}      name: ^^'{{{{ pod }}}}'\n",
        f"{OF_SESSION}.name",
        "not every token has pod",
    ),
    (
        "a Kubernetes subject never fits",
        SESSION,
        f"{SESSION}      name: ^^'{{{{ subject }}}}'\n",
        f"{OF_SESSION}.name",
        "subject is written system:serviceaccount:NAMESPACE:NAME, so {{ subject }} can never be filled",
    ),
    (
        "a grant lets somebody in whom no earlier one does",
        "        where: {namespace: analytics}\n",
        (
            "        where: {namespace: analytics}\n"
            "      - ^^issuer: cluster\n        where: {namespace: analytics, service_account: {glob: batch-*}}\n"
        ),
        "scopes.reports.grants[1]",
        "grants[0] (",
    ),
    (
        "no scope is without effect beside a wider one",
        "scopes:\n",
        (
            "scopes:\n"
            "  all:\n    grants: [{issuer: cluster, where: {namespace: [analytics, sales]}}]\n    target: aws\n"
            "    mint: {assume_role: {role: 'arn:aws:iam::111122223333:role/reports'}}\n"
            "    session: {unrestricted: true}\n"
        ),
        "scopes.reports.grants[0]",
        "whom this lets in may have all too (",
        "issuer: cluster\n        where",
    ),
    (
        "a policy fits with the longest values too",
        RESOURCE,
        f"{'a' * 1_850}/{RESOURCE.replace('{{ month }}', '{{ month }}/{{ namespace }}')}",
        f"{OF_SESSION}.policy",
        "with the longest values it has 2",
        'Version: "2012',
    ),
    (
        "a pattern that matches no file is told",
        "version: 1",
        'version: 1\ninclude: [^^"scopes/*.yaml"]',
        "include[0]",
        "no file is there",
    ),
    (
        "a repository never fits",
        *of_kind("github", "{repository: acme/site}", fill="{{ repository }}"),
        f"{OF_SESSION}.name",
        "repository is written OWNER/NAME, so {{ repository }} can never be filled",
    ),
    (
        "groups never fit",
        *of_kind("cognito", "{client_id: a}", fill="{{ groups }}"),
        f"{OF_SESSION}.name",
        "groups is a list, so {{ groups }} can never be filled",
    ),
    (
        "a name that aws does not know is taken for a request tag, in a place",
        *of_kind("aws", '{account: "111122223333"}', fill="{{ job }}"),
        f"{OF_SESSION}.name",
        "{{ job }} is taken for a request tag, which its sender chose",
    ),
    (
        "a name that aws does not know is taken for a request tag, in a grant",
        *of_kind("aws", '{account: "111122223333", ^^job: nightly}'),
        f"{GRANT}.where.job",
        "job is taken for a request tag, which its sender chose",
    ),
    (
        "not every job has an environment",
        *of_kind("github", "{repository: acme/site}", fill="{{ environment }}"),
        f"{OF_SESSION}.name",
        "not every token has environment",
    ),
    (
        "a parameter is no request tag",
        *of_kind("aws", '{account: "111122223333", ^^month: nightly}'),
        f"{GRANT}.where.month",
        "month is taken for a request tag, which its sender chose",
    ),
)
