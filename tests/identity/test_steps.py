"""T34: an exception at any step of authentication is never a yes, leaves nothing believed, and harms no later token."""

from __future__ import annotations

import asyncio
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes import tokens
from tests.fakes.clock import Clock
from tests.fakes.keys import POOL
from tests.identity import made
from vendor.identity.authentication import Authenticator, TrustedIssuer, VerificationKey
from vendor.identity.issuer import Issuer
from vendor.identity.token import digest
from vendor.refusals import InvalidToken, Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from tests.fakes.keys import SigningKey
    from vendor.identity.principal import Principal

pytestmark = pytest.mark.untraced

URL = "https://oidc.example.com/id/AAA"
NOW = int(Clock().now().timestamp())
CLAIMS: dict[str, Any] = {
    "iss": URL,
    "sub": "system:serviceaccount:analytics:reporter",
    "aud": "vendor",
    "jti": "1",
    "exp": NOW + 600,
    "iat": NOW,
    "nbf": NOW,
    "kubernetes.io": {"namespace": "analytics", "serviceaccount": {"name": "reporter", "uid": "u"}},
}
KINDS: tuple[type[BaseException], ...] = (
    *(KeyError, TypeError, ValueError, AttributeError, IndexError, AssertionError, ZeroDivisionError, LookupError),
    *(RecursionError, MemoryError, OverflowError, OSError, TimeoutError, RuntimeError, UnicodeError, StopIteration),
    *(asyncio.CancelledError, GeneratorExit),
)


class Broken:
    """A part that raises the `turn`-th time that `member` is asked for, and is whole before and after."""

    def __init__(self, part: object, member: str, kind: type[BaseException], turn: int = 1) -> None:
        self._part, self._member, self._kind, self._turn = part, member, kind, turn
        self.used = 0

    def __getattr__(self, name: str) -> Any:
        if name == self._member:
            self.used += 1
            if self.used == self._turn:
                raise self._kind("planted")
        return getattr(self._part, name)

    def __getitem__(self, name: str) -> Any:
        return self.get(name)

    def items(self) -> Any:
        """Return what the issuers' own dictionary does."""
        return self._part.items()  # type: ignore[attr-defined]


class Keys:
    """The one key of an issuer."""

    generation = 1

    def __init__(self, key: object) -> None:
        self._key = key

    async def find(self, _key_id: str) -> VerificationKey:
        return VerificationKey(algorithm="RS256", public_key=self._key)  # type: ignore[arg-type]


class Review:
    """An issuer that still takes every token."""

    async def review(self, text: str, principal: Principal) -> None:
        """Raise nothing."""


@pytest.fixture(scope="module")
def key() -> Iterator[SigningKey]:
    borrowed = POOL.borrow("RS256", kid="key-1")
    yield borrowed
    POOL.give_back(borrowed)


def _token(key: SigningKey, **claims: Any) -> str:
    return tokens.signed(tokens.write({"alg": "RS256", "kid": "key-1"}), tokens.write({**CLAIMS, **claims}), key=key)


def _whole(_name: str, part: Any) -> Any:
    return part


def _authenticator(key: SigningKey, through: Callable[[str, Any], Any] = _whole, **changes: Any) -> Authenticator:
    """Return an authenticator of one issuer; each of its parts may be replaced on its way in."""
    trusted = TrustedIssuer(
        issuer=through("issuer", made.issuer(**changes)),
        keys=through("keys", Keys(through("key", key.private.public_key()))),
        review=through("review", Review()),
    )
    return Authenticator(issuers=through("issuers", {URL: trusted}), clock=through("clock", Clock()))


STEPS = {
    "the issuer's look-up": ("issuers", "get"),
    "the key's look-up": ("keys", "find"),
    "the keys' generation": ("keys", "generation"),
    "the signature": ("key", "verify"),
    "the review": ("review", "review"),
    "the clock": ("clock", "now"),
    **{f"the issuer's {field.name}": ("issuer", field.name) for field in fields(Issuer)},
}


