"""Rules of grants and matchers, each with what breaks it and what is found then."""

from __future__ import annotations

from tests.config.rules.passages import GRANT, WHERE
from tests.config.sound import rules

GRANTS = rules(
    (
        "a grant names an issuer that is there",
        "issuer: cluster\n",
        "issuer: ^^clusters\n",
        f"{GRANT}.issuer",
        "there is no issuer clusters",
    ),
    (
        "a scope has grants",
        "\n      - issuer: cluster\n        where: {namespace: analytics}",
        " ^^[]",
        "scopes.reports.grants",
        "may not be empty",
    ),
    ("a grant that pins nothing is refused", WHERE, "^^{}", f"{GRANT}.where", "may not be empty"),
    (
        "a grant pins more than its own issuer",
        WHERE,
        "^^{issuer: cluster}",
        f"{GRANT}.where",
        "issuer alone pins nothing",
    ),
    (
        "a grant asks for attributes of its issuer",
        WHERE,
        "{^^repository: a}",
        f"{GRANT}.where.repository",
        "cluster yields no attribute repository: issuer, subject, namespace",
    ),
    (
        "a matcher is no float",
        WHERE,
        "{namespace: ^^1.5}",
        f"{GRANT}.where.namespace",
        "expected a value of another type, found a number",
    ),
    ("a matcher is not nothing", WHERE, "{^^namespace: ~}", f"{GRANT}.where.namespace", "has no value"),
    ("a list of matchers is not empty", WHERE, "{namespace: ^^[]}", f"{GRANT}.where.namespace", "may not be empty"),
    (
        "a list of matchers holds no lists",
        WHERE,
        "{namespace: [^^[a]]}",
        f"{GRANT}.where.namespace[0]",
        "expected a value of another type, found a list",
    ),
    (
        "a matcher has one key",
        WHERE,
        "{namespace: ^^{glob: a*, contains: b}}",
        f"{GRANT}.where.namespace",
        "expected exactly one of glob",
    ),
    (
        "a matcher is no empty mapping",
        WHERE,
        "{namespace: ^^{}}",
        f"{GRANT}.where.namespace",
        "expected exactly one of glob",
    ),
    (
        "a matcher's key is known",
        WHERE,
        "{namespace: {glob: a*, ^^regex: a}}",
        f"{GRANT}.where.namespace.regex",
        "unknown key",
    ),
    (
        "present is true or not said",
        WHERE,
        "{namespace: {present: ^^false}}",
        f"{GRANT}.where.namespace.present",
        "only true can be said here",
    ),
    ("a glob has a star", WHERE, "{namespace: {glob: ^^a}}", f"{GRANT}.where.namespace.glob", "a glob has a *"),
    (
        "a glob is not only a star",
        WHERE,
        '{namespace: {glob: ^^"*"}}',
        f"{GRANT}.where.namespace.glob",
        "a glob of * alone pins nothing",
    ),
    (
        "a glob has no two stars together",
        WHERE,
        '{namespace: {glob: ^^"a**"}}',
        f"{GRANT}.where.namespace.glob",
        "* stands for one or more",
    ),
    (
        "a glob within a list follows the same rules",
        WHERE,
        "{namespace: [a, {glob: ^^b}]}",
        f"{GRANT}.where.namespace[1].glob",
        "a glob has a *",
    ),
    (
        "a placeholder may not stand in a grant",
        WHERE,
        '{namespace: ^^"{{ month }}"}',
        f"{GRANT}.where.namespace",
        "a placeholder may not stand in a grant",
    ),
)
