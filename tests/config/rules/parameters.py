"""Rules of parameters, each with what breaks it and what is found then."""

from __future__ import annotations

from tests.config.rules.passages import MONTH, PARAMETER
from tests.config.sound import rules

PARAMETERS = rules(
    (
        "duration_seconds is no parameter",
        MONTH,
        f"{MONTH}\n      ^^duration_seconds: {{}}",
        "scopes.reports.parameters.duration_seconds",
        "duration_seconds is a query member already",
    ),
    (
        "a parameter is none of the attributes",
        MONTH,
        f"{MONTH}\n      ^^node: {{}}",
        "scopes.reports.parameters.node",
        "node is an attribute of a granting issuer already",
    ),
    (
        "a parameter has a name like others",
        "month: {",
        "^^Year: {}\n      month: {",
        "scopes.reports.parameters.Year",
        "expected a name of lower-case",
    ),
    (
        "pattern and one_of exclude each other",
        MONTH,
        f"month: ^^{MONTH[7:-1]}, one_of: [2026-01]}}",
        PARAMETER,
        "expected at most one of",
    ),
    (
        "a default is admitted by its parameter",
        "2026-01}",
        "^^January}",
        f"{PARAMETER}.default",
        "this value may not be put into a policy",
    ),
    (
        "a choice may stand in a policy",
        MONTH,
        'month: {one_of: [a, ^^"*"]}',
        f"{PARAMETER}.one_of[1]",
        "this value may not be put into a policy",
    ),
    ("choices are not none", MONTH, "month: {one_of: ^^[]}", f"{PARAMETER}.one_of", "may not be empty"),
    (
        "a default contradicts required",
        "2026-01}",
        "2026-01, required: ^^true}",
        f"{PARAMETER}.required",
        "a parameter with a default is not required",
    ),
    (
        "what is not required has a default",
        ", default: 2026-01}",
        ", required: ^^false}",
        f"{PARAMETER}.required",
        "a parameter that is not required needs a default",
    ),
    *(
        (
            f"the pattern {pattern[:30]} is refused",
            MONTH,
            f"month: {{pattern: ^^'{pattern}'}}",
            f"{PARAMETER}.pattern",
            message,
        )
        for pattern, message in (
            ("^a", "the whole value is matched: leave out"),
            ("a$", "the whole value is matched: leave out"),
            ("(?=a)b", "look-around, back references"),
            ("(?i)b", "look-around, back references"),
            ("(a+)+", "look-around, back references"),
            ("(a|b)*", "look-around, back references"),
            ("(a){2}", "look-around, back references"),
            (r"(a)\1", "look-around, back references"),
            (r"a\b", "look-around, back references"),
            ("[a-z]*[a-z]*[a-z]*[a-z]*", "matching this can take too long"),
            ("a?" * 25 + "a" * 25, "matching this can take too long"),
            ("(a|a)" * 25, "matching this can take too long"),
            ("a{0,200}a{0,200}a{0,200}a{,}", "matching this can take too long"),
            ("a" * 257, "matching this can take too long"),
            ("[a", "this is no regular expression"),
            ("(a", "this is no regular expression"),
            ("a{99999999999}", "this is no regular expression"),
            ("[[a]", "this is no regular expression"),
            ("(" * 240, "this is no regular expression"),
        )
    ),
)
