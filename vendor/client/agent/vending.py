"""Whose token is asked with, and what is held for whom."""

from __future__ import annotations

import json
import re
import threading
from binascii import a2b_base64
from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from urllib.parse import parse_qsl, unquote

from vendor.client.agent.held import Held
from vendor.client.refusals import UsageError

TYPE_CHECKING = False  # as in client/address.py
if TYPE_CHECKING:
    from collections.abc import Callable

    from vendor.client.client import Client
    from vendor.client.credentials import Credentials
    from vendor.client.deadline import Clock

    Tell = Callable[[str], object]
    Key = tuple[object, ...]

IN_TIME = 0.9  # seconds: the C++ SDK gives up at 1.0 s and then signs nothing
_MOST = 1024  # wishes that are held at a time
_MOST_FETCHES = 64
_A_WHILE = timedelta(seconds=5)


class Wish:
    """What is asked for: a scope or the only one, parameters, and a duration in seconds or the scope's own."""

    __slots__ = ("parameters", "scope", "seconds")

    def __init__(self, scope: str | None, parameters: dict[str, str], seconds: int | None = None) -> None:
        self.scope = scope
        self.parameters = parameters
        self.seconds = seconds

    @property
    def key(self) -> Key:
        """What tells it from all others."""
        return (self.scope, tuple(sorted(self.parameters.items())), self.seconds)


def read_wish(scope: str, query: str) -> Wish:
    """Read a wish from what stands behind `/v1/credentials/` in a URL. Raises UsageError."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), errors="strict", max_num_fields=64)
    except ValueError as exc:  # UnicodeDecodeError is one
        raise UsageError("the query is malformed") from exc
    members = dict(pairs)
    if len(members) != len(pairs):
        raise UsageError("a query member stands twice")
    seconds = members.pop("duration_seconds", None)
    if seconds is not None and not (seconds.isascii() and seconds.isdigit() and len(seconds) < 7):  # noqa: PLR2004
        raise UsageError("duration_seconds must be a number of seconds")
    name = unquote(scope)
    if name and not re.fullmatch(r"[a-z0-9][a-z0-9._:-]{0,62}", name):
        raise UsageError(f"no scope has this name: {name}")
    return Wish(name or None, members, None if seconds is None else int(seconds))


class Vending:
    """Hands out credentials from memory, and asks the service ahead of need.

    `client` makes the client that asks: with our own token, or with the one that is given. What a caller's own token
    was good for is held under that token's digest, never beyond the token's own end, and renewed only when it comes
    again.
    """

    def __init__(self, client: Callable[[str | None], Client], *, clock: Clock, tell: Tell = lambda _: None) -> None:
        self._client = client
        self._clock = clock
        self._tell = tell
        self._lock = threading.Lock()
        self._shelf: OrderedDict[Key, tuple[Held, datetime | None]] = OrderedDict()
        self._ready: dict[Key, Held] = {}
        self._room = threading.BoundedSemaphore(_MOST_FETCHES)
        self._stopped = threading.Event()

    def get(self, wish: Wish, *, token: str | None = None, patience: float = IN_TIME) -> Credentials:
        """Return credentials, asked for with `token` if one is given. Raises as Held.get."""
        return self._held(wish, token).get(patience)

    def keep_ready(self, wish: Wish) -> None:
        """Fetch for a wish now, and renew it ahead of its end from now on, whether anybody asks or not."""
        self._ready[wish.key] = held = self._make(wish, None)
        held.renew(unused=True)

    def renew_ahead(self, *, every: float = 5.0) -> None:
        """Renew what is due, until `stop` is called: what is kept ready, and what was used since it came.

        It is looked at every so many seconds.
        """
        while not self._stopped.wait(every):
            with self._lock:
                own = [held for held, until in self._shelf.values() if until is None]
            for held in self._ready.values():
                held.renew(unused=True)
            for held in own:
                held.renew(unused=False)

    def stop(self) -> None:
        """End `renew_ahead`."""
        self._stopped.set()

    def _held(self, wish: Wish, token: str | None) -> Held:
        if token is None and wish.key in self._ready:
            return self._ready[wish.key]
        key = (*wish.key, None if token is None else sha256(token.encode()).digest())
        with self._lock:
            held, until = self._shelf.get(key, (None, None))
            if held is None or (until is not None and until <= self._clock.now()):
                if held is None and len(self._shelf) >= _MOST:
                    self._drop_one()
                held = self._make(wish, token)
                self._shelf[key] = (held, None if token is None else self._until(token))
            self._shelf.move_to_end(key)
            return held

    def _drop_one(self) -> None:
        """Drop what has been of no use for longest, else the oldest: a flood of bad tokens drives nobody out."""
        key = next((key for key, (held, _) in self._shelf.items() if not held.is_of_use), next(iter(self._shelf)))
        del self._shelf[key]

    def _make(self, wish: Wish, token: str | None) -> Held:
        def fetch() -> Credentials:
            return self._client(token).ask(wish.scope, parameters=wish.parameters, duration=wish.seconds)

        def tell(line: str) -> None:
            self._tell(f"{wish.scope or 'the only scope'}: {line}")

        # What a caller's own token is refused for is the caller's business, and told to it.
        return Held(fetch, clock=self._clock, room=self._room, tell=tell if token is None else lambda _: None)

    def _until(self, token: str) -> datetime:
        """Return how long to hold what a token is good for; of one that ended, or says no end, the refusal a while."""
        return max(_end(token), self._clock.now() + _A_WHILE)


def _end(token: str) -> datetime:
    """Return when a token ends by its own word, which the service judges; at once when it says nothing."""
    try:
        part = token.split(".")[1].replace("-", "+").replace("_", "/")
        return datetime.fromtimestamp(int(json.loads(a2b_base64(part + "=" * (-len(part) % 4)))["exp"]), UTC)
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, OSError, RecursionError):
        return datetime.fromtimestamp(0, UTC)
