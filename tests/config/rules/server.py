"""Rules of the listeners, each with what breaks it and what is found then."""

from __future__ import annotations

from tests.config.sound import rules

SERVER = rules(
    ("an address has a port", "127.0.0.1:8080", "^^127.0.0.1", "listen.address", "expected an IP address and a port"),
    ("an address has no name", "127.0.0.1:8080", "^^example.com:8080", "listen.address", "expected an IP address"),
    ("an IPv6 address is in brackets", "127.0.0.1:8080", '^^"::1:8080"', "listen.address", "expected an IP address"),
    ("an IPv4 address is not", "127.0.0.1:8080", '^^"[127.0.0.1]:8080"', "listen.address", "expected an IP address"),
    ("a port is at most 65535", "127.0.0.1:8080", "^^127.0.0.1:65536", "listen.address", "expected an IP address"),
    (
        "a burst is at least what an SDK sends",
        "version: 1\n",
        "version: 1\nlimits: {per_principal: {burst: ^^4}}\n",
        "limits.per_principal.burst",
        "must be at least 5",
    ),
    (
        "a store that is not said in a word is a mapping",
        "version: 1\n",
        "version: 1\nstore: ^^redis\n",
        "store",
        "expected 'memory' or a mapping",
    ),
    (
        "the operators' listener is another one",
        "127.0.0.1:9090",
        "^^127.0.0.1:8080",
        "operations.address",
        "the operators' listener may not be the public one",
    ),
    (
        "an operator's grant follows the rules of grants",
        "  address: 127.0.0.1:9090",
        "  operators: [{issuer: ^^nobody, where: {a: b}}]",
        "operations.operators[0].issuer",
        "there is no issuer nobody",
    ),
)
