"""T1, T5, T15: what else a header can say to mislead who reads it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.fakes import tokens
from tests.identity.corpus.world import GONE, Case, World, heading
from vendor.refusals import Reason

if TYPE_CHECKING:
    from collections.abc import Callable

FORBIDDEN: dict[str, dict[str, Any]] = {
    "crit of a claim": {"crit": ["exp"]},
    "crit of what is there": {"crit": ["x"], "x": 1},
    "crit of what is not": {"crit": ["x"]},
    "crit of b64": {"crit": ["b64"], "b64": False},
    "crit of alg": {"crit": ["alg"]},
    "crit twice the same": {"crit": ["x", "x"], "x": 1},
    "crit that is empty": {"crit": []},
    "crit that is null": {"crit": None},
    "crit that is a text": {"crit": "exp"},
    "crit that is an object": {"crit": {}},
    "crit that is false": {"crit": False},
    "b64 false": {"b64": False},
    "b64 true": {"b64": True},
    "b64 null": {"b64": None},
    "zip": {"zip": "DEF"},
    "zip null": {"zip": None},
    "zip of another kind": {"zip": "GZ"},
    "enc": {"enc": "A128GCM"},
    "enc null": {"enc": None},
    "enc empty": {"enc": ""},
}
KEY_IDS: tuple[str, ...] = (
    *(
        "KEY-1",
        "Key-1",
        "key-1 ",
        " key-1",
        "key-1/",
        "key-1%00",
        "%6bey-1",
        "key-",
        "key-11",
        "key1",
        "*",
        "key-*",
        ".",
    ),
    *("../../../../etc/passwd", "/dev/null", "file:///dev/null", "/proc/self/environ", "key-1;ls", "| whoami", "$(id)"),
    *("' OR '1'='1", "key-1' UNION SELECT 'secret", "x'; DROP TABLE keys;--", "${jndi:ldap://127.0.0.1/x}", "{{7*7}}"),
    *("key-1,key-2", "key-1&kid=key-2", "__proto__", "constructor", "None", "null", "undefined", "0", "{}", "[]"),
    *("http://127.0.0.1/keys", "https://evil.example/keys#key-1", "urn:x", "\\u006bey-1", "key-1\\u0000", "a" * 1900),
)
NO_KEY_IDS: dict[str, Any] = {
    "gone": GONE,
    "null": None,
    "empty": "",
    "a number": 1,
    "a fraction": 1.5,
    "true": True,
    "a list": ["key-1"],
    "an object": {"kid": "key-1"},
    "a list in a list": [["key-1"]],
    "with a NUL": "key-1\0",
    "with a NUL in front": "\0key-1",
    "with a newline": "key-1\n",
    "with a forged line": 'key-1\n{"event":"exchange"}',
    "with an escape": "\x1b[2Jkey-1",
    "with DEL": "key-1\x7f",
    "full-width": "\uff4bey-1",
    "with a Cyrillic letter": "k\u0435y-1",
    "decomposed": "ke\u0301y-1",
    "with a soft hyphen": "key\u00ad-1",
    "written from right to left": "\u202ekey-1",
    "a lone surrogate": "key-1\ud800",
    "beyond the basic plane": "key-1\U0001f511",
    "longer than a header": "a" * 2100,
}
TYPES: dict[str, Any] = {
    "empty": "",
    "null": None,
    "a number": 1,
    "true": True,
    "a list": ["JWT"],
    "an object": {"JWT": 1},
    "full-width": "\uff2aWT",
    "with a space": "JWT ",
    "with a newline": "JWT\n",
    "with a parameter": "JWT;v=1",
    "twice": "JWT,JWT",
    "an encrypted one": "JWE",
    "a signed one": "JOSE",
    "JSON": "JOSE+JSON",
    "an access token": "at+jwt",
    "an access token in full": "application/at+jwt",
    "a proof of possession": "dpop+jwt",
    "a logout token": "logout+jwt",
    "a security event": "secevent+jwt",
    "an authorization request": "oauth-authz-req+jwt",
    "a token introspection": "token-introspection+jwt",
    "an entity statement": "entity-statement+jwt",
    "a verifiable credential": "vc+sd-jwt",
    "a key binding": "kb+jwt",
    "a client's attestation": "oauth-client-attestation+jwt",
    "an ID token of another spelling": "id_token",
    "of another tree": "text/jwt",
    "application twice": "application/application/jwt",
    "application alone": "application/",
}


def _linked(member: str, value: Callable[[World], Any], kid: str = "key-1") -> Case:
    """Sign with an attacker's key and point to it."""

    def make(world: World) -> str:
        key = world.evil.key.renamed(kid)
        return world.token({member: value(world), "kid": kid}, key=key)

    return Case("T1", Reason.SIGNATURE if kid == "key-1" else Reason.UNKNOWN_KEY, make)


