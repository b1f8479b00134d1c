"""What the fake STS can do instead of its duty, and the switches for it."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from enum import Enum, auto
from random import Random
from time import monotonic


class Kind(Enum):
    """The ways to go wrong; each is one branch in the server."""

    NONE = auto()
    ERROR = auto()
    LATENCY = auto()
    HOLD = auto()
    HANG = auto()
    RESET = auto()
    NO_SESSION_TOKEN = auto()
    NO_EXPIRATION = auto()
    PAST_EXPIRATION = auto()
    GARBAGE_EXPIRATION = auto()
    LATE_EXPIRATION = auto()
    EXPIRATION = auto()
    OTHER_ROLE = auto()
    CUT_XML = auto()
    OVERSIZE = auto()


@dataclass(frozen=True, slots=True)
class Fault:
    """One misbehaviour; `code`, `status` and `message` belong to ERROR, `seconds` to LATENCY, `message` to EXPIRATION.

    An ERROR may come `seconds` late.
    """

    kind: Kind
    code: str = ""
    status: int = 0
    message: str = ""
    seconds: float = 0.0


# The status each code comes with (botocore's STS model; Throttling is 400 there, and so it is on the wire).
STATUS = {
    "AccessDenied": 403,
    "ExpiredToken": 403,
    "ExpiredTokenException": 400,
    "InternalFailure": 500,
    "InvalidClientTokenId": 403,
    "MalformedPolicyDocument": 400,
    "PackedPolicyTooLarge": 400,
    "RegionDisabledException": 403,
    "ServiceUnavailable": 503,
    "SignatureDoesNotMatch": 403,
    "Throttling": 400,
    "ValidationError": 400,
}


def error(code: str, *, status: int | None = None, message: str = "", late: float = 0.0) -> Fault:
    """Answer an AWS error; the status is the one AWS sends with `code` unless given."""
    said = message or f"{code}, said the fake"
    return Fault(Kind.ERROR, code=code, status=status or STATUS[code], message=said, seconds=late)


def expiration(said: str) -> Fault:
    """Answer well but for the text of Expiration."""
    return Fault(Kind.EXPIRATION, message=said)


def latency(seconds: float) -> Fault:
    """Answer well, `seconds` late."""
    return Fault(Kind.LATENCY, seconds=seconds)


HEALTHY = Fault(Kind.NONE)
HOLD = Fault(Kind.HOLD)  # answer well, but only after release()
HANG = Fault(Kind.HANG)  # never answer
RESET = Fault(Kind.RESET)
NO_SESSION_TOKEN = Fault(Kind.NO_SESSION_TOKEN)
NO_EXPIRATION = Fault(Kind.NO_EXPIRATION)
PAST_EXPIRATION = Fault(Kind.PAST_EXPIRATION)
GARBAGE_EXPIRATION = Fault(Kind.GARBAGE_EXPIRATION)
LATE_EXPIRATION = Fault(Kind.LATE_EXPIRATION)  # 12 h later than was asked for
OTHER_ROLE = Fault(Kind.OTHER_ROLE)
CUT_XML = Fault(Kind.CUT_XML)
OVERSIZE = Fault(Kind.OVERSIZE)  # a good answer inside 10 MB


class Switches:
    """Which fault the next request meets: a throttle first, then what is queued, then what is standing."""

    def __init__(self) -> None:
        self._faults: dict[str | None, Fault] = {}
        self._next: dict[str | None, deque[Fault]] = {}
        self._released = asyncio.Event()
        self._share = 0.0
        self._dice = Random(2026)  # noqa: S311 - a die that falls alike in every run
        self._limit: float | None = None
        self._recent: deque[float] = deque()

    def fault(self, fault: Fault, *, role: str | None = None) -> None:
        """Misbehave so until `heal`, towards one role ARN or everyone."""
        self._faults[role] = fault

    def next(self, *faults: Fault, role: str | None = None) -> None:
        """Misbehave so for the next requests, one each; HEALTHY lets one pass."""
        self._next.setdefault(role, deque()).extend(faults)

    def sometimes(self, fault: Fault, share: float) -> None:
        """Misbehave so until `heal` towards this share of all requests, each by the throw of a die."""
        self._faults[None], self._share = fault, share

    def throttle_above(self, per_second: float | None) -> None:
        """Answer Throttling to what exceeds `per_second` within any second; None lifts it."""
        self._limit = per_second
        self._recent.clear()

    def heal(self) -> None:
        """Forget every fault and release what is held."""
        self._faults.clear()
        self._next.clear()
        self._share = 0.0
        self._limit = None
        self.release()

    def release(self) -> None:
        """Let go what HOLD held; a HOLD after this holds again."""
        self._released.set()
        self._released = asyncio.Event()

    def due(self, role: str) -> Fault:
        """Return what the next request for `role` meets, and use it up."""
        if self._too_fast():
            return Fault(Kind.ERROR, code="Throttling", status=STATUS["Throttling"], message="Rate exceeded")
        for whose in (role, None):
            if waiting := self._next.get(whose):
                return waiting.popleft()
        if self._share and self._dice.random() >= self._share:
            return HEALTHY
        return self._faults.get(role) or self._faults.get(None) or HEALTHY

    def _too_fast(self) -> bool:
        if self._limit is None:
            return False
        now = monotonic()
        while self._recent and self._recent[0] <= now - 1:
            self._recent.popleft()
        if len(self._recent) >= self._limit:
            return True
        self._recent.append(now)
        return False

    async def wait(self, fault: Fault) -> None:
        """Wait as long as `fault` makes a caller wait, forever for HANG."""
        if fault.kind is Kind.LATENCY:
            await asyncio.sleep(fault.seconds)
        elif fault.kind is Kind.HOLD:
            await self._released.wait()
        elif fault.kind is Kind.HANG:
            await asyncio.Event().wait()
