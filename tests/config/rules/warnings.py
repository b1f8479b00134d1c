"""What is allowed and may not be meant, each with what breaks it and what is found then."""

from __future__ import annotations

from tests.config.rules.passages import MONTH, OF_SESSION, SESSION
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
        "a Kubernetes subject has colons",
    ),
    (
        "a pattern that matches no file is told",
        "version: 1",
        'version: 1\ninclude: [^^"scopes/*.yaml"]',
        "include[0]",
        "no file is there",
    ),
)
