"""Rules of references, each with what breaks it and what is found then."""

from __future__ import annotations

from tests.config.rules.passages import ACTION, ISSUER, MINTED, OF_ISSUER, OF_STATEMENT
from tests.config.sound import rules

REFERENCES = rules(
    (
        "a reference may not stand in an audience",
        "    audience: vendor\n    kind: kub",
        "    audience: ^^${env:A}\n    kind: kub",
        f"{OF_ISSUER}.audience",
        "a reference may stand only where",
    ),
    (
        "a reference may not stand in a role",
        "arn:aws:iam::111122223333:role/reports",
        "^^arn:aws:iam::111122223333:role/${file:a}",
        f"{MINTED}.role",
        "a reference may stand only where",
    ),
    (
        "a reference may not stand in a key",
        ACTION,
        f"{ACTION}            Condition: {{Bool: {{^^'${{env:A}}': b}}}}\n",
        f"{OF_STATEMENT}.Condition.Bool.${{env:A}}",
        "a reference may not stand in a key",
    ),
    (
        "a variable of the environment is there",
        ISSUER,
        "^^https://${env:HOST}/",
        f"{OF_ISSUER}.issuer",
        "the environment has no variable HOST",
    ),
    ("a file that is referred to is there", ISSUER, "^^${file:none}", f"{OF_ISSUER}.issuer", "the file "),
    (
        "a reference has an end",
        ISSUER,
        "^^https://${env:HOST",
        f"{OF_ISSUER}.issuer",
        "a reference is written ${env:NAME}",
    ),
    (
        "a reference has a name",
        ISSUER,
        "^^https://${env:}/",
        f"{OF_ISSUER}.issuer",
        "a reference is written ${env:NAME}",
    ),
)
