"""What is held for one wish: fetched once at a time, renewed ahead of its end, and used until then come what may."""

from __future__ import annotations

import contextlib
import random
import threading
from datetime import timedelta

from vendor.client.refusals import AccessDenied, Refused, Unavailable, Unreachable, UsageError, ValueNotAllowed

TYPE_CHECKING = False  # as in address.py
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vendor.client.credentials import Credentials
    from vendor.client.deadline import Clock

_LAST = timedelta(minutes=1)  # with less than that left the next ones are waited for
_REFUSED = 5.0  # seconds for which a refusal stands: an SDK asks three to five times within that
_FIRST, _LARGEST = 1.0, 30.0  # seconds between tries while the service is away


class Held:
    """Credentials for one wish, shared by all who have it.

    `fetch` is called in a thread of its own, never twice at a time, and whoever stops waiting does not stop it. While
    the service is away what is held goes on being handed out; when the service says that this identity may not have it
    (any more), it is dropped. `tell` is given a line for people when a fetch fails. `room` bounds how many fetch at a
    time, over all wishes.
    """

    def __init__(
        self,
        fetch: Callable[[], Credentials],
        *,
        clock: Clock,
        room: threading.Semaphore,
        tell: Callable[[str], object] = lambda _: None,
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._room = room
        self._tell = tell
        self._changed = threading.Condition()
        self._had: Credentials | None = None
        self._failure: Exception | None = None
        self._failures = 0
        self._again = clock.monotonic()
        self._flying = False
        self._used = False

    def get(self, patience: float) -> Credentials:
        """Return what is held, else what comes within `patience` seconds.

        Raises Refused, Unreachable or UsageError as `fetch` did, and Unreachable when nothing has come yet.
        """
        with self._changed:
            self._fly_when_due()
            had = self._left(_LAST)
            if had is None and self._flying:
                self._changed.wait_for(lambda: not self._flying, patience)
            had = had or self._left(timedelta(0))
            if had is not None:
                self._used = True
                return had
            if self._failure is None or self._flying:
                raise Unreachable("the service has not answered yet; it is being asked")
            raise type(self._failure)(*self._failure.args)  # each caller its own: a traceback grows when shared

    def renew(self, *, unused: bool) -> None:
        """Begin to fetch anew if it is time, if `unused` also what nobody has asked for since; nobody waits for it."""
        with self._changed:
            if unused or self._used:
                self._fly_when_due()

    @property
    def is_of_use(self) -> bool:
        """Tell whether credentials are held that have not ended."""
        return self._left(timedelta(0)) is not None

    def _left(self, least: timedelta) -> Credentials | None:
        """Return what is held if more than `least` of its life is left."""
        if self._had is not None and self._had.expiration - self._clock.now() > least:
            return self._had
        return None

    def _fly_when_due(self) -> None:
        had = self._left(_LAST)
        fresh = had is not None and self._clock.now() < had.renewal
        if fresh or self._flying or self._clock.monotonic() < self._again:
            return
        self._flying = self._room.acquire(blocking=False)
        if self._flying:
            try:
                threading.Thread(target=self._fly, name="vend-fetch", daemon=True).start()
            except RuntimeError:  # the system allows no more threads
                self._room.release()
                self._flying = False
        if not self._flying:
            self._failure = Unavailable("overloaded", "too many ask the service at once", None, 503, 1)

    def _fly(self) -> None:
        try:
            with self._leaving_room():
                fetched = self._fetch()
        except (Refused, Unavailable, Unreachable, UsageError) as exc:
            self._land(failure=exc)
        except Exception as exc:  # noqa: BLE001  # a defect must leave nobody waiting for ever
            self._land(failure=Unreachable(f"this should not have happened: {type(exc).__name__}"))
        else:
            self._land(fetched)

    @contextlib.contextmanager
    def _leaving_room(self) -> Iterator[None]:
        try:
            yield
        finally:
            self._room.release()

    def _land(self, fetched: Credentials | None = None, failure: Exception | None = None) -> None:
        with self._changed:
            self._flying = False
            self._failure = failure
            self._failures = 0 if failure is None else self._failures + 1
            # Also after a success: what is handed out while STS is down is due again at once.
            self._again = self._clock.monotonic() + (_FIRST if failure is None else self._wait(failure))
            if fetched is not None or isinstance(failure, AccessDenied | ValueNotAllowed):
                self._had = fetched
                self._used = False
            self._changed.notify_all()
        if failure is not None:
            end = f"; what is held ends {self._had.expiration:%Y-%m-%dT%H:%M:%SZ}" if self._had else ""
            self._tell(f"{failure}{end}")

    def _wait(self, failure: Exception) -> float:
        if isinstance(failure, Refused) and failure.retry_after is not None:
            return min(float(failure.retry_after), _LARGEST)
        if isinstance(failure, Refused) and failure.status is not None and failure.status < 500:  # noqa: PLR2004
            return _REFUSED
        # Half of it at random: agents that failed together must not come back together.
        longest: float = min(_LARGEST, _FIRST * 2.0 ** min(self._failures, 10))
        return longest * random.uniform(0.5, 1)  # noqa: S311  # no secret
