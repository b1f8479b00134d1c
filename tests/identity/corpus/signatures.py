"""T1: signatures that are none, of every algorithm that may be configured."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from tests.fakes import tokens
from tests.identity.corpus.world import Case, World, signing
from vendor.refusals import Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.identity.corpus.world import Maker

ALGORITHMS = ("RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA")
CURVES = {"ES256": 32, "ES384": 48, "ES512": 66}
# The order of each curve's group: SEC 2, sections 2.4.2, 2.5.1 and 2.6.1.
ORDERS = {
    "ES256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "ES384": 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
    "ES512": 2**521 - 0x5AE79787C40D069948033FEB708F65A2FC44A36477663B851449048E16EC79BF7,
}
CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "a bit turned in front": lambda good: bytes([good[0] ^ 1]) + good[1:],
    "a bit turned in the middle": lambda good: good[:20] + bytes([good[20] ^ 0x10]) + good[21:],
    "a bit turned behind": lambda good: good[:-1] + bytes([good[-1] ^ 0x80]),
    "every bit turned": lambda good: bytes(byte ^ 0xFF for byte in good),
    "one byte less": lambda good: good[:-1],
    "one byte less in front": lambda good: good[1:],
    "half of it": lambda good: good[: len(good) // 2],
    "one byte": lambda good: good[:1],
    "one zero more": lambda good: good + b"\0",
    "one zero more in front": lambda good: b"\0" + good,
    "twice": lambda good: good + good,
    "all zeros": lambda good: bytes(len(good)),
    "all ones": lambda good: b"\xff" * len(good),
    "backwards": lambda good: good[::-1],
    "halves exchanged": lambda good: good[len(good) // 2 :] + good[: len(good) // 2],
    "a text": lambda _good: b"signature",
    "a kilobyte": lambda good: good + bytes(1024),
}


def _numbers(algorithm: str, r: int, s: int) -> bytes:
    size = CURVES[algorithm]
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def _edges(algorithm: str) -> dict[str, bytes]:
    """Return numbers at the edges of the group: zeros once passed for any message (CVE-2022-21449)."""
    order = ORDERS[algorithm]
    edges = {
        "nothing": 0,
        "one": 1,
        "the order less one": order - 1,
        "the order": order,
        "the order and one": order + 1,
    }
    return {
        f"r is {first} and s is {second}": _numbers(algorithm, r, s)
        for first, r in edges.items()
        for second, s in edges.items()
    }


def _der(good: bytes) -> bytes:
    half = len(good) // 2
    return encode_dss_signature(int.from_bytes(good[:half], "big"), int.from_bytes(good[half:], "big"))


def _beyond(world: World) -> str:
    """Add the order to r: the same number to who reduces it first."""
    algorithm = world.issuer.key.algorithm
    size = CURVES[algorithm]

    def change(good: bytes) -> bytes:
        r = int.from_bytes(good[:size], "big") + ORDERS[algorithm]
        return r.to_bytes(size + 1, "big") + b"\0" + good[size:]

    return world.signed(change)


def _forged(signature: bytes) -> Maker:
    return signing(lambda _good: signature)


def _of(algorithm: str, make: Maker) -> Case:
    return Case("T1", Reason.SIGNATURE, make, algorithm)


def _strangers(world: World) -> str:
    return world.token(key=world.issuer.stranger())


def _another_algorithms(world: World) -> str:
    """Sign with a key of another sort and call it the issuer's."""
    other = "EdDSA" if world.issuer.key.algorithm != "EdDSA" else "ES256"
    key = world.issuer.stranger(algorithm=other)
    message = f"{tokens.encode(world.header())}.{tokens.encode(world.claims())}"
    return f"{message}.{tokens.encode(replace(key, kid='key-1').sign(message.encode()))}"


CASES: dict[str, Case] = {
    **{
        f"{algorithm}: {name}": _of(algorithm, signing(change))
        for algorithm in ALGORITHMS
        for name, change in CHANGES.items()
    },
    **{f"{algorithm}: a stranger's": _of(algorithm, _strangers) for algorithm in ALGORITHMS},
    **{f"{algorithm}: of a key of another sort": _of(algorithm, _another_algorithms) for algorithm in ALGORITHMS},
    **{
        f"{algorithm}: {name}": _of(algorithm, _forged(edge))
        for algorithm in CURVES
        for name, edge in _edges(algorithm).items()
    },
    **{f"{algorithm}: in DER": _of(algorithm, signing(_der)) for algorithm in CURVES},
    **{f"{algorithm}: r beyond the order": _of(algorithm, _beyond) for algorithm in CURVES},
}
