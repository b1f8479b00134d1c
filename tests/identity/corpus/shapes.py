"""T7, T8: what is no compact token at all, or another spelling of one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.identity.corpus.world import Case, World
from vendor.refusals import Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.identity.corpus.world import Maker

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def _parts(write: Callable[[str, str, str], str]) -> Maker:
    return lambda world: write(*world.segments())


def _text(write: Callable[[str], str]) -> Maker:
    return lambda world: write(world.token())


def _placed(blank: str) -> dict[str, Callable[[str], str]]:
    return {
        "in front": lambda text: blank + text,
        "behind": lambda text: text + blank,
        "in the payload": lambda text: text.replace(".", f".{blank}", 1),
    }


def _spare(segment: int) -> Maker:
    """Turn a bit that base64url leaves unused: another spelling of the same bytes."""

    def make(world: World) -> str:
        pads = range(3)
        texts = (world.raw(world.header() + b" " * a, world.claims() + b" " * a) for a in pads)
        parts = next(parts for parts in (text.split(".") for text in texts) if len(parts[segment]) % 4)
        last = ALPHABET.index(parts[segment][-1])
        parts[segment] = parts[segment][:-1] + ALPHABET[last ^ 1]
        return ".".join(parts)

    return make


def _flattened(world: World) -> str:
    head, body, signature = world.segments()
    return json.dumps({"protected": head, "payload": body, "signature": signature})


def _general(world: World) -> str:
    head, body, signature = world.segments()
    return json.dumps({"payload": body, "signatures": [{"protected": head, "signature": signature}]})


SHAPES: dict[str, Maker] = {
    "nothing": lambda _world: "",
    "a dot": lambda _world: ".",
    "two dots": lambda _world: "..",
    "a thousand dots": lambda _world: "." * 1000,
    "the header alone": _parts(lambda head, _body, _tail: head),
    "two segments": _parts(lambda head, body, _tail: f"{head}.{body}"),
    "no signature": _parts(lambda head, body, _tail: f"{head}.{body}."),
    "no payload": _parts(lambda head, _body, tail: f"{head}..{tail}"),
    "no header": _parts(lambda _head, body, tail: f".{body}.{tail}"),
    "four segments": _text(lambda text: f"{text}.x"),
    "an empty fourth segment": _text(lambda text: f"{text}."),
    "an empty first segment": _text(lambda text: f".{text}"),
    "five segments": _parts(lambda head, body, tail: f"{head}.{body}.{body}.{body}.{tail}"),
    "an encrypted token": _parts(lambda head, body, tail: f"{head}..{body}.{body}.{tail}"),
    "twice the token": _text(lambda text: f"{text}.{text}"),
    "two tokens": _text(lambda text: f"{text},{text}"),
    "a disclosure of SD-JWT": _text(lambda text: f"{text}~WyJhIl0~"),
    "Bearer in front": _text(lambda text: f"Bearer {text}"),
    "quotes around": _text(lambda text: f'"{text}"'),
    "flattened JSON": _flattened,
    "general JSON": _general,
    "colons for dots": _text(lambda text: text.replace(".", ":")),
    "full-width dots": _text(lambda text: text.replace(".", "\uff0e")),
    "percent-encoded dots": _text(lambda text: text.replace(".", "%2e")),
    "the alphabet of plain base64": _text(lambda text: text.replace("-", "+").replace("_", "/") + "+/"),
    "padding at the end": _text(lambda text: f"{text}="),
    "double padding at the end": _text(lambda text: f"{text}=="),
    "padding of the header": _parts(lambda head, body, tail: f"{head}=.{body}.{tail}"),
    "padding of the payload": _parts(lambda head, body, tail: f"{head}.{body}==.{tail}"),
    "percent-encoded padding": _text(lambda text: f"{text}%3D"),
    "spare bits in the header": _spare(0),
    "spare bits in the payload": _spare(1),
    "spare bits in the signature": _spare(2),
    "a signature of a single character": _parts(lambda head, body, _tail: f"{head}.{body}.A"),
    "a signature of five characters": _parts(lambda head, body, _tail: f"{head}.{body}.AAAAA"),
    "bytes of UTF-16": _text(lambda text: text.encode("utf-16-le").decode("latin-1")),
    "a token of 16 KiB and one": _text(lambda text: text + "A" * (16 * 1024 + 1 - len(text))),
    "a token of a megabyte": _text(lambda text: text + "A" * 1_000_000),
    "a signature of 3 KiB": _text(lambda text: text + "A" * 3072),
    "a payload of 13 KiB": lambda world: world.token(claims={"x": "y" * 13_000}),
    "a header of 2 KiB and more": lambda world: world.token({"x": "y" * 2048}),
    "a header of 4 KiB": lambda world: world.token({"x": "y" * 4096}),
}
BLANKS = {
    "a space": " ",
    "a newline": "\n",
    "CRLF": "\r\n",
    "a tab": "\t",
    "a NUL": "\0",
    "a form feed": "\f",
    "a no-break space": "\u00a0",
    "a byte order mark": "\ufeff",
    "a zero-width space": "\u200b",
    "a line separator": "\u2028",
    "a next line": "\u0085",
    "DEL": "\x7f",
    "a lone surrogate": "\ud800",
}


def _malformed(threat: str, make: Maker) -> Case:
    return Case(threat, Reason.MALFORMED_TOKEN, make, cold=True)


CASES: dict[str, Case] = {
    **{f"shape: {name}": _malformed("T8" if "iB" in name else "T7", make) for name, make in SHAPES.items()},
    **{
        f"{name} {place}": _malformed("T7", _text(write))
        for name, blank in BLANKS.items()
        for place, write in _placed(blank).items()
    },
}