LINKS: dict[str, tuple[str, Callable[[World], Any]]] = {
    "jwk": ("jwk", lambda world: world.evil.key.jwk()),
    "jwk of the same kid": ("jwk", lambda world: world.evil.key.jwk(kid="key-1")),
    "jwk with no kid": ("jwk", lambda world: world.evil.key.jwk(kid=None)),
    "jwk as a text": ("jwk", lambda world: json.dumps(world.evil.key.jwk())),
    "jwk that is null": ("jwk", lambda _world: None),
    "jwks": ("jwks", lambda world: {"keys": [world.evil.key.jwk()]}),
    "jku": ("jku", lambda world: world.evil.jwks_url),
    "jku with the issuer as user": ("jku", lambda world: world.evil.jwks_url.replace("//", "//oidc.example.com@")),
    "jku with the issuer in the query": ("jku", lambda world: f"{world.evil.jwks_url}?{world.issuer.issuer}"),
    "jku with the issuer in the fragment": ("jku", lambda world: f"{world.evil.jwks_url}#{world.issuer.issuer}"),
    "jku of the issuer's own host": ("jku", lambda world: f"{world.issuer.issuer}/upload/keys"),
    "jku that climbs": ("jku", lambda world: f"{world.issuer.issuer}/../{world.evil.jwks_url}"),
    "jku of a file": ("jku", lambda _world: "file:///etc/hostname"),
    "jku of instance metadata": ("jku", lambda _world: "http://169.254.169.254/latest/meta-data/"),
    "jku that is data": ("jku", lambda world: f"data:application/json,{json.dumps(world.evil.key.jwk())}"),
    "jku that is a list": ("jku", lambda world: [world.evil.jwks_url]),
    "x5u": ("x5u", lambda world: world.evil.jwks_url),
    "x5c": ("x5c", lambda world: [tokens.encode(world.evil.key.public_pem())]),
    "x5c that is a text": ("x5c", lambda world: world.evil.key.public_pem().decode()),
    "x5t": ("x5t", lambda _world: "A" * 27),
    "x5t#S256": ("x5t#S256", lambda _world: "A" * 43),
    "iss in the header": ("iss", lambda world: world.evil.issuer),
    "url": ("url", lambda world: world.evil.jwks_url),
    "epk": ("epk", lambda world: world.evil.key.jwk()),
    "key": ("key", lambda world: world.evil.key.public_pem().decode()),
}

CASES: dict[str, Case] = {
    **{
        f"header with {name}": Case("T1", Reason.MALFORMED_TOKEN, heading(**members), cold=True)
        for name, members in FORBIDDEN.items()
    },
    **{f"kid {kid[:60]}": Case("T1", Reason.UNKNOWN_KEY, heading(kid=kid)) for kid in KEY_IDS},
    **{
        f"kid that is {name}": Case("T15", Reason.MALFORMED_TOKEN, heading(kid=kid), cold=True)
        for name, kid in NO_KEY_IDS.items()
    },
    **{
        f"typ that is {name}": Case("T5", Reason.TOKEN_TYPE, heading(typ=value), cold=True)
        for name, value in TYPES.items()
    },
    **{f"a stranger's key by {name}": _linked(*link) for name, link in LINKS.items()},
    **{f"a stranger's key and kid by {name}": _linked(*link, kid="evil") for name, link in LINKS.items()},
}
