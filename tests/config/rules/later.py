"""What the language has and this release has not, each with what breaks it and what is found then."""

from __future__ import annotations

from tests.config.rules.passages import MINT, MINTED, ROLE
from tests.config.sound import rules

LATER = rules(
    (
        "stores are not in this release",
        "version: 1",
        "version: 1\nstore: ^^{redis: {url: x, encryption_keys: [{id: a, file: b}]}}",
        "store",
        "a shared store is not in this release",
    ),
    (
        "via is not in this release",
        ROLE,
        f"{ROLE}        via: ^^[{{role: a}}]\n",
        f"{MINTED}.via",
        "via is not in this release",
    ),
    *(
        (
            f"mint {kind} is not in this release",
            MINT,
            f"      ^^{kind}: {said}\n",
            f"scopes.reports.mint.{kind}",
            f"{kind} is not in this release",
        )
        for kind, said in (
            ("web_identity", "{role: a}"),
            ("saml", "{role: a, provider: b}"),
            ("session_token", "{mfa_serial: a, mfa_secret_file: b}"),
            ("federation_token", "{name: a}"),
            ("root", '{account: "111122223333", task_policy: b}'),
            ("identity_token", "{audience: a, signing_algorithm: RS256}"),
            ("cognito_identity", "{pool: a, logins: {b: c}}"),
        )
    ),
    (
        "what is not in this release is still checked",
        MINT,
        "      saml: {role: a, provider: ^^5}\n",
        "scopes.reports.mint.saml.provider",
        "expected a string",
    ),
)
