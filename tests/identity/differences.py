"""Where joserfc, asked as strictly as it can be, is of another opinion than we are; `docs/decisions/0006` says why."""

from __future__ import annotations

from tests.identity.corpus.headers import TYPES
from tests.identity.corpus.names import CONTRADICTIONS, DISAGREEING, NO_ASCII, NO_SCOPES
from tests.identity.corpus.texts import ENCODINGS

_WRITTEN = ("with a fraction", "with a fraction of nothing", "with an exponent", "as a small exponent")
_FAR = ("the year 10000", "in milliseconds", "in nanoseconds", "beyond 32 bits twice", "beyond 63 bits")
_TWICE = ("", " the same", ", once escaped", " one level down", " in a list", " far down")
_SURROGATES = ("a lone surrogate", "a lone low surrogate", "surrogates the wrong way round", "a surrogate in UTF-8")
_INFINITE = ("NaN", "Infinity", "minus Infinity", "NaN deep down", "a number beyond doubles", "a number below doubles")
# It reads a type that is a text, whatever the text says, and checks that it is one.
_NO_TEXTS = {"null", "a number", "true", "a list", "an object"}

TAKEN_BY_JOSERFC: dict[str, set[str]] = {
    "a member that stands twice": {
        *(f"payload: a member twice{how}" for how in _TWICE),
        "payload: an empty name twice",
        *(f"header with {name} twice" for name in ("alg", "kid", "typ")),
        *(f"{name} twice" for name in ("iss", "sub", "aud", "exp", "iat", "nbf", "kubernetes.io")),
    },
    "JSON in UTF-16 or UTF-32, or with a byte order mark": {
        f"{what} in {encoding}" for what in ("header", "payload") for encoding in ENCODINGS if encoding != "cp037"
    },
    "NUL or a lone surrogate in a text": {
        *(f"payload: {what}" for what in _SURROGATES),
        *("payload: an escaped NUL", "payload: an escaped NUL in a name"),
        *("payload: a lone surrogate in a name", "payload: a lone surrogate deep down"),
        *("sub with a NUL", "sub a NUL alone", "sub a lone surrogate"),
    },
    "NaN, Infinity, or a number that becomes one": {f"payload: {what}" for what in _INFINITE},
    "nesting beyond 16 levels": {"payload: nesting of 17", "payload: objects nested 17 deep"},
    "more than 16 KiB": {"shape: a payload of 13 KiB"},
    "no kid where the issuer has a single key": {"kid that is gone"},
    "a key of 1,024 bits, or one of two under one kid": {
        "a key of 1,024 bits that the issuer publishes",
        "a kid that the issuer publishes twice",
    },
    "crit and b64 that change nothing": {
        "header with crit of alg",
        "header with crit that is empty",
        "header with b64 true",
    },
    "typ of another sort of token": {f"typ that is {name}" for name in TYPES.keys() - _NO_TEXTS},
    "times that are no whole seconds": {
        *(f"{name} {how}" for name in ("exp", "iat", "nbf") for how in _WRITTEN),
        *(f"{name} with a fraction of seventeen digits" for name in ("exp", "iat", "nbf")),
        "exp with a great exponent",
    },
    "times before 1970 or after 9999": {
        *(f"exp that is {when}" for when in (*_FAR, "of a hundred digits")),
        *(f"{name} that is {when}" for name in ("iat", "nbf") for when in ("minus one", "long before")),
    },
    "a life that is too long, or of no length": {
        *("iat zero", "exp at the end of time", "exp beyond 31 bits", "exp at iat", "a second too long"),
        *("too long, and half over", "a year", "older than the issuer allows", "of the issuer's age, with no leeway"),
    },
    "a token for others too": {
        f"aud that is {what}"
        for what in ("a list of two", "two the other way", "a list twice the same", "a list with nothing")
    },
    "a subject that is not printable ASCII": {
        f"sub {what}{whose}" for what in NO_ASCII for whose in ("", ", of a pod")
    },
    "a subject that the pod's own claims contradict": {
        *(f"sub {what}" for what in DISAGREEING),
        *(f"pod: {what}" for what in CONTRADICTIONS),
    },
    "a one-time token with no jti": {f"jti that is {what}, to be used once" for what in ("gone", "empty")},
    "scopes that are no texts": {f"{name} that is {what}" for name in ("scope", "scp") for what in NO_SCOPES},
}
"""By what is different: the names of the cases of the corpus that it takes and we refuse."""

REFUSED_BY_JOSERFC: dict[str, set[str]] = {
    "a header parameter that nobody knows": {"a header that nobody knows"},
    "a header of more than 512 bytes": {"a key of somebody else's in jwk, and our signature"},
}
"""By what is different: the sound tokens that it refuses and we take."""

WYCHEPROOF: dict[str, set[str]] = {
    "an empty payload": {f"json_web_signature {number} emptyPayload" for number in (259, 264, 268, 272, 320, 325)},
    "an RSA key of 1,024 bits": {"json_web_key 8 rejects1024bitRsaKey"},
}
"""By what is different: the vectors that it takes and we refuse."""
