"""A listener: finds the door of each request, and turns whatever happens behind it into an answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from vendor.refusals import InvalidRequest, MethodNotAllowed, NotFound, Reason, Refusal
from vendor.server import documents, wire
from vendor.server.answer import Answer
from vendor.server.connection import Server
from vendor.server.crowd import Unread

if TYPE_CHECKING:
    from aiohttp import web

    from vendor.audit import Clock
    from vendor.server.gate import Gate


MOST_TARGETS: Final = 2_000
"""Request targets that are remembered."""
LONGEST_TARGET: Final = 512
"""Characters of the longest that is."""


class Visit(NamedTuple):
    """One request at a door; `began` is monotonic."""

    request: web.BaseRequest
    request_id: str
    began: float
    target: wire.Target


Door = Callable[[Visit], Awaitable[Answer]]
Doors = Mapping[str, Door]


class Voice(Protocol):
    """How refusals are written at a path."""

    def write_refusal(self, refusal: Refusal, request_id: str, more: Mapping[str, str] | None = None) -> Answer:
        """Return the answer of a refusal."""
        ...

    def write_defect(self, request_id: str) -> Answer:
        """Return the answer to a defect of ours."""
        ...


class Observer(Protocol):
    """Is told what no audit line holds."""

    def refused(self, refusal: Refusal) -> None:
        """Note a refusal at the edge, before any exchange."""
        ...

    def failed(self, request_id: str, exc: BaseException | None) -> None:
        """Note a defect."""
        ...


class Listener:
    """Answers requests by the doors that `find` returns for a path: the door of each method, None where nothing is.

    `voice` returns how a path, as it was sent, refuses; at a `gate` who comes too much is turned away. While it drains,
    every answer closes its connection.
    """

    def __init__(
        self,
        *,
        find: Callable[[tuple[str, ...]], Doors | None],
        observer: Observer,
        clock: Clock,
        voice: Callable[[str], Voice] = lambda _: documents,
        gate: Gate | None = None,
    ) -> None:
        self._find = find
        self._voice = voice
        self._gate = gate
        self._observer = observer
        self._clock = clock
        self._unread = (
            None
            if gate is None
            else Unread(gate, voice=voice, told=observer.refused, draining=lambda: self.draining, clock=clock)
        )
        self._targets: dict[str, tuple[wire.Target, Doors | None]] = {}
        self.draining = False

    def server(self) -> Server:
        """Return the server to listen with."""
        return Server(self.answer, refuse=self._refuse_broken, unread=self._unread)

    async def answer(self, request: web.BaseRequest) -> Answer:
        """Return the answer to a request, whatever happens on the way."""
        request_id = wire.new_request_id()
        leave = None
        try:
            if self._gate is not None:
                leave = self._gate.enter(request.content)
            began = self._clock.monotonic()
            door, target = self._door(request)
            answer = await door(Visit(request, request_id, began, target))
        except Refusal as refusal:
            answer = self._refuse(refusal, request_id, voice=self._voice_at(request))
            _let_go(refusal)
            if wire.is_coded(request):
                answer.force_close()  # whoever stands before us may have seen the end of it elsewhere
        except Exception as exc:  # noqa: BLE001 - an exception becomes neither a yes nor a traceback
            self._observer.failed(request_id, exc)
            answer = self._voice_at(request).write_defect(request_id)
        finally:
            if leave is not None:
                leave()
        if self.draining:
            answer.force_close()
        return answer

    def _door(self, request: web.BaseRequest) -> tuple[Door, wire.Target]:
        """Return where a request is answered, and what it points at there."""
        wire.check_version(request)
        target, doors = self._target(request.raw_path)
        if doors is None:
            raise NotFound(Reason.NO_SUCH_PATH)
        door = doors.get(request.method)
        if door is None:
            return partial(self._refuse_method, ", ".join(doors)), target
        if request.method == "GET" and request.body_exists:
            raise InvalidRequest(Reason.MALFORMED_REQUEST, "a GET request has no body")
        return door, target

    async def _refuse_method(self, allowed: str, visit: Visit) -> Answer:
        refusal, voice = MethodNotAllowed(Reason.NO_SUCH_METHOD), self._voice_at(visit.request)
        return self._refuse(refusal, visit.request_id, {"Allow": allowed}, voice=voice)

    def _target(self, raw: str) -> tuple[wire.Target, Doors | None]:
        """Return where a request points and what is there; it is remembered, as callers ask for the same again."""
        found = self._targets.get(raw)
        if found is None:
            target = wire.read_target(raw)
            found = target, self._find(target.segments)
            if len(self._targets) >= MOST_TARGETS:
                self._targets.clear()
            if len(raw) <= LONGEST_TARGET and "eyJ" not in raw:  # which may be a token
                self._targets[raw] = found
        return found

    def _voice_at(self, request: web.BaseRequest) -> Voice:
        return self._voice(request.raw_path.partition("?")[0])

    def _refuse(
        self, refusal: Refusal, request_id: str, more: Mapping[str, str] | None = None, *, voice: Voice = documents
    ) -> Answer:
        if not refusal.recorded:
            self._observer.refused(refusal)
        return voice.write_refusal(refusal, request_id, more)

    def _refuse_broken(self, refusal: Refusal | None) -> Answer:
        """Answer what the HTTP parser could not read."""
        request_id = wire.new_request_id()
        if refusal is not None:
            return self._refuse(refusal, request_id)
        self._observer.failed(request_id, None)
        return documents.write_defect(request_id)


def _let_go(refusal: Refusal) -> None:
    """Forget the frames of a refusal and of what it came of.

    They hold the entry that holds it: a flood of such circles would make the collector stall everybody.
    """
    one: BaseException | None = refusal
    while one is not None:  # what is taken apart comes to an end, also where something is its own cause
        following = one.__cause__ or one.__context__
        one.__traceback__ = one.__cause__ = one.__context__ = None
        one = following
