"""Rules of issuers, each with what breaks it and what is found then."""

from __future__ import annotations

from tests.config.rules.passages import CLUSTER, ISSUER, OF_ISSUER
from tests.config.sound import rules

ISSUERS = rules(
    *(
        (f"{url} is no issuer's URL", ISSUER, f"^^{url}", f"{OF_ISSUER}.issuer", message)
        for url, message in (
            ("oidc.example.com", "expected an https URL with a host"),
            ("ftp://oidc.example.com", "expected an https URL"),
            ("https://", "expected an https URL with a host"),
            ("https://user@oidc.example.com", "expected an https URL with a host"),
            ("https://oidc.example.com?", "expected an https URL with a host"),
            ("https://oidc.example.com/#a", "expected an https URL with a host"),
            ("https://oidc.example.com:port", "expected an https URL with a host"),
            ("https://oidc.example.com:65536", "expected an https URL with a host"),
            ("https://[::1", "expected an https URL with a host"),
            ("https://öidc.example.com", "expected an https URL with a host"),
            ('"https://oidc.example.com\\n"', "expected an https URL with a host"),
            ('" https://oidc.example.com"', "expected an https URL with a host"),
            ("https://oidc.example.com\\@example.net", "expected an https URL with a host"),
            ("http://oidc.example.com", "plain http is taken for loopback only"),
            ("http://127.0.0.1:5000", "plain http to loopback needs allow_private_addresses: true"),
            ("http://localhost", "plain http to loopback needs allow_private_addresses: true"),
        )
    ),
    (
        "a key's URL is one",
        CLUSTER,
        f"{CLUSTER}    keys: {{url: ^^keys}}\n",
        f"{OF_ISSUER}.keys.url",
        "expected an https URL",
    ),
    (
        "keys have a URL or a file",
        CLUSTER,
        f"{CLUSTER}    keys: ^^{{}}\n",
        f"{OF_ISSUER}.keys",
        "expected exactly one of url and file",
    ),
    (
        "keys have not both",
        CLUSTER,
        f"{CLUSTER}    keys: ^^{{url: 'https://a.example', file: b}}\n",
        f"{OF_ISSUER}.keys",
        "expected exactly one of url and file",
    ),
    (
        "a file of keys is there",
        CLUSTER,
        f"{CLUSTER}    keys: {{file: ^^none.json}}\n",
        f"{OF_ISSUER}.keys.file",
        "the file ",
    ),
    (
        "a file has a name that files have",
        CLUSTER,
        f'{CLUSTER}    keys: {{file: ^^"\\0"}}\n',
        f"{OF_ISSUER}.keys.file",
        "no file can be called",
    ),
    (
        "algorithms are asymmetric",
        CLUSTER,
        f"{CLUSTER}    algorithms: [RS256, ^^HS256]\n",
        f"{OF_ISSUER}.algorithms[1]",
        "expected one of RS256, ",
    ),
    (
        "none is no algorithm",
        CLUSTER,
        f"{CLUSTER}    algorithms: [^^none]\n",
        f"{OF_ISSUER}.algorithms[0]",
        "expected one of RS256, ",
    ),
    (
        "there is an algorithm",
        CLUSTER,
        f"{CLUSTER}    algorithms: ^^[]\n",
        f"{OF_ISSUER}.algorithms",
        "may not be empty",
    ),
    (
        "an attribute is not one of its kind",
        CLUSTER,
        f"{CLUSTER}    attributes: {{^^pod: [a]}}\n",
        f"{OF_ISSUER}.attributes.pod",
        "pod is an attribute of kind kubernetes already",
    ),
    (
        "an attribute has a name like others",
        CLUSTER,
        f"{CLUSTER}    attributes: {{^^Team: [a]}}\n",
        f"{OF_ISSUER}.attributes.Team",
        "expected a name of lower-case letters",
    ),
    (
        "an attribute has a path",
        CLUSTER,
        f"{CLUSTER}    attributes: {{a: ^^[]}}\n",
        f"{OF_ISSUER}.attributes.a",
        "may not be empty",
    ),
    (
        "a token lives for a week at most",
        CLUSTER,
        f"{CLUSTER}    max_token_lifetime: ^^8d\n",
        f"{OF_ISSUER}.max_token_lifetime",
        "from 1m to 7d",
    ),
    (
        "a token lives for a minute at least",
        CLUSTER,
        f"{CLUSTER}    max_token_lifetime: ^^59s\n",
        f"{OF_ISSUER}.max_token_lifetime",
        "from 1m to 7d",
    ),
    ("leeway is two minutes at most", CLUSTER, f"{CLUSTER}    leeway: ^^121s\n", f"{OF_ISSUER}.leeway", "at most 120s"),
    (
        "two issuers have not one `iss`, and the other place is named",
        "https://sso.example.com/batch",
        f"^^{ISSUER}",
        "issuers.batch.issuer",
        "the same issuer as cluster (",
    ),
)
