"""T7, T15, T6: times that are no times, and times that are not now."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.identity.corpus.world import GONE, Case, World, claiming
from vendor.refusals import Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.identity.corpus.world import Maker

HOUR = 3600
DAY = 24 * HOUR
NO_TIMES: dict[str, Any] = {
    "null": None,
    "empty": "",
    "a text": "soon",
    "true": True,
    "false": False,
    "a list": [1],
    "an empty list": [],
    "an object": {"value": 1},
    "minus one": -1,
    "long before": -(10**12),
    "the year 10000": 253_402_300_800,
    "in milliseconds": 1_772_366_400_000,
    "in nanoseconds": 1_772_366_400_000_000_000,
    "beyond 32 bits twice": 2**64,
    "beyond 63 bits": 2**63,
    "of a hundred digits": 10**100,
    "a date": "2026-03-01T13:00:00Z",
    "an HTTP date": "Sun, 01 Mar 2026 13:00:00 GMT",
}
WRITTEN: dict[str, Callable[[int], str]] = {
    "in quotes": lambda at: f'"{at}"',
    "in quotes with a blank": lambda at: f'" {at}"',
    "in full-width digits": lambda at: '"' + "".join(chr(ord(digit) + 0xFEE0) for digit in str(at)) + '"',
    "in Arabic digits": lambda at: '"' + "".join(chr(ord(digit) + 0x630) for digit in str(at)) + '"',
    "with a fraction": lambda at: f"{at}.5",
    "with a fraction of nothing": lambda at: f"{at}.0",
    "with an exponent": lambda at: f"{at}e0",
    "with a great exponent": lambda _at: "1E10",
    "as a small exponent": lambda at: f"{at}0e-1",
    "with a fraction of seventeen digits": lambda at: f"{at}.00000000000000001",
}
UNREADABLE: dict[str, Callable[[int], str]] = {
    "NaN": lambda _at: "NaN",
    "Infinity": lambda _at: "Infinity",
    "minus Infinity": lambda _at: "-Infinity",
    "beyond doubles": lambda _at: "1e400",
    "hexadecimal": hex,
    "with a plus": lambda at: f"+{at}",
    "with a zero in front": lambda at: f"0{at}",
    "with underscores": lambda at: f"{at:_}",
    "with commas": lambda at: f"{at:,}",
    "of five thousand digits": lambda _at: "9" * 5000,
    "in full-width digits and no quotes": lambda at: "".join(chr(ord(digit) + 0xFEE0) for digit in str(at)),
}


def _literal(name: str, write: Callable[[int], str]) -> Maker:
    """Write a claim digit by digit where no encoder would write it so."""

    def make(world: World) -> str:
        at = int(world.issuer.claims()[name])
        good = world.claims(**{name: GONE})
        return world.raw(payload=good[:-1] + f',"{name}":{write(at)}}}'.encode())

    return make


def _at(**offsets: int | None) -> Maker:
    """Write times as seconds from now; None leaves one out."""
    return lambda world: world.token(
        claims={name: GONE if offset is None else world.now() + offset for name, offset in offsets.items()}
    )


def _life(reason: Reason, **offsets: int | None) -> Case:
    return Case("T6", reason, _at(**offsets))


CASES: dict[str, Case] = {
    **{
        f"{name} that is {what}": Case("T15", Reason.CLAIMS, claiming(**{name: value}))
        for name in ("exp", "iat", "nbf")
        for what, value in NO_TIMES.items()
    },
    **{
        f"{name} {what}": Case("T7", Reason.CLAIMS, _literal(name, write))
        for name in ("exp", "iat", "nbf")
        for what, write in WRITTEN.items()
    },
    **{
        f"{name} {what}": Case("T7", Reason.MALFORMED_TOKEN, _literal(name, write), cold=True)
        for name in ("exp", "iat", "nbf")
        for what, write in UNREADABLE.items()
    },
    **{f"no {name}": Case("T6", Reason.CLAIMS, claiming(**{name: GONE})) for name in ("exp", "iat")},
    "exp zero": Case("T6", Reason.EXPIRED, claiming(exp=0)),
    "all times zero": Case("T6", Reason.EXPIRED, claiming(exp=0, iat=0, nbf=0)),
    "iat zero": Case("T6", Reason.LIFETIME, claiming(iat=0)),
    "exp minus nothing": Case("T7", Reason.EXPIRED, _literal("exp", lambda _at: "-0")),
    "exp at the end of time": Case("T6", Reason.LIFETIME, claiming(exp=253_402_300_799)),
    "exp beyond 31 bits": Case("T6", Reason.LIFETIME, claiming(exp=2**32)),
    "exp before iat": _life(Reason.LIFETIME, exp=HOUR, iat=HOUR + 1),
    "exp at iat": _life(Reason.LIFETIME, exp=0, iat=0),
    "exp long before iat": _life(Reason.EXPIRED, exp=-DAY, iat=0),
    "a second too long": _life(Reason.LIFETIME, exp=DAY + 1, iat=0),
    "too long, and half over": _life(Reason.LIFETIME, exp=DAY, iat=-DAY),
    "a year": _life(Reason.LIFETIME, exp=365 * DAY, iat=0),
    "expired": _life(Reason.EXPIRED, exp=-30, iat=-HOUR, nbf=None),
    "expired for a day less a second": _life(Reason.EXPIRED, exp=1 - DAY, iat=-DAY, nbf=None),
    "expired for years": _life(Reason.EXPIRED, exp=HOUR - 3650 * DAY, iat=-3650 * DAY, nbf=None),
    "expired, and not yet begun": _life(Reason.EXPIRED, exp=-HOUR, iat=-2 * HOUR, nbf=HOUR),
    "issued in the future": _life(Reason.NOT_YET_VALID, exp=HOUR, iat=31, nbf=None),
    "issued tomorrow": _life(Reason.NOT_YET_VALID, exp=DAY + HOUR, iat=DAY, nbf=None),
    "not before half a minute and a second": _life(Reason.NOT_YET_VALID, nbf=31),
    "not before it ends": _life(Reason.NOT_YET_VALID, nbf=2 * HOUR),
    "older than the issuer allows": Case(
        "T6", Reason.LIFETIME, _at(exp=HOUR, iat=-HOUR, nbf=None), changes={"max_token_age": timedelta(minutes=10)}
    ),
    "of the issuer's age, with no leeway": Case(
        "T6",
        Reason.LIFETIME,
        _at(exp=HOUR, iat=-601, nbf=None),
        changes={"max_token_age": timedelta(minutes=10), "leeway": timedelta(0)},
    ),
}
