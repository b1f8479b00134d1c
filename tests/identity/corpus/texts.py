"""T7, T8: JSON that two parsers read differently, and what is too much for any."""

from __future__ import annotations

import base64
import codecs
import json
from typing import TYPE_CHECKING, Any

from tests.fakes import tokens
from tests.identity.corpus.world import Case, World
from vendor.refusals import Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.identity.corpus.world import Maker

ADMIN = "system:serviceaccount:kube-system:admin"


def _encoded(encoding: str) -> Callable[[bytes], bytes]:
    return lambda good: good.decode().encode(encoding)


def _payload(write: Callable[[bytes], bytes]) -> Maker:
    return lambda world: world.raw(payload=write(world.claims()))


def _header(write: Callable[[bytes], bytes]) -> Maker:
    return lambda world: world.raw(header=write(world.header()))


ENCODINGS = ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "utf-8-sig", "cp037")
JSONS: dict[str, Callable[[bytes], bytes]] = {
    "nothing but blanks": lambda _good: b"  ",
    "no JSON": lambda _good: b"RS256",
    "a list": lambda good: b"[" + good + b"]",
    "an empty list": lambda _good: b"[]",
    "a text": lambda good: json.dumps(good.decode()).encode(),
    "a number": lambda _good: b"1",
    "null": lambda _good: b"null",
    "true": lambda _good: b"true",
    "two objects": lambda good: good + good,
    "two objects on two lines": lambda good: good + b"\n" + good,
    "an object and a dot": lambda good: good + b".",
    "an object and a NUL": lambda good: good + b"\0",
    "a NUL and an object": lambda good: b"\0" + good,
    "an object cut short": lambda good: good[:-1],
    "a comma too many": lambda good: good[:-1] + b",}",
    "a comma too many in front": lambda good: b"{," + good[1:],
    "a comment": lambda good: b"/**/" + good,
    "a comment at the end": lambda good: good + b"//x",
    "single quotes": lambda good: good.replace(b'"', b"'"),
    "names without quotes": lambda good: good[:-1] + b",x:1}",
    "a raw newline in a text": lambda good: good[:-1] + b',"x":"a\nb"}',
    "a raw tab in a text": lambda good: good[:-1] + b',"x":"a\tb"}',
    "a raw NUL in a text": lambda good: good[:-1] + b',"x":"a\0b"}',
    "an escape of another language": lambda good: good[:-1] + b',"x":"\\x41"}',
    "half an escape": lambda good: good[:-1] + b',"x":"\\u00"}',
    "an escaped NUL": lambda good: good[:-1] + b',"x":"\\u0000"}',
    "an escaped NUL in a name": lambda good: good[:-1] + b',"x\\u0000":1}',
    "a lone surrogate": lambda good: good[:-1] + b',"x":"\\ud800"}',
    "a lone low surrogate": lambda good: good[:-1] + b',"x":"\\udc00"}',
    "surrogates the wrong way round": lambda good: good[:-1] + b',"x":"\\udc00\\ud800"}',
    "a lone surrogate in a name": lambda good: good[:-1] + b',"\\udfff":1}',
    "a lone surrogate deep down": lambda good: good[:-1] + b',"x":[{"y":["\\ud800"]}]}',
    "a surrogate in UTF-8": lambda good: good[:-1] + b',"x":"\xed\xa0\x80"}',
    "a NUL in two bytes": lambda good: good[:-1] + b',"x":"\xc0\x80"}',
    "a slash in two bytes": lambda good: good[:-1] + b',"x":"\xc0\xaf"}',
    "a letter of Latin-1": lambda good: good[:-1] + b',"x":"\xe9"}',
    "beyond Unicode": lambda good: good[:-1] + b',"x":"\xf4\x90\x80\x80"}',
    "half a letter": lambda good: good[:-1] + b',"x":"\xc3"}',
    "NaN": lambda good: good[:-1] + b',"x":NaN}',
    "Infinity": lambda good: good[:-1] + b',"x":Infinity}',
    "minus Infinity": lambda good: good[:-1] + b',"x":-Infinity}',
    "NaN deep down": lambda good: good[:-1] + b',"x":[[[NaN]]]}',
    "a number beyond doubles": lambda good: good[:-1] + b',"x":1e999}',
    "a number below doubles": lambda good: good[:-1] + b',"x":-1e999}',
    "a leading zero": lambda good: good[:-1] + b',"x":01}',
    "a leading plus": lambda good: good[:-1] + b',"x":+1}',
    "a hexadecimal number": lambda good: good[:-1] + b',"x":0x1}',
    "a number with no digits in front": lambda good: good[:-1] + b',"x":.5}',
    "a number with no digits behind": lambda good: good[:-1] + b',"x":5.}',
    "an underscore in a number": lambda good: good[:-1] + b',"x":1_000}',
    "True": lambda good: good[:-1] + b',"x":True}',
    "undefined": lambda good: good[:-1] + b',"x":undefined}',
    "a member twice": lambda good: good[:-1] + b',"x":1,"x":2}',
    "a member twice the same": lambda good: good[:-1] + b',"x":1,"x":1}',
    "a member twice, once escaped": lambda good: good[:-1] + b',"x":1,"\\u0078":2}',
    "an empty name twice": lambda good: good[:-1] + b',"":1,"":2}',
    "a member twice one level down": lambda good: good[:-1] + b',"y":{"x":1,"x":2}}',
    "a member twice in a list": lambda good: good[:-1] + b',"y":[1,{"x":1,"x":2}]}',
    "a member twice far down": lambda good: good[:-1] + b',"y":[{"z":[{"q":{"x":1,"x":2}}]}]}',
    "nesting of 17": lambda good: good[:-1] + b',"x":' + b"[" * 17 + b"]" * 17 + b"}",
    "objects nested 17 deep": lambda good: good[:-1] + b',"x":' + b'{"a":' * 17 + b"1" + b"}" * 18,
    "nesting that never ends": lambda good: good[:-1] + b',"x":' + b"[" * 500,
}
HUGE: dict[str, Callable[[bytes], bytes]] = {
    "nesting of 4000": lambda good: good[:-1] + b',"x":' + b"[" * 4000 + b"]" * 4000 + b"}",
    "objects nested 1500 deep": lambda good: good[:-1] + b',"x":' + b'{"a":' * 1500 + b"1" + b"}" * 1501,
    "an integer of 5000 digits": lambda good: good[:-1] + b',"x":' + b"9" * 5000 + b"}",
}