def _breaking(
    key: SigningKey, step: str, kind: type[BaseException], turn: int = 1, **changes: Any
) -> tuple[Authenticator, Broken]:
    """Return an authenticator with one broken part, and that part."""
    where, member = STEPS[step]
    broken: list[Broken] = []

    def through(name: str, part: Any) -> Any:
        if name != where:
            return part
        broken.append(Broken(part, member, kind, turn))
        return broken[0]

    return _authenticator(key, through, **changes), broken[0]


async def _outcome(authenticator: Authenticator, text: str) -> object:
    try:
        return await authenticator.authenticate(text)
    except BaseException as exc:  # noqa: BLE001 - which one it is, the test asks
        return exc


@pytest.mark.parametrize("one_time", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("step", STEPS)
async def test_an_exception_at_a_step_is_never_a_yes(
    key: SigningKey,
    step: str,
    kind: type[BaseException],
    one_time: bool,  # noqa: FBT001
) -> None:
    text = _token(key)
    for turn in range(1, 9):
        authenticator, broken = _breaking(key, step, kind, turn, one_time=one_time)
        got = await _outcome(authenticator, text)
        if broken.used < turn:
            assert getattr(got, "issuer", None) == "cluster-a"
            return
        assert isinstance(got, BaseException)
        assert isinstance(got, InvalidToken | kind) or (kind is StopIteration and isinstance(got, RuntimeError))
        assert authenticator.recall(digest(text)) is None
        again = await _outcome(authenticator, _token(key, jti="2"))
        assert getattr(again, "issuer", None) == "cluster-a"
    pytest.fail("the step has no end")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if issubclass(kind, Exception)])
async def test_whatever_the_library_raises_for_a_signature_is_a_refusal(key: SigningKey, kind: type[Exception]) -> None:
    authenticator, _ = _breaking(key, "the signature", kind)
    got = await _outcome(authenticator, _token(key))
    assert isinstance(got, InvalidToken)
    assert got.reason is Reason.SIGNATURE
    assert got.detail == f"{kind.__name__} in verification"


@pytest.mark.parametrize("text", [None, 1, b"a.b.c", ["a.b.c"], object()])
async def test_what_is_no_text_is_no_token(key: SigningKey, text: Any) -> None:
    got = await _outcome(_authenticator(key), text)
    assert isinstance(got, TypeError | AttributeError | InvalidToken)


async def test_a_cancelled_caller_leaves_nothing_believed(key: SigningKey) -> None:
    started = asyncio.Event()

    class Slow(Review):
        async def review(self, text: str, principal: Principal) -> None:
            started.set()
            await asyncio.Event().wait()

    authenticator = _authenticator(key, lambda name, part: Slow() if name == "review" else part)
    text = _token(key)
    asking = asyncio.create_task(authenticator.authenticate(text))
    await started.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert authenticator.recall(digest(text)) is None


class Stepping(Clock):
    """A clock that says another thing each time."""

    def __init__(self, *offsets: float) -> None:
        super().__init__()
        self._offsets = iter(offsets)

    def now(self) -> datetime:
        self.step_wall(next(self._offsets, 0.0))
        return super().now()


@pytest.mark.parametrize("offsets", [(0, 86_400), (0, -86_400), (0, 0, 86_400), (0, 0, -86_400), (0, 0, 0, 86_400)])
async def test_a_clock_that_jumps_within_one_request_makes_nobody_believed_for_longer(
    key: SigningKey, offsets: tuple[float, ...]
) -> None:
    clock = Stepping(*offsets)
    authenticator = _authenticator(key, lambda name, part: clock if name == "clock" else part)
    text = _token(key)
    got = await _outcome(authenticator, text)
    assert authenticator.recall(digest(text)) in (None, got)
    clock.advance(61)
    assert authenticator.recall(digest(text)) is None
