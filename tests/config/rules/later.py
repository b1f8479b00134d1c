"""What the language has and this release has not, each with what breaks it and what is found then."""

from __future__ import annotations

from tests.config.sound import rules

LATER = rules(
    (
        "stores are not in this release",
        "version: 1",
        "version: 1\nstore: ^^{redis: {url: x, encryption_keys: [{id: a, file: b}]}}",
        "store",
        "a shared store is not in this release",
    ),
)