def _twice(what: str, name: str, value: Any) -> Case:
    """Let a member stand twice, both times honest to one half of the parsers."""

    def make(world: World) -> str:
        good = world.header() if what == "header" else world.claims()
        more = json.dumps({name: value}).encode()
        first, last = b"{" + more[1:-1] + b"," + good[1:], good[:-1] + b"," + more[1:]
        changed = last if value is None else first
        return world.raw(header=changed) if what == "header" else world.raw(payload=changed)

    return Case("T7", Reason.MALFORMED_TOKEN, make, cold=True)


def _malformed(threat: str, make: Maker) -> Case:
    return Case(threat, Reason.MALFORMED_TOKEN, make, cold=True)


CASES: dict[str, Case] = {
    **{
        f"{what} in {encoding}": _malformed("T7", wrap(_encoded(encoding)))
        for what, wrap in {"header": _header, "payload": _payload}.items()
        for encoding in ENCODINGS
    },
    "a payload in UTF-7": _malformed("T7", _payload(lambda good: b"+AHs-" + good[1:])),
    "a payload in base64 once more": _malformed("T7", _payload(base64.urlsafe_b64encode)),
    "a payload in rot13": _malformed("T7", _payload(lambda good: codecs.encode(good.decode(), "rot13").encode())),
    "a nested token": _malformed("T7", lambda world: world.raw(world.header(cty="JWT"), world.token().encode())),
    "a nested token in quotes": _malformed(
        "T7", lambda world: world.raw(world.header(cty="JWT"), json.dumps(world.token()).encode())
    ),
    **{
        f"{what}: {name}": _malformed("T7", wrap(write))
        for what, wrap in {"header": _header, "payload": _payload}.items()
        for name, write in JSONS.items()
    },
    **{f"payload: {name}": _malformed("T8", _payload(write)) for name, write in HUGE.items()},
    **{f"header with {name} twice": _twice("header", name, "none") for name in ("alg", "kid", "typ")},
    **{f"header with {name} twice, null last": _twice("header", name, None) for name in ("alg", "kid", "typ")},
    **{
        f"{name} twice": _twice("payload", name, value)
        for name, value in {
            "iss": "https://evil.example",
            "sub": ADMIN,
            "aud": "other",
            "exp": 99_999_999_999,
            "iat": 0,
            "nbf": 0,
            "kubernetes.io": {"namespace": "kube-system"},
        }.items()
    },
    **{f"{name} twice, null last": _twice("payload", name, None) for name in ("iss", "sub", "aud", "exp", "nbf")},
    "a stranger's payload": Case(
        "T1",
        Reason.SIGNATURE,
        lambda world: ".".join(
            (world.segments()[0], tokens.encode(world.claims(sub=ADMIN)), world.segments()[2]),
        ),
    ),
}
